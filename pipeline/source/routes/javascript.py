"""Routes of Express and Fastify, with routers mounted under a prefix, also across files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice

from pipeline.source.routes.interface import HANDLER, MAX_ROUTES, REGISTRATION, Files, Route, line_at, segments

SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
_CALL = re.compile(
    r"\b([A-Za-z_$][\w$]*)\s*\.\s*(get|post|put|delete|patch|head|options|all)\s*\(\s*(['\"`])(/[^'\"`]*|\*)\3"
)
_SEVERAL = re.compile(
    r"\b([A-Za-z_$][\w$]*)\s*\.\s*(get|post|put|delete|patch|head|options|all)\s*\(\s*\[([^\]]{0,400})\]"
)
_CHAIN = re.compile(
    r"\b([A-Za-z_$][\w$]*)\s*\.\s*route\s*\(\s*(['\"`])(/[^'\"`]*)\2\s*\)"
    r"((?:\s{0,200}\.\s{0,20}\w{1,20}\s{0,20}\((?:[^()]|\([^()]{0,300}\)){0,600}\)){1,8})"
)
_OBJECT = re.compile(r"\b([A-Za-z_$][\w$]*)\s*\.\s*route\s*\(\s*\{")
_OBJECT_METHOD = r"\bmethod\s*:\s*(['\"`]\w+|\[[^\]]{0,100})"
_MOUNT = re.compile(r"\b([A-Za-z_$][\w$]*)\s*\.\s*use\s*\(\s*(['\"`])(/[^'\"`]*)\2\s*,([^;\n]{0,300})")
_REGISTER = re.compile(
    r"\b([A-Za-z_$][\w$]*)\s*\.\s*register\s*\(([^;]{0,400}?)\{[^}]{0,200}prefix\s*:\s*(['\"`])([^'\"`]*)\3"
)
_IMPORT = re.compile(
    r"(?:import\s+(?:\*\s+as\s+)?(\w+)|(?:const|let|var)\s+(\w+)\s*=\s*require)\s*(?:from\s*|\(\s*)(['\"`])(\.[^'\"`]*)\3"
)
_IMPORTED_NAMES = re.compile(
    r"(?:import\s*(?:\w{1,80}\s*,\s*)?|(?:const|let|var)\s*)\{([^{}]{1,400})\}\s*"
    r"(?:from\s*|=\s*require\s*\(\s*)(['\"`])(\.[^'\"`]*)\2"
)
_REQUIRED = re.compile(r"(?:require|import)\s*\(\s*['\"`](\.[^'\"`]*)['\"`]")
_NAMED = re.compile(r"^(?:[^,]*,)*\s*([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)?)\s*\)")
_USED = r"(?:^|\W){0}\s*(?:\.\s*(?:get|post|put|delete|patch|use)|=\s*(?:express\s*\.\s*)?Router)"
_MAX_DEPTH = 4


def javascript_routes(files: Files) -> list[Route]:
    """Return the routes of all JavaScript and TypeScript files."""
    mounts = _mounts(files)
    routes: list[Route] = []
    for path, text in files.ending(SUFFIXES):
        if "express" not in text and "fastify" not in text.lower() and "outer" not in text and path not in mounts:
            continue
        imports = _imports(files, path, text)
        framework = "fastify" if "fastify" in text.lower() else "express"
        mounted_under: dict[str, list[tuple[str, bool]]] = {}
        for variable, method, pattern, position, rest in islice(_calls(text), MAX_ROUTES):
            place, line, confidence = _handler(files, imports, path, text, position, rest)
            verb = None if method == "all" else method.upper()
            if variable not in mounted_under:
                mounted_under[variable] = _prefixes(mounts, path, variable) or [("", not _is_router(text, variable))]
            for prefix, known in mounted_under[variable]:
                routes.append(Route(verb, segments(prefix, pattern), place, line, framework, confidence, known))
    return routes


def _calls(text: str) -> Iterator[tuple[str, str, str, int, str]]:
    for match in _CALL.finditer(text):
        yield match[1], match[2], match[4], match.start(), text[match.end() : match.end() + 300]
    for match in _SEVERAL.finditer(text):
        for pattern in re.findall(r"['\"`](/[^'\"`]*)['\"`]", match[3]):
            yield match[1], match[2], pattern, match.start(), text[match.end() : match.end() + 300]
    for match in _CHAIN.finditer(text):
        for call in re.finditer(
            r"\.\s*(get|post|put|delete|patch|all)\s*(\((?:[^()]|\([^()]{0,300}\)){0,600}\))", match[4]
        ):
            yield match[1], call[1], match[3], match.start(4) + call.start(), "," + call[2].lstrip("(")
    for match in _OBJECT.finditer(text):
        body = re.split(r"\.\s*route\s*\(", text[match.end() : match.end() + 600], maxsplit=1)[0]
        url, method = re.search(r"\burl\s*:\s*['\"`]([^'\"`]+)", body), re.search(_OBJECT_METHOD, body)
        handler = re.search(r"\bhandler\s*:\s*([A-Za-z_$][\w$.]*)\s*[,}]", body)
        if url is None or method is None:
            continue
        for verb in re.findall(r"\w+", method[1]):
            yield match[1], verb.lower(), url[1], match.start(), f", {handler[1]})" if handler else ""


def _handler(
    files: Files, imports: dict[str, str], path: str, text: str, position: int, rest: str
) -> tuple[str, int, float]:
    """Return the handler's file and line: inline, defined in this file, or in an imported one."""
    line = line_at(text, position)
    first = rest.split("\n", 1)[0]
    named = _NAMED.search(first) if "=>" not in first and "function" not in first else None
    if named is None:
        return path, line, HANDLER
    owner, _, name = named[1].rpartition(".")
    target = imports.get(owner or name, path)
    found = files.definition(target, *_definitions(name))
    return (target, found, HANDLER) if found is not None else (path, line, REGISTRATION)


def _definitions(name: str) -> tuple[str, ...]:
    quoted = re.escape(name)
    return (
        rf"^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*{quoted}\b",
        rf"^\s*(?:export\s+)?(?:const|let|var)\s+{quoted}\s*=",
        rf"^\s*(?:module\.)?exports\.{quoted}\s*=",
        rf"^\s*(?:static\s+)?(?:async\s+)?{quoted}\s*(?:=\s*async|=\s*\(|\([^)]*\)\s*\{{)",
        rf"^\s*{quoted}\s*:\s*(?:async\s*)?(?:function|\()",
    )


def _is_router(text: str, variable: str) -> bool:
    return bool(re.search(rf"\b{re.escape(variable)}\s*=\s*(?:express\s*\.\s*|new\s+)?Router\b", text))


def _imports(files: Files, path: str, text: str) -> dict[str, str]:
    found = {}
    for match in _IMPORT.finditer(text):
        target = _resolve(files, path, match[4])
        if target is not None:
            found[match[1] or match[2]] = target
    for match in _IMPORTED_NAMES.finditer(text):
        target = _resolve(files, path, match[3])
        if target is not None:
            found |= {name: target for part in match[1].split(",") for name in re.findall(r"(\w+)\s*$", part)}
    return found


def _resolve(files: Files, path: str, module: str) -> str | None:
    base = posixpath.normpath(posixpath.join(posixpath.dirname(path), module))
    stem = re.sub(r"\.[cm]?[jt]s$", "", base)
    candidates = [base, *(stem + suffix for suffix in SUFFIXES), *(f"{base}/index{suffix}" for suffix in SUFFIXES)]
    return next((candidate for candidate in candidates if candidate in files.texts), None)


Mounts = dict[str, list[tuple[str, str, str, str]]]
"""By mounted file: (variable in it or "", prefix, mounting file, mounting variable)."""


def _mounts(files: Files) -> Mounts:
    mounts: Mounts = {}
    for path, text in files.ending(SUFFIXES):
        imports = _imports(files, path, text)
        found = [(match[1], match[3], match[4]) for match in _MOUNT.finditer(text)]
        found += [(match[1], match[4], match[2]) for match in _REGISTER.finditer(text)]
        for owner, prefix, arguments in found:
            names = re.findall(r"[A-Za-z_$][\w$]*", arguments)
            targets = [(imports[name], "") for name in names if name in imports]
            targets += [(path, name) for name in names if name not in imports and re.search(_USED.format(name), text)]
            targets += [
                (target, "") for module in _REQUIRED.findall(arguments) if (target := _resolve(files, path, module))
            ]
            for target, variable in targets:
                mounts.setdefault(target, []).append((variable, prefix, path, owner))
    return mounts


def _prefixes(mounts: Mounts, path: str, variable: str, depth: int = 0) -> list[tuple[str, bool]]:
    """Return the prefixes a variable's routes are mounted under, and whether all of each is known."""
    found = []
    for name, prefix, owner_path, owner in mounts.get(path, []):
        if name not in ("", variable) or depth >= _MAX_DEPTH or (owner_path, owner) == (path, variable):
            continue
        outer = _prefixes(mounts, owner_path, owner, depth + 1) or [("", True)]
        found += [(f"{before}/{prefix}", known) for before, known in outer]
    return found
