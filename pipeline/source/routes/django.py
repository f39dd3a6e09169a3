"""Routes of Django: `urlpatterns` with what they include, class-based views, and REST framework's view sets."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, REGISTRATION, Files, Route, segments
from pipeline.source.routes.modules import Modules, class_methods, keyword, node_name
from pipeline.source.routes.patterns import of_regex

_MAX_DEPTH = 6
_MAX_STEPS = 50_000
"""Parts of tables looked at in a tree: lists that hold each other would never end."""

_PLAIN = {"View", "APIView", "object"}
_SET_ACTIONS = {
    "list": ("GET", ""), "create": ("POST", ""), "retrieve": ("GET", "{}"), "update": ("PUT", "{}"),
    "partial_update": ("PATCH", "{}"), "destroy": ("DELETE", "{}"),
}  # fmt: skip


def django_routes(files: Files) -> list[Route]:
    """Return the routes of every `urlpatterns` that no other includes, and of what it includes."""
    return list(_Reader(files).read())


class _Reader:
    def __init__(self, files: Files) -> None:
        self._modules = Modules(files)
        self._tables = [path for path, text in files.ending((".py",)) if "urlpatterns" in text]
        self._included: set[str] = set()
        self._steps = 0

    def read(self) -> Iterator[Route]:
        read = {path: list(islice(self._table(path, "urlpatterns", ""), MAX_ROUTES)) for path in self._tables}
        for path in self._tables:
            if path not in self._included:
                yield from read[path]

    def _table(self, path: str, name: str, prefix: str, depth: int = 0) -> Iterator[Route]:
        """Yield the routes of a list of patterns of a file; what is added to it with `+=`, too."""
        for node in self._modules.module(path).nodes:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AugAssign | ast.AnnAssign):
                targets = [node.target]
            if any(node_name(target) == name for target in targets):
                yield from self._patterns(path, node.value, prefix, depth)  # type: ignore[attr-defined]

    def _patterns(self, path: str, value: ast.expr | None, prefix: str, depth: int) -> Iterator[Route]:
        """Yield the routes of a value: a list, lists added up, a call round them, or a name for one."""
        self._steps += 1
        if depth > _MAX_DEPTH or value is None or self._steps > _MAX_STEPS:
            return
        match value:
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                for part in parts:
                    yield from self._patterns(path, part, prefix, depth)
            case ast.BinOp(left=left, right=right):
                yield from self._patterns(path, left, prefix, depth + 1)
                yield from self._patterns(path, right, prefix, depth + 1)
            case ast.Starred(value=inner):
                yield from self._patterns(path, inner, prefix, depth + 1)
            case ast.Call() if node_name(value) in ("path", "re_path", "url"):
                yield from self._route(path, value, prefix, depth)
            case ast.Call() if node_name(value) != "static":
                for part in value.args:
                    yield from self._patterns(path, part, prefix, depth + 1)
            case ast.Attribute(attr="urls", value=ast.Name(id=router)):
                yield from self._view_sets(path, router, prefix)
            case ast.Name() | ast.Attribute():
                file, name = self._modules.resolve(path, value)
                yield from self._table(file, name or "urlpatterns", prefix, depth + 1)

    def _route(self, path: str, call: ast.Call, prefix: str, depth: int) -> Iterator[Route]:
        given = self._modules.text(path, call.args[0] if call.args else keyword(call, "route", "regex"))
        view = call.args[1] if len(call.args) > 1 else keyword(call, "view")
        if given is None or view is None:
            return
        whole = f"{prefix}/{given if node_name(call) == 'path' else of_regex(given)}"
        if isinstance(view, ast.Call) and node_name(view) == "include":
            yield from self._include(path, view, whole, depth)
        else:
            yield from self._view(path, view, call, whole)

    def _include(self, path: str, call: ast.Call, prefix: str, depth: int) -> Iterator[Route]:
        target = call.args[0] if call.args else None
        if isinstance(target, ast.Tuple) and target.elts:
            target = target.elts[0]
        name = self._modules.text(path, target) if isinstance(target, ast.Constant) else None
        if name is None:
            file = self._modules.resolve(path, target) if isinstance(target, ast.Name | ast.Attribute) else ("", "-")
            if file[0] != path and file[1] == "":
                self._included.add(file[0])
            yield from self._patterns(path, target, prefix, depth + 1)
        elif (file_of := self._modules.file(name)) is not None and depth < _MAX_DEPTH:
            self._included.add(file_of)
            yield from self._table(file_of, "urlpatterns", prefix, depth + 1)

    def _view(self, path: str, view: ast.expr, call: ast.Call, pattern: str) -> Iterator[Route]:
        while isinstance(view, ast.Call) and node_name(view) != "as_view" and (view.args or view.keywords):
            view = view.args[0] if view.args else view.keywords[0].value  # csrf_exempt(view)
        if isinstance(view, ast.Call) and isinstance(view.func, ast.Attribute):
            view = view.func.value
        name = self._modules.resolve(path, view)
        if isinstance(view, ast.Constant) and isinstance(view.value, str):  # 'shop.views.index', as it once was
            module, _, function = view.value.rpartition(".")
            name = (self._modules.file(module) or path, function)
        node = self._modules.definition(name)
        if node is None:
            yield Route(None, segments(pattern), path, call.lineno, "django", REGISTRATION)
            return
        methods = list(class_methods(node)) if isinstance(node, ast.ClassDef) else []
        whole: list[tuple[str | None, int]] = [(None, node.lineno)]
        for method, line in methods or whole:
            yield Route(method, segments(pattern), name[0], line, "django", HANDLER)
        if methods and isinstance(node, ast.ClassDef) and {node_name(one) for one in node.bases} - _PLAIN:
            yield Route(None, segments(pattern), name[0], node.lineno, "django", REGISTRATION)  # what its base answers

    def _view_sets(self, path: str, router: str, prefix: str) -> Iterator[Route]:
        """Yield the routes of the view sets registered with a router of the REST framework."""
        file, name = self._modules.resolve(path, ast.Name(router))
        for node in self._modules.module(file).nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{name}.register" and len(node.args) > 1:
                at = self._modules.text(file, node.args[0])
                view = self._modules.resolve(file, node.args[1])
                found = self._modules.definition(view)
                if at is not None and isinstance(found, ast.ClassDef):
                    yield from self._view_set(view[0], found, f"{prefix}/{of_regex(at)}")

    def _view_set(self, path: str, node: ast.ClassDef, prefix: str) -> Iterator[Route]:
        functions = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        for one in functions:
            if one.name in _SET_ACTIONS:
                method, rest = _SET_ACTIONS[one.name]
                yield Route(method, segments(prefix, rest), path, one.lineno, "django", HANDLER)
            for action in (d for d in one.decorator_list if isinstance(d, ast.Call) and node_name(d) == "action"):
                detail, given = keyword(action, "detail"), keyword(action, "methods")
                rest = self._modules.text(path, keyword(action, "url_path")) or one.name
                whole = segments(
                    prefix, "{}" if isinstance(detail, ast.Constant) and detail.value else "", of_regex(rest)
                )
                for method in ast.literal_eval(given) if isinstance(given, ast.List | ast.Tuple) else ["get"]:
                    yield Route(str(method).upper(), whole, path, one.lineno, "django", HANDLER)
        own = {one.name for one in functions}
        for name in sorted(_SET_ACTIONS.keys() - own):  # what the base class answers
            method, rest = _SET_ACTIONS[name]
            yield Route(method, segments(prefix, rest), path, node.lineno, "django", REGISTRATION)
