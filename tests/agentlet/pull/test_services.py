"""The texts that make it a service: words stay words, whatever is in them."""

from __future__ import annotations

import plistlib
import subprocess
import xml.etree.ElementTree
from pathlib import Path

import pytest
import yaml

from agentlet.pull import services
from tests.agentlet.pull.conftest import Host

ODD = "/srv/a b/100%/$HOME/it's \"x\"/agentlet.pyz"


def test_the_unit_keeps_words_together() -> None:
    unit = services.systemd_unit("/usr/bin/python3", ODD, "/var/lib/x", "orch-agentlet")
    quoted = '"/srv/a b/100%%/$$HOME/it\'s \\"x\\"/agentlet.pyz"'
    assert f"ExecStart=/usr/bin/python3 -IS {quoted} run --state /var/lib/x\n" in unit
    assert "User=orch-agentlet\n" in unit and "KillMode=process\n" in unit and "Restart=always\n" in unit


@pytest.mark.parametrize("bad", ["a\nUser=root", "a\rb", "a\0b"])
def test_a_line_in_a_word_is_no_setting(bad: str) -> None:
    with pytest.raises(ValueError):
        services.systemd_unit("/usr/bin/python3", bad)


def test_systemd_itself_has_nothing_against_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "orch-agentlet.service"
    path.write_text(services.systemd_unit("/bin/true", "/bin/true"))
    try:
        done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not here")
    assert done.returncode == 0 and "orch-agentlet" not in done.stderr, done.stderr


def test_launchd_reads_its_list() -> None:
    made = plistlib.loads(services.launchd_plist("/usr/bin/python3", ODD, "/s", "a&b").encode())
    assert made["ProgramArguments"] == ["/usr/bin/python3", "-IS", ODD, "run", "--state", "/s"]
    assert made["KeepAlive"] is True and made["UserName"] == "a&b"


def test_the_windows_definition_is_xml() -> None:
    made = services.windows_service("C:\\Python\\python.exe", "C:\\a & b\\agentlet.pyz")
    root = xml.etree.ElementTree.fromstring(made)
    assert root.findtext("arguments") == '"-IS" "C:\\a & b\\agentlet.pyz" "run"'


def test_cloud_init_gets_one_line_for_a_shell(tmp_path: Path) -> None:
    made = yaml.safe_load(services.cloud_init("https://orch.example.com:8443", "to'ken", "sha256//x="))
    [[shell, option, line]] = made["runcmd"]
    assert (shell, option) == ("sh", "-c") and line.endswith(" | sh")
    curl = tmp_path / "curl"
    curl.write_text("#!/bin/sh\nfor word; do echo \"echo $word\"; done\n")
    curl.chmod(0o755)
    said = subprocess.run([shell, option, line.replace("curl", str(curl), 1)], capture_output=True, text=True).stdout
    assert "--pinnedpubkey\nsha256//x=\n" in said


def test_the_program_prints_its_own_unit(host: Host) -> None:
    done = subprocess.run([host.python, "-IS", str(host.program), "unit", "--python", "/usr/bin/python3"],
                          capture_output=True, text=True)
    assert f"ExecStart=/usr/bin/python3 -IS {host.program} run\n" in done.stdout


def test_uninstalling_waits_for_results_and_leaves_nothing(host: Host) -> None:
    host.enroll()
    waiting = host.state / "jobs" / "0-1"
    waiting.mkdir(parents=True)
    refused = host.call("uninstall")
    assert refused.returncode == 1 and "--force" in refused.stderr and host.state.exists()
    waiting.rmdir()
    done = host.call("uninstall")
    assert done.returncode == 0 and not host.state.exists() and host.program.exists(), done.stderr
