"""Comments, directives and files that tell a scanner to look away. A fix never adds one."""

from __future__ import annotations

import re
from collections import Counter
from fnmatch import fnmatch

_PRAGMA = re.compile(
    r"""
    \bno[-_ ]?sec\b | \bnosemgrep\b | \bnosem\b | \bno-?semgrep\b
  | (?:checkov|bridgecrew|cortex) : skip | (?:trivy|tfsec|terrascan|kics-scan|snyk|grype|docker-scout)[:\s-]*
        (?:ignore|skip|disable)\b
  | \bhadolint\s+(?:global\s+)?(?:ignore|shell) | \bkics-scan\b | \bdockle\b.*\bignore
  | \bNOLINT\w* | \bNOSONAR\b | \blgtm\b | \bcodeql\s*\[ | \bcoverity\s*\[ | \bSuppressFBWarnings\b | @SuppressWarnings
  | \bSuppressMessage\b | \#pragma\s+(?:warning|GCC\s+diagnostic|clang\s+diagnostic|clang-tidy)
  | \b(?:ruff|flake8|pylint|bandit|mypy|pyright)\s*:\s*\S | \bnoqa\b | \btype:\s*ignore\b
  | \bzizmor\s*:\s*ignore
  | \bgitleaks[:-]\s*allow | \bpragma\s*:\s*(?:allowlist|whitelist|no\s*cover) | \btrufflehog:\s*ignore
  | \b(?:eslint|jshint|tslint|biome|deno-lint|oxlint|stylelint)[-\s](?:disable|ignore|off)\w*
  | @ts-(?:ignore|nocheck|expect-error) | \brubocop:\s*(?:disable|todo) | \bbrakeman\b.*\bignore
  | \b\#?nosec\b | \bgosec\b.*\b(?:ignore|disable) | //\s*nolint | \bgolangci-lint\b.*disable
  | \bphpcs:\s*(?:ignore|disable) | @phpstan-ignore | @psalm-suppress | \bshellcheck\s+disable | \bswiftlint:\s*disable
  | \#\[\s*allow\s*\( | \bcfn-lint\b.*\bignore | \bcfn_nag\b | \bcdk_nag\b
  | \bkube-(?:linter|score)[./-]?\s*(?:io/)?ignore
  | \bansible-lint\b.*skip | \bskip_ansible_lint\b | \bmobsf-ignore | \bnjsscan-ignore | \bignore\s*:\s*\w*njsscan
  | \bts:skip\b | \brunterrascan\.io/skip | \bbearer:disable | \bdeepcode\s+ignore | \bnohorusec\b | \bNOPMD\b
  | @Suppress\s*\( | @nowarn\b | @codingStandards\w*Ignore | \#!\[\s*allow\s*\( | /\*\s*eslint\s+[\w@"'-]
  | \bcheckov\.io/skip | \bignore-check\.kube-linter\.io\b | \bpolaris\.fairwinds\.com/\S*exempt
  | \b(?:checkov|bridgecrew|guard)["']?\s*:\s*\{?\s*["']?(?:skip|SuppressedRules)\b
  | \bcfn-lint["']?\s*:\s*\{?\s*["']?config\b
  | ^\s*\#\s*check\s*=\s*(?:\S*;)?skip | \bscanner[-_ ](?:ignore|skip|off)\b | \bsecurity[-_ ](?:ignore|skip|suppress)
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_END = re.compile(r"\n|\*/|-->")
_ENDS_OF_ATTRIBUTES = re.compile(r"[\n)\]]")
_MUTE = re.compile(r"(?i)\b(checkov|bridgecrew|cortex|trivy|tfsec)(:)(skip|ignore)\b")
_SETTINGS = (
    ".bandit", "bandit.y*ml", "bandit.toml", ".bandit.*", ".semgrepignore", ".semgrep.y*ml", ".semgrep/*",
    "*/.semgrep/*",    "semgrep.y*ml", ".opengrepignore",
    ".checkov.y*ml", ".checkov.baseline", "*.baseline", ".trivyignore*", "trivy.y*ml", ".tfsec/*", "*/.tfsec/*",
    "*_tfchecks.*", ".hadolint.y*ml", "hadolint.y*ml", ".zizmor.y*ml", "zizmor.y*ml", ".gitleaks.toml", "gitleaks.toml",
    ".gitleaksignore", ".gitleaks-baseline*", ".secrets.baseline", ".eslintrc*", ".eslintignore", "eslint.config.*",
    "ruff.toml", ".ruff.toml", ".flake8", "tox.ini", "setup.cfg", ".njsscan", ".njsscanrc", ".mobsf", ".snyk",
    "osv-scanner.toml", "*baseline*.json", "*baseline*.sarif", ".pylintrc", ".rubocop*.yml", ".golangci.*", ".gosec*",
    "sonar-project.properties", ".cfnlintrc*", ".ansible-lint*", ".ignore",
)  # fmt: skip


def suppressions(text: str) -> Counter[str]:
    """Return the suppressing pragmas in a text with what they name, each with how often it stands there."""
    return Counter(_directive(text, match) for match in _PRAGMA.finditer(text))


def _directive(text: str, match: re.Match[str]) -> str:
    """Return a pragma to the end of its comment: what it names belongs to it."""
    end = (_ENDS_OF_ATTRIBUTES if match.group(0).startswith(("@", "#[", "#!", "Suppress")) else _END).search(
        text, match.end()
    )
    return " ".join(text[match.start() : end.start() if end else len(text)].lower().split())


def unmuted(text: str) -> str:
    """Return a text in which Checkov and Trivy see what comments tell them to skip: they can't be told otherwise."""
    return _MUTE.sub(r"\1 \3", text)


def new_suppression(before: str, after: str) -> str | None:
    """Return a suppression that `after` has more often than `before`, None when there is none."""
    added = suppressions(after) - suppressions(before)
    return min(added) if added else None


def is_scanner_setting(path: str) -> bool:
    """Tell whether a file configures scanners: what they skip, ignore or know already."""
    name = path.rpartition("/")[2]
    return any(fnmatch(name, pattern) or fnmatch(path, pattern) for pattern in _SETTINGS)
