import shutil
import subprocess

import pytest

from config.settings import Settings
from launchagent.interface import ServiceError, specification
from launchagent.systemd import Systemd, unit


@pytest.fixture
def service(tmp_path):
    config = tmp_path / "a folder with spaces" / "100%.yaml"
    config.parent.mkdir()
    config.write_text("{}")
    return specification(Settings(), config, tmp_path / "logs")


def test_the_unit_stays_down_on_bad_settings_and_restarts_after_a_crash(service):
    text = unit(service)
    assert "RestartPreventExitStatus=2" in text and "Restart=on-failure" in text
    assert "100%%.yaml" in text
    assert f"TimeoutStopSec={service.stop_seconds}" in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd isn't here")
def test_systemd_itself_finds_nothing_wrong(service, tmp_path):
    path = tmp_path / "fixsmith.service"
    path.write_text(unit(service))
    found = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert not [line for line in found.stderr.splitlines() if "fixsmith.service:" in line], found.stderr


def test_install_start_stop_and_uninstall(home, service, launchd_state, tmp_path):
    systemd = Systemd(home)
    assert not systemd.condition().installed
    assert systemd.install(service)
    assert not systemd.install(service)
    found = systemd.condition()
    assert (found.loaded, found.pid, found.problems) == (True, 77, ())
    systemd.stop()
    assert not systemd.condition().loaded
    systemd.start()
    (tmp_path / "a folder with spaces" / "100%.yaml").unlink()
    assert "no longer there" in systemd.condition().problems[0]
    assert systemd.uninstall() and not systemd.uninstall()


def test_a_missing_bus_is_a_sentence(home, service, launchd_state):
    launchd_state.set("broken", True)
    with pytest.raises(ServiceError, match="failed"):
        Systemd(home).install(service)
