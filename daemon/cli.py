"""The `fixsmith` command: finds the command's module, imports that one alone, prints errors once."""

from __future__ import annotations

import argparse
import importlib
import io
import sys
from collections.abc import Sequence
from functools import partial
from typing import Protocol, cast

import msgspec

from config.errors import Error, UsageError, of_system
from pipeline.pipes import silence_stdout

DESCRIPTION = """\
Security models that learn from your own code, on your own machine. fixsmith watches your
repositories' CI for scanner artifacts, trains two small models from them (one explains a
finding, one proposes the fix) and keeps a new model only when it is measurably better."""

EPILOG = """\
where to begin:
  fixsmith demo       the whole thing on artifacts that ship with it, in minutes
  fixsmith init       answer a few questions; writes the settings file
  fixsmith doctor     what is missing on this machine, and what to do about it
  fixsmith install    run it in the background from now on
  fixsmith status     what it is doing, and why

settings come from --config FILE, else $FIXSMITH_CONFIG, else ~/.config/fixsmith/settings.yaml,
which `fixsmith init` writes, else the defaults.
exit codes: 0 done or up to date, 1 failed (run it again), 2 wrong use or settings,
3 input refused, 4 not better, 75 postponed"""


Plain = argparse.RawDescriptionHelpFormatter
Wide = partial(Plain, max_help_position=16)


class Command(msgspec.Struct, frozen=True):
    """A command: its name, the module that does it, and its line in the help."""

    name: str
    module: str
    summary: str


class CommandModule(Protocol):
    """What a command's module offers."""

    def add(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add the command's parser."""
        ...

    def run(self, arguments: argparse.Namespace) -> int:
        """Do the command; return its exit code; raise config.errors.Error."""
        ...


COMMANDS: tuple[Command, ...] = (
    Command("demo", "daemon.commands.demo", "the whole job on artifacts that ship with fixsmith"),
    Command("init", "daemon.commands.init", "answer a few questions, write the settings file"),
    Command("doctor", "daemon.commands.doctor", "check everything it depends on, and say what to do"),
    Command("run", "daemon.commands.run", "watch and work in the foreground"),
    Command("status", "daemon.commands.status", "what it is doing, what waits, and for what"),
    Command("logs", "daemon.commands.logs", "the service's log, or one run's"),
    Command("retry", "daemon.commands.retry", "put a parked run back into the queue"),
    Command("install", "launchagent.commands.install", "run in the background from now on, and after every login"),
    Command("uninstall", "launchagent.commands.uninstall", "no longer run in the background; data stays"),
    Command("start", "launchagent.commands.start", "start the installed service"),
    Command("stop", "launchagent.commands.stop", "stop it at the next checkpoint"),
    Command("fetch", "daemon.commands.fetch", "the newest scan from GitHub, into a folder"),
    Command("findings", "daemon.commands.findings", "the findings of the newest run"),
    Command("dataset", "daemon.commands.dataset", "a data set in other forms, and public ones imported"),
    Command("train", "daemon.commands.train", "train again from a data set"),
    Command("evaluate", "daemon.commands.evaluate", "measure a specialist"),
    Command("report", "daemon.commands.report", "the evaluation as a page"),
    Command("models", "daemon.commands.models", "the models there are, and whether they hold together"),
    Command("explain", "daemon.commands.explain", "explain a finding with the analysis specialist"),
    Command("fix", "daemon.commands.fix", "propose a fix for a finding, and verify it"),
    Command("serve", "daemon.commands.serve", "answer over HTTP on this machine"),
    Command("publish", "daemon.commands.publish", "upload a release to the Hugging Face Hub"),
    Command("worker", "daemon.commands.worker", "train on a CUDA machine"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    _write_whatever_comes()
    try:
        return _dispatch(words)
    except Error as error:
        print_error(error)
        return error.exit_code
    except (KeyboardInterrupt, EOFError):  # the second at a question
        sys.stderr.write("\n")
        return 130
    except BrokenPipeError:
        silence_stdout()
        return 0
    except OSError as error:
        print_error(of_system(error))
        return Error.exit_code


def print_error(error: Error) -> None:
    """Print what happened and what to do, on stderr."""
    sys.stderr.write(f"{error.message}\n")
    if error.hint:
        sys.stderr.write(f"  {error.hint}\n")


def parser(chosen: Command | None = None) -> argparse.ArgumentParser:
    """Return the parser: with the chosen command's own, without one with a help line for each."""
    result = argparse.ArgumentParser(
        "fixsmith", description=DESCRIPTION, epilog=EPILOG, formatter_class=Wide if chosen is None else Plain
    )
    subparsers = result.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    if chosen is not None:
        _module(chosen).add(subparsers)
        return result
    for command in COMMANDS:
        subparsers.add_parser(command.name, help=command.summary, add_help=False)
    return result


def _dispatch(words: list[str]) -> int:
    chosen = next((command for command in COMMANDS if words and command.name == words[0]), None)
    if chosen is None and words and not words[0].startswith("-"):
        raise _unknown(words[0])
    command_parser = parser(chosen)
    arguments = command_parser.parse_args(words)
    if chosen is None:
        command_parser.print_help()
        return 2
    result = _module(chosen).run(arguments)
    sys.stdout.flush()
    return result


def _unknown(word: str) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(word, [command.name for command in COMMANDS], n=1)
    meant = f"; did you mean '{near[0]}'?" if near else "."
    return UsageError(f"There is no command '{word}'{meant}", "`fixsmith --help` lists them.")


def _module(command: Command) -> CommandModule:
    return cast("CommandModule", importlib.import_module(command.module))


def _write_whatever_comes() -> None:
    """Spell out what the terminal's character set lacks, instead of failing at it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
