"""Where links in messages lead: what `orch serve --page-url` said, for every process, unless a setting says another."""

from __future__ import annotations

from orchestrator.access.identities import by_command_line
from orchestrator.control.control import Control
from orchestrator.notify.channels import ChannelDraft
from orchestrator.notify.occasions import RUN_FAILED, Notice
from orchestrator.store.columns import READ
from tests.access.conftest import clock, control, other, url  # noqa: F401  fixtures

BY_HAND = by_command_line("tests")


def link(control: Control) -> str:  # noqa: F811
    """Of a message that is written now."""
    with control.books.transaction():
        control.outbox.tell(Notice(RUN_FAILED, f"nightly {control.books.clock()}", "failed", (), "r1"))
    rows = control.books.database.select('SELECT "payload" FROM deliveries ORDER BY "id" DESC LIMIT 1')
    return str(READ["json"](rows[0][0])["url"])


def test_links_lead_where_people_reach_the_page(control: Control, other: Control, clock) -> None:  # noqa: F811
    control.channels.create(BY_HAND, ChannelDraft("ops", "slack", {"url": "https://hooks.example.com/x"}, [RUN_FAILED]))
    assert link(control) == ""
    for said, wanted in (("https://orch.example.com", "https://orch.example.com/runs/r1"),
                         ("https://new.example.com/", "https://new.example.com/runs/r1")):
        control.is_reached_at(said)
        clock.tick(hours=1)
        assert link(other) == wanted, "another process writes it"
    other.settings.change(BY_HAND, "notify", 0, {"page_url": "https://set.example.com/"})
    control.is_reached_at("https://new.example.com/")
    clock.tick(hours=1)
    assert link(control) == "https://set.example.com/runs/r1"
    told = [entry.detail["url"] for entry in control.books.audit.entries() if entry.subject == "served"]
    assert told == ["https://new.example.com/", "https://orch.example.com"], "a start that changes nothing says nothing"
