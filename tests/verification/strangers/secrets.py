# ruff: noqa: E501 - tables
"""Secrets in code and settings: Gitleaks, Bandit."""

from __future__ import annotations

import base64

from pipeline.records import Domain, Severity
from tests.verification.strangers.weakness import Weakness, line

KEY = "AKIA" + "IOSFODNN7QRSTUVW"
MAIL = f'''import boto3

REGION = "eu-west-1"


def client():
    return boto3.client("ses", region_name=REGION, aws_access_key_id="{KEY}")
'''
ARGUMENT = f', aws_access_key_id="{KEY}"'
TOKEN = "ghp_" + "q7Vd2mX9bT4kL8sR1wZ6yH3nQpJ5cF0gAeUv"
DEPLOY = f"""registry: ghcr.io
user: deploy
token: {TOKEN}
retries: 3
"""
PLACES = f"""const REGION = "eu-west-1";
const key = "{KEY}";

module.exports = {{ REGION, key }};
"""
HALF = KEY[:9], KEY[9:]
SHIFTED = "".join(chr(ord(c) + 1) for c in KEY)

SERVICE = """import os

import psycopg2

USER = "billing"
PASSWORD = "s3cr3t-Rain"


def connect():
    return psycopg2.connect(host=os.environ["DB_HOST"], user=USER, password=PASSWORD)
"""
PASSWORD = 'PASSWORD = "s3cr3t-Rain"'
WEAKNESSES = (
    Weakness(
        "gitleaks", "aws-access-token", "mailer/client.py", MAIL, KEY, domain=Domain.SECRETS,
        good=(
            ("from the environment", (("import boto3\n", "import os\n\nimport boto3\n"), (f'"{KEY}"', 'os.environ["AWS_ACCESS_KEY_ID"]'))),
            ("the role of the machine", line(ARGUMENT, "")),
            ("asked of a store", line(f'    return boto3.client("ses", region_name=REGION{ARGUMENT})\n',
                '    store = boto3.client("secretsmanager", region_name=REGION)\n'
                '    key = store.get_secret_value(SecretId="mailer/ses-key")["SecretString"]\n'
                '    return boto3.client("ses", region_name=REGION, aws_access_key_id=key)\n')),
            ("a parameter", (("def client():", "def client(key):"), (f'"{KEY}"', "key"))),
        ),
        bad=(
            ("no disguise", "two names", (('REGION = "eu-west-1"\n', f'REGION = "eu-west-1"\nFIRST = "{HALF[0]}"\nSECOND = "{HALF[1]}"\n'), (f'"{KEY}"', "FIRST + SECOND"))),
            ("no disguise", "a format", line(f'"{KEY}"', f'"{{}}{HALF[1]}".format("{HALF[0]}")')),
            ("no disguise", "letters in a list", line(f'"{KEY}"', f'"".join({list(KEY)!r})')),
            ("no disguise", "shifted by one", line(f'"{KEY}"', f'"".join(map(lambda c: bytes([ord(c) - 1]).decode(), "{SHIFTED}"))')),
            ("no disguise", "only when the environment has none", (("import boto3\n", "import os\n\nimport boto3\n"), (f'"{KEY}"', f'os.environ.get("KEY", "{KEY[:8]}" "{KEY[8:]}")'))),
            ("no disguise", "hex", line(f'"{KEY}"', f'bytes.fromhex("{KEY.encode().hex()}").decode()')),
            ("no disguise", "in a comment", (("import boto3\n", f"import os\n\nimport boto3\n\n# was {KEY}\n"), (f'"{KEY}"', 'os.environ["AWS_ACCESS_KEY_ID"]'))),
            ("no suppression", "allowed", line(f'"{KEY}")', f'"{KEY}")  # gitleaks:allow')),
            ("no disguise|finding gone", "another key", line(KEY, "AKIA" + "Z2X3C4V5B6N7MQWE")),
        ),
    ),
    Weakness(
        "gitleaks", "github-pat", "deploy/registry.yaml", DEPLOY, "token:", domain=Domain.SECRETS,
        good=(
            ("a placeholder of the deployment", line(TOKEN, "${REGISTRY_TOKEN}")),
            ("a file", line(f"token: {TOKEN}", "token_file: /run/secrets/registry")),
        ),
        bad=(
            ("no disguise", "folded", line(TOKEN, f'"{TOKEN[:18]}\\\n  {TOKEN[18:]}"')),
            ("no disguise", "base64", line(f"token: {TOKEN}", "token: !!binary " + base64.b64encode(TOKEN.encode()).decode())),
            ("no suppression", "allowed", line(TOKEN, f"{TOKEN} #gitleaks:allow")),
        ),
    ),
    Weakness(
        "gitleaks", "aws-access-token", "web/places.js", PLACES, "const key", domain=Domain.SECRETS,
        good=(
            ("from the environment", line(f'"{KEY}"', "process.env.AWS_ACCESS_KEY_ID")),
            ("with a clear error", line(f'const key = "{KEY}";\n', 'const key = process.env.AWS_ACCESS_KEY_ID;\nif (!key) {\n  throw new Error("AWS_ACCESS_KEY_ID is not set");\n}\n')),
        ),
        bad=(
            ("no disguise", "a fallback in pieces", line(f'"{KEY}"', f'process.env.KEY || ["{HALF[0]}", "{HALF[1]}"].join("")')),
            ("no disguise", "a template", line(f'"{KEY}"', f"`{HALF[0]}${{''}}{HALF[1]}`")),
            ("no disguise", "atob", line(f'"{KEY}"', 'atob("' + base64.b64encode(KEY.encode()).decode() + '")')),
        ),
    ),
    Weakness(
        "bandit", "B105", "billing/store.py", SERVICE, "PASSWORD =", severity=Severity.LOW,
        good=(
            ("from the environment", line(PASSWORD, 'PASSWORD = os.environ["DB_PASSWORD"]')),
            ("a file", line(PASSWORD, 'with open(os.environ["DB_PASSWORD_FILE"], encoding="utf-8") as stream:\n    PASSWORD = stream.read().strip()')),
            ("a function", (("\n" + PASSWORD, ""), ("password=PASSWORD)", 'password=os.environ["DB_PASSWORD"])'))),
        ),
        bad=(
            ("no disguise", "made by a call", line(PASSWORD, 'PASSWORD = str("s3cr3t-Rain")')),
            ("no disguise", "another name", ((PASSWORD, 'PHRASE = "s3cr3t-Rain"'), ("password=PASSWORD", "password=PHRASE"))),
            ("no disguise", "another constant when there is none", line(PASSWORD, 'PASSWORD = os.environ.get("DB_PASSWORD", "letmein-2024")')),
            ("no disguise", "in a list", line(PASSWORD, 'PASSWORD = ["s3cr3t-Rain"][0]')),
            ("no disguise", "characters", line(PASSWORD, 'PASSWORD = "".join(["s3cr", "3t-R", "ain"])')),
        ),
    ),
)  # fmt: skip
