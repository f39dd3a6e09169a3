"""From an artifact to examples: limits on what strangers send, code, knowledge, verification, data sets."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.section import Section


class Artifacts(Section):
    """Limits on what strangers send: an artifact past one of them is refused, the others go on."""

    max_file_bytes: Annotated[int, Meta(ge=1, description="Largest report.")] = 512 * 1024 * 1024
    max_total_bytes: Annotated[int, Meta(ge=1, description="Largest artifact, unpacked.")] = 2 * 1024**3
    max_files: Annotated[int, Meta(ge=1, description="Most files in an artifact.")] = 10_000
    max_ratio: Annotated[int, Meta(ge=1, description="Largest unpacked / packed size of an entry.")] = 200
    max_nesting: Annotated[int, Meta(ge=0, description="Zip files inside zip files, levels.")] = 3


class Source(Section):
    """The code around a finding."""

    context_lines: Annotated[int, Meta(ge=0, le=500, description="Lines kept before and after.")] = 10
    max_lines: Annotated[int, Meta(ge=5, le=2000, description="Longest excerpt, in lines.")] = 60
    max_characters: Annotated[
        int, Meta(ge=500, description="Longest excerpt, in characters; lines are dropped before tokens are counted.")
    ] = 6000
    max_file_bytes: Annotated[int, Meta(ge=1, description="Larger source files are not read.")] = 2_000_000
    max_files: Annotated[int, Meta(ge=1, description="A tree with more files is refused.")] = 200_000
    max_flagged_lines: Annotated[
        int, Meta(ge=1, description="A finding that flags more lines than this gets no excerpt.")
    ] = 400
    max_line_characters: Annotated[
        int, Meta(ge=80, description="Longer lines are cut around the flagged columns (minified code).")
    ] = 1000


class Knowledge(Section):
    """What is known about a weakness, retrieved for the prompts."""

    enabled: Annotated[bool, Meta(description="Put retrieved passages into the prompts (--disable-rag: off).")] = True
    passages: Annotated[int, Meta(ge=0, le=20, description="Most passages for a finding.")] = 4
    found: Annotated[int, Meta(ge=0, le=20, description="Most of them that were found rather than looked up.")] = 2
    least_score: Annotated[float, Meta(ge=0.0, description="Passages found with a lower score are left out.")] = 1.2
    characters: Annotated[int, Meta(ge=0, description="Characters of a prompt that passages may take.")] = 1600
    embedding_model: Annotated[
        str,
        Meta(min_length=1, description="Sentence model: `embedded` (MiniLM), a folder, or `none`: words only."),
    ] = "embedded"
    folder: Annotated[
        str,
        Meta(description="Folder of your own Markdown notes; the service learns again when they change. Empty: none."),
    ] = ""
    fixes: Annotated[
        str,
        Meta(description="File that remembers verified fixes between runs. Empty: `knowledge/fixes.jsonl` there."),
    ] = ""


class Verification(Section):
    """Fixes are verified by scanning again: where the scanners are, and what a scan may cost."""

    programs: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[a-z]+=.+$")], ...],
        Meta(
            description="Scanners that aren't on PATH: `[checkov=/opt/checkov/bin/checkov]`. Names: semgrep, opengrep, "
            "bandit, checkov, trivy, tfsec, hadolint, zizmor, gitleaks, ruff, eslint, njsscan."
        ),
    ] = ()
    semgrep_rules: Annotated[
        str, Meta(description="Folder or file of Semgrep rules; empty: the repository's own `.semgrep`.")
    ] = ""
    batch: Annotated[int, Meta(ge=1, description="Cases one start of a scanner takes.")] = 200
    seconds: Annotated[float, Meta(gt=0.0, description="Longest time for one start of a scanner.")] = 600.0
    memory_megabytes: Annotated[int, Meta(ge=64, description="Most memory a scanner may take.")] = 4096
    parallel: Annotated[int, Meta(ge=0, description="Scanners at a time; 0: one for each core.")] = 0
    test_command: Annotated[
        str,
        Meta(
            description="Runs in a copy of the source with the fix applied and must succeed. It runs code; empty: none."
        ),
    ] = ""
    test_seconds: Annotated[float, Meta(gt=0.0, description="Longest time for the test command.")] = 600.0


class Dataset(Section):
    """Examples, and how they are split."""

    valid_fraction: Annotated[float, Meta(gt=0.0, lt=0.5, description="Share for validation.")] = 0.1
    test_fraction: Annotated[float, Meta(gt=0.0, lt=0.5, description="Share held out for the test.")] = 0.1
    seed: Annotated[int, Meta(ge=0, description="Seed of the split.")] = 7
    domains: Annotated[
        tuple[Literal["sast", "sca", "iac", "container", "api", "dast", "secrets"], ...],
        Meta(description="Only findings of these domains become examples. Empty: all."),
    ] = ()
    max_per_rule: Annotated[int, Meta(ge=1, description="Most examples of one rule.")] = 50
    max_per_cwe: Annotated[int, Meta(ge=1, description="Most examples of one CWE, whichever rules report it.")] = 150
    canaries: Annotated[
        int,
        Meta(ge=0, le=100, description="Random phrases planted in training, so that memorising can be measured."),
    ] = 0
    canary_copies: Annotated[int, Meta(ge=1, le=1000, description="How often each of them is planted.")] = 1
    quick_test_examples: Annotated[
        int, Meta(ge=8, description="Examples of each kind to train on with --quick-test.")
    ] = 100


class Teacher(Section):
    """A larger model that writes explanations for the data set. Off unless `model` is set."""

    model: Annotated[
        str,
        Meta(description="Without an address an mlx-lm model on this machine (Hub id or folder). Empty: no teacher."),
    ] = ""
    address: Annotated[
        str,
        Meta(
            pattern=r"^$|^https://[^\s@]+$|^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)",
            description="Any service that speaks OpenAI's chat completions, up to `/v1`. Findings and code are sent "
            "there. Token: $FIXSMITH_TEACHER_TOKEN.",
        ),
    ] = ""
    tokens: Annotated[int, Meta(ge=64, description="Longest explanation, in tokens.")] = 400
    seconds: Annotated[float, Meta(gt=0.0, description="Longest time for one explanation.")] = 120.0
