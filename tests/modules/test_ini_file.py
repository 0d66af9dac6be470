"""ini_file: a table of (before, arguments, after), each predicted, done, and done once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

FOOD = ("; menu\nopen = 9\n\n[fruit]\nred = apple\n# red = cherry\nmany = a\nmany = b\n\n"
        "[soup]\nhot=yes\n;cold = no\nflag\n")
FRUIT = {"section": "fruit"}
PEERS = "[Peer]\nip = 1\nkey = a\n\n[Peer]\nip = 2\nkey = b\n"


def swapped(*pairs: tuple[str, str]) -> str:
    text = FOOD
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "set": (FOOD, {**FRUIT, "option": "red", "value": "plum"},
            swapped(("red = apple\n# red = cherry\n", "red = plum\n")), "option changed"),
    "add": (FOOD, {**FRUIT, "option": "blue", "value": "x"}, swapped(("many = b\n", "many = b\nblue = x\n")),
            "option added"),
    "keep one of many": (FOOD, {**FRUIT, "option": "many", "value": "a"}, swapped(("many = b\n", "")),
                         "option changed"),
    "one more": (FOOD, {**FRUIT, "option": "many", "value": "c", "exclusive": False},
                 swapped(("many = b\n", "many = b\nmany = c\n")), "option added"),
    "several": (FOOD, {**FRUIT, "option": "many", "values": ["b", "c", "b", "d"]},
                swapped(("many = a\nmany = b\n", "many = c\nmany = b\nmany = d\n")), "option added"),
    "remove all": (FOOD, {**FRUIT, "option": "many", "state": "absent"}, swapped(("many = a\nmany = b\n", "")),
                   "option changed"),
    "remove one": (FOOD, {**FRUIT, "option": "many", "value": "a", "state": "absent", "exclusive": False},
                   swapped(("many = a\n", "")), "option changed"),
    "remove section": (FOOD, {**FRUIT, "state": "absent"}, FOOD[:FOOD.index("[fruit]")] + FOOD[FOOD.index("[soup]"):],
                       "section removed"),
    "uncomment": (FOOD, {"section": "soup", "option": "cold", "value": "no"}, swapped((";cold = no", "cold = no")),
                  "option changed"),
    "leave comment": (FOOD, {"section": "soup", "option": "cold", "value": "no", "modify_inactive_option": False},
                      FOOD + "cold = no\n", "option added"),
    "spaces": (FOOD, {"section": "soup", "option": "hot", "value": "yes"}, swapped(("hot=yes", "hot = yes")),
               "option changed"),
    "no spaces": (FOOD, {"section": "soup", "option": "warm", "value": "1", "no_extra_spaces": True},
                  FOOD + "warm=1\n", "option added"),
    "no value": (FOOD, {"section": "soup", "option": "flag2", "allow_no_value": True}, FOOD + "flag2\n",
                 "option added"),
    "new section": (FOOD, {"section": "nuts", "option": "a", "value": "b"}, FOOD + "[nuts]\na = b\n",
                    "section and option added"),
    "only section": (FOOD, {"section": "nuts", "allow_no_value": True}, FOOD + "[nuts]\n", "only section added"),
    "top": (FOOD, {"option": "open", "value": "10"}, swapped(("open = 9", "open = 10")), "option changed"),
    "which section": (PEERS, {"section": "Peer", "section_has_values": [{"option": "ip", "value": "2"}],
                              "option": "key", "value": "z"}, PEERS.replace("key = b", "key = z"), "option changed"),
    "no such section": (PEERS, {"section": "Peer", "section_has_values": [{"option": "ip", "values": ["3"]}],
                                "option": "key", "value": "z"}, PEERS + "[Peer]\nip = 3\nkey = z\n",
                        "section and option added"),
    "which goes": (PEERS, {"section": "Peer", "section_has_values": [{"option": "ip", "value": "2"}],
                           "state": "absent"}, PEERS[:PEERS.rindex("[Peer]")], "section removed"),
    "line ends": ("[a]\r\nx=\xe9\r\n", {"section": "a", "option": "y", "value": "2"}, "[a]\r\nx=\xe9\r\ny = 2\r\n",
                  "option added"),
    "no last line end": ("[a]\nx=1", {"section": "a", "option": "y", "value": "2"}, "[a]\nx=1\ny = 2\n",
                         "option added"),
    "empty": ("", {"section": "a", "option": "y", "value": "2"}, "\n[a]\ny = 2\n", "section and option added"),
}


@pytest.mark.parametrize(("before", "args", "after", "msg"), CASES.values(), ids=CASES.keys())
def test_the_option_is_as_asked(on_host: Any, tmp_path: Path, before: str, args: dict[str, Any], after: str,
                                msg: str) -> None:
    path = tmp_path / "f.ini"
    path.write_bytes(before.encode("latin-1"))
    done = on_host.converge("ini_file", {"path": str(path), "mode": "0600", **args})
    assert path.read_bytes() == after.encode("latin-1")
    assert done["values"]["msg"].startswith(msg)


SAME: dict[str, dict[str, Any]] = {
    "no such section": {"section": "nope", "state": "absent"},
    "no such option": {"section": "fruit", "option": "nope", "state": "absent"},
    "spaces do not matter": {"section": "soup", "option": "hot", "value": "yes", "ignore_spaces": True},
    "flag": {"section": "soup", "option": "flag", "allow_no_value": True},
    "one of many is there": {"section": "fruit", "option": "many", "value": "b", "exclusive": False},
}


@pytest.mark.parametrize("args", SAME.values(), ids=SAME.keys())
def test_what_is_so_already_stays(on_host: Any, tmp_path: Path, args: dict[str, Any]) -> None:
    (tmp_path / "f.ini").write_text(FOOD)
    on_host.converge("ini_file", {"path": f"{tmp_path}/f.ini", **args}, changes=False)


def test_a_missing_file_is_made_or_not(on_host: Any, tmp_path: Path) -> None:
    args = {"path": f"{tmp_path}/f.ini", "option": "a", "value": "b"}
    on_host.fails("ini_file", {**args, "create": False}, code="no_path", says="does not exist!")
    on_host.converge("ini_file", {"path": args["path"], "section": "x", "state": "absent"}, changes=False)
    on_host.converge("ini_file", args)


def test_a_value_is_asked_for(on_host: Any, tmp_path: Path) -> None:
    on_host.fails("ini_file", {"path": f"{tmp_path}/f", "section": "a", "option": "b"}, code="no_value",
                  says="Parameter 'value(s)' must be defined")


def test_a_backup_is_kept(on_host: Any, tmp_path: Path) -> None:
    (tmp_path / "f.ini").write_text("a = 1\n")
    done = on_host.converge("ini_file", {"path": f"{tmp_path}/f.ini", "option": "a", "value": "2", "backup": True})
    assert Path(done["values"]["backup_file"]).read_text() == "a = 1\n"
