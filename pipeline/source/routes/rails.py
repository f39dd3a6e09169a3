"""Routes of Rails: `config/routes.rb`, with namespaces, scopes and resources, to the controllers' actions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, REGISTRATION, Files, Route, segments

MAX_DEPTH = 50
_VERB = re.compile(r"^(get|post|put|patch|delete|match)\b[\s(]*[:'\"]([\w/:.()*-]+)['\"]?(.*)$")
_TARGET = re.compile(r"['\"]([\w/]+)#(\w+)['\"]")
_BLOCK = re.compile(r"\bdo(\s*\|[^|]*\|)?\s*$|\{(\s*\|[^|]*\|)?\s*$")
_ONE_LINE = re.compile(
    r"^((?:member|collection|concern|namespace|scope|resources?|constraints)\b.{0,300}?(?:\bdo\b(?:\s*\|[^|]*\|)?|\{))\s+"
    r"((?:get|post|put|patch|delete|match|resources?|root)\b.{0,300}?)\s+(?:end|\})$"
)
_CONDITION = re.compile(r"^(?:if|unless|case|begin|while|until|def|class|module)\b")
_LIMIT = re.compile(r"\b(only|except):\s*(\[[^\]]*\]|%i\[[^\]]*\]|:\w+)")
_OPTION = r"\b{0}:\s*[:'\"]([\w/:#-]*)"
_CONCERNS = re.compile(r"\bconcerns:?\s*(\[[^\]]*\]|%i\[[^\]]*\]|:\w+)")
_ACTIONS = (
    ("index", "GET", ""), ("create", "POST", ""), ("new", "GET", "new"), ("show", "GET", ":id"),
    ("edit", "GET", ":id/edit"), ("update", "PATCH", ":id"), ("update", "PUT", ":id"), ("destroy", "DELETE", ":id"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Level:
    """What an open block adds: to the path, to the controller's module, and whose actions it holds.

    A block of a resource has its `collection`, the path without `:order_id`; inside `member do` and
    `collection do`, `own` says what stands in the place of the resource's path.
    """

    path: str = ""
    module: str = ""
    controller: str = ""
    collection: str = ""
    own: str | None = None
    shallow: bool = False


def rails_routes(files: Files) -> list[Route]:
    """Return the routes of every routes file."""
    return [
        route
        for path, text in files.ending((".rb",))
        if path.endswith("routes.rb") or "config/routes/" in path
        for route in _Table(files, path).read(text)
    ]


class _Table:
    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path
        self._root = path.rpartition("config/routes")[0]
        self._levels: list[Level] = []
        self._routes: list[Route] = []
        self._concerns: dict[str, list[tuple[int, str]]] = {}

    def read(self, text: str) -> list[Route]:
        self._read(_statements(text))
        return self._routes

    def _read(self, statements: list[tuple[int, str]], depth: int = 0) -> None:
        place = 0
        while place < len(statements) and len(self._routes) < MAX_ROUTES and len(self._levels) < MAX_DEPTH:
            number, line = statements[place]
            place += 1
            if (concern := re.match(r"concern\s+:(\w+)", line)) and _BLOCK.search(line):
                end = _end_of_block(statements, place)
                self._concerns[concern[1]] = statements[place : end - 1]
                place = end
                continue
            level = self._line(line, number, depth)
            if _BLOCK.search(line) or _CONDITION.match(line):
                self._levels.append(level)
            elif line in ("end", "}") and self._levels:
                self._levels.pop()

    def _line(self, line: str, number: int, depth: int) -> Level:
        word, _, rest = line.replace("(", " ", 1).partition(" ")
        name = re.match(r"\s*[:'\"]?/?([\w/:-]+)", rest)
        path, module = _option(rest, "path"), _option(rest, "module")
        if word in ("resources", "resource"):
            return self._resources(word, rest, number, depth)
        if word == "namespace" and name:
            return Level(path=name[1] if path is None else path, module=module or name[1])
        if word == "scope":
            given = re.match(r"\s*['\":](/?[\w/:-]+)", rest)
            return Level(path=given[1] if given else path or "", module=module or "")
        if word in ("member", "collection"):
            resource = next((level for level in reversed(self._levels) if level.controller), Level())
            return Level(own=f"{resource.collection}/:id" if word == "member" else resource.collection)
        if word == "root" and (target := _TARGET.search(rest)):
            self._add("GET", "", target[1], target[2], number)
        elif found := _VERB.match(line):
            self._verb(found, number)
        elif word == "concerns":
            self._with_concerns(f"concerns: {rest.strip()}", depth)
        return Level(controller=_option(rest, "controller") or "")

    def _verb(self, found: re.Match[str], number: int) -> None:
        rest, target = found[3], _TARGET.search(found[3])
        path = re.sub(r"\(.*?\)", "", found[2])
        resource = next((level for level in reversed(self._levels) if level.controller), Level())
        last = _option(rest, "to") or path.strip("/").rpartition("/")[2]
        controller = target[1] if target else _option(rest, "controller") or resource.controller
        controller = controller or path.strip("/").rpartition("/")[0]
        action = target[2] if target else _option(rest, "action") or last
        own = {":member": f"{resource.collection}/:id", ":collection": resource.collection}
        on = re.search(r"\bon:\s*(:\w+)", rest)
        via = re.search(r"\bvia:\s*(\[[^\]]*\]|%i\[[^\]]*\]|:\w+)", rest)
        verbs = re.findall(r"get|post|put|patch|delete", via[1]) if via else []
        for verb in verbs or [found[1]]:
            method = None if verb == "match" else verb.upper()
            self._add(method, path, controller, action, number, own.get(on[1]) if on else None)

    def _resources(self, word: str, rest: str, number: int, depth: int) -> Level:
        limits = [(kind, set(re.findall(r"\w+", listed.replace("%i", "")))) for kind, listed in _LIMIT.findall(rest)]
        names = re.split(r",?\s*(?:\w+:\s|:\w+\s*=>|\bdo\b)", rest, maxsplit=1)[0]
        level = Level()
        for name in re.findall(r"[:'\"]/?([\w/-]+)", names):
            plural = name if word == "resources" or name.endswith("s") else f"{name}s"
            given = _option(rest, "path")
            path = name if given is None else given
            level = Level(
                path=f"{path}/:{name.rstrip('s')}_id" if word == "resources" else path,
                controller=_option(rest, "controller") or plural,
                collection=path,
                module=_option(rest, "module") or "",
                shallow="shallow: true" in rest,
            )
            for action, method, tail in _ACTIONS:
                if any((action in listed) != (kind == "only") for kind, listed in limits):
                    continue
                if word == "resource" and action == "index":
                    continue
                tail_here = tail.removeprefix(":id").lstrip("/") if word == "resource" else tail
                own = "" if tail.startswith(":id") and any(one.shallow for one in self._levels) else None
                self._add(method, f"{path}/{tail_here}", level.controller, action, number, own, level.module)
            self._levels.append(level)
            self._with_concerns(rest, depth)
            self._levels.pop()
        return level

    def _with_concerns(self, rest: str, depth: int) -> None:
        listed = _CONCERNS.search(rest)
        for name in re.findall(r"\w+", listed[1].replace("%i", "")) if listed and depth < 3 else ():
            self._read(self._concerns.get(name, []), depth + 1)

    def _add(
        self, method: str | None, path: str, controller: str, action: str, number: int, own: str | None = None,
        module: str = "",
    ) -> None:  # fmt: skip
        pattern = segments(*self._before(own), path)
        modules = [level.module for level in self._levels if level.module] + [module] * bool(module)
        target = f"{self._root}app/controllers/{'/'.join([*modules, controller]).strip('/')}_controller.rb"
        line = self._files.definition(target, rf"^\s*def {re.escape(action)}\b")
        if line is not None:
            self._routes.append(Route(method, pattern, target, line, "rails", HANDLER))
        else:
            self._routes.append(Route(method, pattern, self._path, number, "rails", REGISTRATION))

    def _before(self, own: str | None) -> list[str]:
        """Return the paths of the open blocks; `own` stands in the place of the innermost resource's path."""
        levels = list(self._levels)
        own = next((level.own for level in reversed(levels) if level.own is not None), None) if own is None else own
        if own is None:
            return [level.path for level in levels]
        last = max((place for place, level in enumerate(levels) if level.controller), default=-1)
        return [level.path for level in levels[: max(0, last)]] + [own]


def _statements(text: str) -> list[tuple[int, str]]:
    """Return numbered lines without comments; one that ends with a comma goes on in the next."""
    found: list[tuple[int, str]] = []
    open_ = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = re.sub(r"\s+#.*$|^#.*$", "", raw).strip()
        if open_ and found and line:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line}"[:2000])
        elif line:
            one = _ONE_LINE.match(line)
            parts = [one[1], *one[2].split(";"), "end"] if one else [line]
            found += [(number, part.strip()) for part in parts]
        open_ = bool(found) and found[-1][1].endswith(",") if line else open_
    return found


def _end_of_block(statements: list[tuple[int, str]], start: int) -> int:
    """Return the place after the line that ends the block opened before `start`."""
    depth = 1
    for place in range(start, len(statements)):
        line = statements[place][1]
        depth += bool(_BLOCK.search(line) or _CONDITION.match(line)) - (line in ("end", "}"))
        if depth == 0:
            return place + 1
    return len(statements)


def _option(rest: str, name: str) -> str | None:
    found = re.search(_OPTION.format(name), rest)
    return found[1] if found else None
