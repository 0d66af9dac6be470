"""`orch lint` says what is missing, how often and where, and is silent about what is here."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Orch

PLAY = """\
- hosts: all
  tasks:
    - name: here
      ansible.builtin.copy: {content: "{{ a | default('x') }}", dest: /a}
    - name: not here
      win_feature: {name: a}
    - name: again
      win_feature: {name: b}
      when: a is strange
    - name: nearly
      copyy: {dest: /a, content: "{{ a | defalt('x') }}"}
"""


def test_what_is_missing_comes_most_used_first_with_places(project: Path, orch: Orch) -> None:
    (project / "site.yml").write_text(PLAY)
    said = orch("lint", "site.yml")
    assert said.code == 2
    assert said.lines[:3] == ["module  win_feature  2 times", "          site.yml:6:7", "          site.yml:8:7"]
    assert "module  copyy  once; nearest: copy" in said.out
    assert "filter  defalt  once; nearest: default" in said.out
    assert "test    strange  once" in said.out
    assert said.lines[-1] == "1 files, 6 names in 7 places: orch lacks 4 of them, used 5 times"


def test_for_a_program(project: Path, orch: Orch) -> None:
    (project / "site.yml").write_text(PLAY)
    data = json.loads(orch("lint", "site.yml", "--json").out)
    assert data["missing"][0] == {
        "kind": "module",
        "name": "win_feature",
        "count": 2,
        "nearest": None,
        "places": ["site.yml:6:7", "site.yml:8:7"],
    }


def test_content_that_brings_what_orch_lacks_ends_with_0(project: Path, orch: Orch) -> None:
    (project / "site.yml").write_text("- hosts: all\n  tasks: [{ping: }, {mine: }, {debug: {msg: '{{ 1 | own }}'}}]\n")
    (project / "library").mkdir()
    (project / "library" / "mine.py").write_text("")
    (project / "filter_plugins").mkdir()
    (project / "filter_plugins" / "own.py").write_text(
        "class FilterModule:\n    def filters(self):\n        return {'own': str}\n"
    )
    said = orch("lint", "site.yml")
    assert (said.code, said.lines) == (
        0,
        [
            "run through the bridge, as they are and slower: mine",
            "",
            "1 files, 4 names in 4 places: orch has all of them",
        ],
    )


def test_a_path_that_is_not_there_is_a_usage_error(orch: Orch) -> None:
    assert orch("lint", "nothere.yml").code == 5
