# ruff: noqa: E501 - tables
"""Upgrades of packages in odd manifests and lock files: right ones, and ones that leave the weak version in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.fixes.interface import Snapshot
from pipeline.records import Domain, Finding, Fix, FixSource, Hints, PackageLocation, Rule, Scanner, Severity
from tests.verification.strangers.weakness import Edits, line
from tests.verification.trees import snapshot


class Upgrade(NamedTuple):
    """A manifest, the weak package in it, the versions that fix it, and fixes as in `Weakness`."""

    ecosystem: str
    name: str
    version: str
    fixed: tuple[str, ...]
    path: str
    text: str
    good: tuple[tuple[str, Edits], ...] = ()
    bad: tuple[tuple[str, str, Edits], ...] = ()
    affected: tuple[str, ...] = ()

    def about(self) -> Finding:
        return Finding(
            fingerprint=f"{self.name}@{self.version}:{self.path}", scanner=Scanner(name="osv-scanner"), rule=Rule(id="CVE-2024-1"),
            severity=Severity.HIGH, domain=Domain.SCA, message="a weakness", hints=Hints(fixed_versions=self.fixed),
            location=PackageLocation(ecosystem=self.ecosystem, name=self.name, version=self.version, path=self.path),
        )  # fmt: skip

    def here(self) -> Snapshot:
        return snapshot({self.path: self.text})

    def fixed_by(self, edits: Edits) -> Fix:
        after = self.text
        for old, new in edits:
            assert after.count(old) == 1, (self.path, old, after.count(old))
            after = after.replace(old, new)
        return Fix(
            fingerprint=self.about().fingerprint, source=FixSource.MODEL, path=self.path, start_line=1,
            end_line=self.text.count("\n"), before=self.text, replacement=after,
        )  # fmt: skip

    def goods(self) -> Iterator[tuple[str, Fix]]:
        for name, edits in self.good:
            yield name, self.fixed_by(edits)

    def bads(self) -> Iterator[tuple[str, str, Fix]]:
        for check, name, edits in self.bad:
            yield check, name, self.fixed_by(edits)


OLD_HASH, NEW_HASH = "a" * 20 + "0123456789" * 4 + "abcd", "b" * 20 + "9876543210" * 4 + "dcba"
HASHED = f"""certifi==2024.7.4 \\
    --hash=sha256:{"c" * 64}
urllib3==1.26.4 \\
    --hash=sha256:{OLD_HASH}
idna==3.7
"""
LOCK = """{
  "name": "shop",
  "lockfileVersion": 3,
  "packages": {
    "": {"dependencies": {"lodash": "^4.17.15"}},
    "node_modules/lodash": {
      "version": "4.17.15",
      "resolved": "https://registry.npmjs.org/lodash/-/lodash-4.17.15.tgz",
      "integrity": "sha512-8xOcRHvCjnocdS5cpwXQXVzmmh5e5+saE2QGoeQmbKmRS6J3VQppPOIt0MnmE+4xlZoumy0GPG0D0MVIQbNA1A=="
    }
  }
}
"""
POETRY = f"""[[package]]
name = "urllib3"
version = "1.26.4"
description = "HTTP library"
files = [
    {{file = "urllib3-1.26.4-py2.py3-none-any.whl", hash = "sha256:{OLD_HASH}"}},
]

[[package]]
name = "idna"
version = "3.7"
"""
YARN = """# yarn lockfile v1


lodash@^4.17.15:
  version "4.17.15"
  resolved "https://registry.yarnpkg.com/lodash/-/lodash-4.17.15.tgz#b447f6670a0455bbfeedd11392eff330ea097548"
  integrity sha512-8xOcRHvCjnocdS5cpwXQXVzmmh5e5+saE2QGoeQmbKmRS6J3VQppPOIt0MnmE+4xlZoumy0GPG0D0MVIQbNA1A==

once@^1.3.0:
  version "1.4.0"
"""
MANIFEST = """{
  "name": "shop",
  "dependencies": {
    "lodash": "^4.17.15",
    "express": "4.19.2"
  }
}
"""
POM = """<project>
  <properties>
    <java.version>17</java.version>
    <text.version>1.9</text.version>
  </properties>
  <dependencyManagement>
    <dependencies>
      <dependency>
        <groupId>org.apache.commons</groupId>
        <artifactId>commons-text</artifactId>
        <version>${text.version}</version>
      </dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency>
      <groupId>org.apache.commons</groupId>
      <artifactId>commons-text</artifactId>
    </dependency>
  </dependencies>
</project>
"""
CATALOG = """[versions]
kotlin = "2.0.0"
text = "1.9"

[libraries]
commons-text = { module = "org.apache.commons:commons-text", version.ref = "text" }
"""
GO = """module example.com/shop

go 1.22

require (
	golang.org/x/net v0.7.0
	golang.org/x/text v0.14.0 // indirect
)
"""
CARGO = f"""[[package]]
name = "time"
version = "0.1.44"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "{OLD_HASH}"
"""
WEAK_URLLIB = ("PyPI", "urllib3", "1.26.4", ("1.26.5",))
WEAK_LODASH = ("npm", "lodash", "4.17.15", ("4.17.21",))
WEAK_TEXT = ("Maven", "org.apache.commons:commons-text", "1.9", ("1.10.0",))
WEAK_NET = ("Go", "golang.org/x/net", "0.7.0", ("0.17.0",))
WEAK_TIME = ("crates.io", "time", "0.1.44", ("0.1.45",))
UPGRADES = (
    Upgrade(
        *WEAK_URLLIB, "requirements.txt", HASHED,
        good=(("with its new hash", (("urllib3==1.26.4", "urllib3==1.26.18"), (OLD_HASH, NEW_HASH))),),
        bad=(
            ("applies", "with the old hash", line("urllib3==1.26.4", "urllib3==1.26.18")),
            ("finding gone", "an older one", (("urllib3==1.26.4", "urllib3==1.26.3"), (OLD_HASH, NEW_HASH))),
            ("finding gone", "from a branch", ((f"urllib3==1.26.4 \\\n    --hash=sha256:{OLD_HASH}\n", "urllib3 @ git+https://github.com/urllib3/urllib3@1.26.18\n"),)),
            ("finding gone", "another package", (("urllib3==1.26.4", "urlib3==1.26.18"), (OLD_HASH, NEW_HASH))),
        ),
    ),
    Upgrade(
        *WEAK_URLLIB, "requirements.txt", 'requests==2.32.3\nurllib3[socks]==1.26.4 ; python_version < "3.12"\n',
        good=(
            ("pinned", line("urllib3[socks]==1.26.4", "urllib3[socks]==1.26.18")),
            ("a range from the fixed one", line("urllib3[socks]==1.26.4", "urllib3[socks]>=1.26.5,<2")),
            ("a range, upper end first", line("urllib3[socks]==1.26.4", "urllib3[socks]<2,>=1.26.5")),
            ("compatible", line("urllib3[socks]==1.26.4", "urllib3[socks]~=1.26.18")),
        ),
        bad=(
            ("finding gone", "a range from the weak one", line("==1.26.4", ">=1.26.4,<=1.26.18")),
            ("finding gone", "no lower end", line("==1.26.4", "<=1.26.18")),
            ("finding gone", "only for a Python nobody has", line('==1.26.4 ; python_version < "3.12"', '==1.26.18 ; python_version < "3.0"')),
            ("finding gone", "twice", line("urllib3[socks]==1.26.4", "urllib3==1.26.18\nurllib3[socks]==1.26.4")),
            ("finding gone", "anything", line("urllib3[socks]==1.26.4", "urllib3[socks]")),
            ("no suppression|finding gone", "a comment", line("urllib3[socks]==1.26.4 ;", "urllib3[socks]==1.26.4 # safe: 1.26.18 ;")),
        ),
    ),
    Upgrade(
        *WEAK_URLLIB, "poetry.lock", POETRY,
        good=(("with its new files", (('version = "1.26.4"', 'version = "1.26.18"'), ("urllib3-1.26.4-", "urllib3-1.26.18-"), (OLD_HASH, NEW_HASH))),),
        bad=(
            ("applies", "with the old files", line('version = "1.26.4"', 'version = "1.26.18"')),
            ("finding gone", "taken out", line(POETRY[: POETRY.index('[[package]]\nname = "idna"')], "")),
        ),
    ),
    Upgrade(
        *WEAK_URLLIB, "pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\n\n[tool.poetry.dependencies.urllib3]\nversion = "^1.26.4"\nextras = ["socks"]\n',
        good=(("in its own table", line('"^1.26.4"', '"^1.26.18"')),),
        bad=(
            ("finding gone", "with git", line('version = "^1.26.4"', 'git = "https://github.com/urllib3/urllib3"\ntag = "1.26.18"')),
            ("no suppression|allowed file", "and the scanner's settings", (*line('"^1.26.4"\n', '"^1.26.18"\n'), ('["socks"]\n', '["socks"]\n\n[tool.bandit]\nskips = ["B602"]\n'))),
        ),
    ),
    Upgrade(
        *WEAK_URLLIB, "setup.cfg", "[options]\ninstall_requires =\n    requests\n    urllib3==1.26.4\n",
        good=(("in its list", line("urllib3==1.26.4", "urllib3>=1.26.18")),),
        bad=(("finding gone", "older", line("urllib3==1.26.4", "urllib3==1.25.0")),),
    ),
    Upgrade(
        *WEAK_LODASH, "package-lock.json", LOCK,
        good=(("the whole entry", (('"version": "4.17.15"', '"version": "4.17.21"'), ("lodash-4.17.15.tgz", "lodash-4.17.21.tgz"), ("8xOcRHvCjnocdS5cpwXQXVzmmh5e5+saE2QGoeQmbKmRS6J3VQppPOIt0MnmE+4xlZoumy0GPG0D0MVIQbNA1A==", "v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg=="))),),
        bad=(
            ("applies", "the number alone", line('"version": "4.17.15"', '"version": "4.17.21"')),
            ("applies", "the old address", (('"version": "4.17.15"', '"version": "4.17.21"'), (',\n      "integrity": "sha512-8xOcRHvCjnocdS5cpwXQXVzmmh5e5+saE2QGoeQmbKmRS6J3VQppPOIt0MnmE+4xlZoumy0GPG0D0MVIQbNA1A=="', ""))),
        ),
    ),
    Upgrade(
        *WEAK_LODASH, "yarn.lock", YARN,
        good=(("the whole entry", (('version "4.17.15"', 'version "4.17.21"'), ("lodash-4.17.15.tgz#b447f6670a0455bbfeedd11392eff330ea097548", "lodash-4.17.21.tgz#679591c564c3bffaae8454cf0b3df370c3d6911c"), ("8xOcRHvCjnocdS5cpwXQXVzmmh5e5+saE2QGoeQmbKmRS6J3VQppPOIt0MnmE+4xlZoumy0GPG0D0MVIQbNA1A==", "v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg=="))),),
        bad=(("applies", "the number alone", line('version "4.17.15"', 'version "4.17.21"')),),
    ),
    Upgrade(
        *WEAK_LODASH, "package.json", MANIFEST,
        good=(
            ("with a caret", line("^4.17.15", "^4.17.21")), ("pinned", line("^4.17.15", "4.17.21")),
            ("at least", line("^4.17.15", ">=4.17.21 <5")), ("either line", line("^4.17.15", "^4.17.21 || ^5.0.0")),
        ),
        bad=(
            ("finding gone", "either of two", line("^4.17.15", "^4.17.21 || ^4.0.0")),
            ("finding gone", "the weak one first", line("^4.17.15", "^4.17.15 || ^4.17.21")),
            ("finding gone", "an override beside", line('  "dependencies"', '  "overrides": {\n    "lodash": "4.17.21"\n  },\n  "dependencies"')),
            ("finding gone", "under another name", line('"lodash": "^4.17.15"', '"lodash": "npm:lodahs@4.17.21"')),
            ("finding gone", "from git", line("^4.17.15", "git+https://github.com/lodash/lodash.git#4.17.21")),
            ("finding gone", "any", line("^4.17.15", "*")),
            ("finding gone", "up to", line("^4.17.15", "<=4.17.21")),
            ("finding gone", "from an older one", line("^4.17.15", "4.17.10 - 4.17.21")),
            ("finding gone", "still weak", line("^4.17.15", "^4.17.20")),
        ),
    ),
    Upgrade(
        *WEAK_TEXT, "pom.xml", POM,
        good=(
            ("the property", line("<text.version>1.9<", "<text.version>1.10.0<")),
            ("where it is managed", line("${text.version}", "1.11.0")),
        ),
        bad=(
            ("finding gone", "a range", line("<text.version>1.9<", "<text.version>[1.9,1.10.0]<")),
            ("finding gone", "any", line("<text.version>1.9<", "<text.version>LATEST<")),
            ("finding gone", "another artifact", line("commons-text</artifactId>\n        <version>${text.version}", "commons-texts</artifactId>\n        <version>1.10.0")),
        ),
    ),
    Upgrade(
        *WEAK_TEXT, "gradle/libs.versions.toml", CATALOG,
        good=(("the catalogue's version", line('text = "1.9"', 'text = "1.10.0"')), ("its own", line('version.ref = "text"', 'version = "1.10.0"'))),
        bad=(("finding gone", "older", line('text = "1.9"', 'text = "1.8"')), ("finding gone", "another's version", line('kotlin = "2.0.0"', 'kotlin = "2.0.1"'))),
    ),
    Upgrade(
        *WEAK_TEXT, "build.gradle.kts", 'val textVersion = "1.9"\n\ndependencies {\n    implementation("org.apache.commons:commons-text:$textVersion")\n}\n',
        good=(("the variable", line('"1.9"', '"1.10.0"')), ("in place", line("$textVersion", "1.10.0"))),
        bad=(("finding gone", "any", line('"1.9"', '"latest.release"')),),
    ),
    Upgrade(
        *WEAK_NET, "go.mod", GO,
        good=(("required", line("net v0.7.0", "net v0.17.0")), ("required, later", line("net v0.7.0", "net v0.23.0"))),
        bad=(
            ("finding gone", "replaced by the weak one", (("net v0.7.0", "net v0.17.0"), ("// indirect\n)\n", "// indirect\n)\n\nreplace golang.org/x/net => golang.org/x/net v0.7.0\n"))),
            ("finding gone", "somebody's fork", (("net v0.7.0", "net v0.17.0"), ("// indirect\n)\n", "// indirect\n)\n\nreplace golang.org/x/net => github.com/someone/net v0.17.0\n"))),
            ("finding gone", "a folder", (("net v0.7.0", "net v0.17.0"), ("// indirect\n)\n", "// indirect\n)\n\nreplace golang.org/x/net => ../net\n"))),
            ("finding gone", "excluded only", line("// indirect\n)\n", "// indirect\n)\n\nexclude golang.org/x/net v0.7.0\n")),
        ),
    ),
    Upgrade(
        *WEAK_TIME, "Cargo.lock", CARGO,
        good=(("with its checksum", (('"0.1.44"', '"0.1.45"'), (OLD_HASH, NEW_HASH))),),
        bad=(("applies", "with the old checksum", line('"0.1.44"', '"0.1.45"')),),
    ),
    Upgrade(
        *WEAK_TIME, "Cargo.toml", '[workspace.dependencies]\nserde = "1"\n\n[dependencies.time]\nversion = "0.1.44"\nfeatures = []\n',
        good=(("in its own table", line('"0.1.44"', '"0.1.45"')),),
        bad=(("finding gone", "any", line('"0.1.44"', '"*"')), ("finding gone", "from git", line('version = "0.1.44"', 'git = "https://github.com/someone/time"'))),
    ),
    Upgrade(
        "RubyGems", "rack", "2.2.3", ("2.2.6.4", "3.0.6.1"), "Gemfile", 'source "https://rubygems.org"\n\ngem "rack", "~> 2.2", ">= 2.2.3"\ngem "puma"\n',
        good=(("of its line", line(">= 2.2.3", ">= 2.2.6.4")),),
        bad=(("finding gone", "the weak start of the next line", line('"~> 2.2", ">= 2.2.3"', '"3.0.0"')), ("finding gone", "by path", line('"~> 2.2", ">= 2.2.3"', 'path: "vendor/rack"'))),
    ),
    Upgrade(
        "Packagist", "twig/twig", "2.4.0", ("2.7.0",), "composer.json", '{\n  "require": {\n    "php": ">=8.1",\n    "twig/twig": "^2.4.0"\n  }\n}\n',
        good=(("with a caret", line("^2.4.0", "^2.7.0")),),
        bad=(("finding gone", "either", line("^2.4.0", "^2.7.0 || 2.4.0")), ("finding gone", "a branch", line("^2.4.0", "dev-master"))),
    ),
)  # fmt: skip
