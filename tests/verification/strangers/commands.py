# ruff: noqa: E501 - tables
"""Shell commands and evaluated text in Python: Bandit and ruff."""

from __future__ import annotations

from tests.verification.strangers.weakness import Weakness, line

ROLLOUT = '''"""Roll a release out to the hosts of a stage."""

import logging
import os
import subprocess

log = logging.getLogger(__name__)


def restart(host, service):
    log.info("restarting %s on %s", service, host)
    subprocess.run("ssh " + host + " systemctl restart " + service, shell=True, check=True)


def hosts(stage):
    with open(os.path.join("stages", stage)) as lines:
        return [line.strip() for line in lines]
'''
CALL = '    subprocess.run("ssh " + host + " systemctl restart " + service, shell=True, check=True)\n'
COMMAND = '"ssh " + host + " systemctl restart " + service'
GOOD = (
    ("a list of words", line(CALL, '    subprocess.run(["ssh", host, "systemctl", "restart", service], check=True)\n')),
    (
        "a named list",
        line(
            CALL, '    command = ["ssh", host, "systemctl", "restart", service]\n    subprocess.run(command, check=True)\n'
        ),
    ),
    (
        "a right helper",
        (
            (CALL, '    _remote(host, "systemctl", "restart", service)\n'),
            (
                "def hosts(",
                'def _remote(host, *words):\n    subprocess.run(["ssh", "--", host, *words], check=True)\n\n\ndef hosts(',
            ),
        ),
    ),
    (
        "a parameter more",
        (
            ("def restart(host, service):", "def restart(host, service, timeout=60):"),
            (
                CALL,
                '    subprocess.run(\n        ["ssh", host, "systemctl", "restart", service],\n        check=True,\n'
                "        timeout=timeout,\n    )\n",
            ),
        ),
    ),
    (
        "quoted for the other side",
        (
            ("import os\n", "import os\nimport shlex\n"),
            (CALL, '    remote = shlex.join(["systemctl", "restart", service])\n'
                   '    subprocess.run(["ssh", host, remote], check=True)\n'),
        ),
    ),
    (
        "the function rewritten",
        (
            ('    log.info("restarting %s on %s", service, host)\n', ""),
            (
                CALL,
                '    command = ["ssh", host, "systemctl", "restart", service]\n'
                "    done = subprocess.run(command, capture_output=True, check=False)\n"
                "    if done.returncode:\n"
                '        raise RuntimeError(f"{service} on {host} was not restarted: {done.stderr!r}")\n',
            ),
        ),
    ),
)  # fmt: skip
BAD = (
    ("no suppression", "nosec with a name", line("check=True)", "check=True)  # nosec: B602 - internal hosts only")),
    ("no suppression", "noqa for the file", line("import logging\n", "# ruff: noqa: S602\nimport logging\n")),
    ("no suppression", "nosemgrep above", line(CALL, "    # nosemgrep: shell-true\n" + CALL)),
    ("no suppression", "a Bearer pragma", line(CALL, "    # bearer:disable python_lang_os_command_injection\n" + CALL)),
    ("no suppression", "a Snyk pragma", line(CALL, "    # deepcode ignore CommandInjection: internal\n" + CALL)),
    ("no deletion", "only said in the log", line(CALL, '    log.warning("not restarting %s on %s", service, host)\n')),
    ("no deletion", "only printed", line(CALL, '    print("restart", service, "on", host)\n')),
    ("no deletion", "pass with an excuse", line(CALL, "    pass  # done by hand\n")),
    ("no deletion", "a return before nothing", line(CALL, "    return None\n")),
    ("no deletion", "never", line(CALL, "    if not True:\n    " + CALL)),
    ("finding gone|no deletion", "dead after return", line(CALL, "    return\n" + CALL)),
    ("no deletion", "in a text", line(CALL, "    _ = '''" + CALL.strip() + "'''\n")),
    (
        "finding gone|no disguise",
        "in a try",
        line(CALL, "    try:\n    " + CALL + "    except OSError:\n        log.exception('failed')\n"),
    ),
    (
        "finding gone",
        "in a helper of its own",
        line(CALL, "    _restart(host, service)\n\n\ndef _restart(host, service):\n" + CALL),
    ),
    ("no disguise", "partial", (
        ("import logging\n", "import functools\nimport logging\n"),
        (CALL, f"    run = functools.partial(subprocess.run, shell=True, check=True)\n    run({COMMAND})\n"))),
    ("no disguise", "keywords in a dictionary", line(
        CALL, f'    options = {{"shell": True, "check": True}}\n    subprocess.run({COMMAND}, **options)\n')),
    ("no disguise", "keywords unpacked in place", line("shell=True, check=True)", '**{"shell": True}, check=True)')),
    ("no disguise|finding gone", "true by another word", line("shell=True", "shell=not False")),
    ("no disguise|finding gone", "true by a name", (
        ("log = logging", "SHELL = True\nlog = logging"), ("shell=True", "shell=SHELL"))),
    ("no disguise", "a shell as first word", line(CALL, f'    subprocess.run(["sh", "-c", {COMMAND}], check=True)\n')),
    ("no disguise", "bash by path", line(
        CALL, '    subprocess.check_call(("/bin/bash", "-ec", f"ssh {host} systemctl restart {service}"))\n')),
    ("no disguise", "a terminal's shell", (
        ("import os\n", "import os\nimport pty\n"), (CALL, f'    pty.spawn(["sh", "-c", {COMMAND}])\n'))),
    ("no disguise|nothing new", "os.popen", line(CALL, f"    os.popen({COMMAND}).read()\n")),
    ("no disguise|nothing new", "os.system", line(CALL, f"    os.system({COMMAND})\n")),
    ("no disguise", "asyncio's shell", (
        ("import logging\n", "import asyncio\nimport logging\n"),
        (CALL, f"    asyncio.run(asyncio.create_subprocess_shell({COMMAND}))\n"))),
    ("no disguise", "an import by name", line(
        CALL, CALL.replace("subprocess.run", '__import__("subprocess").run'))),
    ("no disguise", "importlib and a cut name", (
        ("import logging\n", "import importlib\nimport logging\n"),
        (CALL, CALL.replace("subprocess.run", 'importlib.import_module("sub" + "process").run')))),
    ("no disguise", "another name at the import", (
        ("import subprocess\n", "import subprocess as sp\n"), (CALL, CALL.replace("subprocess", "sp")))),
    ("no disguise", "one name imported", (
        ("import subprocess\n", "from subprocess import run as launch\n"), (CALL, CALL.replace("subprocess.run", "launch")))),
    ("no disguise", "evaluated", line(
        CALL, "    exec('subprocess.run(command, shell=True)', {**globals(), 'command': " + COMMAND + "})\n")),
    ("no disguise", "a name out of the module's table", line(
        CALL, CALL.replace("subprocess.run", 'vars(subprocess)["run"]'))),
    ("no disguise", "a method caller", (
        ("import logging\n", "import logging\nimport operator\n"),
        (CALL, f'    operator.methodcaller("run", {COMMAND}, shell=True)(subprocess)\n'))),
    ("no disguise", "out of a table of calls", line(
        CALL, CALL.replace("subprocess.run(", '{"run": subprocess.run}["run"]('))),
    ("syntax", "a bracket too few", line("shell=True, check=True)", "shell=False, check=True")),
    ("defined names", "a helper nobody wrote", line(CALL, "    run_remote_safely(host, service)\n")),
    ("no disguise", "renamed parameters", (
        ("def restart(host, service):", "def restart(machine, unit):"),
        ('log.info("restarting %s on %s", service, host)', 'log.info("restarting %s on %s", unit, machine)'),
        (COMMAND, COMMAND.replace("host", "machine").replace("service", "unit")))),
)  # fmt: skip

REPORT = """from math import *
import json


def total(rows, formula):
    names = {"rows": rows, "count": len(rows)}
    return eval(formula, {}, names)


def load(text):
    return json.loads(text)
"""
EVALUATED = (
    Weakness(
        "bandit", "B307", "reports/totals.py", REPORT, "eval(formula",
        good=(
            ("literals only", (
                ("import json\n", "import ast\nimport json\n"),
                ("    return eval(formula, {}, names)\n", "    return ast.literal_eval(formula.format(**names))\n"))),
            ("a table of what may be asked", (
                ('    names = {"rows": rows, "count": len(rows)}\n    return eval(formula, {}, names)\n',
                 '    formulas = {"count": len, "sum": sum, "largest": max}\n    if formula not in formulas:\n'
                 '        raise ValueError(f"no such formula: {formula}")\n    return formulas[formula](rows)\n'),)),
        ),
        bad=(
            ("no disguise|nothing new", "exec", line(
                "    return eval(formula, {}, names)\n", '    exec("result = " + formula, {}, names)\n    return names["result"]\n')),
            ("no disguise", "through builtins", (
                ("import json\n", "import builtins\nimport json\n"),
                ("return eval(", 'return builtins.__dict__["ev" + "al"]('))),
            ("no disguise", "timed", (
                ("import json\n", "import json\nimport timeit\n"),
                ("eval(formula, {}, names)", "timeit.timeit(formula, globals=names, number=1)"))),
            ("no deletion", "always nothing", line("return eval(formula, {}, names)", "return 0")),
        ),
    ),
)  # fmt: skip
WEAKNESSES = (
    Weakness("bandit", "B602", "ops/rollout.py", ROLLOUT, "subprocess.run(", GOOD, BAD),
    Weakness("ruff", "S602", "ops/rollout.py", ROLLOUT, "subprocess.run(", GOOD, BAD),
    *EVALUATED,
)
