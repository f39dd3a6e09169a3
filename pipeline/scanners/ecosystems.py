"""Package ecosystems in OSV's names, from the words of other tools and from lock files' names."""

from __future__ import annotations

from pathlib import PurePosixPath

_NAMES = {
    "Maven": "jar pom gradle gradle-lockfile maven java java-archive sbt-lockfile java-archive",
    "npm": "npm yarn pnpm bun node-pkg nodejs javascript node",
    "PyPI": "pip pipenv poetry python-pkg pypi python uv",
    "Go": "gomod gobinary go go-module golang",
    "crates.io": "cargo rustbinary rust rust-crate crates.io rust-binary",
    "RubyGems": "bundler gemspec gem ruby rubygems",
    "NuGet": "nuget dotnet-core dotnet packages-props nuget-config dotnet-deps packages-config",
    "Packagist": "composer php-composer packagist composer-vendor",
    "Hex": "hex mixlock",
    "Pub": "pub pubspec-lock dart-pub",
    "SwiftURL": "swift",
    "CocoaPods": "cocoapods",
    "ConanCenter": "conan",
    "Julia": "julia",
    "GitHub Actions": "github-action github actions githubactions",
    "conda": "conda-pkg conda-environment conda",
    "Debian": "debian deb dpkg",
    "Ubuntu": "ubuntu",
    "Alpine": "alpine apk apkpkg",
    "Red Hat": "redhat rhel",
    "Rocky Linux": "rocky rockylinux",
    "AlmaLinux": "alma almalinux",
    "Amazon Linux": "amazon amazonlinux",
    "Oracle Linux": "oracle oraclelinux",
    "openSUSE": "opensuse opensuse-leap opensuse-tumbleweed opensuse.leap",
    "SUSE": "suse sles slem",
    "Photon OS": "photon",
    "Wolfi": "wolfi",
    "Chainguard": "chainguard",
    "Azure Linux": "azurelinux azure cbl-mariner mariner",
    "CentOS": "centos",
    "Fedora": "fedora",
    "rpm": "rpm",
}
_BY_WORD = {word: name for name, words in _NAMES.items() for word in words.split()}
_LOCK_FILES = {
    "Maven": "pom.xml gradle.lockfile buildscript-gradle.lockfile build.gradle build.gradle.kts",
    "npm": "package-lock.json yarn.lock pnpm-lock.yaml package.json npm-shrinkwrap.json bun.lock",
    "PyPI": "requirements.txt poetry.lock pipfile.lock pipfile uv.lock pdm.lock pyproject.toml",
    "Go": "go.mod go.sum",
    "crates.io": "cargo.lock cargo.toml",
    "RubyGems": "gemfile.lock gemfile",
    "NuGet": "packages.lock.json packages.config",
    "Packagist": "composer.lock composer.json",
    "Hex": "mix.lock",
    "Pub": "pubspec.lock",
}
_BY_FILE = {file: name for name, files in _LOCK_FILES.items() for file in files.split()}
_BY_SUFFIX = {".jar": "Maven", ".war": "Maven", ".ear": "Maven", ".whl": "PyPI", ".gem": "RubyGems", ".csproj": "NuGet"}
UNKNOWN = "unknown"


def ecosystem(word: str | None) -> str:
    """Translate a tool's word for an ecosystem; one that isn't known stays as it is."""
    if not word:
        return UNKNOWN
    return _BY_WORD.get(word.strip().lower(), word.strip())


def of_lock_file(path: str) -> str:
    """Guess the ecosystem from a manifest's, lock file's or archive's name."""
    pure = PurePosixPath(path.lower())
    if pure.name.startswith("requirements") and pure.suffix in (".txt", ".in"):
        return "PyPI"
    return _BY_FILE.get(pure.name) or _BY_SUFFIX.get(pure.suffix, UNKNOWN)
