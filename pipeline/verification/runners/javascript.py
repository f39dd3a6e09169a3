"""Scanners of JavaScript: ESLint with eslint-plugin-security, and njsscan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.verification.interface import Setup
from pipeline.verification.runners.base import FileRunner

_CONFIG = """\
import {{ createRequire }} from "node:module";
const require = createRequire({root});
const security = require("eslint-plugin-security");
export default [{{ files: ["**/*.js", "**/*.mjs", "**/*.cjs", "**/*.jsx"], ...security.configs.recommended }}];
"""


class EslintSecurity(FileRunner):
    """Runs ESLint with the plugin's recommended rules and inline comments switched off; SARIF by its formatter."""

    name = "eslint"
    scanners: tuple[str, ...] = ("eslint", "eslint security")
    programs: tuple[str, ...] = ("eslint",)
    patterns = ("*.js", "*.mjs", "*.cjs", "*.jsx")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line; plugin and formatter are those installed beside ESLint."""
        config = report.parent / "eslint.config.mjs"
        packages = Path(setup.program).resolve().parent.parent
        config.write_text(_CONFIG.format(root=json.dumps(str(packages / "package.json"))))
        formatter = packages.parent / "@microsoft" / "eslint-formatter-sarif" / "sarif.js"
        flags = ["--no-inline-config", "--no-ignore", f"--config={config}", f"--format={formatter}"]
        return [setup.program, *flags, f"--output-file={report}", *files]

    def broken(self, document: Any) -> Iterator[tuple[str, str]]:
        """Yield the files ESLint could not parse."""
        for run in document.get("runs", ()):
            for result in run.get("results", ()):
                if not result.get("ruleId"):
                    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                    yield uri, "ESLint could not parse it"


class Njsscan(FileRunner):
    """Runs njsscan with the rules it brings along."""

    name = "njsscan"
    scanners: tuple[str, ...] = ("njsscan",)
    programs: tuple[str, ...] = ("njsscan",)
    patterns = ("*.js", "*.mjs", "*.cjs", "*.jsx", "*.ts", "*.html", "*.hbs", "*.ejs", "*.pug")

    def command(self, setup: Setup, files: tuple[str, ...], report: Path) -> list[str]:
        """Return the command line."""
        return [setup.program, "--sarif", "--output", str(report), "."]
