"""The service: what is watched, how work is done, when, and whom it tells."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.sections.section import Section


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
    keep_models: Annotated[
        int,
        Meta(ge=0, description="Newest runs whose models are kept; champions and published ones always are. 0: all."),
    ] = 20
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
