"""The main job as a command: scanner artifacts in, two specialists out."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from config.errors import Error, InputRefused, NotBetter, NothingToLearn, Postponed, UsageError, of_system
from config.load import load_settings
from config.location import HELP, settings_file
from config.sections.training import BACKENDS
from config.settings import Settings
from pipeline.console import display, print_error
from pipeline.evaluation.verdict import require_better
from pipeline.flow import PLANNED, RunResult, run_flow, stages
from pipeline.pipes import reader_may_leave, silence_stdout
from pipeline.stage import Progress, Request
from pipeline.summary import print_summary, summary

DESCRIPTION = """\
Read scanner artifacts, build the data sets, train the analysis specialist and then the code-fix
specialist, measure both beside the base model, and lay out the result. The same command again
goes on where it was interrupted; when nothing changed it is up to date in a second."""

EPILOG = """\
examples:
  process_artifacts --artifacts-dir artifacts --source . --skip-fine-tuning   only the data set
  process_artifacts --artifacts-dir artifacts --source . --model-name embedded   no download from the Hub
  process_artifacts --artifacts-dir artifacts --source . --backend ssh --recipe domains   a specialist a domain
  process_artifacts --only parse --artifacts-dir artifacts                    one stage again

exit codes: 0 done or up to date, 1 failed (run it again), 2 wrong use or settings,
3 input refused, 4 no model was better, so none was published, 75 postponed"""


def parser() -> argparse.ArgumentParser:
    """Return the command's argument parser."""
    result = argparse.ArgumentParser(
        "process_artifacts", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    _add_inputs(result.add_argument_group("input"))
    _add_training(result.add_argument_group("training"))
    _add_running(result.add_argument_group("running"))
    return result


def _add_inputs(group: Any) -> None:
    group.add_argument(
        "--artifacts-dir",
        metavar="DIR",
        help="folder or zip of scanner artifacts (default: WORKSPACE/artifacts)",
    )
    group.add_argument("--source", metavar="DIR", help="the scanned repository: a git checkout, bare clone or folder")
    group.add_argument(
        "--repo", metavar="OWNER/NAME", help="repository the artifacts come from; recorded in the lineage"
    )
    group.add_argument("--branch", metavar="NAME", help="branch that was scanned; recorded in the lineage")
    group.add_argument(
        "--commit", metavar="SHA", help="commit that was scanned; with a git --source, read at that commit"
    )
    group.add_argument(
        "--earlier-artifacts",
        metavar="DIR",
        help="artifacts of an earlier scan: what was fixed since is learned",
    )
    group.add_argument(
        "--earlier-source",
        metavar="DIR|SHA",
        help="source of the earlier scan: a folder, or a commit of --source",
    )
    group.add_argument("--mined", metavar="DIR", help="fixes of past commits, from `fixsmith findings mine`")


def _add_training(group: Any) -> None:
    group.add_argument("--model-name", metavar="ID|PATH", help="base model: Hub id, folder, or `embedded`")
    group.add_argument(
        "--backend", choices=BACKENDS,
        help="where training happens: here, or on the machine of section `remote` (default: fine_tuning.backend, mlx)",
    )  # fmt: skip
    group.add_argument(
        "--recipe", metavar="NAME|FILE", action="append",
        help="a CUDA worker's recipe: its base model, domains and hyperparameters; may be repeated, `domains` stands "
        "for the six domains' own; several get a workspace each",
    )  # fmt: skip
    group.add_argument("--skip-fine-tuning", action="store_true", help="stop after the data set")
    group.add_argument("--disable-sequential-fine-tuning", action="store_true", help="one adapter for both tasks")
    group.add_argument("--disable-rag", action="store_true", help="leave the retrieved passages out of the prompts")
    group.add_argument("--quick-test", action="store_true", help="few examples, one pass: does the whole chain work?")
    upload = group.add_mutually_exclusive_group()
    upload.add_argument("--upload-model", action="store_true", help="upload the result to the Hugging Face Hub")
    upload.add_argument(
        "--skip-upload", action="store_true", help="keep the result on this machine whatever the settings say"
    )


def _add_running(group: Any) -> None:
    group.add_argument(
        "--output-dir", metavar="DIR", help="workspace (default: fine_tuning.workspace_dir of the settings)"
    )
    group.add_argument(
        "--only", metavar="STAGE", help="repeat one stage from its recorded inputs: " + ", ".join(PLANNED)
    )
    group.add_argument("--config", metavar="FILE", help=HELP)
    group.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    group.add_argument("-v", "--verbose", action="store_true", help="traceback on errors")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    arguments = parser().parse_args(argv)
    try:
        return run(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; the same command goes on from here.\n")
        return 130
    except BrokenPipeError:
        silence_stdout()
        with contextlib.suppress(BrokenPipeError):
            sys.stderr.write("Nobody reads what is said any more; the same command goes on from here.\n")
        return Postponed.exit_code
    except Exception as error:
        if arguments.verbose:
            raise
        told = as_error(error)
        print_error(told, json=arguments.json)
        return told.exit_code


def as_error(error: Exception) -> Error:
    """Return what a person is told of an exception: ours as it is, anything else as a failure of ours."""
    if isinstance(error, Error):
        return error
    if isinstance(error, OSError):
        return of_system(error)
    return Error(
        f"fixsmith failed where it shouldn't ({type(error).__name__}: {error}).",
        "Nothing finished is lost. Run it again with -v for the details, and report them.",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run with parsed arguments, errors raised."""
    from pipeline.remote import specialist

    settings = settings_of(arguments)
    _refuse_an_unknown_stage(arguments, settings)
    output = Path(arguments.output_dir or settings.fine_tuning.workspace_dir).expanduser()
    signal.signal(signal.SIGTERM, _postpone)
    names = specialist.named(settings)
    codes: list[int] = []
    if not names:
        return _run_one(arguments, settings, output, output)
    for name in names:
        own = _quick(arguments, specialist.applied(settings, name, arguments.model_name or ""))
        try:
            places = [output / specialist.folder(one) for one in names] if len(names) > 1 else [output]
            codes.append(_run_one(arguments, own, output, places[len(codes)], specialist.sibling(places, len(codes))))
        except (NotBetter, NothingToLearn) as error:
            if len(names) == 1:
                raise
            print_error(error, json=arguments.json)
            codes.append(error.exit_code)
    return 0 if 0 in codes else max(codes)


def _run_one(
    arguments: argparse.Namespace, settings: Settings, top: Path, output: Path, sibling: Path | None = None
) -> int:
    """Take one run through its stages in `output`; `top` is the workspace that artifacts come into."""
    if settings.fine_tuning.backend != "mlx" and not arguments.skip_fine_tuning:
        _check_remote(settings)
    if settings.fine_tuning.upload_enabled:
        _check_upload(settings)
    request = request_of(arguments, top)
    with display(json=arguments.json) as show:
        result = run_flow(
            output, request, settings, show,
            fine_tuning=not arguments.skip_fine_tuning, only=arguments.only, sibling=sibling,
        )  # fmt: skip
    _report(result, output, arguments)
    if "gate" in result.manifests and arguments.only in (None, "gate", "publish"):
        require_better(result.folder / "gate")
    if settings.fine_tuning.upload_enabled and arguments.only in (None, "publish"):
        with display(json=arguments.json) as show:
            _upload(result.folder, settings, show, as_json=arguments.json)
    return 0


def _upload(run: Path, settings: Settings, show: Callable[[Progress], None], *, as_json: bool) -> None:
    """Publish the run's release to the Hub; one that a person must review first waits for them."""
    from config.tokens import hub_token
    from pipeline.publishing.hub.target import HubTarget
    from pipeline.publishing.upload import NotReviewed, upload

    token = hub_token(settings.publish)
    try:
        published = upload(
            run, settings, HubTarget(settings.publish, token), lambda: [token],
            lambda what, done, total: show(Progress(stage="upload", message=what, done=done, total=total or None)),
        )  # fmt: skip
    except NotReviewed as error:
        show(Progress(stage="upload", message=f"waits: {error}"))
        if as_json:
            line = {"event": "review", "message": error.message, "hint": error.hint}
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        return
    for one in published:
        show(Progress(stage="upload", message=f"{one.url}, tag {one.tag}", done=1, total=1))


def settings_of(arguments: argparse.Namespace) -> Settings:
    """Return the settings with the command line's overrides."""
    settings = load_settings(settings_file(arguments.config))
    changes: dict[str, Any] = {}
    if arguments.model_name:
        changes["base_model_name"] = arguments.model_name
    if arguments.backend:
        changes["backend"] = arguments.backend
    if arguments.disable_sequential_fine_tuning:
        changes["sequential"] = False
    if arguments.recipe:
        changes["worker_recipes"] = tuple(arguments.recipe)
    if arguments.skip_upload or arguments.skip_fine_tuning:
        changes["upload_enabled"] = False
    elif arguments.upload_model:
        changes["upload_enabled"] = True
    knowledge = settings.knowledge
    if arguments.disable_rag:
        knowledge = msgspec.structs.replace(knowledge, enabled=False)
    fine_tuning = msgspec.structs.replace(settings.fine_tuning, **changes)
    return _quick(arguments, msgspec.structs.replace(settings, fine_tuning=fine_tuning, knowledge=knowledge))


def _quick(arguments: argparse.Namespace, settings: Settings) -> Settings:
    """Return the settings with a quick test's few passes where one is asked for."""
    if not arguments.quick_test:
        return settings
    few = msgspec.structs.replace(settings.fine_tuning, max_epochs=settings.fine_tuning.quick_test_epochs)
    return msgspec.structs.replace(settings, fine_tuning=few)


def request_of(arguments: argparse.Namespace, output: Path) -> Request:
    """Return what is asked for, with its inputs' digests: the run's identity."""
    from pipeline.artifacts.collect import digest_artifacts
    from pipeline.fixes.past.folder import digest
    from pipeline.source.tree import open_tree

    artifacts = Path(arguments.artifacts_dir).expanduser() if arguments.artifacts_dir else output / "artifacts"
    if not artifacts.exists():
        raise InputRefused(
            f"There are no artifacts at {artifacts}.",
            "Name the folder with --artifacts-dir; `fixsmith fetch` fills one.",
        )
    if arguments.earlier_source and not arguments.earlier_artifacts:
        raise UsageError("--earlier-source needs --earlier-artifacts.", "Give the earlier scan's artifacts too.")
    source = _absolute(arguments.source)
    earlier_source, earlier_commit = _earlier(source, arguments.earlier_source)
    earlier = Path(arguments.earlier_artifacts).expanduser() if arguments.earlier_artifacts else None
    mined = Path(arguments.mined).expanduser() if arguments.mined else None
    return Request(
        artifacts=str(artifacts),
        artifacts_digest=digest_artifacts(artifacts),
        source=source,
        source_digest=open_tree(source, arguments.commit).digest() if source else None,
        earlier_artifacts=str(earlier) if earlier else None,
        earlier_artifacts_digest=digest_artifacts(earlier) if earlier else None,
        earlier_source=earlier_source,
        earlier_commit=earlier_commit,
        earlier_source_digest=open_tree(earlier_source, earlier_commit).digest() if earlier_source else None,
        mined=_absolute(arguments.mined),
        mined_digest=digest(mined) if mined else None,
        repository=arguments.repo,
        branch=arguments.branch,
        commit=arguments.commit,
        quick_test=arguments.quick_test,
    )


def _absolute(place: str | None) -> str | None:
    """Return a place as later commands find it, wherever they are started."""
    return str(Path(place).expanduser().absolute()) if place else None


def _earlier(source: str | None, named: str | None) -> tuple[str | None, str | None]:
    """Return where the earlier source lies, and the commit when it is one of `--source`."""
    if named is None or Path(named).expanduser().is_dir():
        return _absolute(named), None
    if source is None:
        raise UsageError(f"--earlier-source {named} is no folder.", "Give a folder, or --source and a commit of it.")
    return source, named


def _check_upload(settings: Settings) -> None:
    """Raise SettingsError before hours of training, when the upload after them couldn't work."""
    from config.tokens import hub_token
    from pipeline.publishing.names import check_prefix

    check_prefix(settings)
    hub_token(settings.publish)


def _check_remote(settings: Settings) -> None:
    """Raise before any work when the settings lack a worker, its token or a storage, or name one in clear."""
    from pipeline.remote.connection import launcher, storage

    launcher(settings).close()
    storage(settings.remote)


def _refuse_an_unknown_stage(arguments: argparse.Namespace, settings: Settings) -> None:
    if arguments.only is None:
        return
    known = [stage.name for stage in stages(settings)]
    if arguments.only not in known:
        raise UsageError(f"There is no stage '{arguments.only}'.", f"Stages: {', '.join(known)}.")


def _report(result: RunResult, output: Path, arguments: argparse.Namespace) -> None:
    with reader_may_leave():
        if arguments.json:
            sys.stdout.write(msgspec.json.encode({"event": "summary", **summary(result, output)}).decode() + "\n")
        else:
            print_summary(result, output)


def _postpone(_signal: int, _frame: object) -> None:
    raise Postponed("Stopped on request.", "The same command goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
