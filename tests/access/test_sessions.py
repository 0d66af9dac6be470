"""Sessions and API tokens: their limits, and what of them is stored."""

from __future__ import annotations

import pytest

from orchestrator.access.records import User
from orchestrator.access.rights import Identity
from orchestrator.access.tokens import checksum, is_token, new_token
from orchestrator.control.control import Control
from orchestrator.refusals import Malformed, NotFound, Refused, Unidentified
from orchestrator.store.paging import PageRequest
from tests.access.conftest import PASSWORD, Clock, with_password


def test_a_session_ends_when_nothing_is_asked_for_eight_hours(control: Control, admin: User, clock: Clock) -> None:
    made = control.logins.login("root", PASSWORD)
    for _ in range(3):
        clock.tick(hours=7, minutes=59)
        control.sessions.identify(made.secret)
    clock.tick(hours=8)
    with pytest.raises(Unidentified):
        control.sessions.identify(made.secret)


def test_a_session_ends_after_a_week_however_busy_it_is(control: Control, admin: User, clock: Clock) -> None:
    made = control.logins.login("root", PASSWORD)
    for _ in range(7 * 4 - 1):
        clock.tick(hours=6)
        control.sessions.identify(made.secret)
    clock.tick(hours=6)
    with pytest.raises(Unidentified):
        control.sessions.identify(made.secret)


def test_a_login_ends_the_session_that_came_with_it(control: Control, admin: User) -> None:
    before = control.logins.login("root", PASSWORD)
    after = control.logins.login("root", PASSWORD, before=before.secret)
    assert after.secret != before.secret and after.csrf_token != before.csrf_token
    with pytest.raises(Unidentified):
        control.sessions.identify(before.secret)


def test_ones_sessions_are_listed_and_ended_and_nobody_elses(control: Control, admin: User) -> None:
    with_password(control, "ann")
    hers, mine = control.logins.login("ann", PASSWORD), control.logins.login("root", PASSWORD, user_agent="Fire\x1bfox")
    me, ann = (control.sessions.identify(one.secret).identity for one in (mine, hers))
    listed = control.sessions.own(ann, hers.secret)
    assert [one.is_this for one in listed] == [True]
    assert control.sessions.own(me)[0].user_agent == "Fire?fox"
    with pytest.raises(NotFound):
        control.sessions.end_own(me, listed[0].id)
    control.sessions.end_own(ann, listed[0].id)
    with pytest.raises(Unidentified):
        control.sessions.identify(hers.secret)


def test_a_role_that_was_taken_is_gone_with_the_next_request(control: Control, by: Identity) -> None:
    ann = with_password(control, "ann", "operator")
    session = control.logins.login("ann", PASSWORD)
    control.users.change(by, ann.id, None, {"role": "viewer"})
    assert control.sessions.identify(session.secret).identity.role == "viewer"


def test_the_database_tells_no_secret(control: Control, admin: User) -> None:
    session, token = control.logins.login("root", PASSWORD), control.tokens.make(
        control.identities.of(admin.id), "ci", ["read"]).token
    link = control.users.reset_link(control.identities.of(admin.id), admin.id)
    rows = repr([control.books.database.select(f"SELECT * FROM {table}")
                 for table in ("users", "sessions", "api_tokens", "login_links", "audit", "login_failures")])
    for secret in (PASSWORD, session.secret, session.csrf_token, token, link):
        assert secret not in rows


def test_a_row_written_into_the_database_lets_nobody_in(control: Control, admin: User) -> None:
    """Without the master key nobody makes a session or a token, not by a hash that he can compute himself."""
    import hashlib

    secret = "a" * 43
    for hashed in (secret, hashlib.sha256(secret.encode()).hexdigest()):
        control.books.database.execute(
            "INSERT INTO sessions (id_hash, user_id, csrf_hash, address, user_agent, created, seen, expires)"
            " SELECT ?, id, '', '', '', created, created, '2999-01-01 00:00:00.000000' FROM users", [hashed])
    with pytest.raises(Unidentified):
        control.sessions.identify(secret)


def test_a_token_says_what_it_is_and_a_typing_error_is_seen() -> None:
    token = new_token()
    assert token.startswith("orch_") and len(token) == 41 and is_token(token)
    assert not is_token(token[:-1] + ("a" if token[-1] != "a" else "b"))
    assert not is_token(token[5:]) and not is_token(token + "a") and not is_token("orch_" + "é" * 36)
    assert checksum("0" * 30) == checksum("0" * 30) and len(checksum("x")) == 6


def test_a_token_expires_and_is_revoked_and_narrows(control: Control, by: Identity, clock: Clock) -> None:
    made = control.tokens.make(by, "ci", ["launch", "read"], 3_600)
    found = control.tokens.identify(made.token, "192.0.2.1")
    assert (found.via, found.scopes, found.address) == ("token", {"read", "launch"}, "192.0.2.1")
    clock.tick(hours=1)
    with pytest.raises(Unidentified) as refused:
        control.tokens.identify(made.token)
    assert refused.value.code == "token_expired"
    other = control.tokens.make(by, "other", ["read"])
    control.tokens.revoke(by, other.record.id)
    with pytest.raises(Unidentified):
        control.tokens.identify(other.token)


@pytest.mark.parametrize("name, scopes, valid_s", [
    ("", ["read"], 3_600), ("ci", [], 3_600), ("ci", ["everything"], 3_600), ("ci", ["read"], 366 * 86_400.0),
    ("ci", ["read"], 0), ("c\ni", ["read"], 3_600), ("ci", ["read"], float("nan"))])
def test_what_no_token_may_be(control: Control, by: Identity, name: str, scopes: list[str], valid_s: float) -> None:
    with pytest.raises(Malformed):
        control.tokens.make(by, name, scopes, valid_s)


@pytest.mark.parametrize("scopes", [["read", "launch"], ["admin"], ["read", "launch", "approve", "admin"]])
def test_a_token_makes_no_other(control: Control, by: Identity, scopes: list[str]) -> None:
    token = control.tokens.identify(control.tokens.make(by, "ci", scopes, 3_600).token)
    with pytest.raises(Refused):
        control.tokens.make(token, "more", ["read"])


def test_use_is_written_once_a_minute_at_most(control: Control, by: Identity, clock: Clock) -> None:
    made = control.tokens.make(by, "ci", ["read"])
    used = []
    for _ in range(4):
        control.tokens.identify(made.token)
        used.append(control.tokens.own(by, PageRequest()).items[0].last_used)
        clock.tick(seconds=25)
    assert used[0] == used[1] == used[2] != used[3]


def test_anothers_token_is_not_there(control: Control, by: Identity) -> None:
    ann = control.identities.of(with_password(control, "ann", "approver").id)
    mine = control.tokens.make(by, "ci", ["read"])
    with pytest.raises(NotFound):
        control.tokens.revoke(ann, mine.record.id)
    assert control.tokens.own(ann, PageRequest()).items == []
    hers = control.tokens.make(ann, "ci", ["read"])
    control.tokens.revoke(by, hers.record.id)
