"""--list-tasks, --list-tags and --list-hosts print what ansible-playbook 2.19 prints for the same playbook."""

from __future__ import annotations

import pytest

from orchestrator.playbook.listing import list_playbook

SITE = """
    - name: first
      hosts: all:!db
      tags: pt
      pre_tasks:
        - {name: pre, debug: , tags: a}
      tasks:
        - block: [{name: in block, debug: }]
          rescue: [{name: in rescue, debug: , tags: resc}]
          always: [{name: in always, debug: , tags: alw}]
        - meta: noop
          tags: mt
        - {name: "templ {{ x }}", debug: , tags: [tt, never]}
      handlers:
        - {name: h, debug: , tags: hh}
    - hosts: web,db
      roles: [x]
    - hosts: [web, db]
      tasks: []
"""

TASKS = """
  play #1 (all:!db): first	TAGS: [pt]
    tasks:
      pre	TAGS: [a, pt]
      in block	TAGS: [pt]
      meta	TAGS: [mt, pt]

  play #2 (web,db): web,db	TAGS: []
    tasks:
      debug	TAGS: []
      x : named	TAGS: []

  play #3 (web,db): web,db	TAGS: []
    tasks:"""

TAGS = """
  play #1 (all:!db): first	TAGS: [pt]
      TASK TAGS: [a, mt, never, pt, tt]

  play #2 (web,db): web,db	TAGS: []
      TASK TAGS: []

  play #3 (web,db): web,db	TAGS: []
      TASK TAGS: []"""

CHOSEN = """
  play #1 (all:!db): first	TAGS: [pt]
    tasks:
      pre	TAGS: [a, pt]
      templ {{ x }}	TAGS: [never, pt, tt]
      TASK TAGS: [a, never, pt, tt]

  play #2 (web,db): web,db	TAGS: []
    tasks:
      TASK TAGS: []

  play #3 (web,db): web,db	TAGS: []
    tasks:
      TASK TAGS: []"""

HOSTS = """
  play #1 (all:!db): first	TAGS: [pt]
    pattern: ['all:!db']
    hosts (1):
      web

  play #2 (web,db): web,db	TAGS: []
    pattern: ['web,db']
    hosts (2):
      web
      db

  play #3 (web,db): web,db	TAGS: []
    pattern: ['web', 'db']
    hosts (2):
      web
      db"""

ASKED = [
    ("tasks", {"tasks": True}, TASKS), ("tags", {"tags": True}, TAGS),
    ("both with a choice", {"tasks": True, "tags": True, "only": ["a", "never"]}, CHOSEN),
    ("hosts", {"hosts": True}, HOSTS),
]


@pytest.mark.parametrize(("asked", "expected"), [a[1:] for a in ASKED], ids=[a[0] for a in ASKED])
def test_listing(project, asked, expected):
    project.write({"roles/x/tasks/main.yml": "- debug:\n- {name: named, debug: }"})
    hosts = {"p0": ["web"]}
    book = project.load(SITE)
    assert list_playbook(book, hosts_of=lambda play: hosts.get(play.id, ["web", "db"]), **asked) == expected
