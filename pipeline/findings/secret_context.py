"""When something that looks like a secret is one: what keeps false positives low.

Digests, commit ids, UUIDs, versions, placeholders and names of variables are none.
"""

from __future__ import annotations

import base64
import math
import re

_TEMPLATE = re.compile(
    r"^(?:\$[\w{(].*|.*\$\{.*|.*\{\{.*|.*\{\w*\}.*|%\(?\w+\)?s?|%[A-Z_]+%|<[^>]*>?|\[[^\]]*\]|#\{.*|@\w+@|\$\w+.*)$",
    re.DOTALL,
)
_BLANKED = re.compile(
    r"^(?:(.)\1*|[*xX.•\-_]+|.{0,6}\*{3,}.{0,6}|(?i:redacted|removed|masked|hidden|filtered)[^a-z]*)$", re.DOTALL
)
_CODE = re.compile(
    r"^(?:(?:os|process|config|settings|self|this|env|secrets|vars|var|request|req|args|github|local|data|params|options|module)\.|System\.|getenv|.*[\w\]]\(.*\)?$)"
)
_UUID = re.compile(r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$")
_HEX = re.compile(r"^(?:0x)?[0-9a-fA-F]+$")
_WORDS = frozenset(
    [
        "password",
        "passwd",
        "secret",
        "token",
        "bearer",
        "basic",
        "string",
        "none",
        "null",
        "true",
        "false",
        "required",
        "optional",
        "hidden",
        "text",
        "undefined",
        "default",
        "unknown",
        "empty",
        "changeme",
        "example",
        "placeholder",
        "disabled",
        "enabled",
        "public",
        "private",
        "plain",
        "number",
        "integer",
        "boolean",
        "object",
        "array",
        "username",
        "user",
        "email",
        "value",
        "input",
        "type",
        "error",
        "warning",
        "high",
        "medium",
        "low",
        "critical",
        "info",
        "access",
        "refresh",
        "oauth2",
        "oauth",
        "apikey",
        "api_key",
        "header",
        "query",
        "cookie",
        "http",
        "https",
        "inherit",
        "read",
        "write",
        "readonly",
        "always",
        "never",
        "manual",
        "auto",
    ]
)
_NAME_ENDS = re.compile(
    r"(?i)(?:name|field|header|param(?:eter)?s?|types?|url|uri|path|file|dir|id|ids|prefix|suffix|label|env|var|class|length|len|size"
    r"|policy|ref|version|scopes?|alg(?:orithm)?|arn|expir\w*|ttl|age|timeout|regex|pattern|format|issuer|count|limit|rule|check|scan\w*"
    r"|detect\w*|validat\w*|rotation|manager|store|endpoint|location|hint|message|text|title|description|placeholder|column|enabled|required)$"
)
_ATTRIBUTE = re.compile(r"^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$")
_ALIKE = re.compile(r"\d+|[a-z]+|[A-Z]+|[^\da-zA-Z]+")
_VERSION = re.compile(r"^v?\d+(?:[.\-]\w+)*$")
_HAS_LETTER = re.compile(r"[^\W\d_]")
_HAS_OTHER = re.compile(r"[\d!@%^&*+=?~]")
_AWS_WORD = re.compile(r"secret|key|pw|token")
_IN_URL = re.compile(r"://[^\s\"'<>()]*$")
_TOKEN_ISH = re.compile(r"(?i)(?:pass(?:word|wd)?|secret|token|key|auth|credential|pwd)")
_DIGEST_BEFORE = re.compile(
    r"(?i)(?:sha\d{0,3}|sha-\d{1,3}|md5|h1|integrity|digest|checksum|blake2\w*)[\"']?\s*[-:=]\s*[\"']?$"
)


def secret_of(match: re.Match[str]) -> str:
    """Return the part of a match that is the secret: group 1, else all of it."""
    return match[1] if match.re.groups and match[1] is not None else match[0]


def entropy(text: str) -> float:
    """Return the Shannon entropy of a text's characters, in bits."""
    counts = [text.count(character) for character in set(text)]
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)


def is_placeholder(value: str) -> bool:
    """Tell whether a value only stands for a secret: a template, a variable, asterisks, a common word."""
    return bool(
        _TEMPLATE.match(value) or _BLANKED.match(value) or _CODE.match(value) or value.lower().strip("'\"") in _WORDS
    )


def is_value(match: re.Match[str]) -> bool:
    """Accept what isn't a placeholder."""
    return not is_placeholder(secret_of(match))


def is_userinfo_token(match: re.Match[str]) -> bool:
    """Accept a lone user part of a URL when it is a token and no name."""
    value = secret_of(match)
    return any(c.isdigit() for c in value) and entropy(value) > 3 and not is_placeholder(value)


def is_mixed(match: re.Match[str]) -> bool:
    """Accept what holds letters and digits, is no plain hexadecimal digest and no placeholder."""
    value = secret_of(match)
    mixed = any(c.isalpha() for c in value) and (any(c.isdigit() for c in value) or "=" in value)
    return mixed and not _HEX.match(value) and not is_placeholder(value)


def is_aws_secret(match: re.Match[str]) -> bool:
    """Accept forty characters with `aws` and a word for a key on the line before them."""
    line = match.string[max(0, match.start() - 100) : match.start()].rpartition("\n")[2].lower()
    aws = line.find("aws")
    return aws >= 0 and _AWS_WORD.search(line, aws) is not None and is_mixed(match)


def is_basic_pair(match: re.Match[str]) -> bool:
    """Accept what is a user and a password in base64, as registries and HTTP take them."""
    value = secret_of(match)
    whole = value[: len(value) // 4 * 4]
    return any(_is_pair(text) for text in {value + "=" * (-len(value) % 4), whole, whole[:-4]})


def _is_pair(text: str) -> bool:
    try:
        user, colon, password = base64.b64decode(text).decode("utf-8").partition(":")
    except ValueError:
        return False
    return bool(user and colon and password) and (user + password).isprintable()


def is_openai_key(match: re.Match[str]) -> bool:
    """Accept what has the mark of OpenAI's keys in it."""
    return "T3BlbkFJ" in match[0]


def is_random(match: re.Match[str]) -> bool:
    """Accept a long run of upper case, lower case and digits with the entropy of a key.

    Not a digest with its algorithm before it, not hexadecimal, not a path or a name of words.
    """
    value = secret_of(match)
    if not (any(c.islower() for c in value) and any(c.isupper() for c in value) and any(c.isdigit() for c in value)):
        return False
    if _IN_URL.search(match.string[max(0, match.start() - 400) : match.start()]):
        return False
    if re.match(r"sha\d{3}-", value) or _DIGEST_BEFORE.search(match.string[max(0, match.start() - 24) : match.start()]):
        return False
    longest = max(re.split(r"[/_\-+=]", value), key=len)
    changes = len(_ALIKE.findall(value)) - 1
    return len(longest) >= 12 and changes >= len(value) * 0.4 and entropy(value) >= 4.3


def is_assigned_secret(name: str, value: str, separator: str = "") -> bool:
    """Accept a quoted value given to a name that says secret, unless it is the name of something.

    After a comma or a bracket (`set("password", "…")`, but also `["secrets", "pods"]`) it needs a digit.
    """
    if _NAME_ENDS.search(name) or is_placeholder(value) or value.startswith(("/", "./", "http://", "https://")):
        return False
    if any(character.isdigit() for character in value):
        return True
    return separator not in (",", "(") and not _TOKEN_ISH.search(value)


def is_bare_secret(value: str, name: str = "") -> bool:
    """Accept an unquoted value only when it can't be a word, a number, a version or code."""
    if is_placeholder(value) or _NAME_ENDS.search(name):
        return False
    if value.startswith(("/", "./", "http://", "https://")) or _is_version(value):
        return False
    return _HAS_LETTER.search(value) is not None and _HAS_OTHER.search(value) is not None


def _is_version(value: str) -> bool:
    """Tell a version from a UUID, which begins like one and may be a key."""
    return _VERSION.match(value) is not None and not _UUID.match(value)


def is_inline_secret(value: str, name: str) -> bool:
    """Accept an unquoted value in the middle of a line as at its start, unless it is an attribute's name."""
    return is_bare_secret(value, name) and not _ATTRIBUTE.match(value)


def is_email(match: re.Match[str]) -> bool:
    """Accept an address; not `git@host`, not `package@1.2.3`, not a password before its host."""
    local, _, domain = match[0].partition("@")
    before = match.string[max(0, match.start() - 400) : match.start()]
    if before.endswith(":") and _IN_URL.search(before):
        return False
    return local.lower() != "git" and not re.match(r"^v?\d+[.\-]", domain)
