"""`fixsmith serve`: findings, explanations and verified proposals over HTTP, for an editor or a script."""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from config.errors import UsageError
from config.location import settings_file
from daemon.arguments import add_run, workspace_of
from daemon.commands.findings import findings_file

PORT = 8427


def add(subparsers: Any) -> None:
    """Describe the command."""
    command = subparsers.add_parser(
        "serve",
        help="answer over HTTP on this machine",
        description="Answer over HTTP, to this machine only: GET /health and /findings; POST /explain with "
        '{"finding": ID} and /fix with {"finding": ID, "tries": N}, as the commands of those names answer with '
        "--json. Proposals are verified in the scanned commit; nothing is ever written.",
        epilog="Each request carries `Authorization: Bearer TOKEN`; the token lies in a file only you can read, "
        "which the first line names. A model is loaded when it is asked, and let go after five quiet minutes.",
    )
    command.add_argument("--port", type=int, default=PORT, help=f"0 takes any free one (default: {PORT})")
    add_run(command)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal says stop; return 0."""
    from config.reload import LiveSettings
    from pipeline.assistant.resident import Resident
    from pipeline.assistant.serving import Answers, server

    if not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port {arguments.port} is no port.", "Name one from 1024 to 65535, or 0 for any.")
    live = LiveSettings(settings_file(arguments.config))
    workspace = workspace_of(arguments, live.current())

    def newest() -> Path:
        return findings_file(workspace, arguments.run).parent.parent

    newest()  # says now what is missing
    token = workspace / "serve.token"
    resident = Resident()
    with server(Answers(newest, live.current, resident), token_in(token), arguments.port) as serving:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: threading.Thread(target=serving.shutdown).start())
        address = f"http://127.0.0.1:{serving.server_address[1]}"
        sys.stdout.write(f"Serving {workspace} at {address}; the token is in {token}. Ctrl-C ends it.\n")
        sys.stdout.write(f'  curl -H "Authorization: Bearer $(cat {token})" {address}/findings\n')
        sys.stdout.flush()
        serving.serve_forever()
    resident.close()
    return 0


def token_in(path: Path) -> str:
    """Return the token in the file; where there is none, make one that only this user can read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        token = secrets.token_urlsafe(32)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(token + "\n")
        return token
