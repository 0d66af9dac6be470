"""The texts that make it a service: words stay words, whatever is in them."""

from __future__ import annotations

import os
import plistlib
import subprocess
import xml.etree.ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from agentlet.pull import services
from tests.agentlet.pull.conftest import Host
from tests.agentlet.pull.gateway_double import GatewayDouble

ODD = "/srv/a b/100%/$HOME/it's \"x\"/agentlet.pyz"


def test_the_unit_keeps_words_together() -> None:
    unit = services.systemd_unit("/usr/bin/python3", ODD, "/var/lib/x", "orch-agentlet")
    quoted = '"/srv/a b/100%%/$$HOME/it\'s \\"x\\"/agentlet.pyz"'
    assert f"ExecStart=/usr/bin/python3 -IS {quoted} run --state /var/lib/x\n" in unit
    assert "User=orch-agentlet\n" in unit and "KillMode=process\n" in unit and "Restart=always\n" in unit


def test_an_account_of_its_own_has_no_rights_and_a_door_to_who_has(tmp_path: Path) -> None:
    units = services.systemd_units("/bin/true", "/bin/true", None, "orch-agentlet")
    assert list(services.systemd_units("/bin/true", "/bin/true")) == ["agentlet"]
    main, door, helper = (units[part][1] for part in ("agentlet", "helper.socket", "helper.service"))
    for line in ("User=orch-agentlet", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=full",
                 "Wants=orch-agentlet-helper.socket"):
        assert f"\n{line}\n" in main
    for line in ("SocketGroup=orch-agentlet", "SocketUser=root", "SocketMode=0660", "Accept=yes"):
        assert f"\n{line}\n" in door
    assert "ExecStart=-/bin/true -IS /bin/true helper\n" in helper and "User=" not in helper
    for path, text in units.values():
        (tmp_path / Path(path).name).write_text(text)
    verify([tmp_path / Path(path).name for path, _ in units.values()])


@pytest.mark.parametrize("bad", ["a\nUser=root", "a\rb", "a\0b"])
def test_a_line_in_a_word_is_no_setting(bad: str) -> None:
    with pytest.raises(ValueError):
        services.systemd_unit("/usr/bin/python3", bad)


def test_systemd_itself_has_nothing_against_the_unit(tmp_path: Path) -> None:
    path = tmp_path / "orch-agentlet.service"
    path.write_text(services.systemd_unit("/bin/true", "/bin/true"))
    verify([path])


def verify(paths: list[Path]) -> None:
    try:
        done = subprocess.run(["systemd-analyze", "verify", *map(str, paths)], capture_output=True, text=True,
                              timeout=30)
    except FileNotFoundError:
        pytest.skip("systemd-analyze is not here")
    assert done.returncode == 0 and "orch-agentlet" not in done.stderr, done.stderr


def test_launchd_reads_its_list() -> None:
    """By Python's own reader of property lists; no macOS has started it."""
    made = plistlib.loads(services.launchd_plist("/usr/bin/python3", ODD, "/s", "a&b").encode())
    assert made == {
        "Label": services.LABEL, "ProgramArguments": ["/usr/bin/python3", "-IS", ODD, "run", "--state", "/s"],
        "RunAtLoad": True, "KeepAlive": True, "AbandonProcessGroup": True, "Umask": 0o077,
        "StandardErrorPath": "/var/log/orch-agentlet.log", "UserName": "a&b"}
    bare = plistlib.loads(services.launchd_plist("/usr/bin/python3").encode())
    assert "UserName" not in bare and bare["ProgramArguments"][2:] == [services.PROGRAM, "run"]
    assert services.PLIST_PATH.endswith(f"/{services.LABEL}.plist")


def windows_words(line: str) -> list[str]:
    """A command line as Windows hands it to a program (CommandLineToArgvW's rules)."""
    words, word, quoted, slashes = [], "", False, 0
    for char in line + " ":
        if char == "\\":
            slashes += 1
            continue
        if char == '"':
            word += "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                quoted = not quoted
        else:
            word += "\\" * slashes
            if char == " " and not quoted:
                words, word = ([*words, word] if word else words), ""
            else:
                word += char
        slashes = 0
    return words


@pytest.mark.parametrize(("program", "state"), [
    ("C:\\a & b\\agentlet.pyz", None), ("C:\\x\\agentlet.pyz", "C:\\state of it\\"),
    ("\\\\server\\share\\a.pyz", "D:\\"),
])
def test_the_windows_definition_is_read_as_it_was_meant(program: str, state: str | None) -> None:
    """By the rules of XML, of WinSW and of Windows' command lines; no Windows has started it."""
    root = xml.etree.ElementTree.fromstring(services.windows_service("C:\\Py & co\\python.exe", program, state))
    assert root.tag == "service" and [one.tag for one in root] == [
        "id", "name", "description", "executable", "arguments", "startmode", "onfailure", "log"]
    assert root.findtext("id") == services.NAME and root.findtext("executable") == "C:\\Py & co\\python.exe"
    assert root.findtext("startmode") == "Automatic"
    assert root.find("onfailure").attrib == {"action": "restart", "delay": "5 sec"}  # type: ignore[union-attr]
    assert windows_words(root.findtext("arguments") or "") == [
        "-IS", program, "run", *(["--state", state] if state else [])]


@pytest.mark.parametrize("make", [services.launchd_plist, services.windows_service])
def test_what_xml_cannot_hold_is_refused(make: Callable[[str, str], str]) -> None:
    with pytest.raises(ValueError, match="control"):
        make("/usr/bin/python3", "a\x01b")


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


def test_a_token_is_read_from_a_file_or_from_standard_input_and_is_no_argument(
    host: Host, gateway: GatewayDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = host.call("enroll", gateway.url, "--pin", gateway.ca.pin(), "--token", "good-token")
    assert refused.returncode == 2 and "good-token" in gateway.tokens
    nothing = host.call("enroll", gateway.url, "--pin", gateway.ca.pin())
    assert nothing.returncode == 1 and "ORCH_TOKEN_FILE" in nothing.stderr
    (tmp_path / "token").write_text("good-token\n")
    monkeypatch.setattr(host, "_environment", lambda: {"ORCH_TOKEN_FILE": str(tmp_path / "token"),
                                                       "PATH": os.environ["PATH"]})
    done = host.call("enroll", gateway.url, "--pin", gateway.ca.pin())
    assert done.returncode == 0, done.stderr


def test_enrolling_without_a_pin_asks_for_it(host: Host, gateway: GatewayDouble) -> None:
    done = host.call("enroll", gateway.url, stdin="good-token\n")
    assert done.returncode == 1 and "--pin sha256//" in done.stderr and "--force" not in done.stderr


def test_uninstalling_waits_for_results_and_leaves_nothing(host: Host) -> None:
    host.enroll()
    waiting = host.state / "jobs" / "0-1"
    waiting.mkdir(parents=True)
    refused = host.call("uninstall")
    assert refused.returncode == 1 and "--force" in refused.stderr and host.state.exists()
    waiting.rmdir()
    done = host.call("uninstall")
    assert done.returncode == 0 and not host.state.exists() and host.program.exists(), done.stderr
