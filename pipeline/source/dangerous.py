"""Calls that matter to security: when an excerpt must be trimmed, the lines with them stay first.

The list is by consequence, over all languages. It only orders lines; nothing is concluded from it.
"""

from __future__ import annotations

import re

DANGEROUS: dict[str, tuple[str, ...]] = {
    "memory": ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "scanf", "sscanf", "memcpy", "memmove", "strncpy",
               "strncat", "alloca", "realloc", "malloc", "free", "copy_from_user", "read", "recv"),
    "command": ("system", "popen", "exec", "execl", "execv", "execve", "execSync", "spawn", "Popen", "check_output",
                "check_call", "shell_exec", "passthru", "ProcessBuilder", "Runtime", "os.system", "subprocess"),
    "code": ("eval", "Function", "compile", "setTimeout", "instance_eval", "class_eval", "constantize", "import_module",
             "__import__", "Invoke-Expression", "vm.runInContext", "send"),
    "query": ("execute", "executemany", "executeQuery", "executeUpdate", "createQuery", "createNativeQuery", "query",
              "raw", "rawQuery", "find_by_sql", "cursor", "prepareStatement", "prepare"),
    "deserialise": ("pickle", "loads", "load", "unserialize", "readObject", "ObjectInputStream", "yaml.load", "Marshal",
                    "BinaryFormatter", "XMLDecoder", "fromXML"),
    "page": ("innerHTML", "outerHTML", "document.write", "dangerouslySetInnerHTML", "mark_safe",
             "render_template_string", "html_safe", "raw", "Markup", "insertAdjacentHTML", "v-html"),
    "file": ("open", "fopen", "readFile", "sendFile", "send_file", "include", "require", "unlink", "chmod", "chown",
             "extractall", "FileInputStream", "mktemp", "tempnam"),
    "request": ("urlopen", "requests", "fetch", "axios", "curl_exec", "openConnection", "redirect", "HttpClient"),
    "xml": ("DocumentBuilderFactory", "SAXParser", "XMLReader", "etree", "parseString", "XmlDocument", "libxml"),
    "cryptography": ("md5", "sha1", "MD5", "SHA1", "DES", "RC4", "ECB", "Random", "random", "rand", "srand",
                     "createHash", "getInstance", "verify", "TrustManager", "HostnameVerifier", "check_hostname"),
    "access": ("permissions", "privileged", "USER", "ADD", "curl", "wget", "sudo", "cidr_blocks", "Principal", "Action",
               "hostNetwork", "hostPath", "runAsUser", "capabilities", "pull_request_target", "secrets", "acl"),
}  # fmt: skip
"""Names by what can go wrong; matched as whole words."""

_MAX_LINE = 5000
"""What stands further to the right isn't looked for: minified lines are cut anyway."""

_NAMES = sorted({name for names in DANGEROUS.values() for name in names}, key=lambda name: (-len(name), name))
_PATTERN = re.compile(r"(?<![\w$-])(?:" + "|".join(map(re.escape, _NAMES)) + r")(?![\w$-])")


def is_dangerous(line: str) -> bool:
    """Tell whether a line names one of the calls or keys above."""
    return bool(_PATTERN.search(line, 0, _MAX_LINE))
