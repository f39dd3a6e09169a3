"""Routes of Flask and FastAPI: decorators, rules and resources, under the prefixes of blueprints and routers."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, REGISTRATION, Files, Route, segments
from pipeline.source.routes.modules import METHODS, Modules, Name, class_methods, keyword, node_name

_LIKELY = re.compile(r"route|Blueprint|FastAPI|Flask|add_resource|\.mount\(|@\w+\.(?:get|post|put|delete|patch)\(")
_MAKERS = {"Flask": "flask", "Blueprint": "flask", "Namespace": "flask", "FastAPI": "fastapi", "APIRouter": "fastapi"}
_MOUNTS = {"register_blueprint": 0, "include_router": 0, "add_namespace": 0, "mount": 1}
_DECORATORS = {*METHODS, "route", "api_route", "websocket"}
_MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Router:
    """An application, blueprint or router: what made it, and the prefix it gives itself."""

    maker: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A router put under another one; `prefix` is None when none is given, `known` False when it can't be read."""

    owner: Name
    prefix: str | None
    known: bool


def flask_and_fastapi_routes(files: Files) -> list[Route]:
    """Return the routes of all Flask and FastAPI applications."""
    return list(_Reader(files).read())


class _Reader:
    def __init__(self, files: Files) -> None:
        self._modules = Modules(files)
        self._paths = [path for path, text in files.ending((".py",)) if _LIKELY.search(text)]
        self._routers: dict[Name, Router] = {}
        self._mounts: dict[Name, list[Mount]] = defaultdict(list)

    def read(self) -> Iterator[Route]:
        for path in self._paths:
            self._collect(path)
        for path in self._paths:
            yield from islice(self._routes(path), MAX_ROUTES)

    def _collect(self, path: str) -> None:
        module = self._modules.module(path)
        for name, value in module.assigned.items():
            if isinstance(value, ast.Call) and (maker := node_name(value)) in _MAKERS:
                prefix = self._modules.text(path, keyword(value, "url_prefix", "prefix", "path"))
                self._routers[path, name] = Router(maker, prefix or "")
        for node in module.nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MOUNTS:
                self._mount(path, node, node.func)

    def _mount(self, path: str, call: ast.Call, function: ast.Attribute) -> None:
        place = _MOUNTS[function.attr]
        if len(call.args) <= place:
            return
        given = call.args[0] if place else keyword(call, "url_prefix", "prefix", "path")
        prefix = self._modules.text(path, given)
        mount = Mount(self._modules.resolve(path, function.value), prefix, given is None or prefix is not None)
        self._mounts[self._modules.resolve(path, call.args[place])].append(mount)

    def _routes(self, path: str) -> Iterator[Route]:
        for node in self._modules.module(path).nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for decorator in node.decorator_list:
                    yield from self._decorated(path, node, decorator)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield from self._called(path, node, node.func)

    def _decorated(
        self, path: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, decorator: ast.expr
    ) -> Iterator[Route]:
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            return
        word = decorator.func.attr
        patterns = decorator.args or [one for one in [keyword(decorator, "path", "rule")] if one is not None]
        if word not in _DECORATORS or not patterns:
            return
        owner = self._modules.resolve(path, decorator.func.value)
        methods = _methods(decorator) if "route" in word else ["GET" if word == "websocket" else word.upper()]
        handlers = list(class_methods(node)) if isinstance(node, ast.ClassDef) else []
        for pattern in patterns if isinstance(node, ast.ClassDef) else patterns[:1]:
            found = handlers or [(method, node.lineno) for method in methods]
            yield from self._under(owner, self._modules.text(path, pattern), path, found)

    def _called(self, path: str, call: ast.Call, function: ast.Attribute) -> Iterator[Route]:
        owner, arguments = self._modules.resolve(path, function.value), call.args
        if function.attr == "add_resource" and len(arguments) > 1:
            view, patterns = arguments[0], arguments[1:]
        elif function.attr in ("add_url_rule", "add_api_route") and arguments:
            position = 2 if function.attr == "add_url_rule" else 1
            named = keyword(call, "view_func", "endpoint")
            view, patterns = (
                named or (arguments[position] if len(arguments) > position else arguments[0]),
                arguments[:1],
            )
        else:
            return
        if isinstance(view, ast.Call) and isinstance(view.func, ast.Attribute) and view.func.attr == "as_view":
            view = view.func.value
        place, handlers, confidence = self._handlers(path, view, call)
        for pattern in patterns:
            yield from self._under(owner, self._modules.text(path, pattern), place, handlers, confidence)

    def _handlers(self, path: str, view: ast.expr, call: ast.Call) -> tuple[str, list[tuple[str | None, int]], float]:
        """Return the file, the methods with their lines, and how sure that place is."""
        name = self._modules.resolve(path, view)
        node = self._modules.definition(name)
        methods: list[str | None] = [*_methods(call)] if keyword(call, "methods") is not None else [None]
        if node is None:
            return path, [(method, call.lineno) for method in methods], REGISTRATION
        if isinstance(node, ast.ClassDef) and (answered := list(class_methods(node))):
            return name[0], [*answered], HANDLER
        return name[0], [(method, node.lineno) for method in methods], HANDLER

    def _under(
        self, owner: Name, pattern: str | None, path: str, handlers: Sequence[tuple[str | None, int]],
        confidence: float = HANDLER,
    ) -> Iterator[Route]:  # fmt: skip
        """Yield a rule's routes under every prefix of its owner; what is no path (`@mock.patch("a.b")`) isn't one."""
        if pattern is None or not (pattern == "" or pattern.startswith(("/", "{"))):
            return
        framework = _MAKERS[self._routers[owner].maker] if owner in self._routers else "flask"
        for prefix, known in self._prefixes(owner):
            for method, line in handlers:
                yield Route(method, segments(prefix, pattern), path, line, framework, confidence, known)

    def _prefixes(self, name: Name, depth: int = 0) -> list[tuple[str, bool]]:
        """Return the prefixes a router's routes are under, and whether all of each is known.

        Flask puts the prefix given when mounting in the place of the blueprint's own, FastAPI before it.
        """
        router = self._routers.get(name)
        mounts = self._mounts.get(name, []) if depth < _MAX_DEPTH else []
        own = router.prefix if router else ""
        if not mounts:
            return [(own, router is None or router.maker in ("Flask", "FastAPI", "Namespace"))]
        instead = router is not None and _MAKERS[router.maker] == "flask"
        return [
            (f"{outer}/{own if mount.prefix is None else mount.prefix if instead else f'{mount.prefix}/{own}'}", known)
            for mount in mounts
            for outer, sure in self._prefixes(mount.owner, depth + 1)
            for known in [sure and mount.known]
        ]


def _methods(call: ast.Call) -> list[str]:
    given = keyword(call, "methods")
    if isinstance(given, ast.List | ast.Tuple | ast.Set):
        return [one.value.upper() for one in given.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return ["GET"]
