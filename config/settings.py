"""Every setting: its type, bounds, default and what it is for, written once, in `config.sections`.

The commented sample, the documentation table and the strict checks all come from these types.
`fine_tuning` holds the keys of the system this one replaces, under the same names.
"""

from __future__ import annotations

import msgspec

from config.sections.data import Artifacts, Dataset, Knowledge, Source, Teacher, Verification
from config.sections.judging import Evaluation, Gate
from config.sections.publishing import Publish
from config.sections.remote import Remote
from config.sections.section import Section
from config.sections.service import Conditions, Daemon, Github, Notifications, Watched
from config.sections.tracking import Tracking
from config.sections.training import FineTuning

__all__ = [
    "Artifacts",
    "Conditions",
    "Daemon",
    "Dataset",
    "Evaluation",
    "FineTuning",
    "Gate",
    "Github",
    "Knowledge",
    "Notifications",
    "Publish",
    "Remote",
    "Section",
    "Settings",
    "Source",
    "Teacher",
    "Tracking",
    "Verification",
    "Watched",
]


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
    remote: Remote = Remote()
    tracking: Tracking = Tracking()

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
            remote=self.remote.of_a_run(),
            tracking=Tracking(),
        )
