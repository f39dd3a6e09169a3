"""The checks that need no scanner: what they refuse, and what they let pass."""
# ruff: noqa: E501 - tables

from __future__ import annotations

import pytest

from pipeline.records import Domain
from pipeline.verification.change import Stale, apply
from pipeline.verification.cheap import failing_check
from pipeline.verification.checks.names import undefined_names
from pipeline.verification.checks.syntax import new_syntax_error
from pipeline.verification.suppressions import is_scanner_setting, new_suppression
from tests.verification.trees import finding, fix, snapshot

PYTHON = "import hashlib\nimport subprocess\n\n\ndef run(command, content):\n    subprocess.run(command, shell=True)\n    return hashlib.md5(content).hexdigest()\n"
TERRAFORM = 'resource "aws_db_instance" "d" {\n  storage_encrypted = false\n  publicly_accessible = true\n}\n'
DOCKERFILE = 'FROM debian:12\nRUN apt-get install curl\nUSER root\nCMD ["run"]\n'
WORKFLOW = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/checkout@v4\n      - run: echo ${{ github.head_ref }}\n"


def judged(path, text, first, last, replacement, **about):
    found = finding(path, first, last, **about)
    return failing_check(apply(found, fix(found, text, first, last, replacement), snapshot({path: text})))


BAD = [
    ("no suppression", "a.py", PYTHON, 6, "    subprocess.run(command, shell=True)  # nosec B602\n"),
    ("no suppression", "a.py", PYTHON, 6, "    subprocess.run(command, shell=True)  # noqa: S602\n"),
    ("no suppression", "a.py", PYTHON, 6, "    # nosemgrep\n    subprocess.run(command, shell=True)\n"),
    ("no suppression", "a.tf", TERRAFORM, 2, "  storage_encrypted = false #tfsec:ignore:aws-rds\n"),
    ("no suppression", "a.tf", TERRAFORM, 2, "  #checkov:skip=CKV_AWS_16:fine\n  storage_encrypted = false\n"),
    ("no suppression", "a.tf", TERRAFORM, 2, "  #trivy:ignore:AVD-AWS-0080\n  storage_encrypted = false\n"),
    ("no suppression", "Dockerfile", DOCKERFILE, 2, "# hadolint ignore=DL3008\nRUN apt-get install curl\n"),
    ("no suppression", ".github/workflows/ci.yml", WORKFLOW, 6, "      - uses: actions/checkout@v4 # zizmor: ignore[unpinned-uses]\n"),
    ("no suppression", "a.c", "int f(char *s) {\n  return gets(s) != 0;\n}\n", 2, "  return gets(s) != 0; // NOLINT\n"),
    ("no suppression", "a.js", "const k = 'abcdef1234567';\n", 1, "const k = 'abcdef1234567'; // gitleaks:allow\n"),
    ("no suppression", "a.js", "eval(x);\n", 1, "// eslint-disable-next-line\neval(x);\n"),
    ("no deletion", "a.py", PYTHON, 6, ""),
    ("no deletion", "a.py", PYTHON, 6, "    pass\n"),
    ("no deletion", "a.py", PYTHON, 7, "    return None\n"),
    ("no deletion", "a.py", PYTHON, 7, "    raise NotImplementedError\n"),
    ("no deletion", "a.py", PYTHON, 6, "    # subprocess.run(command, shell=True)\n"),
    ("no deletion", "a.py", PYTHON, 6, "    if False:\n        subprocess.run(command, shell=True)\n"),
    ("no deletion", "a.py", PYTHON, 6, '    "subprocess.run(command, shell=True)"\n'),
    ("no deletion", "Dockerfile", DOCKERFILE, 2, "# RUN apt-get install curl\n"),
    ("no deletion", "Dockerfile", DOCKERFILE, 2, ""),
    ("no deletion", ".github/workflows/ci.yml", WORKFLOW, 7, ""),
    ("no disguise", "a.py", PYTHON, 6, '    getattr(subprocess, "run")(command, shell=True)\n'),
    ("no disguise", "a.py", PYTHON, 6, "    start = subprocess.run\n    start(command, shell=True)\n"),
    ("no disguise", "a.py", PYTHON, 6, "    subprocess.run(command,  shell=True)\n"),
    ("no disguise", "a.py", PYTHON, 7, "    # checked\n    return hashlib.md5(content).hexdigest()\n"),
    ("no disguise", "a.py", "def f(x):\n    h = new('md5')\n    return h(x)\n", 2, "    h = new('m' 'd5')\n"),
    ("no disguise", "a.py", "def f(x):\n    secret = eval(x)\n    return secret\n", 2, "    value = eval(x)\n"),
    ("syntax", "a.py", PYTHON, 6, "    subprocess.run(command.split()\n"),
    ("syntax", "a.tf", TERRAFORM, 2, "  storage_encrypted = true\n  storage_encrypted = true\n"),
    ("syntax", "a.tf", TERRAFORM, 2, "  storage_encrypted = \n"),
    ("syntax", ".github/workflows/ci.yml", WORKFLOW, 1, "on: push\non: push\n"),
    ("defined names", "a.py", PYTHON, 6, "    subprocess.run(shlex.split(command))\n"),
]  # fmt: skip
GOOD = [
    ("a.py", PYTHON, 6, "    subprocess.run(command.split(), check=True)\n"),
    ("a.py", PYTHON, 7, "    return hashlib.sha256(content).hexdigest()\n"),
    ("a.py", "import requests\n\nrequests.get(\n    'x',\n    verify=False,\n)\n", 5, ""),
    ("a.tf", TERRAFORM, 2, "  storage_encrypted = true\n"),
    ("a.tf", TERRAFORM, 3, ""),
    ("Dockerfile", DOCKERFILE, 2, "RUN apt-get install -y --no-install-recommends curl\n"),
    ("Dockerfile", DOCKERFILE, 3, "USER 1000\n"),
    ("Dockerfile", "FROM a:1\nADD x y\n", 2, "COPY x y\n"),
    (".github/workflows/ci.yml", WORKFLOW, 7, "      - run: echo $REF\n        env:\n          REF: ${{ github.head_ref }}\n"),
    ("k8s.yaml", "kind: Pod\nspec:\n  hostNetwork: true\n  containers: []\n", 3, "  hostNetwork: false\n"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "path", "text", "line", "replacement"), BAD)
def test_cheats_are_refused(check, path, text, line, replacement):
    failed = judged(path, text, line, line, replacement)
    assert failed is not None
    assert failed[0] == check, failed


@pytest.mark.parametrize(("path", "text", "line", "replacement"), GOOD)
def test_real_changes_pass(path, text, line, replacement):
    assert judged(path, text, line, line, replacement) is None


@pytest.mark.parametrize(
    "replacement",
    ['KEY = "AKIAQ3EG" "RDEM2FIXSM7H"\n', 'KEY = unhide("H7MSXIF2MEDRGE3QAIKA")\n', 'OTHER = "AKIAQ3EGRDEM2FIXSM7H"\n'],
)
def test_a_secret_that_still_stands_there_is_refused(replacement):
    text = 'import os\n\nKEY = "AKIAQ3EGRDEM2FIXSM7H"\n'
    failed = judged("a.py", text, 3, 3, replacement, scanner="gitleaks", rule="aws-access-token", domain=Domain.SECRETS)
    assert failed is not None
    assert failed[0] in ("no disguise", "defined names")


def test_a_secret_read_from_the_environment_passes():
    text = 'import os\n\nKEY = "AKIAQ3EGRDEM2FIXSM7H"\n'
    assert judged("a.py", text, 3, 3, 'KEY = os.environ["KEY"]\n', scanner="gitleaks", domain=Domain.SECRETS) is None


@pytest.mark.parametrize(
    "path", [".bandit", ".checkov.yaml", ".trivyignore", "a/.semgrepignore", ".gitleaks.toml", ".hadolint.yaml", "zizmor.yml", ".github/zizmor.yml", "eslint.config.mjs", "ruff.toml", ".checkov.baseline"]
)  # fmt: skip
def test_scanner_settings_may_not_be_changed(path):
    assert is_scanner_setting(path)
    failed = judged(path, "a: 1\n", 1, 1, "a: 2\n")
    assert failed is not None
    assert failed[0] == "allowed file"


def test_another_file_may_not_be_changed():
    found = finding("a.py", 1)
    other = fix(found, "x = 1\n", 1, 1, "x = 2\n", path="b.py")
    failed = failing_check(apply(found, other, snapshot({"a.py": "y = 1\n", "b.py": "x = 1\n"})))
    assert failed == ("allowed file", "it edits another file than the finding's")


def test_an_old_pragma_is_no_new_one():
    assert new_suppression("x  # noqa\n", "y  # noqa\n") is None
    assert new_suppression("x  # noqa\n", "y  # noqa\nz  # noqa\n") == "noqa"


def test_a_stale_fix_does_not_apply():
    found = finding("a.py", 1)
    with pytest.raises(Stale, match="other lines"):
        apply(found, fix(found, "x = 1\n", 1, 1, "x = 2\n"), snapshot({"a.py": "x = 3\n"}))


def test_a_hidden_secret_still_fits_its_line():
    found = finding("a.py", 1)
    hidden = fix(found, 'KEY = "[redacted:aws:01234567]"\n', 1, 1, "KEY = key()\n")
    change = apply(found, hidden, snapshot({"a.py": 'KEY = "AKIAQ3EGRDEM2FIXSM7H"\n'}))
    assert change.after.text == "KEY = key()\n"


def test_a_file_that_did_not_parse_before_may_stay_so():
    assert new_syntax_error("a.yaml", "{{ helm }}\na: 1\n", "{{ helm }}\na: 2\n") is None


def test_names_are_known_from_every_scope():
    text = "import os.path as p\nfrom a import b\nX: int\n\ndef f(c, *d, **e):\n    global g\n    g = [h for h in c]\n    return p, b, f, g, d, e, __file__, print, lambda k: k\n\nclass K:\n    y = 1\n    z = y\n"
    assert undefined_names(text) == set()
    assert undefined_names(text + "missing()\n") == {"missing"}
