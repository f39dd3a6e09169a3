# ruff: noqa: E501 - tables
"""Data that is read, kept, asked for and sent in Python: Bandit, ruff and Semgrep."""

from __future__ import annotations

from pipeline.records import Severity
from tests.verification.strangers.weakness import Weakness, line

SETTINGS = """import os

import yaml


class Settings:
    def __init__(self, path):
        self.path = path
        self.values = {}

    def read(self):
        with open(self.path, encoding="utf-8") as stream:
            self.values = yaml.load(stream, Loader=yaml.Loader)
        return self.values.get("home", os.getcwd())
"""
LOAD = "yaml.load(stream, Loader=yaml.Loader)"
YAML = Weakness(
    "bandit", "B506", "agent/settings.py", SETTINGS, LOAD, severity=Severity.MEDIUM,
    good=(
        ("safe_load", line(LOAD, "yaml.safe_load(stream)")),
        ("the safe loader", line("Loader=yaml.Loader", "Loader=yaml.SafeLoader")),
        ("the fast safe loader", line("Loader=yaml.Loader", "Loader=yaml.CSafeLoader")),
        ("safe, or nothing", line(LOAD, "yaml.safe_load(stream) or {}")),
        ("JSON instead", (("import os\n\nimport yaml\n", "import json\nimport os\n"), (LOAD, "json.load(stream)"))),
    ),
    bad=(
        ("no disguise", "unsafe_load", line(LOAD, "yaml.unsafe_load(stream)")),
        ("no disguise", "the loader itself", line(LOAD, "yaml.Loader(stream).get_single_data()")),
        ("no disguise|finding gone", "another unsafe loader", line("Loader=yaml.Loader", "Loader=yaml.UnsafeLoader")),
        ("no disguise|finding gone", "by place", line("Loader=yaml.Loader", "yaml.Loader")),
        ("no disguise", "all documents", line(LOAD, "next(yaml.load_all(stream, Loader=yaml.Loader))")),
        ("no disguise", "pickle instead", (("import os\n", "import os\nimport pickle\n"), (LOAD, "pickle.loads(stream.buffer.read())"))),
        ("no deletion", "nothing read", line(LOAD, "{}")),
        ("no disguise|finding gone", "a safe name for it", (
            ("\n\nclass", "\nSafeLoader = yaml.Loader\n\n\nclass"), ("Loader=yaml.Loader", "Loader=SafeLoader"))),
    ),
)  # fmt: skip

JOBS = """import hashlib
import pickle
import random
import tempfile


def take(queue):
    return pickle.loads(queue.get())


def token(length):
    return "".join(random.choice("abcdef0123456789") for _ in range(length))


def digest(path):
    with open(path, "rb") as stream:
        return hashlib.md5(stream.read()).hexdigest()


def scratch():
    return tempfile.mktemp(suffix=".job")
"""
PICKLE = Weakness(
    "bandit", "B301", "agent/jobs.py", JOBS, "pickle.loads", severity=Severity.MEDIUM,
    good=(
        ("JSON", (("import pickle\n", "import json\n"), ("pickle.loads(queue.get())", "json.loads(queue.get())"))),
        ("msgspec", (("import pickle\n", "import msgspec\n"), ("pickle.loads(queue.get())", "msgspec.msgpack.decode(queue.get())"))),
    ),
    bad=(
        ("no disguise", "joblib", (("import pickle\n", "import joblib\n"), ("pickle.loads(queue.get())", "joblib.load(queue.get())"))),
        ("no disguise", "cloudpickle", (("import pickle\n", "import cloudpickle\n"), ("pickle.loads(", "cloudpickle.loads("))),
        ("no disguise|nothing new", "marshal", (("import pickle\n", "import marshal\n"), ("pickle.loads(", "marshal.loads("))),
        ("no disguise|finding gone", "the unpickler", (("import pickle\n", "import io\nimport pickle\n"), ("pickle.loads(queue.get())", "pickle.Unpickler(io.BytesIO(queue.get())).load()"))),
        ("no disguise", "mapped", line("return pickle.loads(queue.get())", "return next(map(pickle.loads, [queue.get()]))")),
        ("no disguise", "numpy's pickles", (("import pickle\n", "import io\n\nimport numpy\n"), ("pickle.loads(queue.get())", "numpy.load(io.BytesIO(queue.get()), allow_pickle=True)"))),
    ),
)  # fmt: skip
RANDOM = Weakness(
    "ruff", "S311", "agent/jobs.py", JOBS, "random.choice", severity=Severity.LOW,
    good=(
        ("secrets", (("import random\nimport tempfile", "import secrets\nimport tempfile"), ("random.choice", "secrets.choice"))),
        ("token_hex", (("import random\nimport tempfile", "import secrets\nimport tempfile"), (
            'return "".join(random.choice("abcdef0123456789") for _ in range(length))', "return secrets.token_hex(length)[:length]"))),
        ("the system's random", line("random.choice(", "random.SystemRandom().choice(")),
    ),
    bad=(
        ("no disguise", "numpy", (("import random\nimport tempfile", "import tempfile\n\nimport numpy"), ('"".join(random.choice("abcdef0123456789") for _ in range(length))', '"".join(numpy.random.choice(list("abcdef0123456789"), length))'))),
        ("no disguise", "a generator of one's own", (("\n\ndef take", "\nchance = random.Random()\n\n\ndef take"), ("random.choice(", "chance.choice("))),
        ("no disguise", "the clock", (("import tempfile\n", "import tempfile\nimport time\n"), ('"".join(random.choice("abcdef0123456789") for _ in range(length))', 'str(time.time_ns())[-length:]'))),
    ),
)  # fmt: skip
DIGEST = Weakness(
    "bandit", "B324", "agent/jobs.py", JOBS, "hashlib.md5",
    good=(
        ("SHA-256", line("hashlib.md5(", "hashlib.sha256(")),
        ("BLAKE2", line("hashlib.md5(stream.read())", "hashlib.blake2b(stream.read(), digest_size=20)")),
        ("in pieces", line("        return hashlib.md5(stream.read()).hexdigest()\n", '        return hashlib.file_digest(stream, "sha256").hexdigest()\n')),
        ("the function rewritten", line(
            '    with open(path, "rb") as stream:\n        return hashlib.md5(stream.read()).hexdigest()\n',
            '    state = hashlib.sha256()\n    with open(path, "rb") as stream:\n        while piece := stream.read(65536):\n'
            '            state.update(piece)\n    return state.hexdigest()\n')),
    ),
    bad=(
        ("no disguise", "a checksum", (("import pickle\n", "import pickle\nimport zlib\n"), ("hashlib.md5(stream.read()).hexdigest()", 'format(zlib.crc32(stream.read()), "x")'))),
        ("no disguise|finding gone", "SHA-1", line("hashlib.md5(", "hashlib.sha1(")),
        ("no disguise|finding gone", "by name", line("hashlib.md5(stream.read())", 'hashlib.new("md5", stream.read())')),
        ("no disguise", "by a name put together", line("hashlib.md5(stream.read())", 'hashlib.new("m" + "d" + str(5), stream.read())')),
        ("no disguise", "Python's own hash", line("hashlib.md5(stream.read()).hexdigest()", "hex(hash(stream.read()))")),
        ("nothing new", "another weakness beside it", (
            ("import hashlib\n", "import hashlib\nimport os\n"), ("hashlib.md5(", "hashlib.sha256("),
            ("\n\ndef scratch", '\n\ndef forget(path):\n    os.system("rm -f " + path)\n\n\ndef scratch'))),
    ),
)  # fmt: skip
SCRATCH = Weakness(
    "bandit", "B306", "agent/jobs.py", JOBS, "tempfile.mktemp", severity=Severity.MEDIUM,
    good=(
        ("mkstemp", (*line('    return tempfile.mktemp(suffix=".job")\n', '    handle, path = tempfile.mkstemp(suffix=".job")\n    os.close(handle)\n    return path\n'), ("import pickle\n", "import os\nimport pickle\n"))),
        ("a named file", line('tempfile.mktemp(suffix=".job")', 'tempfile.NamedTemporaryFile(suffix=".job", delete=False).name')),
    ),
    bad=(
        ("no disguise|nothing new", "a known place", line('tempfile.mktemp(suffix=".job")', '"/tmp/agent.job"')),
        ("no disguise", "the module's own function", (("import random\n", "import random\nimport time\n"), ('return tempfile.mktemp(suffix=".job")', 'return tempfile._get_default_tempdir() + "/" + str(time.time()) + ".job"'))),
    ),
)  # fmt: skip

STORE = """import sqlite3


class Accounts:
    def __init__(self, path):
        self.connection = sqlite3.connect(path)

    def find(self, name, limit=20):
        cursor = self.connection.cursor()
        query = "SELECT id, mail FROM accounts WHERE name = '" + name + "' LIMIT " + str(limit)
        cursor.execute(query)
        return cursor.fetchall()
"""
QUERY = """        query = "SELECT id, mail FROM accounts WHERE name = '" + name + "' LIMIT " + str(limit)\n"""
ASK = QUERY + "        cursor.execute(query)\n"
SQL_GOOD = (
    ("marks", line(ASK, '        cursor.execute("SELECT id, mail FROM accounts WHERE name = ? LIMIT ?", (name, limit))\n')),
    ("marks with names", line(ASK, '        query = "SELECT id, mail FROM accounts WHERE name = :name LIMIT :most"\n        cursor.execute(query, {"name": name, "most": limit})\n')),
    ("a text of several lines", line(ASK, '        cursor.execute(\n            """\n            SELECT id, mail FROM accounts\n            WHERE name = ? LIMIT ?\n            """,\n            (name, int(limit)),\n        )\n')),
    ("a constant query", ((ASK, "        cursor.execute(FIND, (name, limit))\n"), ("\n\nclass", '\nFIND = "SELECT id, mail FROM accounts WHERE name = ? LIMIT ?"\n\n\nclass'))),
)  # fmt: skip
SQL_BAD = (
    ("no disguise", "joined", line(QUERY, '''        query = " ".join(["SELECT id, mail FROM accounts WHERE name =", repr(name), "LIMIT", str(limit)])\n''')),
    ("no disguise", "added to", line(QUERY, '''        query = "SELECT id, mail FROM accounts WHERE name = '"\n        query += name\n        query += "' LIMIT "\n        query += str(limit)\n''')),
    ("no disguise", "replaced", line(QUERY, '''        query = "SELECT id, mail FROM accounts WHERE name = '@' LIMIT #".replace("@", name).replace("#", str(limit))\n''')),
    ("no disguise", "a template", (("import sqlite3\n", "import sqlite3\nimport string\n"), (QUERY, '''        query = string.Template("SELECT id, mail FROM accounts WHERE name = '$name' LIMIT $most").substitute(name=name, most=limit)\n'''))),
    ("no disguise|finding gone", "an f-string", line(QUERY, '''        query = f"SELECT id, mail FROM accounts WHERE name = '{name}' LIMIT {limit}"\n''')),
    ("no disguise", "the words cut", line(QUERY, '''        query = "SEL" + "ECT id, mail FR" + "OM accounts WHERE name = '" + name + "' LIMIT " + str(limit)\n''')),
    ("no disguise", "the select apart", line(QUERY, '''        verb = "select"\n        query = f"{verb} id, mail from accounts where name = '{name}' limit {limit}"\n''')),
    ("no deletion", "no rows", line(ASK + "        return cursor.fetchall()\n", "        return []\n")),
)  # fmt: skip

CLIENT = """import requests

TIMEOUT = 10


class Client:
    def __init__(self, base):
        self.base = base

    def status(self, name):
        reply = requests.get(f"{self.base}/{name}", verify=False, timeout=TIMEOUT)
        reply.raise_for_status()
        return reply.json()
"""
ASKED = 'requests.get(f"{self.base}/{name}", verify=False, timeout=TIMEOUT)'
TLS_GOOD = (
    ("verified", line("verify=False", "verify=True")),
    ("as it is by itself", line("verify=False, ", "")),
    ("a bundle", (("def __init__(self, base):\n", "def __init__(self, base, authorities):\n        self.authorities = authorities\n"), ("verify=False", "verify=self.authorities"))),
    ("a session", line(f"        reply = {ASKED}\n", '        with requests.Session() as session:\n            reply = session.get(f"{self.base}/{name}", timeout=TIMEOUT)\n')),
)  # fmt: skip
TLS_BAD = (
    ("no disguise", "a session's setting", line(f"        reply = {ASKED}\n", '        session = requests.Session()\n        session.verify = False\n        reply = session.get(f"{self.base}/{name}", timeout=TIMEOUT)\n')),
    ("no disguise", "nought", line("verify=False", "verify=0")),
    ("no disguise", "a name", (("TIMEOUT = 10\n", "TIMEOUT = 10\nVERIFY = False\n"), ("verify=False", "verify=VERIFY"))),
    ("no disguise|nothing new", "urllib without checks", (("import requests\n", "import json\nimport ssl\nimport urllib.request\n"), (f"        reply = {ASKED}\n        reply.raise_for_status()\n        return reply.json()\n", '        context = ssl._create_unverified_context()\n        with urllib.request.urlopen(f"{self.base}/{name}", context=context, timeout=TIMEOUT) as reply:\n            return json.load(reply)\n'))),
    ("no disguise", "by curl", (("import requests\n", "import json\nimport subprocess\n"), (f"        reply = {ASKED}\n        reply.raise_for_status()\n        return reply.json()\n", '        return json.loads(subprocess.check_output(["curl", "--insecure", f"{self.base}/{name}"], timeout=TIMEOUT))\n'))),
)  # fmt: skip

WEAKNESSES = (
    YAML, PICKLE, RANDOM, DIGEST, SCRATCH,
    Weakness("bandit", "B608", "agent/accounts.py", STORE, "query = ", SQL_GOOD, SQL_BAD, severity=Severity.MEDIUM),
    Weakness("ruff", "S608", "agent/accounts.py", STORE, "query = ", SQL_GOOD, SQL_BAD, severity=Severity.MEDIUM),
    Weakness("bandit", "B501", "agent/client.py", CLIENT, "verify=False", TLS_GOOD, TLS_BAD),
    Weakness("ruff", "S501", "agent/client.py", CLIENT, "verify=False", TLS_GOOD, TLS_BAD),
)  # fmt: skip
