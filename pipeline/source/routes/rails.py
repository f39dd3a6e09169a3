"""Routes of Rails: `config/routes.rb`, with namespaces, scopes and resources, to the controllers' actions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, REGISTRATION, Files, Route, segments

MAX_DEPTH = 50
_VERB = re.compile(r"^(get|post|put|patch|delete|match)\s+['\":]([\w/:.()*-]+)['\"]?(.*)$")
_TARGET = re.compile(r"['\"]([\w/]+)#(\w+)['\"]")
_BLOCK = re.compile(r"\bdo(\s*\|[^|]*\|)?\s*$")
_LIMIT = re.compile(r"\b(only|except):\s*(\[[^\]]*\]|%i\[[^\]]*\]|:\w+)")
_ACTIONS = {
    "index": ("GET", ""), "create": ("POST", ""), "new": ("GET", "new"), "show": ("GET", ":id"),
    "edit": ("GET", ":id/edit"), "update": ("PATCH", ":id"), "destroy": ("DELETE", ":id"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Level:
    """What an open block adds: to the path, to the controller's module, and whose actions it holds.

    `own` is set inside `member do` and `collection do`: there the resource's own `:order_id` goes.
    """

    path: str = ""
    module: str = ""
    controller: str = ""
    own: bool = False


def rails_routes(files: Files) -> list[Route]:
    """Return the routes of every routes file."""
    return [
        route
        for path, text in files.ending(("routes.rb",))
        for route in _Table(files, path).read(text)
    ]  # fmt: skip


class _Table:
    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path
        self._root = path.removesuffix("config/routes.rb")
        self._levels: list[Level] = []
        self._routes: list[Route] = []

    def read(self, text: str) -> list[Route]:
        for number, raw in enumerate(text.split("\n"), 1):
            line = re.sub(r"\s+#.*$|^#.*$", "", raw).strip()
            if len(self._routes) >= MAX_ROUTES or len(self._levels) >= MAX_DEPTH:
                break
            level = self._line(line, number)
            if _BLOCK.search(line):
                self._levels.append(level)
            elif line == "end" and self._levels:
                self._levels.pop()
        return self._routes

    def _line(self, line: str, number: int) -> Level:
        word, _, rest = line.partition(" ")
        name = re.match(r"\s*[:'\"]?/?([\w/:-]+)", rest)
        if word in ("resources", "resource") and name:
            return self._resources(word, name[1], rest, number)
        if word == "namespace" and name:
            return Level(path=name[1], module=name[1])
        if word == "scope":
            module = re.search(r"module:\s*[:'\"](\w+)", rest)
            path = re.match(r"\s*['\":](/?[\w/:-]+)|.*path:\s*['\"]([^'\"]*)", rest)
            return Level(path=(path[1] or path[2] or "") if path else "", module=module[1] if module else "")
        if word == "member":
            return Level(path=":id", controller=self._controller(), own=True)
        if word == "root" and (target := _TARGET.search(rest)):
            self._add("GET", "", target[1], target[2], number)
        elif found := _VERB.match(line):
            self._verb(found, number)
        if word == "collection":
            return Level(controller=self._controller(), own=True)
        return Level()

    def _verb(self, found: re.Match[str], number: int) -> None:
        target = _TARGET.search(found[3])
        path = re.sub(r"\(.*?\)", "", found[2])
        controller = target[1] if target else self._controller() or path.strip("/").rpartition("/")[0]
        action = target[2] if target else path.strip("/").rpartition("/")[2]
        own = ":id" if "on: :member" in found[3] else ""
        verb = None if found[1] == "match" else found[1].upper()
        self._add(verb, f"{own}/{path}", controller, action, number)

    def _resources(self, word: str, name: str, rest: str, number: int) -> Level:
        chosen = dict(_ACTIONS)
        for kind, listed in _LIMIT.findall(rest):
            names = set(re.findall(r"\w+", listed.replace("%i", "")))
            chosen = {action: how for action, how in chosen.items() if (action in names) == (kind == "only")}
        plural = name if word == "resources" or name.endswith("s") else f"{name}s"
        for action, (method, path) in chosen.items():
            if word == "resource":
                if action == "index":
                    continue
                path = path.removeprefix(":id").lstrip("/")  # noqa: PLW2901
            self._add(method, f"{name}/{path}", plural, action, number)
        member = f"{name}/:{name.rstrip('s')}_id" if word == "resources" else name
        return Level(path=member, controller=plural)

    def _controller(self) -> str:
        return next((level.controller for level in reversed(self._levels) if level.controller), "")

    def _add(self, method: str | None, path: str, controller: str, action: str, number: int) -> None:
        levels = list(self._levels)
        if len(levels) > 1 and levels[-1].own:
            levels[-2] = Level(path=levels[-2].path.rpartition("/")[0])
        pattern = segments(*(level.path for level in levels), path)
        module = "/".join(level.module for level in self._levels if level.module)
        name = f"{module}/{controller}".strip("/")
        target = f"{self._root}app/controllers/{name}_controller.rb"
        line = self._files.definition(target, rf"^\s*def {re.escape(action)}\b")
        if line is not None:
            self._routes.append(Route(method, pattern, target, line, "rails", HANDLER))
        else:
            self._routes.append(Route(method, pattern, self._path, number, "rails", REGISTRATION))
