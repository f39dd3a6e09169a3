# ruff: noqa: E501
"""What each language's flagged line lives in. The flagged lines of a sample hold FLAG."""

from __future__ import annotations

import pytest

from config.settings import Source
from pipeline.records import Excerpt, Tier
from pipeline.source.blocks import parsing
from pipeline.source.document import document_of
from pipeline.source.place import Place
from tests.source.trees import cut, finding_at

PADDING = 40


def excerpt_of(path: str, text: str, **settings: int) -> Excerpt:
    lines = text.split("\n")
    flagged = [number for number, line in enumerate(lines, 1) if "FLAG" in line]
    place = Place(path=path, start_line=flagged[0], end_line=flagged[-1])
    result = cut(finding_at(path, flagged[0]), place, document_of(path, text), Source(**settings))
    assert isinstance(result, Excerpt), result
    return result


def pad(comment: str, text: str) -> str:
    """Put the sample between unrelated lines, so that a window would show those."""
    return f"{comment} unrelated\n" * PADDING + text + f"{comment} unrelated\n" * PADDING


SAMPLES = {
    "python": ("a.py", "#", "import os\nimport json\nclass A:\n    @wrap\n    def m(self, x):\n        os.system(x)  # FLAG\n    def n(self): pass\n", "A.m", "    @wrap\n    def m(self, x):\n        os.system(x)  # FLAG\n", "import os\nclass A:\n"),
    "javascript": ("a.js", "//", "const cp = require('child_process');\napp.get('/run', (req, res) => {\n  cp.exec(req.query.c); // FLAG\n  res.end();\n});\n", "app.get('/run'", "app.get('/run', (req, res) => {\n  cp.exec(req.query.c); // FLAG\n  res.end();\n});\n", "const cp = require('child_process');\n"),
    "typescript": ("a.ts", "//", "import { x } from './x';\nexport const f = async (a: string): Promise<void> => {\n  x(a); // FLAG\n};\n", None, "export const f = async (a: string): Promise<void> => {\n  x(a); // FLAG\n};\n", "import { x } from './x';\n"),
    "tsx": ("a.tsx", "//", "export function Page(p: {h: string}) {\n  return <div dangerouslySetInnerHTML={{__html: p.h}} /* FLAG */ />;\n}\n", "Page", "export function Page(p: {h: string}) {\n  return <div dangerouslySetInnerHTML={{__html: p.h}} /* FLAG */ />;\n}\n", ""),
    "java": ("A.java", "//", "import java.io.File;\npublic class A {\n  @Get\n  public void m(String p) {\n    new File(p); // FLAG\n  }\n}\n", "A.m", "  @Get\n  public void m(String p) {\n    new File(p); // FLAG\n  }\n", "import java.io.File;\npublic class A {\n"),
    "kotlin": ("A.kt", "//", "import java.io.File\n\nclass A {\n  fun m(p: String) {\n    File(p) // FLAG\n  }\n}\n", "A.m", "  fun m(p: String) {\n    File(p) // FLAG\n  }\n", "import java.io.File\nclass A {\n"),
    "go": ("a.go", "//", 'import "os/exec"\n\nfunc (s *Server) Run(c string) {\n\texec.Command(c) // FLAG\n}\n', "Run", "func (s *Server) Run(c string) {\n\texec.Command(c) // FLAG\n}\n", 'import "os/exec"\n'),
    "ruby": ("a.rb", "#", "class A\n  def m(x)\n    eval(x) # FLAG\n  end\nend\n", "A.m", "  def m(x)\n    eval(x) # FLAG\n  end\n", "class A\n"),
    "chef": ("recipes/default.rb", "#", "file '/etc/x' do\n  mode '0777' # FLAG\nend\n", "file '/etc/x'", "file '/etc/x' do\n  mode '0777' # FLAG\nend\n", ""),
    "php": ("a.php", "//", "<?php\nclass A {\n  function m($x) {\n    eval($x); // FLAG\n  }\n}\n", "A.m", "  function m($x) {\n    eval($x); // FLAG\n  }\n", "class A {\n"),
    "c#": ("A.cs", "//", "using System.Diagnostics;\nnamespace N {\nclass A {\n  void M(string x) {\n    Process.Start(x); // FLAG\n  }\n}\n}\n", "N.A.M", "  void M(string x) {\n    Process.Start(x); // FLAG\n  }\n", "namespace N {\nclass A {\n"),
    "c": ("a.c", "//", "#include <string.h>\nint f(char *a) {\n  strcpy(b, a); // FLAG\n}\n", "f", "int f(char *a) {\n  strcpy(b, a); // FLAG\n}\n", "#include <string.h>\n"),
    "c++": ("a.cpp", "//", "namespace n {\nvoid A::m(char *a) {\n  strcpy(b, a); // FLAG\n}\n}\n", "n.A::m", "void A::m(char *a) {\n  strcpy(b, a); // FLAG\n}\n", "namespace n {\n"),
    "rust": ("a.rs", "//", "impl A {\n    fn m(&self) {\n        unsafe { x() } // FLAG\n    }\n}\n", "A.m", "    fn m(&self) {\n        unsafe { x() } // FLAG\n    }\n", "impl A {\n"),
    "swift": ("a.swift", "//", "class A {\n  func m() {\n    x() // FLAG\n  }\n}\n", "A.m", "  func m() {\n    x() // FLAG\n  }\n", "class A {\n"),
    "scala": ("a.scala", "//", "object A {\n  def m(x: String) = {\n    x.! // FLAG\n  }\n}\n", "A.m", "  def m(x: String) = {\n    x.! // FLAG\n  }\n", "object A {\n"),
    "bash": ("a.sh", "#", "run() {\n  eval $1 # FLAG\n}\n", "run", "run() {\n  eval $1 # FLAG\n}\n", ""),
    "terraform": ("a.tf", "#", 'resource "aws_s3_bucket" "b" {\n  acl = "public" # FLAG\n  versioning {\n    enabled = false\n  }\n}\n', "resource aws_s3_bucket.b", 'resource "aws_s3_bucket" "b" {\n  acl = "public" # FLAG\n  versioning {\n    enabled = false\n  }\n}\n', ""),
    "puppet": ("a.pp", "#", "class a {\n  file { '/x':\n    mode => '0777', # FLAG\n  }\n}\n", None, "  file { '/x':\n    mode => '0777', # FLAG\n  }\n", "class a {\n"),
    "workflow": (".github/workflows/a.yml", "#", "on: push\njobs:\n  build:\n    runs-on: x\n    steps:\n      - run: echo ${{ github.head_ref }} # FLAG\n  other:\n    runs-on: y\n", "jobs / build", "  build:\n    runs-on: x\n    steps:\n      - run: echo ${{ github.head_ref }} # FLAG\n", "on: push\njobs:\n"),
    "compose": ("docker-compose.yml", "#", "services:\n  a:\n    image: x\n    privileged: true # FLAG\n  b:\n    image: y\n", "services / a", "  a:\n    image: x\n    privileged: true # FLAG\n", "services:\n"),
    "cloudformation": ("t.yaml", "#", "Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    Properties:\n      AccessControl: PublicRead # FLAG\n  Other:\n    Type: X\n", "Resources / Bucket", "  Bucket:\n    Type: AWS::S3::Bucket\n    Properties:\n      AccessControl: PublicRead # FLAG\n", "Resources:\n"),
    "kubernetes": ("k.yaml", "#", "---\napiVersion: v1\nkind: Pod\nspec:\n  hostNetwork: true # FLAG\n---\napiVersion: v1\nkind: Service\n", None, "---\napiVersion: v1\nkind: Pod\nspec:\n  hostNetwork: true # FLAG\n", ""),
    "an object in a list of kubernetes": ("list.yaml", "#", "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: Pod\n    spec:\n      hostNetwork: true # FLAG\n  - apiVersion: v1\n    kind: Service\n", None, "  - apiVersion: v1\n    kind: Pod\n    spec:\n      hostNetwork: true # FLAG\n", "apiVersion: v1\nkind: List\nitems:\n"),
    "a step of a composite action": ("action.yml", "#", "name: x\nruns:\n  using: composite\n  steps:\n    - run: echo ${{ inputs.a }} # FLAG\n      shell: bash\n    - run: b\n", "runs / steps", "    - run: echo ${{ inputs.a }} # FLAG\n      shell: bash\n", "runs:\n  steps:\n"),
    "terraform in json": ("main.tf.json", "", '{\n  "resource": {\n    "aws_s3_bucket": {\n      "b": {\n        "acl": "FLAG"\n      },\n      "c": {\n        "acl": "private"\n      }\n    }\n  }\n}\n', "resource / aws_s3_bucket / b", '      "b": {\n        "acl": "FLAG"\n      },\n', '  "resource": {\n    "aws_s3_bucket": {\n'),
    "ansible": ("play.yml", "#", "- hosts: all\n  tasks:\n    - name: one\n      shell: x # FLAG\n    - name: two\n      shell: y\n", None, "    - name: one\n      shell: x # FLAG\n", "- hosts: all\n  tasks:\n"),
    "package-lock": ("package-lock.json", "", '{\n  "packages": {\n    "node_modules/a": {\n      "version": "1 FLAG"\n    },\n    "node_modules/b": {\n      "version": "2"\n    }\n  }\n}\n', "packages / node_modules/a", '    "node_modules/a": {\n      "version": "1 FLAG"\n    },\n', '  "packages": {\n'),
    "pom": ("pom.xml", "", "<project>\n  <dependencies>\n    <dependency>\n      <artifactId>a</artifactId>\n      <version>1<!-- FLAG --></version>\n    </dependency>\n    <dependency>\n      <artifactId>b</artifactId>\n    </dependency>\n  </dependencies>\n</project>\n", "project / dependencies / dependency", "    <dependency>\n      <artifactId>a</artifactId>\n      <version>1<!-- FLAG --></version>\n    </dependency>\n", "<project>\n  <dependencies>\n"),
    "requirements": ("requirements.txt", "#", "flask==1 \\\n  --hash=sha256:FLAG\ndjango==2\n", "flask==1", "flask==1 \\\n  --hash=sha256:FLAG\n", ""),
    "gradle.lockfile": ("gradle.lockfile", "#", "a:b:1=FLAG\nc:d:2=x\n", "a:b:1=FLAG", "a:b:1=FLAG\n", ""),
    "toml": ("poetry.lock", "#", '[[package]]\nname = "a"\nversion = "1" # FLAG\n\n[[package]]\nname = "b"\n', None, '[[package]]\nname = "a"\nversion = "1" # FLAG\n', ""),
    "cloudformation in json": ("t.json", "", '{\n  "Resources": {\n    "B": {\n      "Type": "AWS::S3::Bucket",\n      "Properties": {"AccessControl": "FLAG"}\n    },\n    "C": {\n      "Type": "X"\n    }\n  }\n}\n', "Resources / B", '    "B": {\n      "Type": "AWS::S3::Bucket",\n      "Properties": {"AccessControl": "FLAG"}\n    },\n', '  "Resources": {\n'),
    "ansible role": ("roles/a/tasks/main.yml", "#", "- name: one\n  shell: x # FLAG\n- name: two\n  shell: y\n", None, "- name: one\n  shell: x # FLAG\n", ""),
    "ansible block": ("play.yml", "#", "- hosts: all\n  tasks:\n    - name: b\n      block:\n        - name: one\n          shell: x # FLAG\n        - name: two\n          shell: y\n", "tasks / block", "        - name: one\n          shell: x # FLAG\n", "- hosts: all\n  tasks:\n    - name: b\n      block:\n"),
    "puppet define": ("m.pp", "#", "define a::b($x) {\n  exec { \"rm ${x}\": # FLAG\n    path => '/bin',\n  }\n}\n", "define a::b / exec", "  exec { \"rm ${x}\": # FLAG\n    path => '/bin',\n  }\n", "define a::b($x) {\n"),
    "chef with a nested block": ("recipes/a.rb", "#", "execute 'x' do\n  command 'curl | sh' # FLAG\n  only_if { true }\nend\n\npackage 'y'\n", "execute 'x'", "execute 'x' do\n  command 'curl | sh' # FLAG\n  only_if { true }\nend\n", ""),
    "terraform module": ("m.tf", "#", 'module "a" {\n  source = "git::x" # FLAG\n}\n\nresource "x" "y" {\n}\n', "module a", 'module "a" {\n  source = "git::x" # FLAG\n}\n', ""),
    "a job of gitlab": (".gitlab-ci.yml", "#", "build:\n  script:\n    - curl x | sh # FLAG\ntest:\n  script: []\n", "build", "build:\n  script:\n    - curl x | sh # FLAG\n", ""),
    "package.json": ("package.json", "", '{\n  "dependencies": {\n    "b": "FLAG",\n    "c": "2"\n  }\n}\n', "dependencies / b", '    "b": "FLAG",\n', '  "dependencies": {\n'),
    "a decorator": ("a.py", "#", "@app.route('/x', methods=['FLAG'])\n@login\ndef f(x):\n    return run(x)\n", "f", "@app.route('/x', methods=['FLAG'])\n@login\ndef f(x):\n    return run(x)\n", ""),
    "a decorator of typescript": ("a.ts", "//", "export class C {\n  a = 1;\n  @Guard()\n  @Get('FLAG')\n  find(id: string) {\n    return id;\n  }\n}\n", "C.find", "  @Guard()\n  @Get('FLAG')\n  find(id: string) {\n    return id;\n  }\n", "export class C {\n"),
    "an attribute of rust": ("a.rs", "//", "#[inline]\n#[get(\"/FLAG\")]\nfn f() {\n    x();\n}\n", "f", "#[inline]\n#[get(\"/FLAG\")]\nfn f() {\n    x();\n}\n", ""),
    "a macro": ("a.h", "//", "#define COPY(a, b) do { \\\n  FLAG(a, b); \\\n} while (0)\n", "COPY", "#define COPY(a, b) do { \\\n  FLAG(a, b); \\\n} while (0)\n", ""),
    "an initialiser": ("A.java", "//", "class A {\n  static {\n    run(FLAG);\n  }\n  int x;\n}\n", "A.", "  static {\n    run(FLAG);\n  }\n", "class A {\n"),
    "a type of go": ("a.go", "//", "type A struct {\n\tFLAG string\n}\n", "A", "type A struct {\n\tFLAG string\n}\n", ""),
    "a script without a suffix": ("bin/deploy", "", "#!/usr/bin/env bash\n" + "# x\n" * 30 + "run() {\n  eval FLAG\n}\n", "run", "run() {\n  eval FLAG\n}\n", ""),
    "a project of .net": ("A.csproj", "", "<Project>\n  <ItemGroup>\n    <PackageReference Include=\"a\">\n      <Version>FLAG</Version>\n    </PackageReference>\n  </ItemGroup>\n</Project>\n", "Project / ItemGroup / PackageReference", "    <PackageReference Include=\"a\">\n      <Version>FLAG</Version>\n    </PackageReference>\n", "<Project>\n  <ItemGroup>\n"),
    "a stack in a .template": ("s.template", "#", "Resources:\n  Bucket:\n    Type: FLAG\n  Other:\n    Type: X\n", "Resources / Bucket", "  Bucket:\n    Type: FLAG\n", "Resources:\n"),
    "a class declared in puppet": ("n.pp", "#", "node 'x' {\n  class { 'b':\n    key => FLAG,\n  }\n}\n", "node / b", "  class { 'b':\n    key => FLAG,\n  }\n", "node 'x' {\n"),
    "go.mod": ("go.mod", "//", "module a\n\nrequire (\n\tb v1 // FLAG\n\tc v2\n)\n", "b", "\tb v1 // FLAG\n", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_a_flagged_line_lies_in_its_block(name: str) -> None:
    path, comment, text, symbol, shown, header = SAMPLES[name]
    text = pad(comment, text) if comment and name != "php" else text
    excerpt = excerpt_of(path, text)
    assert excerpt.tier is Tier.PARSED or name in ("kotlin", "workflow", "a class declared in puppet")
    assert excerpt.text.rstrip("\n") == shown.rstrip("\n")
    assert excerpt.header == header
    if symbol is not None:
        assert (excerpt.symbol or "").startswith(symbol)


def test_a_step_is_shown_when_its_job_does_not_fit() -> None:
    steps = "".join(f"      - run: echo {number}\n" for number in range(60))
    text = f"on: pull_request_target\njobs:\n  build:\n    steps:\n{steps}      - run: FLAG\n        shell: sh\n{steps}"
    excerpt = excerpt_of(".github/workflows/a.yml", text)
    assert excerpt.text == "      - run: FLAG\n        shell: sh\n"
    assert excerpt.header == "on: pull_request_target\njobs:\n  build:\n    steps:\n"


def test_a_long_function_keeps_its_signature_and_prefers_dangerous_lines() -> None:
    body = [f"    a{number} = {number}" for number in range(200)]
    body[100], body[118] = "    flagged = 1  # FLAG", "    os.system(flagged)"
    text = "import os\n\ndef f(x):\n" + "\n".join(body) + "\n"
    excerpt = excerpt_of("a.py", text, max_lines=20)
    assert "FLAG" in excerpt.text and "os.system" in excerpt.text
    assert excerpt.text.count("\n") == 20
    assert excerpt.header == "import os\ndef f(x):\n"


def test_preprocessor_lines_do_not_break_the_function() -> None:
    text = (
        "int g(void) { return 1; }\n#ifdef A\nint f(int a) {\n#else\nint f(long a) {\n#endif\n"
        "  strcpy(a, b); /* FLAG */\n}\nint h(void) { return 1; }\n"
    )
    excerpt = excerpt_of("a.c", text)
    assert (excerpt.tier, excerpt.symbol) == (Tier.PARTIAL, "f")
    assert "int g" not in excerpt.text and "int h" not in excerpt.text


def test_a_condition_inside_a_function_does_not_end_it() -> None:
    text = (
        "int g(void) { return 1; }\nint f(int a) {\n#ifdef A\n  if (a) {\n#else\n  if (!a) {\n#endif\n"
        "    gets(b); /* FLAG */\n  }\n  return 0;\n}\nint h(void) { return 1; }\n"
    )
    excerpt = excerpt_of("a.c", text)
    assert (excerpt.tier, excerpt.symbol) == (Tier.PARTIAL, "f")
    assert excerpt.text == text[text.index("int f") : text.index("int h")]


def test_a_function_made_by_a_macro_is_one() -> None:
    text = (
        "int g(void) { return 1; }\nSYSCALL_DEFINE3(foo, int, a, char __user *, b, size_t, n)\n{\n"
        "  copy_from_user(x, b, n); /* FLAG */\n}\nint h(void) { return 1; }\n"
    )
    excerpt = excerpt_of("a.c", text)
    assert "SYSCALL_DEFINE3(foo" in excerpt.text
    assert "int g" not in excerpt.text and "int h" not in excerpt.text


def test_a_heredoc_in_a_dockerfile_belongs_to_its_stage() -> None:
    text = "FROM a\nRUN <<EOF\ncurl x | sh # FLAG\nEOF\nFROM b\nRUN y\n"
    assert excerpt_of("Dockerfile", text).text == text[: text.index("FROM b")]


def test_the_branch_of_the_flagged_line_is_the_one_that_is_read() -> None:
    text = "#if A\nint f(int a) {\n#else\nint g(long a) { /* FLAG */\n#endif\n  return 1;\n}\n"
    assert excerpt_of("a.c", text).symbol == "g"


def test_a_template_in_yaml_is_read_as_yaml() -> None:
    text = "apiVersion: v1\nkind: Pod\n{{- if .Values.x }}\nspec:\n  a: {{ .Values.a }}\n  hostNetwork: true # FLAG\n{{- end }}\n"
    excerpt = excerpt_of("templates/pod.yaml", text)
    assert excerpt.tier is Tier.PARTIAL and "kind: Pod" in excerpt.text


def test_a_template_over_several_lines_is_none_of_the_yaml() -> None:
    text = (
        '{{- /*\n  a: { comment\n*/}}\napiVersion: v1\nkind: Secret\nannotations: {{ toYaml (dict\n  "a" 1\n  ) | nindent 4 }}\n'
        "data:\n  {{ $key }}-x: FLAG\n  {{ if .a }}a: b{{ end }}\n---\nkind: Pod\n"
    )
    excerpt = excerpt_of("templates/secret.yaml", text)
    assert excerpt.tier is Tier.PARTIAL and "kind: Secret" in excerpt.text and "kind: Pod" not in excerpt.text


@pytest.mark.parametrize(
    ("path", "word", "start"), [("A.kt", "val", "fun f() {\n"), ("a.swift", "let", "func f() {\n")]
)
def test_a_local_variable_is_not_what_a_line_lives_in(path: str, word: str, start: str) -> None:
    body = [f"  {word} a{number} = {number}\n" for number in range(100)]
    body[50] = f"  {word} FLAG = exec(x)\n"
    excerpt = excerpt_of(path, start + "".join(body) + "}\n", max_lines=20)
    assert (excerpt.symbol, excerpt.header, excerpt.text.count("\n")) == ("f", start, 20)


def test_a_script_in_a_page_is_read_as_a_script() -> None:
    filler = "<p>text</p>\n" * 80
    text = f"<html>\n{filler}<script>\nfunction f(x) {{\n  eval(x) // FLAG\n}}\n</script>\n{filler}</html>\n"
    excerpt = excerpt_of("a.html", text)
    assert (excerpt.symbol, excerpt.text) == ("f", "function f(x) {\n  eval(x) // FLAG\n}\n")


def test_a_dockerfile_shows_the_stage() -> None:
    text = "FROM a AS build\nRUN one\nFROM b\nRUN apt-get update && \\\n  apt-get install x # FLAG\nCMD y\n"
    excerpt = excerpt_of("Dockerfile", text)
    assert excerpt.text == text[text.index("FROM b") :]
    assert excerpt.symbol is not None and excerpt.symbol.startswith("stage 1")


def test_a_minified_line_is_cut_round_the_flagged_columns() -> None:
    line = "a;" * 3000 + "eval(x);" + "b;" * 3000
    place = Place(path="a.min.js", start_line=1, start_column=6001, end_column=6008)
    excerpt = cut(finding_at("a.min.js", 1), place, document_of("a.min.js", line), Source())
    assert isinstance(excerpt, Excerpt)
    assert "eval(x)" in excerpt.text and len(excerpt.text) < 1100
    assert excerpt.flags == ("generated", "shortened")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yml", "- " * 3000 + "FLAG\n"),
        ("b.yml", "".join(" " * level + "a:\n" for level in range(300)) + " " * 300 + "FLAG: 1\n"),
        ("a.kt", '"${' * 1100 + "FLAG\n"),
        ("a.pl", '"${' * 100 + "FLAG\n"),
    ],
)
def test_a_text_its_grammar_would_crash_on_is_a_window(path: str, text: str) -> None:
    assert excerpt_of(path, text).tier is Tier.WINDOW


def test_a_text_that_takes_too_long_is_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "MAX_SECONDS", 0.02)
    assert excerpt_of("a.rb", "<!-- \n" * 600 + "FLAG\n").tier is Tier.WINDOW
    assert excerpt_of("a.rb", "def f\n  FLAG\nend\n").symbol == "f"


def test_a_long_text_is_parsed_like_a_short_one() -> None:
    text = "import os\n" + "".join(f"def f{number}(x):\n    return os.system(x)\n\n" for number in range(200))
    root, plain = parsing.parse("python", text.encode()), parsing.parser_of("python").parse(text.encode()).root_node
    assert (
        root is not None and str(root) == str(plain) and root.named_children[-1].text == plain.named_children[-1].text
    )


def test_an_unreadable_text_is_a_window() -> None:
    excerpt = excerpt_of("notes.unknown", "a\n" * 30 + "FLAG\n" + "b\n" * 30)
    assert excerpt.tier is Tier.WINDOW and excerpt.text.count("\n") == 21
