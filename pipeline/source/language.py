"""Which language a file is written in, by name: the names are tree-sitter-language-pack's."""

from __future__ import annotations

import posixpath
import re

_BY_NAME = {
    "dockerfile": "dockerfile", "containerfile": "dockerfile", "gemfile": "ruby", "rakefile": "ruby",
    "vagrantfile": "ruby", "berksfile": "ruby", "makefile": "make", "gnumakefile": "make", "go.mod": "gomod",
    "go.sum": "gosum", "pipfile": "toml", "poetry.lock": "toml", "cargo.lock": "toml", "uv.lock": "toml",
    "pipfile.lock": "json", "composer.lock": "json", "yarn.lock": "text", "gemfile.lock": "text",
    "gradle.lockfile": "text", "jenkinsfile": "groovy", "podfile": "ruby", "fastfile": "ruby", "guardfile": "ruby",
    "capfile": "ruby", "brewfile": "ruby", "dangerfile": "ruby",
    ".bashrc": "bash", ".profile": "bash", "pkgbuild": "bash",
}  # fmt: skip
_BY_SUFFIX = {
    "py": "python", "pyi": "python", "pyw": "python", "js": "javascript", "jsx": "javascript", "mjs": "javascript",
    "cjs": "javascript", "ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx",
    "java": "java", "kt": "kotlin", "kts": "kotlin", "go": "go", "rb": "ruby", "erb": "html", "php": "php",
    "phtml": "php", "inc": "php",
    "cs": "csharp", "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hpp": "cpp", "hh": "cpp",
    "hxx": "cpp", "rs": "rust", "swift": "swift", "scala": "scala", "sh": "bash", "bash": "bash", "zsh": "bash",
    "ps1": "powershell", "pl": "perl", "lua": "lua", "groovy": "groovy", "gradle": "groovy", "dart": "dart",
    "tf": "hcl", "tfvars": "hcl", "hcl": "hcl", "bicep": "bicep", "pp": "puppet",
    "yml": "yaml", "yaml": "yaml", "json": "json", "xml": "xml", "toml": "toml", "html": "html", "htm": "html",
    "vue": "vue", "svelte": "svelte", "sql": "sql", "css": "css", "properties": "properties", "ini": "ini",
    "md": "markdown", "proto": "proto", "sol": "solidity", "txt": "text", "env": "text", "dockerfile": "dockerfile",
    "gemspec": "ruby", "rake": "ruby", "ru": "ruby", "podspec": "ruby", "bats": "bash", "ksh": "bash", "sbt": "scala",
    "sc": "scala", "ipp": "cpp", "tpp": "cpp", "inl": "cpp", "cu": "cpp", "cuh": "cpp", "ino": "cpp", "c++": "cpp",
    "csproj": "xml", "vbproj": "xml", "fsproj": "xml", "props": "xml", "targets": "xml", "nuspec": "xml",
    "config": "xml", "plist": "xml", "xsd": "xml", "xsl": "xml", "wsdl": "xml", "xaml": "xml", "svg": "xml",
    "jsp": "html", "xhtml": "html",
    "tfstate": "json", "ipynb": "json", "webmanifest": "json",
    "ex": "elixir", "exs": "elixir", "m": "objc", "tpl": "text", "j2": "text",
}  # fmt: skip


_INTERPRETERS = {
    "sh": "bash", "bash": "bash", "dash": "bash", "ksh": "bash", "zsh": "bash", "python": "python", "ruby": "ruby",
    "node": "javascript", "perl": "perl", "php": "php", "pwsh": "powershell", "lua": "lua", "groovy": "groovy",
}  # fmt: skip
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*)?(?:\S*/)?([a-z]+)")


def language_in(path: str, text: str) -> str:
    """Return a file's language by its name, or by its text: a script's `#!`, CloudFormation's template."""
    language = language_of(path)
    if language != "text":
        return language
    if path.lower().endswith(".template") and "Resources" in text:
        return "json" if text.lstrip().startswith("{") else "yaml"
    found = _SHEBANG.match(text)
    return _INTERPRETERS.get(found[1], "text") if found else "text"


def language_of(path: str) -> str:
    """Return a file's language; `text` when the name doesn't tell."""
    name = posixpath.basename(path).lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith(("dockerfile.", "dockerfile-", "dockerfile_", "containerfile.")):
        return "dockerfile"
    if name.startswith("requirements") and name.endswith((".txt", ".in")):
        return "requirements"
    return _BY_SUFFIX.get(name.rpartition(".")[2], "text")
