"""Runs the real service with the stubbed flow and sensors that are always content: `python -m … CONFIG`."""

import sys
from pathlib import Path

from config.errors import Error
from daemon.cli import print_error
from daemon.conditions.readings import Readings
from daemon.service import Service

STUB = (sys.executable, str(Path(__file__).with_name("stub_flow.py")))


class Content:
    def read(self):
        return Readings(on_mains=True, battery=90, disk_free=10**12)


def main():
    try:
        return Service(Path(sys.argv[1]), sensors=Content(), flow=STUB, show=lambda title, text: None).run()
    except Error as error:  # as the command does
        print_error(error)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
