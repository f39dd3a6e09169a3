"""Secrets of many kinds, made up here from a fixed seed: none was ever valid."""

import base64
import json
import random
import string

_random = random.Random(20260101)
LETTERS = string.ascii_letters
ALNUM = LETTERS + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def some(length: int, alphabet: str = ALNUM) -> str:
    """Return characters with a letter of both cases and a digit among them, where the alphabet has them."""
    while True:
        text = "".join(_random.choice(alphabet) for _ in range(length))
        kinds = [str.isdigit, str.islower, str.isupper]
        if all(any(map(kind, text)) for kind in kinds if any(map(kind, alphabet))):
            return text


def jwt() -> str:
    """Return an unsigned-looking token of three parts."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": some(10), "iat": 1700000000}]
    head = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*head, some(43)])


def pem(kind: str = "RSA ") -> str:
    """Return a private key block of several lines."""
    body = "\n".join(some(64, ALNUM + "+/") for _ in range(6))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


TOKENS: dict[str, str] = {
    "github personal": "ghp_" + some(36),
    "github oauth": "gho_" + some(36),
    "github app": "ghs_" + some(36),
    "github fine-grained": "github_pat_" + some(22) + "_" + some(59),
    "gitlab personal": "glpat-" + some(20),
    "gitlab runner": "GR1348941" + some(20),
    "hugging face": "hf_" + some(34),
    "slack bot": "xoxb-" + some(12, string.digits) + "-" + some(12, string.digits) + "-" + some(24),
    "slack app": "xapp-1-" + some(11, UPPER) + "-" + some(13, string.digits) + "-" + some(64, HEX),
    "slack webhook": "T" + some(8, UPPER) + "/B" + some(8, UPPER) + "/" + some(24),
    "aws access key": "AKIA" + some(16, UPPER),
    "aws temporary key": "ASIA" + some(16, UPPER),
    "google api": "AIza" + some(35),
    "google oauth": "ya29." + some(60),
    "google client secret": "GOCSPX-" + some(28),
    "azure client secret": some(3) + "8Q~" + some(34),
    "anthropic": "sk-ant-api03-" + some(93),
    "openai legacy": "sk-" + some(20) + "T3BlbkFJ" + some(20),
    "openai project": "sk-proj-" + some(64),
    "stripe live": "sk_live_" + some(24),
    "stripe webhook": "whsec_" + some(32),
    "square": "sq0csp-" + some(43),
    "sendgrid": "SG." + some(22) + "." + some(43),
    "mailgun": "key-" + some(32, HEX),
    "mailchimp": some(32, HEX) + "-us12",
    "twilio": "SK" + some(32, HEX),
    "npm": "npm_" + some(36),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + some(80),
    "rubygems": "rubygems_" + some(48, HEX),
    "docker hub": "dckr_pat_" + some(27),
    "digitalocean": "dop_v1_" + some(64, HEX),
    "databricks": "dapi" + some(32, HEX),
    "vault": "hvs." + some(90),
    "terraform cloud": some(14) + ".atlasv1." + some(67),
    "grafana": "glsa_" + some(32) + "_" + some(8, HEX),
    "sentry": "sntrys_" + some(60),
    "sonar": "squ_" + some(40, HEX),
    "new relic": "NRAK-" + some(27, UPPER),
    "postman": "PMAK-" + some(24, HEX) + "-" + some(34, HEX),
    "atlassian": "ATATT3xFfGF0" + some(60),
    "shopify": "shpat_" + some(32, HEX),
    "linear": "lin_api_" + some(40),
    "figma": "figd_" + some(40),
    "telegram": some(9, string.digits) + ":AA" + some(33),
    "discord": "M" + some(25) + "." + some(6) + "." + some(27),
    "age": "AGE-SECRET-KEY-1" + some(58, UPPER),
    "jwt": jwt(),
    "random key": some(48),
    "e-mail": "jana.novakova@" + "firma" + ".cz",
}
"""Secrets known by their own form."""

CONTEXTS: dict[str, tuple[str, str]] = {
    "url password": ("postgres://admin:{}@db.internal:5432/app", some(12)),
    "url token": ("https://{}@git.internal/org/app.git", some(24)),
    "query token": ("https://api.internal/v1?user=1&access_token={}&x=2", some(16)),
    "azure storage": ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=x", some(86) + "=="),
    "azure sas": ("https://a.blob.core.windows.net/c?sv=2022&sig={}", some(43) + "%3D"),
    "aws secret": ("aws_secret_access_key = {}", some(40, ALNUM + "/+")),
    "bearer": ("Authorization: Bearer {}", some(30)),
    "basic": ("Authorization: Basic {}", base64.b64encode(f"me:{some(12)}".encode()).decode()),
    "cookie": ("Set-Cookie: session={}; HttpOnly", some(20)),
    "quoted": ('password = "{}"', "correct-horse-7"),
    "single quoted": ("db_passwd: '{}'", "Tr0ub4dor&3"),
    "keyword argument": ('connect(host="h", password="{}")', some(9)),
    "json": ('{{"api_key": "{}"}}', some(20)),
    "environment": ("export DB_PASSWORD={}", some(11)),
    "yaml": ("  client_secret: {}", some(18)),
    "ini": ("secret_key={}", some(18)),
    "dockerfile": ("ENV API_TOKEN {}", some(14)),
    "xml": ("<password>{}</password>", some(10)),
    "connection string": ("Server=db;User Id=sa;Password={};Encrypt=true", "S3cr3t!pass"),
    "in a sentence": ("It found db_password={} in it", some(11)),
    "flag": ("tool --password {} --verbose", "pa55word!x"),
    "curl": ("curl -u admin:{} https://h", "pa55word!x"),
    "bandit": ("Possible hardcoded password: '{}'", "swordfish"),
    "npmrc": ("//registry.internal/:_authToken={}", some(30)),
    "npmrc's user": ("_auth={}", base64.b64encode(f"me:{some(12)}".encode()).decode()),
    "netrc": ("machine api.internal login me password {}", some(12)),
    "docker's user": ('{{"auths": {{"r": {{"auth": "{}"}}}}}}', base64.b64encode(f"me:{some(12)}".encode()).decode()),
    "docker's user, escaped": (r"{{\"auth\":\"{}\"}}", base64.b64encode(f"me:{some(12)}".encode()).decode()),
    "json, escaped": (r"{{\"client_secret\":\"{}\"}}", some(16)),
    "json, escaped twice": (r"{{\\\"client_secret\\\": \\\"{}\\\"}}", some(16)),
    "configuration element": ('<add key="ApiKey" value="{}"/>', some(16)),
    "property element": ("<property name='db.password' value='{}'/>", "swordfish"),
    "after a word": ("CREATE USER me WITH PASSWORD '{}';", "hunter2pw"),
    "identified by": ("CREATE USER me IDENTIFIED BY '{}'", "swordfish"),
    "oracle": ("jdbc:oracle:thin:scott/{}@//db:1521/x", "tiger99"),
    "sshpass": ("sshpass -p '{}' ssh h", "swordfish"),
    "password file": ("admin:{}", "$apr1$eWl2x1aB$6vQ8xk7Jj0h3Jz5p2KqLm."),
    "shadow": ("root:{}:19000:0", "$6$saltsalt$" + some(86, ALNUM + "./")),
    "key that is a UUID": ("HEROKU_API_KEY={}", "12345678-1234-1234-1234-123456789abc"),
    "pre-shared key": ('psk="{}"', "hunter2pw99"),
    "mail link": ("mailto:{}", "jana.novakova@" + "firma" + ".cz"),
    "author without a space": ("Author:{}", "jana@" + "münchen" + ".de"),
    "notion": ("see {}", "ntn_" + some(46)),
    "airtable": ("see {}", "pat" + some(14) + "." + some(64, HEX)),
}
"""Secrets known by what stands around them: a text with a gap, and what goes in."""

INNOCENT = (
    '"auth": "required", "author": "YWJjZGVmZ2g="',
    "$1,000 and $5.00; $6$",
    '<input id="password" type="text"/> <add key="TokenTimeout" value="3600"/>',
    "the password 'min_length' and the token 'Bearer'",
    "token: 1.2.3-beta.4 and key=v0.0.0-20191109021931-daa7c04131f5",
    "redis://cache.internal:6379 and npm:left-pad@1.3.0",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "GHSA-h46c-h94j-95f3 CVE-2025-52999 PYSEC-2024-230 RUSTSEC-2021-0001",
    "123e4567-e89b-12d3-a456-426614174000",
    'password = "${DB_PASSWORD}"',
    "password: {{ vault_password }}",
    'token = os.environ["API_TOKEN"]',
    "secret: $SECRET",
    "apiKey: process.env.API_KEY",
    "password=<your password>",
    'password = "********"',
    "uses: actions/checkout@v4.1.7",
    "uses: actions/checkout@b4ffde65f46336ab88eb53be808477a3936bae11",
    "com.fasterxml.jackson.core:jackson-core:2.14.0-rc2",
    "pkg:npm/%40babel/core@7.24.0",
    "express@4.17.1 and lodash@4.17.20-beta.rc",
    "git@github.com:org/repo.git",
    "https://avd.aquasec.com/nvd/cve-2016-2781",
    "https://github.com/FasterXML/jackson-core/blob/fb695545312cc2340604e61642f36138152fba93/src/Main.java#L186",
    "semgrep-rules.webauthn-credential-validation-bypass",
    "The password must be at least 12 characters, the token: required.",
    "Possible hardcoded password",
    "integrity sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
    "golang.org/x/crypto v0.17.0 h1:r8bRNjWL3GshPW3gkd+RpvzWrZAwPS49OmTGZ/uhM4k=",
    'resources: ["secrets", "configmaps"]',
    "def test_that_the_oauth2_authorization_code_flow_works_end_to_end(self):",
    'private static final String PASSWORD_FIELD_NAME = "password";',
    "secretKeyRef:\n  name: my-app-credentials",
    "-----BEGIN PUBLIC KEY-----",
    "Key length 2048, token_type bearer",
    "BaseSecurityConfigurationAuthenticationProviderFactoryBean",
    "tokenizer = AutoTokenizer.from_pretrained(model)",
    "password = get_password(user)",
    "connect(host, password=form2.password, token=user.token1, timeout=3)",
    "the token=required and the key: value2 of it",
    "if (token == null) return;",
    "1234567890:00:00 2024-01-01T00:00:00Z",
)
"""What must stay as it is."""
