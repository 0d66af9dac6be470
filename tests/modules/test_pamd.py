"""pamd: a table of (arguments, the file after), each predicted, done, and done once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

FILE = """# PAM for su
auth       sufficient pam_rootok.so
auth\trequired\tpam_faillock.so preauth silent deny=4
session    [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid
@include common-auth
-session   optional pam_systemd.so
"""
ROOTOK = {"type": "auth", "control": "sufficient", "module_path": "pam_rootok.so"}
LOCK = {"type": "auth", "control": "required", "module_path": "pam_faillock.so"}
CROND = {"type": "session", "control": "[success=1 default=ignore]", "module_path": "pam_succeed_if.so"}
WHEEL = {"new_type": "auth", "new_control": "required", "new_module_path": "pam_wheel.so",
         "module_arguments": "use_uid"}
FIRST, LOCKED = "auth       sufficient pam_rootok.so\n", "auth\trequired\tpam_faillock.so preauth silent deny=4\n"
CROND_LINE = "session    [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid\n"
NEW = "auth       required pam_wheel.so use_uid\n"

CASES: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "control": ({**LOCK, "new_control": "sufficient"},
                (LOCKED, "auth       sufficient pam_faillock.so preauth silent deny=4\n")),
    "brackets": ({**CROND, "new_control": "[success=2 default=ignore]"},
                 (CROND_LINE, CROND_LINE.replace("success=1", "success=2"))),
    "after": ({**ROOTOK, **WHEEL, "state": "after"}, (FIRST, FIRST + NEW)),
    "before": ({**ROOTOK, **WHEEL, "state": "before"}, (FIRST, NEW + FIRST)),
    "absent": ({**ROOTOK, "state": "absent"}, (FIRST, "")),
    "arguments replaced": ({**LOCK, "module_arguments": "preauth deny=3"},
                           (LOCKED, "auth       required pam_faillock.so preauth deny=3\n")),
    "arguments gone": ({**LOCK, "module_arguments": ""}, (LOCKED, "auth       required pam_faillock.so\n")),
    "arguments absent": ({**CROND, "module_arguments": "crond,quiet", "state": "args_absent"},
                         (CROND_LINE, CROND_LINE.replace(" crond quiet", ""))),
    "arguments present": ({**LOCK, "module_arguments": ["deny=5", "audit"], "state": "args_present"},
                          (LOCKED, "auth       required pam_faillock.so preauth silent deny=5 audit\n")),
    "dash": ({"type": "-session", "control": "optional", "module_path": "pam_systemd.so", "new_control": "required"},
             ("-session   optional", "-session   required")),
}


@pytest.mark.parametrize(("args", "edit"), CASES.values(), ids=CASES.keys())
def test_the_rule_is_as_asked(on_host: Any, tmp_path: Path, args: dict[str, Any], edit: tuple[str, str]) -> None:
    (tmp_path / "su").write_text(FILE)
    stays = "new_control" not in args or args.get("state") in ("before", "after")
    done = on_host.run("pamd", {"name": "su", "path": str(tmp_path), **args}, check=True)
    assert done["status"] == "changed" and (tmp_path / "su").read_text() == FILE
    done = on_host.run("pamd", {"name": "su", "path": str(tmp_path), **args})
    assert (tmp_path / "su").read_text() == FILE.replace(*edit) and done["values"]["change_count"] == 1
    if stays:
        assert on_host.run("pamd", {"name": "su", "path": str(tmp_path), **args})["status"] == "ok"


def test_a_rule_that_is_not_there_changes_nothing(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "su").write_text(FILE)
    on_host.converge("pamd", {"name": "su", "path": str(tmp_path), **ROOTOK, "control": "required",
                              "new_control": "optional"}, changes=False)


@pytest.mark.parametrize(("args", "code"), [
    ({"name": "nosuch"}, "no_path"), ({"name": "../su"}, "bad_name"), ({"state": "before"}, "bad_arguments"),
    ({"state": "args_present"}, "bad_arguments"),
], ids=["file", "name", "new", "arguments"])
def test_what_cannot_be_is_refused(on_host: Any, tmp_path: Path, args: dict[str, Any], code: str) -> None:
    (tmp_path / "su").write_text(FILE)
    on_host.fails("pamd", {"name": "su", "path": str(tmp_path), **ROOTOK, **args}, code=code)


def test_a_backup_is_kept(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "su").write_text(FILE)
    done = on_host.run("pamd", {"name": "su", "path": str(tmp_path), **ROOTOK, "state": "absent", "backup": True})
    assert Path(done["values"]["backupdest"]).read_text() == FILE
