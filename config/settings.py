"""Every setting: its type, bounds, default and what it is for, written once.

The commented sample, the documentation table and the strict checks all come from these types.
`fine_tuning` holds the keys of the system this one replaces, under the same names; its
hyperparameters are the fields of a training recipe (`pipeline.training.recipe`).
"""

from __future__ import annotations

from typing import Annotated, Literal, dataclass_transform

import msgspec
from msgspec import Meta, Struct


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings; an unknown key in it is an error."""


class FineTuning(Section):
    """Training: which base model, with which recipe, and what becomes of the result."""

    skip_in_daemon: Annotated[
        bool, Meta(description="Emergency override: the daemon builds data sets but trains nothing.")
    ] = False
    base_model_name: Annotated[
        str,
        Meta(
            min_length=1,
            description="Base model: a Hub id, a folder, or `embedded` (SmolLM2-135M, no download from the "
            "Hub). `allenai/Olmo-3-7B-Instruct` is the larger choice for a Mac with 32 GB or more.",
        ),
    ] = "allenai/OLMo-2-0425-1B-Instruct"
    workspace_dir: Annotated[
        str, Meta(min_length=1, description="Folder for runs, data sets, checkpoints, logs and models.")
    ] = "fine-tuning"
    sequential: Annotated[
        bool, Meta(description="Two stages: analysis specialist, then code-fix specialist from it.")
    ] = True
    batch_size: Annotated[int, Meta(ge=1, description="Examples in a step.")] = 2
    gradient_accumulation: Annotated[
        int, Meta(ge=1, description="Steps whose gradients are added up, weighted by answer tokens.")
    ] = 1
    learning_rate: Annotated[float, Meta(gt=0.0, le=1.0, description="Peak learning rate.")] = 1e-4
    codefix_learning_rate: Annotated[float, Meta(gt=0.0, le=1.0, description="Peak learning rate of stage 2.")] = 1e-4
    max_epochs: Annotated[int, Meta(ge=1, description="Passes over the data.")] = 3
    quick_test_epochs: Annotated[int, Meta(ge=1, description="Passes over the data with --quick-test.")] = 1
    warmup_steps: Annotated[
        int, Meta(ge=0, description="Steps until the peak rate; at most a tenth of all steps is used.")
    ] = 100
    schedule: Annotated[Literal["cosine", "constant"], Meta(description="Learning rate after warm-up.")] = "cosine"
    weight_decay: Annotated[float, Meta(ge=0.0, description="AdamW weight decay.")] = 0.01
    gradient_clip: Annotated[float, Meta(gt=0.0, description="Largest gradient norm.")] = 1.0
    save_steps: Annotated[int, Meta(ge=1, description="Steps between checkpoints.")] = 500
    eval_steps: Annotated[int, Meta(ge=1, description="Steps between validations.")] = 250
    early_stopping_patience: Annotated[
        int, Meta(ge=0, description="Validations without improvement before stopping; 0 never stops early.")
    ] = 3
    rank: Annotated[int, Meta(ge=1, description="LoRA rank.")] = 16
    alpha: Annotated[float, Meta(gt=0.0, description="LoRA alpha; the scale is alpha / rank.")] = 32.0
    dropout: Annotated[float, Meta(ge=0.0, lt=1.0, description="LoRA dropout.")] = 0.05
    target_modules: Annotated[
        tuple[str, ...],
        Meta(description="Linear layers that get an adapter, such as `q_proj`; empty: all in a block."),
    ] = ()
    layers: Annotated[int, Meta(ge=-1, description="Upper layers that get adapters; -1 means all.")] = -1
    use_dora: Annotated[bool, Meta(description="Weight-decomposed adapters (DoRA).")] = False
    max_tokens: Annotated[int, Meta(ge=64, description="Longest example, in tokens.")] = 2048
    token_budget: Annotated[
        int, Meta(ge=0, description="Tokens in a packed row; 0 chooses from the data and the memory.")
    ] = 0
    shared_prefix: Annotated[
        bool, Meta(description="Compute what a row's examples begin with once. Off while there is dropout.")
    ] = True
    prompt_loss_weight: Annotated[float, Meta(ge=0.0, le=1.0, description="Weight of prompt tokens in the loss.")] = 0.0
    replay_share: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Stage 1 examples mixed into stage 2, as a share of its own.")
    ] = 0.1
    kl_weight: Annotated[
        float, Meta(ge=0.0, description="Stage 2: weight of the divergence from stage 1's answers in the loss.")
    ] = 0.0
    forgetting_budget: Annotated[
        float,
        Meta(ge=0.0, description="How far stage 2 may raise stage 1's validation loss, relative to before."),
    ] = 0.1
    keep_checkpoints: Annotated[int, Meta(ge=1, le=100, description="Checkpoints kept.")] = 2
    gradient_checkpointing: Annotated[
        bool,
        Meta(
            description="Recompute activations instead of keeping them: less memory, more time. Turned on by itself "
            "when memory doesn't suffice without."
        ),
    ] = False
    memory_limit_gigabytes: Annotated[
        float, Meta(ge=0.0, description="Most memory to train in; 0 means three quarters of the machine's.")
    ] = 0.0
    segment_seconds: Annotated[
        float, Meta(ge=0.0, description="On Metal: train this long, then pause for the display; 0 never.")
    ] = 20.0
    pause_seconds: Annotated[float, Meta(ge=0.0, le=60.0, description="How long that pause is.")] = 0.25
    quantization: Annotated[
        Literal["none", "4bit", "8bit"], Meta(description="Quantise the base model before training.")
    ] = "none"
    seed: Annotated[int, Meta(ge=0, description="Seed of data order, dropout and adapter start.")] = 20250917
    output_model_prefix: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Start of every model's name.")
    ] = "fixsmith-security-olmo"
    upload_enabled: Annotated[bool, Meta(description="Upload to the Hugging Face Hub.")] = False
    hf_repo_prefix: Annotated[
        str,
        Meta(
            pattern=r"^$|^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]{0,60}$",
            description="Hub repositories are named from this: `owner/name` gives `owner/name-analysis`, "
            "`owner/name-codefix` and `owner/name-data`. Empty: none.",
        ),
    ] = ""


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
    folder: Annotated[str, Meta(description="Folder of your own Markdown notes. Empty: none.")] = ""
    fixes: Annotated[
        str,
        Meta(description="File that remembers verified fixes between runs. Empty: `knowledge/fixes.jsonl` there."),
    ] = ""


class Dataset(Section):
    """Examples, and how they are split."""

    valid_fraction: Annotated[float, Meta(gt=0.0, lt=0.5, description="Share for validation.")] = 0.1
    test_fraction: Annotated[float, Meta(gt=0.0, lt=0.5, description="Share held out for the test.")] = 0.1
    seed: Annotated[int, Meta(ge=0, description="Seed of the split.")] = 7
    max_per_rule: Annotated[int, Meta(ge=1, description="Most examples of one rule.")] = 50
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


class Evaluation(Section):
    """Measuring the specialists."""

    max_answers: Annotated[int, Meta(ge=1, description="Held-out examples answered in full.")] = 200
    answer_tokens: Annotated[int, Meta(ge=16, description="Longest answer, in tokens.")] = 64
    answer_seconds: Annotated[float, Meta(gt=0.0, description="Longest time for one answer, in seconds.")] = 120.0
    batch: Annotated[int, Meta(ge=1, le=256, description="Answers written at a time.")] = 8
    max_explanations: Annotated[
        int, Meta(ge=0, description="Of these, explanations written to their end and checked for made-up names.")
    ] = 8
    explanation_tokens: Annotated[int, Meta(ge=16, description="Longest explanation, in tokens.")] = 320
    max_fixes: Annotated[int, Meta(ge=0, description="Held-out fixes proposed by every model.")] = 16
    fix_tokens: Annotated[int, Meta(ge=16, description="Longest fix, in tokens.")] = 256
    samples: Annotated[
        int, Meta(ge=0, le=100, description="Sampled answers besides the greedy one, each with a seed of its own.")
    ] = 0
    temperature: Annotated[float, Meta(gt=0.0, le=2.0, description="Temperature of the sampled answers.")] = 0.8


class Watched(Section):
    """A repository that is watched, and what of it counts."""

    name: Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$", description="`owner/name`.")]
    id: Annotated[
        int, Meta(ge=0, description="The repository's number at GitHub; 0 takes the one found first and keeps it.")
    ] = 0
    branch: Annotated[str, Meta(min_length=1, description="Only commits on this branch count.")] = "main"
    workflows: Annotated[
        tuple[str, ...],
        Meta(description="Workflow files that count, such as `.github/workflows/security.yml`. Empty: all."),
    ] = ()
    events: Annotated[
        tuple[Literal["push", "schedule", "workflow_dispatch", "merge_group", "release"], ...],
        Meta(description="Events that count. Pull requests never do: anyone can send one."),
    ] = ("push", "schedule", "workflow_dispatch")
    conclusions: Annotated[
        tuple[Literal["success", "failure", "neutral"], ...],
        Meta(description="How a workflow run must have ended; scanners that find something often end in `failure`."),
    ] = ("success", "failure")
    artifacts: Annotated[
        tuple[str, ...], Meta(min_length=1, description="Names of the artifacts to take, as globs.")
    ] = ("*",)
    source: Annotated[
        str, Meta(description="A clone of the repository on this machine; empty: the service keeps one (`mirror`).")
    ] = ""
    mirror: Annotated[
        bool,
        Meta(
            description="Keep a bare clone of the repository, for the code around findings and the fixes in its "
            "history; needs read access to its contents."
        ),
    ] = True
    clone_url: Annotated[
        str,
        Meta(
            pattern=r"^$|^(https|ssh|file)://\S+$",
            description="Address to clone from, with your own git settings; empty: beside `base_url`, with the token.",
        ),
    ] = ""
    base_url: Annotated[
        str,
        Meta(
            pattern=r"^$|^https://[^\s@]+$|^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)",
            description="The API's address for this repository, if it isn't github.base_url; needs `token_file`.",
        ),
    ] = ""
    token_file: Annotated[
        str, Meta(description="File holding the token for this repository; empty: the token of github.")
    ] = ""
    attestation: Annotated[
        bool, Meta(description="Take only artifacts whose provenance `gh attestation verify` confirms.")
    ] = False
    paused: Annotated[bool, Meta(description="Leave this repository alone until it is set back.")] = False


class Github(Section):
    """Which repositories are watched, and how GitHub is asked."""

    repositories: Annotated[
        tuple[Watched, ...],
        Meta(
            description="The watched repositories, a mapping each: `name`, and if wanted `id`, `branch`, `workflows`, "
            "`events`, `conclusions`, `artifacts`, `source`, `mirror`, `clone_url`, `base_url`, `token_file`, "
            "`attestation`, `paused`."
        ),
    ] = ()
    base_url: Annotated[
        str,
        Meta(
            pattern=r"^https://[^\s@]+$|^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)",
            description="The API's address; GitHub Enterprise Server: `https://HOST/api/v3`.",
        ),
    ] = "https://api.github.com"
    api_version: Annotated[
        str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", description="Version of the API that is asked for.")
    ] = "2022-11-28"
    token_file: Annotated[
        str,
        Meta(description="File holding the token, readable by you alone. Empty: $GITHUB_TOKEN, $GH_TOKEN, keychain."),
    ] = ""
    poll_seconds: Annotated[int, Meta(ge=10, description="Seconds between two looks at a repository.")] = 300
    first_days: Annotated[
        int, Meta(ge=0, le=400, description="How far back the first look at a repository goes, in days.")
    ] = 7
    sweep_hours: Annotated[
        int, Meta(ge=1, description="Hours between two looks at all runs of the last days, for late ones and re-runs.")
    ] = 24
    sweep_days: Annotated[int, Meta(ge=1, le=400, description="How many days such a look covers.")] = 30
    artifact_wait_minutes: Annotated[
        int, Meta(ge=0, description="How long after its end a workflow run's artifacts are waited for.")
    ] = 30
    request_seconds: Annotated[float, Meta(gt=0.0, description="Longest silence in one request.")] = 30.0
    answer_seconds: Annotated[float, Meta(gt=0.0, description="Longest time for one answer of the API.")] = 60.0
    download_seconds: Annotated[
        float, Meta(gt=0.0, description="Longest time for one attempt at a download; what has come is kept.")
    ] = 1800.0

    def of(self, watched: Watched) -> Github:
        """Return how this repository's GitHub is asked."""
        return msgspec.structs.replace(
            self,
            repositories=(),
            base_url=watched.base_url or self.base_url,
            token_file=watched.token_file or self.token_file,
        )


class Daemon(Section):
    """The service: its queue, its child processes, its files."""

    state_dir: Annotated[
        str, Meta(description="Folder of the service's state, downloads and logs; empty: `service` in the workspace.")
    ] = ""
    drop_folder: Annotated[
        str, Meta(description="Reports and zips put here are processed; empty: `drop` in the workspace.")
    ] = ""
    drop_settle_seconds: Annotated[
        float, Meta(ge=0.0, description="A file counts as complete when it hasn't changed for so long.")
    ] = 5.0
    drop_poll_seconds: Annotated[
        float, Meta(gt=0.0, description="Seconds between two looks at the folder where the system reports no changes.")
    ] = 30.0
    attempts: Annotated[int, Meta(ge=1, description="How often a failing run is tried before it is parked.")] = 4
    interruptions: Annotated[
        int, Meta(ge=1, description="How often a run may be cut off (crash, kill, power) before it is parked.")
    ] = 25
    retry_seconds: Annotated[
        float, Meta(gt=0.0, description="Wait before the second attempt; doubles, with jitter, up to the next key.")
    ] = 60.0
    retry_most_seconds: Annotated[float, Meta(gt=0.0, description="Longest wait between two attempts.")] = 3600.0
    newest_only: Annotated[
        bool,
        Meta(description="Of several waiting runs of a repository only the newest trains; the others build data sets."),
    ] = True
    memory_gigabytes: Annotated[
        float, Meta(ge=0.0, description="Resident memory past which a run is stopped; 0: no limit.")
    ] = 0.0
    stop_seconds: Annotated[
        float, Meta(gt=0.0, description="Time for a checkpoint between the request to stop and the hard stop.")
    ] = 120.0
    silence_seconds: Annotated[
        float, Meta(ge=0.0, description="A run that reports nothing for so long is stopped and tried again; 0: never.")
    ] = 7200.0
    keep_runs: Annotated[int, Meta(ge=1, description="Finished runs of a repository whose downloads are kept.")] = 5
    keep_days: Annotated[int, Meta(ge=1, description="Days the downloads and logs of other runs are kept.")] = 14
    log_megabytes: Annotated[float, Meta(gt=0.0, description="A log file larger than this is rotated.")] = 5.0
    log_files: Annotated[int, Meta(ge=1, description="Rotated log files that are kept.")] = 3


class Conditions(Section):
    """When work may go on. Each bound has two values, so that it doesn't flutter."""

    check_seconds: Annotated[
        float, Meta(gt=0.0, description="Seconds between two readings while there is work; none without work.")
    ] = 30.0
    settle_seconds: Annotated[
        float, Meta(ge=0.0, description="Conditions must be good for so long before work starts again.")
    ] = 60.0
    mains_only: Annotated[bool, Meta(description="Work only on mains power.")] = True
    battery_pause: Annotated[
        int, Meta(ge=0, le=100, description="Below this charge (percent) work stops, on mains power too.")
    ] = 20
    battery_resume: Annotated[int, Meta(ge=0, le=100, description="From this charge on it may go on.")] = 30
    thermal_pause: Annotated[
        Literal["moderate", "heavy", "trapping", "sleeping", "never"],
        Meta(description="Thermal pressure from which on work stops; it goes on when that is two levels lower."),
    ] = "heavy"
    memory_pause: Annotated[
        Literal["warning", "critical", "never"], Meta(description="Memory pressure from which on work stops.")
    ] = "critical"
    user_idle_minutes: Annotated[
        float, Meta(ge=0.0, description="Work only when nobody has used the machine for so long; 0: always.")
    ] = 0.0
    display_off_only: Annotated[bool, Meta(description="Work only while the display sleeps.")] = False
    disk_pause_gigabytes: Annotated[float, Meta(ge=0.0, description="Below this free space work stops.")] = 5.0
    disk_resume_gigabytes: Annotated[float, Meta(ge=0.0, description="From this free space on it may go on.")] = 8.0
    quiet_hours: Annotated[
        str,
        Meta(
            pattern=r"^$|^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$",
            description="No work in these hours of the day, local time: `09:00-18:00`. Empty: none.",
        ),
    ] = ""
    metered_download: Annotated[bool, Meta(description="Download artifacts over a metered network too.")] = False
    keep_awake: Annotated[bool, Meta(description="Keep the machine from sleeping while working on mains power.")] = True


class Notifications(Section):
    """When a person is told."""

    enabled: Annotated[bool, Meta(description="Notify when something needs a person.")] = True
    results: Annotated[bool, Meta(description="Notify of finished runs too.")] = False


class Gate(Section):
    """When a new model replaces the published one."""

    champion: Annotated[
        str, Meta(description="Folder of a release to beat; empty: the workspace's champion, the first time the base.")
    ] = ""
    analysis_metric: Annotated[
        Literal["cwe", "cwe_related", "severity", "verdict", "verdict_f1", "pairs", "analysis_loss"],
        Meta(description="What the analysis specialist must be better at."),
    ] = "cwe"
    codefix_metric: Annotated[
        Literal["fix_verified", "fix_exact", "codefix_loss"],
        Meta(description="What the code-fix specialist must be better at."),
    ] = "codefix_loss"
    forgetting_budget: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Most that stage 2 may lose of stage 1's figure.")
    ] = 0.05
    max_false_positives: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Largest share of safe code called vulnerable.")
    ] = 0.3
    max_unparsable: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Largest share of answers that can't be read.")
    ] = 0.05
    max_unfaithful: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Largest share of explanations with made-up names.")
    ] = 0.2
    max_exposure: Annotated[float, Meta(ge=0.0, description="Largest exposure of a planted canary, in bits.")] = 3.0
    min_fused: Annotated[
        float, Meta(ge=0.0, le=1.0, description="Least share of the adapter's effect that fusing must keep.")
    ] = 0.9


class Publish(Section):
    """What leaves this machine, where to, and under which conditions. Nothing does unless it is asked for."""

    endpoint: Annotated[
        str,
        Meta(
            pattern=r"^https://[^\s@]+$|^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$",
            description="The Hub's address.",
        ),
    ] = "https://huggingface.co"
    token_file: Annotated[
        str,
        Meta(
            description="File holding the Hub's token, readable by you alone. Empty: $HF_TOKEN; `fixsmith publish` "
            "looks into the keychain too."
        ),
    ] = ""
    naming: Annotated[
        Literal["fixed", "timestamp"],
        Meta(description="`fixed`: each release is a commit and a tag; `timestamp`: a new repository for each run."),
    ] = "fixed"
    public: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$")], ...],
        Meta(description="Repositories that may be public, as `owner/name`. All others are private or refused."),
    ] = ()
    include_code: Annotated[
        bool, Meta(description="Put code excerpts and fixes into the published data set; no: explanations only.")
    ] = True
    base_licence: Annotated[
        str, Meta(description="SPDX id of the base model's licence, where fixsmith doesn't know it.")
    ] = ""
    source_licence: Annotated[
        str, Meta(description="SPDX id of the scanned repository's licence; needed before its code is made public.")
    ] = ""
    forms: Annotated[
        tuple[Literal["peft", "fused"], ...],
        Meta(description="Forms beside the MLX adapter: `peft`, and `fused` where it answers alike."),
    ] = ("peft",)
    signing_key: Annotated[
        str,
        Meta(description="Private key (PEM, P-256) that signs releases; needs `fixsmith[signing]`. Empty: unsigned."),
    ] = ""
    request_seconds: Annotated[float, Meta(gt=0.0, description="Longest silence in one request to the Hub.")] = 60.0
    total_seconds: Annotated[float, Meta(gt=0.0, description="Longest time for one upload, all attempts.")] = 7200.0
    attempts: Annotated[int, Meta(ge=1, description="How often a repository is tried before giving up for now.")] = 6
    retry_seconds: Annotated[
        float, Meta(gt=0.0, description="Wait before the second attempt; doubles, up to a minute.")
    ] = 2.0
    xet: Annotated[bool, Meta(description="Upload through Xet storage instead of LFS.")] = False


class Settings(Section):
    """All settings."""

    fine_tuning: FineTuning = FineTuning()
    artifacts: Artifacts = Artifacts()
    source: Source = Source()
    knowledge: Knowledge = Knowledge()
    verification: Verification = Verification()
    dataset: Dataset = Dataset()
    teacher: Teacher = Teacher()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    github: Github = Github()
    daemon: Daemon = Daemon()
    conditions: Conditions = Conditions()
    notifications: Notifications = Notifications()
    publish: Publish = Publish()

    def of_a_run(self) -> Settings:
        """Return the settings with what trains nothing at its defaults (service, upload): what a run depends on."""
        return msgspec.structs.replace(
            self,
            fine_tuning=msgspec.structs.replace(self.fine_tuning, upload_enabled=False, hf_repo_prefix=""),
            github=Github(),
            daemon=Daemon(),
            conditions=Conditions(),
            notifications=Notifications(),
            publish=Publish(),
        )
