"""The same weakness in other words: new lines must hold less of it than the lines they replace, in any spelling.

A scanner knows some spellings of a weakness; a fix that uses another one silences it and mends nothing. A family
holds the spellings of one weakness, for findings whose rule or CWE it names: docs/decisions/0013.
"""

# ruff: noqa: E501 - a table

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.records import Finding
from pipeline.verification.change import Change, difference


class Family(NamedTuple):
    """One weakness: the CWEs and the words in rule names that mean it, and what it looks like in code."""

    cwes: frozenset[int]
    rules: re.Pattern[str]
    spellings: re.Pattern[str]
    name: str


def _family(name: str, cwes: str, rules: str, *spellings: str) -> Family:
    numbers = frozenset(int(one) for one in cwes.split())
    return Family(numbers, re.compile(rules, re.IGNORECASE), re.compile("|".join(spellings), re.MULTILINE), name)


_SQL = r"(?:\b[Ss][Ee][Ll][Ee][Cc][Tt]\s|\b[Ii][Nn][Ss][Ee][Rr][Tt]\s+[Ii][Nn][Tt][Oo]\b|\b[Uu][Pp][Dd][Aa][Tt][Ee]\s+\w+\s+[Ss][Ee][Tt]\b|\b[Dd][Ee][Ll][Ee][Tt][Ee]\s+[Ff][Rr][Oo][Mm]\b|\b[Ww][Hh][Ee][Rr][Ee]\s)"
_QUOTED_SQL = rf"(?:\"[^\"\n]*{_SQL}[^\"\n]*\"|'[^'\n]*{_SQL}[^'\n]*'|`[^`]*{_SQL}[^`]*`)"
FAMILIES = (
    _family("a command", "77 78 88 94 95 96", r"[BS](?:60[2-57]|30[7]|102)$|shell|command|child[-_]?process|exec|eval|inject",
        r"\bshell[\"']?\s*[:=]\s*(?:[Tt]rue\b|1\b|not\s+False|bool\()", r"\bSHELL\s*=\s*True\b",
        r"[\"'](?:/\S*/)?(?:sh|bash|dash|zsh|ksh|cmd(?:\.exe)?|powershell)[\"']\s*,\s*[\[(]?\s*[\"'](?:-\w*c|/[cC]|-[Cc]ommand)[\"']",
        r"\b(?:os\.(?:system|popen)|popen2\.\w+|commands\.getoutput|getstatusoutput|create_subprocess_shell|shell_exec|passthru|proc_open)\s*\(",
        r"(?<![\w.])(?:child_process\.|cp\.)?exec(?:Sync)?\s*\(\s*(?![\"'][^\"']*[\"']\s*[,)])", r"\bgetoutput\s*\(",
        r"(?<![\w.])(?:eval|compile|execfile)\s*\(", r"\b(?:builtins|__builtins__)\.\w+\s*\(", r"\btimeit\.\w+\(\s*(?![\"'])",
        r"\brunIn(?:This|New)?Context\s*\(", r"\bvm\.(?:Script|compileFunction)\b", r"\.constructor\s*\(\s*(?!\))", r"\bnew\s+Function\s*\(",
        r"<<<\s*[\"'][^\"'\n]*\$", r"(?:^|[;&|`(\s])eval\s+[\"'$]", r"(?:^|[;&|\s])(?:ba|z|da)?sh\s+-\w*c\s", r"<<<\s*[\"']?\$", r"\bgetRuntime\(\)\.exec\("),
    _family("data made into objects", "20 502", r"[BS](?:30[12]|403|506)$|pickle|deserial|unmarshal|yaml|marshal",
        r"\b(?:c?[Pp]ickle|dill|joblib|cloudpickle|marshal|jsonpickle|shelve|hickle)\.(?:loads?|Unpickler|decode|open)\b", r"\ballow_pickle\s*=\s*True", r"\bread_pickle\s*\(",
        r"\btorch\.load\s*\((?![^\n]*weights_only\s*=\s*True)",
        r"\byaml\.(?:unsafe_load|full_load)(?:_all)?\b", r"\byaml\.load(?:_all)?\s*\((?![^\n]*Safe)", r"\byaml\.(?:Unsafe|Full|C)?Loader\b", r"\breadObject\s*\(", r"\bunserialize\s*\("),
    _family("a weak digest", "327 328 916", r"[BS](?:30[34]|324)$|weak[-_]?(?:hash|digest)|md5|sha-?1\b",
        r"(?i:\bmd[245]\b)(?![^\n]*usedforsecurity\s*=\s*False)", r"(?i:\bsha-?1\b)(?![^\n]*usedforsecurity\s*=\s*False)",
        r"\bhashlib\.new\s*\(\s*(?![\"'](?:sha(?:2|3|5)|blake))", r"\b(?:crc32|adler32|ripemd\w*)\b", r"(?<![\w.])hash\s*\("),
    _family("a value that can be guessed", "330 331 338 340", r"[BS]311$|random|prng|insecure[-_]?token",
        r"(?<!secrets\.)\brandom\.(?!SystemRandom)[A-Za-z]\w*", r"\bMath\.random\b", r"\b(?:mt_)?rand\s*\(", r"\buuid1\s*\(",
        r"\btime\.(?:time|monotonic|perf_counter)\w*\s*\(", r"\bnew\s+Random\s*\(", r"\bgetpid\s*\(", r"\bDate\.now\s*\("),
    _family("SQL put together", "89 564 943", r"[BS]608$|sql|query",
        rf"{_QUOTED_SQL}\s*(?:\+|%|\.\s*(?:concat|format|replace|join)\b)", rf"\+\s*{_QUOTED_SQL}",
        rf"\b(?:[fF]|rf|fr)\"[^\"\n]*{_SQL}[^\"\n]*\{{", rf"\b(?:[fF]|rf|fr)'[^'\n]*{_SQL}[^'\n]*\{{", rf"`[^`]*{_SQL}[^`]*\$\{{",
        rf"(?:\bformat|\bsprintf|\bSprintf|\bTemplate|\.join)\s*\(\s*\[?\s*{_QUOTED_SQL}",
        rf"\b(\w+)\s*=\s*{_QUOTED_SQL}\s*;?\n(?:[^\n]*\n){{0,6}}?\s*\1\s*\+=",
        rf"(?:\bf\"\"\"[^\"]*{_SQL}[^\"]*\{{)"),
    _family("certificates unchecked", "295 297 599", r"[BS](?:501|323|504)$|tls|ssl|certif|verify|unauthorized|hostname",
        r"(?i:\bverify\w*)[\"']?\s*[:=]\s*(?:False|false|0|None|not\s+True)\b", r"\bCERT_NONE\b", r"\b_create_unverified_context\b",
        r"\bcheck_hostname\s*=\s*False", r"\bcurl\b[^\n]*(?:--insecure\b|\s-\w*k\b|[\"']-k[\"'])", r"--no-check-certificate", r"\bInsecureSkipVerify\s*:\s*true",
        r"\brejectUnauthorized[\"']?\s*:\s*(?:false|!1|0)", r"\bNODE_TLS_REJECT_UNAUTHORIZED\b"),
    _family("a temporary file by its name", "377 378 379", r"[BS](?:108|306)$|mktemp|temp[-_]?(?:file|name)",
        r"\bmktemp\s*\(", r"\btem?p?nam\s*\(", r"[\"']/(?:var/)?tmp/", r"\b_get_default_tempdir\b", r"\b_get_candidate_names\b"),
    _family("a key of the server unchecked", "322", r"[BS]507$|host[-_]?key", r"\b(?:AutoAdd|Warning)Policy\b", r"StrictHostKeyChecking[= ]no", r"\bdef\s+missing_host_key\b"),
    _family("everyone's rights", "732 276", r"[BS]103$|chmod|permission", r"\b0?o?777\b", r"\ba\+w\b|\bo\+w\b", r"\bS_IWOTH\b", r"\bS_IRWXO\b", r"\b511\b", r"[\"']0?777[\"']"),
    _family("XML with entities", "611 776 827", r"[BS]3(?:1[3-9]|20|14)$|xml|xxe", r"\bresolve_entities\s*=\s*True", r"\bparsers\.expat\b",
        r"^(?:import|from)\s+(?:lxml|xml\.(?:etree|sax|dom|parsers))\b", r"(?<!defusedxml\.)\b(?:minidom|pulldom|expatbuilder)\.\w+\s*\("),
    _family("every network", "284 668 1327 923", r"AWS-?0?10[4-7]$|CKV_AWS_(?:2[45]|260|23[01])$|ingress|egress|public|cidr|open",
        r"\b(?:0\.0\.0\.0|128\.0\.0\.0)(?:/[0-7]\b|[\"'])", r"[\"']::/[0-7][\"']"),
    _family("the user root", "250 269", r"DL3002$|DS-?0*2$|CKV_DOCKER_[38]$|root", r"^\s*USER\s+[\"']?(?:root|0+)\b",
        r"\buseradd\b[^\n]*\s(?:-\w*u|--uid)[= ]*0+\b", r"\badduser\b[^\n]*\s(?:-u|--uid)[= ]*0+\b"),
    _family("a request without an end", "400 1088", r"[BS]113$|timeout",
        r"\brequests\.(?:[Ss]ession\(\)\.)?(?:get|post|put|patch|delete|head|options|request)\s*\((?![^\n]*\btimeout\s*=\s*(?!None))"),
    _family("a debugger for everyone", "489 215", r"[BS]201$|debug", r"(?i:\bdebug)[\"']?\]?\s*[:=]\s*(?:[Tt]rue|1)\b", r"\bFLASK_DEBUG\b"),
    _family("every address", "605 1327", r"[BS]104$|bind|all[-_]?interfaces",
        r"[\"'](?:0\.0\.0\.0|::|0)[\"']", r"\b(?i:host|bind|address)\w*\s*[=:]\s*[\"'][\"']", r"\[[\"']0[\"']\]\s*\*"),
    _family("an error nobody sees", "703 390 391", r"[BS]11[02]$|swallow|empty[-_]?(?:catch|except)",
        r"^(?:pass|\.\.\.|None|continue|0|\(\))$", r"\bsuppress\s*\(\s*(?:Base)?Exception\b"),
    _family("an archive that writes anywhere", "22", r"[BS]202$|tarfile|zip[-_]?slip|extract",
        r"\bextractall\s*\((?![^\n]*filter\s*=\s*[\"'](?:data|tar)[\"'])(?![^\n]*members\s*=\s*(?!\w+\.getmembers\b)\w+)",
        r"\bunpack_archive\s*\((?![^\n]*filter\s*=\s*[\"'](?:data|tar))", r"\bfully_trusted\b"),
    _family("HTML put together", "79 80 94", r"[BS]70[1-4]$|xss|html|escape|markup",
        r"\bEnvironment\s*\((?![^\n]*autoescape\s*=\s*(?:True|select_autoescape))", r"(?<![\w.])Template\s*\(", r"\bautoescape\s*=\s*False",
        r"[\"'][^\"'\n]*<\w[^\"'\n]*[\"']\s*\+(?!\s*\w*(?:[Ee]scape|[Ee]ncode|[Ss]anit))", r"`[^`]*<\w[^`]*\$\{(?!\w*(?:[Ee]scape|[Ee]ncode|[Ss]anit))"),
    _family("a pattern from outside", "185 625 1333", r"regexp|redos", r"\bRegExp\s*\(\s*(?![\"'/])", r"\bconstruct\s*\(\s*RegExp\b"),
    _family("a path from outside", "22 23 73", r"fs-filename|path[-_]?(?:traversal|join)|lfi",
        r"\b(?:readFile|readFileSync|sendFile|createReadStream|open|download)\s*\(\s*(?:req|request)\b"),
    _family("the host's container engine", "250 668", r"CKV_K8S_27$|docker[-_]?sock", r"/+(?:var/+)?run/+docker\.sock", r"\bpath:\s*/(?:var/?)?(?:run/?)?$"),
    _family("a package of any version", "1104 829", r"DL30(?:08|13|16|18|28)$", r"=\*", r":?-\*\}", r"\b(?:aptitude|apt)\s+install\b"),
    _family("a key that stays the same", "", r"CKV_AWS_7$|rotat", r"\benable_key_rotation\s*=\s*(?:false|null)", r"\bcustomer_master_key_spec\s*=\s*\"(?!SYMM)"),
    _family("a shell round the command", "", r"DL3025$", r"\[\s*\"(?:/bin/)?(?:ba)?sh\"\s*,\s*\"-\w*c\""),
)  # fmt: skip


def same_in_other_words(change: Change) -> str | None:
    """Return which weakness the new lines hold as often as those they replace, in whatever spelling; None for less."""
    families = [one for one in FAMILIES if _means(change.finding, one)]
    if not families:
        return None
    gone, fresh = (_joined(lines) for lines in difference(change))
    for family in families:
        old, new = _count(family, gone), _count(family, fresh)
        if new and new >= old:
            return f"it is still {family.name}, in other words"
    return None


def _means(finding: Finding, family: Family) -> bool:
    names = (finding.rule.id, *finding.aliases)
    return bool(family.cwes & set(finding.rule.cwes)) or any(family.rules.search(name) for name in names)


def _count(family: Family, text: str) -> int:
    """Count the lines in which a spelling begins."""
    return len({text.count("\n", 0, match.start()) for match in family.spellings.finditer(text)})


_PIECES = re.compile(r"(?<=[^\s=(,\[{:+])([\"'])\s*(?:\+\s*)?\1")


def _joined(lines: list[str]) -> str:
    """Return code lines as a text, constants that are cut in pieces put together again."""
    return _PIECES.sub("", "\n".join(lines))
