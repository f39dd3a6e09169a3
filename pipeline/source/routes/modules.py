"""Python modules as the route readers need them: what a name stands for, across files, and what a string says."""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.source.routes.interface import Files

Name = tuple[str, str]
"""A file and a name in it; the name is empty for the file as a module."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
METHODS = ("get", "post", "put", "delete", "patch", "head", "options")
_MAX_DEPTH = 5
_MAX_BROKEN = 10
"""Statements of a file that may be broken; with more it isn't read."""

_STATEMENT = re.compile(r"[^\s#)\]}]")


@dataclass(frozen=True, slots=True)
class Module:
    """A parsed file: its nodes, what its names are imported from, and where they are defined."""

    nodes: tuple[ast.AST, ...]
    imports: dict[str, Name]
    assigned: dict[str, ast.expr]
    defined: dict[str, Definition]


class Modules:
    """The Python files of a tree, each parsed once; one that can't be parsed defines nothing."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self._modules: dict[str, Module] = {}

    def module(self, path: str) -> Module:
        """Return a parsed file."""
        if path not in self._modules:
            nodes = tuple(ast.walk(_parse(self.files.texts.get(path, ""))))
            self._modules[path] = Module(nodes, self._imports(path, nodes), *_names(nodes))
        return self._modules[path]

    def resolve(self, path: str, node: ast.expr) -> Name:
        """Return the file and name that an expression of a file stands for; its own text where that isn't known."""
        if isinstance(node, ast.Name):
            return self._follow(path, node.id)
        if isinstance(node, ast.Attribute):
            imports = self.module(path).imports
            owner = imports.get(ast.unparse(node.value)) or self.resolve(path, node.value)
            return self._follow(owner[0], node.attr) if not owner[1] else (path, node.attr)
        return path, ""

    def definition(self, name: Name) -> Definition | None:
        """Return the function or class of a name."""
        return self.module(name[0]).defined.get(name[1])

    def text(self, path: str, node: ast.expr | None, depth: int = 0) -> str | None:
        """Return what a string expression says, `{}` for a part that isn't known; None when nothing of it is."""
        match node:
            case ast.Constant(value=str(value)):
                return value
            case ast.JoinedStr(values=values):
                return "".join(self.text(path, value, depth + 1) or "{}" for value in values)
            case ast.FormattedValue(value=value):
                return self.text(path, value, depth + 1)
            case ast.BinOp(left=left, op=ast.Add(), right=right) if depth < _MAX_DEPTH:
                both = self.text(path, left, depth + 1), self.text(path, right, depth + 1)
                return None if both == (None, None) else "".join(part or "{}" for part in both)
            case ast.Name() | ast.Attribute() if depth < _MAX_DEPTH:
                file, name = self.resolve(path, node)
                known = self.module(file).assigned.get(name)
                return self.text(file, known, depth + 1) if known is not None else self.files.constant(node_name(node))
            case _:
                return None

    def file(self, dotted: str, folder: str | None = None) -> str | None:
        """Return the file of a module, of one below `folder` when that is given."""
        tail = dotted.replace(".", "/")
        for ending in (f"{tail}.py", f"{tail}/__init__.py"):
            if folder is not None:
                if (inside := posixpath.normpath(posixpath.join(folder, ending.lstrip("/")))) in self.files.texts:
                    return inside
            elif tail and (found := self.files.ending_with(ending)):
                return found
        return None

    def _follow(self, path: str, name: str, depth: int = 0) -> Name:
        module = self.module(path)
        if name in module.imports and name not in module.assigned and depth < _MAX_DEPTH:
            file, original = module.imports[name]
            return self._follow(file, original, depth + 1) if original else (file, "")
        return path, name

    def _imports(self, path: str, nodes: tuple[ast.AST, ...]) -> dict[str, Name]:
        found: dict[str, Name] = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if file := self.file(alias.name):
                        found[alias.asname or alias.name] = (file, "")
            elif isinstance(node, ast.ImportFrom):
                folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), *[".."] * (node.level - 1)))
                for alias in node.names:
                    if name := self._imported(node.module or "", alias.name, folder if node.level else None):
                        found[alias.asname or alias.name] = name
        return found

    def _imported(self, module: str, name: str, folder: str | None) -> Name | None:
        if file := self.file(f"{module}.{name}".lstrip("."), folder):
            return file, ""
        file = self.file(module, folder)
        return (file, name) if file else None


def class_methods(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    """Yield the HTTP methods that a class answers, by the functions named so, with their lines."""
    for one in node.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name in METHODS:
            yield one.name.upper(), one.lineno


def node_name(node: ast.expr | None) -> str:
    """Return the last part of a dotted name, of what is called for a call."""
    if isinstance(node, ast.Call):
        return node_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """Return the first of some keyword arguments."""
    return next((one.value for one in call.keywords if one.arg in names), None)


def _names(nodes: tuple[ast.AST, ...]) -> tuple[dict[str, ast.expr], dict[str, Definition]]:
    assigned: dict[str, ast.expr] = {}
    defined: dict[str, Definition] = {}
    for node in nodes:
        if isinstance(node, Definition):
            defined.setdefault(node.name, node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                assigned.setdefault(node_name(target), node.value)
    return assigned, defined


def _parse(text: str) -> ast.Module:
    """Return a file's syntax; statements that can't be parsed (Python 2, a file cut off) are left out of it."""
    lines = re.sub(r"\A\ufeff", "", text).split("\n")
    for _ in range(_MAX_BROKEN):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse("\n".join(lines))
        except SyntaxError as error:
            place = min(error.lineno or 1, len(lines)) - 1
            if error.msg.startswith("expected an indented block"):  # said of what comes after
                place = max((number for number in range(place) if lines[number].strip()), default=place)
            lines = _without_statement(lines, place)
        except (ValueError, RecursionError, MemoryError):
            break
    return ast.Module(body=[], type_ignores=[])


def _without_statement(lines: list[str], place: int) -> list[str]:
    """Return the lines with the outermost statement that holds one of them blank, its decorators too."""
    starts = [number for number, line in enumerate(lines) if _STATEMENT.match(line)]
    first = max((number for number in starts if number <= place), default=0)
    last = min((number for number in starts if number > place), default=len(lines))
    before = [number for number in starts if number < first]
    while before and lines[before[-1]].startswith("@"):
        first = before.pop()
    return [*lines[:first], *[""] * (last - first), *lines[last:]]
