"""Which language a file is written in, by name: the names are tree-sitter-language-pack's."""

from __future__ import annotations

import posixpath

_BY_NAME = {
    "dockerfile": "dockerfile", "containerfile": "dockerfile", "gemfile": "ruby", "rakefile": "ruby",
    "vagrantfile": "ruby", "berksfile": "ruby", "makefile": "make", "gnumakefile": "make", "go.mod": "gomod",
    "go.sum": "gosum", "pipfile": "toml", "poetry.lock": "toml", "cargo.lock": "toml", "uv.lock": "toml",
    "pipfile.lock": "json", "composer.lock": "json", "yarn.lock": "text", "gemfile.lock": "text",
    "gradle.lockfile": "text", "jenkinsfile": "groovy",
}  # fmt: skip
_BY_SUFFIX = {
    "py": "python", "pyi": "python", "pyw": "python", "js": "javascript", "jsx": "javascript", "mjs": "javascript",
    "cjs": "javascript", "ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx",
    "java": "java", "kt": "kotlin", "kts": "kotlin", "go": "go", "rb": "ruby", "erb": "html", "php": "php",
    "cs": "csharp", "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hpp": "cpp", "hh": "cpp",
    "hxx": "cpp", "rs": "rust", "swift": "swift", "scala": "scala", "sh": "bash", "bash": "bash", "zsh": "bash",
    "ps1": "powershell", "pl": "perl", "lua": "lua", "groovy": "groovy", "gradle": "groovy", "dart": "dart",
    "tf": "hcl", "tfvars": "hcl", "hcl": "hcl", "bicep": "bicep", "pp": "puppet",
    "yml": "yaml", "yaml": "yaml", "json": "json", "xml": "xml", "toml": "toml", "html": "html", "htm": "html",
    "vue": "vue", "svelte": "svelte", "sql": "sql", "css": "css", "properties": "properties", "ini": "ini",
    "md": "markdown", "proto": "proto", "sol": "solidity", "txt": "text", "env": "text", "dockerfile": "dockerfile",
    "ex": "elixir", "exs": "elixir", "m": "objc", "tpl": "text", "j2": "text",
}  # fmt: skip


def language_of(path: str) -> str:
    """Return a file's language; `text` when the name doesn't tell."""
    name = posixpath.basename(path).lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith(("dockerfile.", "containerfile.")):
        return "dockerfile"
    if name.startswith("requirements") and name.endswith((".txt", ".in")):
        return "requirements"
    return _BY_SUFFIX.get(name.rpartition(".")[2], "text")
