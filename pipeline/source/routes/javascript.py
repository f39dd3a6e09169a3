"""Routes of Express and Fastify, with routers mounted under a prefix, also across files and inside plugins."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, REGISTRATION, Files, Route, segments
from pipeline.source.routes.scripts import (
    FUNCTIONS,
    SUFFIXES,
    Script,
    arguments,
    member,
    option,
    resolve,
    said,
    script_of,
    text_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node

_LIKELY = re.compile(r"express|fastify|[Rr]outer|\.(?:get|post|put|delete|patch|route|register|use)\s*[(<]")
_VERBS = frozenset({"get", "post", "put", "delete", "patch", "head", "options", "all"})
_MAKER = re.compile(r"(?:^|\.|new\s+)(?:Router|express|[Ff]astify)$|require\(\s*['\"`](?:express|fastify)['\"`]\s*\)$")
_TYPE = re.compile(r"\b(?:Router|Application|Express|Fastify\w*)\b")
_NAMES = frozenset({"app", "router", "server", "fastify", "instance"})
"""What an application is called where nothing says what made it."""

_HANDLERS = FUNCTIONS | {
    "identifier",
    "member_expression",
    "call_expression",
    "await_expression",
    "as_expression",
    "array",
}
_MAX_DEPTH = 4
Key = tuple[str, str]
"""A file and a variable in it; "" for whatever the file exports."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A router put under another one, with the prefix given there."""

    prefix: str
    owner: Key
    known: bool


def javascript_routes(files: Files) -> list[Route]:
    """Return the routes of all JavaScript and TypeScript files."""
    return list(_Reader(files).read())


class _Reader:
    def __init__(self, files: Files) -> None:
        self._files = files
        self._scripts = {path: script_of(files, path) for path, text in files.ending(SUFFIXES) if _LIKELY.search(text)}
        self._mounts: dict[Key, list[Mount]] = defaultdict(list)

    def read(self) -> Iterator[Route]:
        for path, script in self._scripts.items():
            for call in islice(script.calls, MAX_ROUTES * 10):
                self._mount(path, script, call)
        for path, script in self._scripts.items():
            yield from islice(self._routes(path, script), MAX_ROUTES)

    def _routes(self, path: str, script: Script) -> Iterator[Route]:
        framework = "fastify" if "fastify" in self._files.texts[path].lower() else "express"
        for call in script.calls:
            for owner, verb, pattern, handler in self._registered(script, call):
                variable = text_of(owner).removeprefix("this.")
                if not self._is_router(path, script, variable, owner):
                    continue
                place, line, confidence = self._handler(path, script, handler, call)
                for prefix, known in self._prefixes(self._key(path, script, variable, owner)):
                    whole = segments(prefix, pattern)
                    yield Route(None if verb == "ALL" else verb, whole, place, line, framework, confidence, known)

    def _registered(self, script: Script, call: Node) -> Iterator[tuple[Node, str, str, Node | None]]:
        """Yield owner, verb, pattern and handler of each route that a call registers."""
        named = member(call)
        if named is None:
            return
        owner, name = named
        given = arguments(call)
        if name == "route" and given and given[0].type == "object":
            yield from self._described(script, owner, given[0])
        elif name == "use" and len(given) > 1 and given[-1].type in FUNCTIONS:
            for pattern in self._patterns(script, given[0]):
                yield owner, "ALL", f"{pattern}/**", given[-1]
        elif name in _VERBS and (start := self._chained(owner)) is not None and given:
            for pattern in self._patterns(script, arguments(start)[0]):
                yield member(start)[0], name.upper(), pattern, given[-1]  # type: ignore[index]
        elif name in _VERBS and len(given) > 1 and given[-1].type in _HANDLERS:
            for pattern in self._patterns(script, given[0]):
                yield owner, name.upper(), pattern, given[-1]

    def _described(self, script: Script, owner: Node, described: Node) -> Iterator[tuple[Node, str, str, Node | None]]:
        methods = option(described, "method")
        for verb in re.findall(r"['\"`](\w+)['\"`]", text_of(methods)):
            for pattern in self._patterns(script, option(described, "url")):
                yield owner, verb.upper(), pattern, option(described, "handler") or described

    def _chained(self, owner: Node) -> Node | None:
        """Return the call `x.route('/y')` that a chain of verbs begins with."""
        for _ in range(10):
            named = member(owner) if owner.type == "call_expression" else None
            if named is None:
                return None
            if named[1] == "route" and arguments(owner):
                return owner
            owner = named[0]
        return None

    def _patterns(self, script: Script, node: Node | None) -> list[str]:
        """Return the paths an argument says: text that begins with a slash, a template, or a list of them."""
        if node is not None and node.type == "array":
            return [pattern for one in node.named_children for pattern in self._patterns(script, one)]
        pattern = said(node, script, self._files)
        return [pattern] if pattern is not None and pattern.startswith(("/", "*", "{")) else []

    def _is_router(self, path: str, script: Script, variable: str, owner: Node) -> bool:
        """Tell an application or a router from a client, a cache or a map, which have the same methods."""
        if owner.type not in ("identifier", "member_expression", "this"):
            return False
        if variable in script.imports:
            target = script.imports[variable][0]
            return target in self._scripts and any(map(_makes_router, self._scripts[target].values.values()))
        if (value := script.values.get(variable)) is not None:
            return _makes_router(value)
        if variable in script.foreign:
            return False
        typed = self._parameter(owner, variable)
        plugin = typed is not None and (bool(_TYPE.search(typed)) or self._is_plugin(path, script, owner, variable))
        return plugin or variable in _NAMES or variable.endswith("Router")

    def _is_plugin(self, path: str, script: Script, owner: Node, variable: str) -> bool:
        """Tell a parameter of a function that is registered with a prefix, or loaded from its folder."""
        mounted = self._key(path, script, variable, owner) in self._mounts or (path, "") in self._mounts
        return mounted and "fastify" in "".join(self._mounted_by(path))

    def _mounted_by(self, path: str) -> Iterator[str]:
        yield self._files.texts[path].lower()
        for mount in self._mounts.get((path, ""), []):
            yield self._files.texts[mount.owner[0]].lower()

    def _parameter(self, node: Node, variable: str) -> str | None:
        """Return the text of the parameter that a variable is, with its type; None when it is none."""
        function = _function_with(node, variable)
        return _first_parameter(function) if function is not None else None

    def _key(self, path: str, script: Script, variable: str, owner: Node) -> Key:
        function = _function_with(owner, variable)
        if function is not None:
            return path, f"{variable}@{function.start_byte}"
        if variable in script.imports:
            target, name = script.imports[variable]
            return target, name
        return path, variable

    def _mount(self, path: str, script: Script, call: Node) -> None:
        named, given = member(call), arguments(call)
        if named is None or named[1] not in ("use", "register") or not given:
            return
        owner = self._key(path, script, text_of(named[0]).removeprefix("this."), named[0])
        if named[1] == "register" and len(given) > 1 and (folder := option(given[1], "dir")) is not None:
            self._load(path, folder, owner)
        if named[1] == "use":
            prefixes = self._patterns(script, given[0]) or [""]
            known, parts = bool(prefixes[0]) or len(given) == 1, given
        else:
            at = option(given[1], "prefix") if len(given) > 1 else None
            prefix = said(at, script, self._files)
            prefixes, known, parts = [prefix or ""], at is None or prefix is not None, given[:1]
        for target in {key for part in parts for key in self._targets(path, script, part)}:
            self._mounts[target] += [Mount(prefix, owner, known) for prefix in prefixes]

    def _load(self, path: str, folder: Node, owner: Key) -> None:
        """Mount what `@fastify/autoload` loads: every file of a folder, under the folders it lies in."""
        names = re.findall(r"['\"`]([^'\"`]+)['\"`]", text_of(folder))
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), *(name.lstrip("/") for name in names)))
        for file in self._scripts:
            if file.startswith(f"{base}/"):
                prefix = posixpath.dirname(file.removeprefix(base))
                self._mounts[file, ""].append(Mount(prefix, owner, True))

    def _targets(self, path: str, script: Script, part: Node) -> Iterator[Key]:
        """Yield what is mounted: a router of this file, one of another, or a plugin written on the spot."""
        if part.type in FUNCTIONS:
            parameter = re.match(r"[\w$]*", _first_parameter(part))
            yield path, f"{parameter[0] if parameter else ''}@{part.start_byte}"
        elif part.type in ("identifier", "member_expression"):
            name = text_of(part).removeprefix("this.")
            if name.split(".")[0] in script.imports:
                yield script.imports[name.split(".")[0]]
            elif (value := script.values.get(name)) is None or value.type not in FUNCTIONS:
                yield path, name
            else:
                yield from self._targets(path, script, value)
        elif part.type in ("call_expression", "await_expression"):
            found = re.search(r"(?:require|import)\(\s*['\"`](\.[^'\"`]*)['\"`]", text_of(part))
            if found and (target := resolve(self._files, path, found[1])):
                yield target, ""
            for inner in arguments(part) if part.type == "call_expression" and not found else ():
                yield from self._targets(path, script, inner)

    def _prefixes(self, key: Key, depth: int = 0) -> list[tuple[str, bool]]:
        """Return the prefixes a router's routes are under, and whether all of each is known."""
        mounts = [one for one in [*self._mounts.get(key, []), *self._exported(key)] if one.owner != key]
        if not mounts or depth >= _MAX_DEPTH:
            script = self._scripts.get(key[0])
            value = script.values.get(key[1]) if script is not None else None
            plugin = "@" in key[1] and "fastify" in self._files.texts[key[0]].lower()
            return [("", not plugin and (value is None or not _made_by(value).endswith("Router")))]
        return [
            (f"{before}/{mount.prefix}", sure and mount.known)
            for mount in mounts
            for before, sure in self._prefixes(mount.owner, depth + 1)
        ]

    def _exported(self, key: Key) -> list[Mount]:
        """Return the mounts of a file as a whole, for the routers that it may export."""
        return self._mounts.get((key[0], ""), []) if key[1] else []

    def _handler(self, path: str, script: Script, node: Node | None, call: Node) -> tuple[str, int, float]:
        """Return the handler's file and line: inline, defined in this file, or in an imported one."""
        name_at = call.child_by_field_name("function")
        line = (name_at.end_point[0] if name_at is not None else call.start_point[0]) + 1
        for _ in range(_MAX_DEPTH):
            if node is None or node.type in FUNCTIONS or node.type in ("object", "method_definition"):
                return path, line if node is None or node.type == "object" else node.start_point[0] + 1, HANDLER
            bound = member(node) if node.type == "call_expression" else None
            inner = [one for one in _given(node) if one.type in _HANDLERS]
            if bound is not None and bound[1] == "bind":
                node = bound[0]
            elif inner:
                node = inner[-1]  # asyncHandler(f), [check, f]
            elif node.type == "call_expression":
                node = node.child_by_field_name("function")  # one that makes the handler
            else:
                break
        owner, _, name = text_of(node).removeprefix("this.").rpartition(".")
        target = self._owner_file(path, script, owner or name)
        exported = script.imports.get(name, ("", ""))[1] if not owner else ""
        found = self._files.definition(target, *_definitions(exported or name))
        return (target, found, HANDLER) if found is not None else (path, line, REGISTRATION)

    def _owner_file(self, path: str, script: Script, owner: str) -> str:
        """Return the file of a controller: imported itself, or made of an imported class."""
        value = script.values.get(owner)
        if value is not None and value.type == "new_expression":
            owner = text_of(value.child_by_field_name("constructor"))
        return script.imports.get(owner, (path, ""))[0]


def _makes_router(value: Node) -> bool:
    return bool(_MAKER.search(_made_by(value)))


def _made_by(value: Node) -> str:
    """Return the name of what is called or constructed for a value."""
    return text_of(value.child_by_field_name("function") or value.child_by_field_name("constructor"))


def _given(node: Node) -> list[Node]:
    return (
        arguments(node) if node.type == "call_expression" else list(node.named_children) if node.type == "array" else []
    )


def _function_with(node: Node, variable: str) -> Node | None:
    """Return the innermost function around a node whose first parameter is the variable."""
    around = node.parent
    while around is not None:
        if around.type in FUNCTIONS and re.match(r"[\w$]*", _first_parameter(around))[0] == variable:  # type: ignore[index]
            return around
        around = around.parent
    return None


def _first_parameter(function: Node) -> str:
    single = function.child_by_field_name("parameter")
    listed = function.child_by_field_name("parameters")
    if single is not None or listed is None or not listed.named_children:
        return text_of(single)
    return text_of(listed.named_children[0])


def _definitions(name: str) -> tuple[str, ...]:
    quoted = re.escape(name)
    return (
        rf"^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*{quoted}\b",
        rf"^\s*(?:export\s+)?(?:const|let|var)\s+{quoted}\s*=",
        rf"^\s*(?:module\.)?exports\.{quoted}\s*=",
        rf"^\s*(?:(?:public|private|protected|static|async)\s+)*{quoted}\s*(?:=\s*async|=\s*\(|\([^)]*\)[^;\n]*\{{)",
        rf"^\s*{quoted}\s*:\s*(?:async\s*)?(?:function|\()",
    )
