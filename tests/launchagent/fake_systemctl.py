"""A `systemctl --user` of our own."""

import json
import os
import sys
from pathlib import Path

state = Path(os.environ["FAKE_LAUNCHD"])
calls = state / "calls"
seen = json.loads(calls.read_text()) if calls.exists() else []
words = sys.argv[2:]
calls.write_text(json.dumps([*seen, words]))
active = state / "active"
if words[0] in ("start", "restart"):
    active.write_text("yes")
if words[0] == "stop" or words[:2] == ["disable", "--now"]:
    active.unlink(missing_ok=True)
if words[0] == "show":
    print(f"ActiveState={'active' if active.exists() else 'inactive'}")
    print(f"MainPID={77 if active.exists() else 0}\nExecMainStatus=0")
if (state / "broken").exists():
    print("Failed to connect to bus", file=sys.stderr)
    sys.exit(1)
