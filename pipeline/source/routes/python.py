"""Routes of Flask, FastAPI and Django."""

from __future__ import annotations

import posixpath
import re
from itertools import islice

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, REGISTRATION, Files, Route, line_at, segments

MAX_DECORATION = 2000
"""A decorator's function begins within so many characters."""

_DECORATOR = re.compile(
    r"^[ \t]*@(\w+)\.(route|get|post|put|delete|patch|head|options|api_route)"
    r"\(\s*(?:path\s*=\s*)?[rf]?(['\"])([^'\"]*)\3",
    re.MULTILINE,
)
_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+\w+", re.MULTILINE)
_RULE = re.compile(r"\b(\w+)\.add_url_rule\(\s*['\"]([^'\"]{0,300})['\"][^)]{0,300}view_func\s*=\s*(?:\w+\.)*(\w+)")
_OWN_PREFIX = re.compile(r"^(\w+)\s*=\s*(?:\w+\.)?(?:Blueprint|APIRouter)\(([^)]{0,500})\)", re.MULTILINE)
_MOUNT = re.compile(r"\.(?:register_blueprint|include_router)\(\s*([\w.]{1,200})([^)]{0,500})\)")
_PREFIX = re.compile(r"(?:url_)?prefix\s*=\s*['\"]([^'\"]*)['\"]")
_METHODS = re.compile(r"methods\s*=\s*[\[({]([^\])}]*)")
_URL = re.compile(r"\b(path|re_path|url)\(\s*[rf]?(['\"])([^'\"]*)\2\s*,\s*([^\n]+)")
_INCLUDE = re.compile(r"include\(\s*\(?\s*['\"]([\w.]+)['\"]")
_VIEW = re.compile(r"(?:(\w+)\.)?(?!as_view\b)(\w+)(\.as_view\s*\()?")
_GROUP = re.compile(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)")


def flask_and_fastapi_routes(files: Files) -> list[Route]:
    """Return routes by decorator and by `add_url_rule`, under the prefixes of blueprints and routers."""
    mounts = _mounts(files)
    routes: list[Route] = []
    for path, text in files.ending((".py",)):
        if "route" not in text and not _DECORATOR.search(text):
            continue
        framework = "fastapi" if "fastapi" in text.lower() else "flask"
        own = {match[1]: _prefix(match[2]) for match in _OWN_PREFIX.finditer(text)}
        for match in islice(_DECORATOR.finditer(text), MAX_ROUTES):
            defined = _DEFINITION.search(text, match.end(), match.end() + MAX_DECORATION)
            if defined is None:
                continue
            line, methods = line_at(text, defined.start()), _methods(match[2], text[match.end() : defined.start()])
            for prefix, known in _prefixes(mounts, own, path, match[1]):
                pattern = segments(prefix, match[4])
                routes += [Route(method, pattern, path, line, framework, HANDLER, known) for method in methods]
        for match in _RULE.finditer(text):
            found = files.definition(path, rf"^\s*(?:async\s+)?def {match[3]}\b")
            place = found or line_at(text, match.start())
            confidence = HANDLER if found else REGISTRATION
            for prefix, known in _prefixes(mounts, own, path, match[1]):
                routes.append(Route(None, segments(prefix, match[2]), path, place, "flask", confidence, known))
    return routes


def django_routes(files: Files) -> list[Route]:
    """Return the routes of every `urlpatterns`, included ones under their prefix."""
    tables = {path: text for path, text in files.ending((".py",)) if "urlpatterns" in text}
    included = {
        target: (path, match[3])
        for path, text in tables.items()
        for match in _URL.finditer(text)
        if (inner := _INCLUDE.search(match[4])) and (target := _module(files, inner[1]))
    }
    routes: list[Route] = []
    for path, text in tables.items():
        prefix = _included_prefix(included, path)
        for match in _URL.finditer(text):
            if "include(" in match[4]:
                continue
            pattern = _GROUP.sub("{p}", match[3]) if match[1] != "path" else match[3]
            routes += _django_view(files, path, text, match, segments(prefix, pattern.strip("^$")))
    return routes


def _django_view(files: Files, path: str, text: str, match: re.Match[str], pattern: tuple[str, ...]) -> list[Route]:
    view = _VIEW.match(match[4])
    here = Route(None, pattern, path, line_at(text, match.start()), "django", REGISTRATION)
    if view is None:
        return [here]
    target = _views_file(files, path, text, view[1], view[2])
    line = files.definition(target, rf"^(?:async\s+)?(?:def|class) {view[2]}\b") if target else None
    if target is None or line is None:
        return [here]
    if not view[3]:
        return [Route(None, pattern, target, line, "django")]
    body = files.texts[target].split("\n")[line:]
    methods = []
    for offset, row in enumerate(body, line + 1):
        if row[:1].strip():
            break
        if found := re.match(r"\s+(?:async\s+)?def (get|post|put|delete|patch)\b", row):
            methods.append(Route(found[1].upper(), pattern, target, offset, "django"))
    return methods or [Route(None, pattern, target, line, "django")]


def _views_file(files: Files, path: str, text: str, module: str | None, name: str) -> str | None:
    """Return the file of a view: of the module it is taken from, else `views.py` beside the table."""
    folder = posixpath.dirname(path)
    wanted = module or ""
    if module is None and (found := re.search(rf"^from\s+([\w.]+)\s+import\s+[^\n]*\b{name}\b", text, re.MULTILINE)):
        wanted = found[1].lstrip(".").replace(".", "/")
    elif module and (found := re.search(rf"^from\s+([\w.]+)\s+import\s+[^\n]*\b{module}\b", text, re.MULTILINE)):
        wanted = f"{found[1].strip('.').replace('.', '/')}/{_original_name(text, module)}".lstrip("/")
    for base in dict.fromkeys((wanted, wanted.rpartition("/")[2], "views")):
        for candidate in (f"{folder}/{base}.py", f"{base}.py", f"{folder}/{base}/__init__.py"):
            if (cleaned := candidate.lstrip("/")) in files.texts:
                return cleaned
    return _module(files, wanted.replace("/", "."))


def _included_prefix(included: dict[str, tuple[str, str]], path: str, depth: int = 0) -> str:
    if path not in included or depth > 4:
        return ""
    outer, prefix = included[path]
    return f"{_included_prefix(included, outer, depth + 1)}/{prefix.strip('^$')}"


def _module(files: Files, name: str) -> str | None:
    tail = name.replace(".", "/") + ".py"
    return next((path for path in sorted(files.texts) if path == tail or path.endswith("/" + tail)), None)


def _methods(word: str, arguments: str) -> list[str | None]:
    if word not in ("route", "api_route"):
        return [word.upper()]
    if match := _METHODS.search(arguments):
        return [name.upper() for name in re.findall(r"\w+", match[1])]
    return ["GET"]


def _prefix(arguments: str) -> str:
    match = _PREFIX.search(arguments)
    return match[1] if match else ""


Mounts = dict[tuple[str, str], str]
"""By (file or "", variable): the prefix it is mounted under."""


def _mounts(files: Files) -> Mounts:
    mounts: Mounts = {}
    for path, text in files.ending((".py",)):
        for match in _MOUNT.finditer(text):
            module, _, variable = match[1].rpartition(".")
            source = module or _imported_from(text, variable)
            target = _module(files, source.lstrip(".")) if source else path
            original = _original_name(text, variable)
            mounts[target or "", original] = _prefix(match[2])
    return mounts


def _imported_from(text: str, variable: str) -> str:
    match = re.search(rf"^\s*from\s+([\w.]+)\s+import\s+[^\n]*\b{re.escape(variable)}\b", text, re.MULTILINE)
    return match[1] if match else ""


def _original_name(text: str, variable: str) -> str:
    match = re.search(rf"\b(\w+)\s+as\s+{re.escape(variable)}\b", text)
    return match[1] if match else variable


def _prefixes(mounts: Mounts, own: dict[str, str], path: str, variable: str) -> list[tuple[str, bool]]:
    if variable not in own:
        return [("", True)]
    outer = mounts.get((path, variable))
    return [(f"{outer or ''}/{own[variable]}", outer is not None)]
