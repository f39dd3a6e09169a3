"""What a data file is (a workflow, a stack, a manifest, a playbook …), and so which entry is its unit."""

from __future__ import annotations

import posixpath
from collections.abc import Callable

_TASK_LISTS = frozenset({"tasks", "handlers", "pre_tasks", "post_tasks", "block", "rescue", "always"})
_GITLAB = frozenset({"stages", "before_script", "image", "variables", "include", "default"})
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options", "trace"})
_XML_UNITS = frozenset({
    "dependency", "plugin", "parent", "activity", "service", "receiver", "provider", "PackageReference", "package",
    "bean", "security-constraint", "servlet", "filter", "target", "domain-config", "base-config", "uses-permission",
})  # fmt: skip
_UNIT_PARENTS = {
    "compose": ("services",),
    "cloudformation": ("Resources", "Parameters", "Outputs"),
    "workflow": ("jobs",),
    "action": ("inputs", "outputs"),
    "terraform": ("module", "variable", "output", "provider", "locals"),
    "lock": ("packages", "dependencies", "default", "develop", "require", "devDependencies"),
}


def dialect_of(language: str, path: str, top: frozenset[str]) -> str:
    """Return the dialect of a YAML or JSON file, from its path and its topmost keys."""
    name = posixpath.basename(path).lower()
    for dialect, found in (
        ("workflow", ".github/workflows/" in path or {"jobs", "on"} <= top or {"jobs", "true"} <= top),
        ("action", name in ("action.yml", "action.yaml") and "runs" in top),
        ("terraform", name.endswith(".tf.json")),
        ("cloudformation", "Resources" in top),
        ("kubernetes", {"apiVersion", "kind"} <= top),
        ("compose", "services" in top and "apiVersion" not in top),
        ("openapi", "paths" in top and bool({"openapi", "swagger"} & top)),
        ("gitlab", "gitlab-ci" in name or (len(_GITLAB & top) >= 3 and "jobs" not in top)),
        ("lock", name in ("package-lock.json", "npm-shrinkwrap.json", "package.json", "pipfile.lock", "composer.json")),
        ("ansible", language == "yaml" and not top),
    ):
        if found:
            return dialect
    return "plain"


def opening_lines(language: str, path: str, top: frozenset[str]) -> int:
    """Return how many of a document's first lines say what it is: a workflow's triggers, an object's kind."""
    return {"workflow": 10, "kubernetes": 4}.get(dialect_of(language, path, top), 0)


def unit_of(language: str, path: str, keys: list[str], top: frozenset[str]) -> int:
    """Return the index of the entry that is the unit, in the chain of keys from the outermost."""
    if language == "xml":
        return _last(keys, lambda index: keys[index] in _XML_UNITS, default=0)
    if language == "puppet":
        return len([key for key in keys if key.split(" ")[0] in ("class", "define", "node")]) if len(keys) > 1 else 0
    if language in ("hcl", "toml", "terraform", "bicep"):
        return 0
    first = 1 if keys[0] == "---" and len(keys) > 1 else 0
    return min(_yaml_unit(dialect_of(language, path, top), keys, first), len(keys) - 1)


def _yaml_unit(dialect: str, keys: list[str], first: int) -> int:
    parents = _UNIT_PARENTS.get(dialect, ())
    inner = first + 1 if keys[first] in parents else first
    match dialect:
        case "kubernetes":
            return first + 1 if keys[first : first + 2] == ["items", "-"] else 0
        case "action" if keys[first : first + 3] == ["runs", "steps", "-"]:
            inner = first + 2
        case "terraform" if keys[first] in ("resource", "data"):
            inner = first + 2
        case "ansible":
            inner = _last(keys, lambda i: keys[i] == "-" and (i <= first or keys[i - 1] in _TASK_LISTS), default=first)
        case "openapi" if keys[first] == "paths":
            inner = first + 2 if len(keys) > first + 2 and keys[first + 2] in _METHODS else first + 1
        case "lock":
            inner = _last(keys, lambda i: i > first and keys[i - 1] in parents, default=first)
    return inner


def _last(keys: list[str], fits: Callable[[int], bool], default: int) -> int:
    return next((index for index in reversed(range(len(keys))) if fits(index)), default)
