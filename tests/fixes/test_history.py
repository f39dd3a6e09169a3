"""History: a person's change counts, and nothing else that makes a finding disappear."""

from __future__ import annotations

import pytest

from pipeline.fixes.history import ELSEWHERE, History
from pipeline.fixes.interface import Case, Refusal
from pipeline.records import Fix
from tests.verification.trees import finding, snapshot

MD5 = """\
import hashlib


def digest(content):
    size = len(content)
    return hashlib.md5(content).hexdigest(), size
"""
SHA = MD5.replace("md5", "sha256")


def propose(before, after, about, path="a.py", others=None, seen=("bandit",), again=()):
    here = snapshot({path: before, **(others or {}).get("before", {})})
    later = snapshot({**({} if after is None else {path: after}), **(others or {}).get("after", {})})
    case = Case(about, here, later, frozenset(seen), frozenset(again))
    return list(History().propose(case))


def only(proposed):
    assert len(proposed) == 1, proposed
    return proposed[0]


def reason(*args, **kwargs):
    refusal = only(propose(*args, **kwargs))
    assert isinstance(refusal, Refusal), refusal
    return refusal.reason


def test_the_change_is_cut_down_to_the_lines_it_is_about():
    fix = only(propose(MD5, SHA + "\n\ndef other():\n    return 1\n", finding("a.py", 6)))
    assert (fix.start_line, fix.end_line) == (6, 6)
    assert fix.before == "    return hashlib.md5(content).hexdigest(), size\n"
    assert fix.replacement == "    return hashlib.sha256(content).hexdigest(), size\n"


def test_lines_that_share_a_name_with_the_change_belong_to_it():
    before = 'def find(c, number):\n    query = "select %s" % number\n    log()\n    c.execute(query)\n'
    after = 'def find(c, number):\n    query = "select ?"\n    log()\n    c.execute(query, (number,))\n'
    fix = only(propose(before, after, finding("a.py", 2, rule="B608")))
    assert (fix.start_line, fix.end_line) == (2, 4)


def test_an_import_the_change_needs_goes_along():
    before = "import random\n\n\ndef token():\n    return random.choice('ab')\n"
    after = "import random\nimport secrets\n\n\ndef token():\n    return secrets.choice('ab')\n"
    fix = only(propose(before, after, finding("a.py", 5, rule="B311")))
    assert "import secrets\n" in fix.companions[0].text
    assert fix.start_line == 5


def test_a_helper_the_change_needs_goes_along():
    before = "def view(r):\n    return redirect(r.args['next'])\n"
    after = "def own(target):\n    return '/' + target\n\n\ndef view(r):\n    return redirect(own(r.args['next']))\n"
    fix = only(propose(before, after, finding("a.py", 2)))
    assert "def own(target):" in fix.companions[0].text


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (None, "file deleted or renamed"),
        (
            MD5.replace("size\n", "size  # nosec\n", 2).replace("len(content)  # nosec", "len(content)"),
            "suppressed by a comment",
        ),
        (MD5.replace("hexdigest(), size", "hexdigest(), size  # a note"), "only comments or layout changed"),
        ("import hashlib\n", "code emptied"),
        (
            MD5.replace("    size = len(content)\n    return hashlib.md5(content).hexdigest(), size\n", "    pass\n"),
            "code emptied",
        ),
        (MD5, "flagged code not changed"),
        (MD5 + "\n\nx = 1\n", "flagged code not changed"),
    ],
)
def test_what_only_hides_the_finding_is_no_fix(after, why):
    assert reason(MD5, after, finding("a.py", 6)) == why


def test_code_moved_within_the_file_is_no_fix():
    line = "    return hashlib.md5(content).hexdigest(), size\n"
    after = MD5.replace(line, "    return helper(content, size)\n") + f"\n\ndef helper(content, size):\n{line}"
    assert reason(MD5, after, finding("a.py", 6)) == "code moved"


def test_code_moved_to_a_new_file_is_no_fix():
    line = "    return hashlib.md5(content).hexdigest(), size\n"
    after = MD5.replace(line, "    return helper(content, size)\n")
    fresh = {"after": {"b.py": f"def helper(content, size):\n{line}"}}
    assert reason(MD5, after, finding("a.py", 6), others=fresh) == "code moved"


def test_a_disabled_rule_is_no_fix():
    others = {"before": {".bandit": "[bandit]\n"}, "after": {".bandit": "[bandit]\nskips: B324\n"}}
    assert reason(MD5, SHA, finding("a.py", 6), others=others) == "rule disabled in the scanner's settings"


def test_a_scanner_that_did_not_report_proves_nothing():
    assert reason(MD5, SHA, finding("a.py", 6), seen=()) == "scanner didn't report in the later scan"


def test_a_finding_that_only_got_another_fingerprint_is_not_gone():
    assert reason(MD5, SHA, finding("a.py", 6), again=(6,)) == "still reported, with changed code"


def test_parts_of_a_declarative_change_are_offered_alone():
    before = 'resource "aws_db_instance" "d" {\n  engine = "x"\n  encrypted = false\n  size = 1\n  public = true\n}\n'
    after = before.replace("encrypted = false", "encrypted = true").replace("public = true", "public = false")
    whole, *parts = propose(before, after, finding("a.tf", 1, 6, scanner="trivy"), path="a.tf", seen=("trivy",))
    assert (whole.start_line, whole.end_line) == (3, 5)
    assert [(part.start_line, part.end_line) for part in parts] == [(3, 3), (5, 5)]


def test_parts_elsewhere_say_so():
    before = "FROM a:1\nRUN true\nCOPY a b\nCMD run\n"
    after = 'FROM a:2\nRUN true\nCOPY a b\nUSER 1\nCMD ["run"]\n'
    about = finding("Dockerfile", 1, scanner="trivy")
    cuts = [one for one in propose(before, after, about, path="Dockerfile", seen=("trivy",)) if isinstance(one, Fix)]
    assert [cut.start_line for cut in cuts] == [1, 1, 3, 4]
    assert [cut.note.startswith(ELSEWHERE) for cut in cuts] == [False, False, True, True]


def test_a_weakness_that_went_to_another_file_is_not_gone():
    before = "def store(host):\n    ftp = FTP()\n    ftp.connect(host)\n"
    after = "def store(host):\n    send(host)\n"
    fresh = "def send(host):\n    with FTP() as ftp:\n        ftp.connect(host)\n"
    about = finding("a.py", 2, rule="B321")
    case = Case(about, snapshot({"a.py": before}), snapshot({"a.py": after, "b.py": fresh}), frozenset({"bandit"}),
                elsewhere=frozenset({("b.py", 2)}))  # fmt: skip
    (refusal,) = History().propose(case)
    assert refusal == Refusal(reason="code moved")


def test_a_dangerous_call_under_another_name_is_no_fix():
    before = "class K:\n    def h(self, m):\n        return sha1(m).digest()\n"
    after = "class K:\n    algorithm = sha1\n\n    def h(self, m):\n        return self.algorithm(m).digest()\n"
    assert reason(before, after, finding("a.py", 3)) == "only gets another name"
