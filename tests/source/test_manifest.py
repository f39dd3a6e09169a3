# ruff: noqa: E501
"""The entry of a package in each kind of manifest: its own, not one that merely needs it or is named alike."""

from __future__ import annotations

import pytest

from pipeline.source.manifest import find_package

ENTRIES = [
    ('package.json', '{\n "name": "node",\n "devDependencies": {\n  "@types/node": "^1",\n  "node-fetch": "2.6.0",\n  "node": "1"\n }\n}', 'node', (6, 6)),
    ('package.json', '{\n "dependencies": {\n  "lodash.merge": "4",\n  "lodash": "4"\n }\n}', 'lodash', (4, 4)),
    ('package-lock v1', '{\n "dependencies": {\n  "a": {\n   "version": "1.0.0",\n   "requires": {\n    "b": "^1.0.0"\n   }\n  },\n  "b": {\n   "version": "1.2.3",\n   "resolved": "x"\n  }\n }\n}', 'b', (9, 10)),
    ('package-lock v3', '{\n "packages": {\n  "": {\n   "dependencies": {\n    "b": "^1"\n   }\n  },\n  "node_modules/a/node_modules/b": {\n   "version": "0.1.0"\n  },\n  "node_modules/b": {\n   "version": "1.2.3"\n  }\n }\n}', 'b', (11, 12)),
    ('yarn.lock', '"@babel/core@^7":\n  version "7.1.0"\n\ncore@^7:\n  version "7.2.0"\n', 'core', (4, 5)),
    ('yarn.lock', '"@babel/core@^7", "@babel/core@^7.1":\n  version "7.1.0"\n', '@babel/core', (1, 2)),
    ('requirements', '# flask is great\nflask-login==1\nFlask[async]==2.0 ; python_version>"3"\n', 'flask', (3, 3)),
    ('requirements', '-r base.txt\nzope.interface>=5\n', 'zope-interface', (2, 2)),
    ('requirements', 'git+https://x/flask.git@1#egg=flask\n', 'flask', (1, 1)),
    ('pyproject', '[project]\nname = "app"\ndependencies = [\n  "requests-oauthlib>=1",\n  "requests>=2",\n]\n', 'requests', (5, 5)),
    ('poetry', '[tool.poetry.dependencies]\npython = "^3"\nrequests = {version = "^2.0", extras = ["x"]}\n', 'requests', (3, 3)),
    ('poetry.lock', '[[package]]\nname = "urllib3"\nversion = "1.26.0"\n\n[[package]]\nname = "requests"\nversion = "2.0.0"\n[package.dependencies]\nurllib3 = ">=1"\n', 'urllib3', (2, 3)),
    ('pom', '<project>\n<artifactId>log4j-core</artifactId>\n<dependencies>\n<dependency>\n<groupId>org.apache</groupId>\n<artifactId>log4j-core</artifactId>\n<version>2.1</version>\n</dependency>\n</dependencies></project>', 'org.apache:log4j-core', (4, 7)),
    ('pom2', '<dependency>\n<groupId>a</groupId>\n<artifactId>x</artifactId>\n<version>1</version>\n</dependency>\n<dependency>\n<groupId>b</groupId>\n<artifactId>x</artifactId>\n<version>2</version>\n</dependency>', 'b:x', (6, 9)),
    ('gradle', "dependencies {\n implementation 'org.a:lib-extra:1'\n implementation 'org.a:lib:1.0'\n}", 'org.a:lib', (3, 3)),
    ('gradle2', "dependencies {\n implementation group: 'org.a', name: 'lib', version: '1'\n}", 'org.a:lib', (2, 2)),
    ('go.mod', 'module x\nrequire (\n\tgithub.com/a/b v1.0.0\n\tgithub.com/a/b/v2 v2.0.0 // indirect\n)', 'github.com/a/b/v2', (4, 4)),
    ('go.mod', 'module github.com/a/b\nrequire (\n\tgithub.com/a/bc v1.0.0\n\tgithub.com/a/b v1.0.0\n)', 'github.com/a/b', (4, 4)),
    ('Cargo.toml', '[dependencies]\nserde_json = "1"\nserde = { version = "1.0" }\n', 'serde', (3, 3)),
    ('Cargo.toml', '[dependencies.serde]\nversion = "1.0"\n', 'serde', (1, 2)),
    ('Cargo.lock', '[[package]]\nname = "a"\nversion = "0.1.0"\ndependencies = [\n "serde",\n]\n\n[[package]]\nname = "serde"\nversion = "1.0.0"\n', 'serde', (9, 10)),
    ('Gemfile', 'gem "rails-html"\ngem "rails", "~> 6"\n', 'rails', (2, 2)),
    ('Gemfile.lock', 'GEM\n  specs:\n    rails (6.0.0)\n      rack (>= 1)\n    rack (2.0.0)\n\nDEPENDENCIES\n  rails\n', 'rack', (5, 5)),
    ('composer.lock', '{\n    "packages": [\n        {\n            "name": "a/b",\n            "version": "v1.0.0",\n            "require": {\n                "c/d": "^1"\n            }\n        },\n        {\n            "name": "c/d",\n            "version": "1.2.0"\n        }\n    ]\n}', 'c/d', (11, 12)),
    ('composer.json', '{"require": {\n "c/d-e": "1",\n "c/d": "^1"\n}}', 'c/d', (3, 3)),
    ('csproj', '<Project>\n<PackageReference Include="Newtonsoft.Json.Bson" Version="1.0" />\n<PackageReference Include="Newtonsoft.Json" Version="12.0" />\n</Project>', 'Newtonsoft.Json', (3, 3)),
    ('pnpm', 'dependencies:\n  lodash:\n    specifier: ^4\n    version: 4.17.0\npackages:\n  lodash@4.17.0:\n    resolution: {}\n', 'lodash', (2, 4)),
    ('Pipfile.lock', '{\n "default": {\n  "requests": {\n   "hashes": [\n    "x"\n   ],\n   "version": "==2.0"\n  }\n }\n}', 'requests', (3, 3)),
    ('Podfile.lock', 'PODS:\n  - AFNetworking (4.0.0):\n    - AFNetworking/X (= 4.0)\n', 'AFNetworking', (2, 2)),
    ('mix.lock', '%{\n  "plug_cowboy": {:hex, :plug_cowboy, "2.0"},\n  "plug": {:hex, :plug, "1.0"},\n}', 'plug', (3, 3)),
    ('pubspec.lock', 'packages:\n  http_parser:\n    version: "4.0.0"\n  http:\n    dependency: direct\n    version: "0.13.0"\n', 'http', (4, 6)),
    ('swift', '.package(url: "https://github.com/apple/swift-nio.git", from: "2.0.0")\n', 'github.com/apple/swift-nio', (1, 1)),
    ('packages.lock.json', '{"dependencies":{"net6":{\n "A.B": {\n  "type":"Direct",\n  "resolved": "1.0.0"\n }}}}', 'A.B', (2, 2)),
    ('evil regex', 'aaaaaaaaaa\n', 'a(((', None),
    ('pom with an exclusion', '<dependency>\n<groupId>a</groupId>\n<artifactId>y</artifactId>\n<version>1</version>\n<exclusions><exclusion>\n<groupId>b</groupId>\n<artifactId>x</artifactId>\n</exclusion></exclusions>\n</dependency>\n<dependency>\n<groupId>b</groupId>\n<artifactId>x</artifactId>\n<version>2</version>\n</dependency>', 'b:x', (10, 13)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "name", "lines"), ENTRIES)
def test_a_package_leads_to_its_own_entry(kind: str, text: str, name: str, lines: tuple[int, int] | None) -> None:
    assert find_package(text.split("\n"), name) == lines
