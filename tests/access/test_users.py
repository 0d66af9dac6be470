"""Users: made, changed, locked, deleted; there is always an admin who may come in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from orchestrator.access.records import User
from orchestrator.access.rights import Identity
from orchestrator.control.control import Control, open_control
from orchestrator.refusals import Conflict, Malformed, NotFound, Refused, Stale, Unidentified
from orchestrator.store.paging import PageRequest
from tests.access.conftest import HAND, PASSWORD, Clock, actions, with_password


@pytest.mark.parametrize("name", ["", "-ann", "a b", "../x", "ann\n", "a" * 65, "ann;drop", "änn", "$(id)", ".ann"])
def test_names_that_could_be_something_else_are_refused(control: Control, by: Identity, name: str) -> None:
    with pytest.raises(Malformed) if name != "ann\n" else pytest.raises(Conflict):
        if name == "ann\n":
            control.users.add(by, "ann")
        control.users.add(by, name)


def test_a_name_is_one_persons_whatever_its_case(control: Control, by: Identity) -> None:
    assert control.users.add(by, "Ann").name == "ann"
    with pytest.raises(Conflict):
        control.users.add(by, "ANN")


def test_what_was_changed_meanwhile_is_not_overwritten(control: Control, by: Identity) -> None:
    ann = control.users.add(by, "ann")
    changed = control.users.change(by, ann.id, ann.version, {"role": "operator"})
    assert (changed.role, changed.version) == ("operator", 2)
    with pytest.raises(Stale):
        control.users.change(by, ann.id, ann.version, {"role": "admin"})
    with pytest.raises(Malformed):
        control.users.change(by, ann.id, None, {"role": "root"})
    assert control.users.find(ann.id).role == "operator"


def test_a_locked_user_is_out_at_once_everywhere(control: Control, other: Control, by: Identity) -> None:
    ann = with_password(control, "ann", "operator")
    session = control.logins.login("ann", PASSWORD)
    token = control.tokens.make(control.identities.of(ann.id), "ci", ["read"]).token
    link = control.users.reset_link(by, ann.id)
    assert other.sessions.identify(session.secret).identity.name == "ann"
    assert other.tokens.identify(token).name == "ann"
    control.users.lock(by, ann.id)
    for act in (lambda: other.sessions.identify(session.secret), lambda: other.tokens.identify(token),
                lambda: other.logins.login("ann", PASSWORD), lambda: other.logins.use_link(link, PASSWORD + "!"),
                lambda: other.identities.of(ann.id)):
        with pytest.raises(Unidentified):
            act()  # type: ignore[no-untyped-call]
    control.users.unlock(by, ann.id)
    with pytest.raises(Unidentified):
        other.tokens.identify(token)
    with pytest.raises(Unidentified):
        other.sessions.identify(session.secret)
    assert other.logins.login("ann", PASSWORD).user.state == "active"


def test_the_last_admin_stays(control: Control, admin: User, by: Identity) -> None:
    for act in (lambda: control.users.lock(by, admin.id), lambda: control.users.delete(HAND, admin.id),
                lambda: control.users.change(by, admin.id, None, {"role": "operator"})):
        with pytest.raises(Refused) as refused:
            act()  # type: ignore[no-untyped-call]
        assert refused.value.code == "last_admin"
    second = with_password(control, "second", "admin")
    control.users.lock(by, second.id)
    with pytest.raises(Refused):
        control.users.delete(HAND, admin.id)  # a locked admin lets nobody in


def test_of_two_admins_who_demote_each_other_at_once_one_stays(tmp_path: Path, url: str, control: Control,
                                                               admin: User) -> None:
    second = with_password(control, "second", "admin")
    barrier, said = threading.Barrier(2), []

    def demote(user_id: str) -> None:
        mine = open_control(tmp_path / "state", url)
        barrier.wait()
        try:
            mine.users.change(HAND, user_id, None, {"role": "viewer"})
            said.append("done")
        except Refused as error:
            said.append(error.code)
        finally:
            mine.close()

    threads = [threading.Thread(target=demote, args=(one,)) for one in (admin.id, second.id)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    admins = [user for user in control.users.list(HAND, PageRequest(), role="admin").items if user.state == "active"]
    assert len(admins) == 1 and sorted(said) == ["done", "last_admin"], said


def test_nobody_deletes_himself_and_a_deleted_users_name_inherits_nothing(control: Control, by: Identity) -> None:
    with pytest.raises(Refused):
        control.users.delete(by, by.user_id)
    ann = with_password(control, "ann", "operator")
    session, made = control.logins.login("ann", PASSWORD), control.tokens.make(
        control.identities.of(ann.id), "ci", ["read"])
    control.users.delete(by, ann.id)
    again = control.users.add(by, "ann")
    assert again.id != ann.id
    with pytest.raises(Unidentified):
        control.sessions.identify(session.secret)
    with pytest.raises(Unidentified):
        control.tokens.identify(made.token)


def test_people_are_for_admins_and_oneself(control: Control, by: Identity) -> None:
    ann = control.identities.of(with_password(control, "ann", "approver").id)
    assert control.users.show(ann, ann.user_id).name == "ann"
    with pytest.raises(NotFound):
        control.users.show(ann, by.user_id)
    for act in (lambda: control.users.list(ann, PageRequest()), lambda: control.users.add(ann, "bob"),
                lambda: control.users.change(ann, ann.user_id, None, {"role": "admin"}),
                lambda: control.users.set_password(ann, by.user_id, PASSWORD),
                lambda: control.users.reset_link(ann, by.user_id), lambda: control.users.lock(ann, by.user_id)):
        with pytest.raises(Refused) as refused:
            act()  # type: ignore[no-untyped-call]
        assert refused.value.code == "forbidden"


def test_ones_own_password_needs_the_old_one_and_ends_other_sessions(control: Control, admin: User) -> None:
    here, there = control.logins.login("root", PASSWORD), control.logins.login("root", PASSWORD)
    me = control.sessions.identify(here.secret).identity
    with pytest.raises(Refused):
        control.users.change_own_password(me, "not the old one", "five words are enough", here.secret)
    control.users.change_own_password(me, PASSWORD, "five words are enough", here.secret)
    assert control.sessions.identify(here.secret).identity.name == "root"
    with pytest.raises(Unidentified):
        control.sessions.identify(there.secret)
    with pytest.raises(Unidentified):
        control.logins.login("root", PASSWORD)
    assert control.logins.login("root", "five words are enough").user.name == "root"


def test_the_first_admins_link_is_good_once_and_for_a_day(control: Control, clock: Clock) -> None:
    from orchestrator.control.first_start import first_link

    found = first_link(control)
    assert found is not None and found[0] == "admin"
    again = first_link(control)
    assert again is not None and again[1] != found[1]
    with pytest.raises(Unidentified):
        control.logins.use_link(found[1], PASSWORD)  # the one before it is no more
    clock.tick(hours=24)
    with pytest.raises(Unidentified) as refused:
        control.logins.use_link(again[1], PASSWORD)
    assert refused.value.code == "link_expired"
    last = first_link(control)
    assert last is not None
    with pytest.raises(Malformed):
        control.logins.use_link(last[1], "short")
    session = control.logins.use_link(last[1], PASSWORD)
    assert session.user.role == "admin"
    with pytest.raises(Unidentified) as refused:
        control.logins.use_link(last[1], PASSWORD + "?")
    assert refused.value.code in ("link_used", "link_unknown")
    assert first_link(control) is None
    assert len(control.users.list(HAND, PageRequest()).items) == 1


def test_pages_of_users_have_each_once(control: Control, by: Identity) -> None:
    for number in range(7):
        control.users.add(by, f"user{number}", "viewer" if number % 2 else "operator")
    for sort in ("name", "-name", "created", "-role"):
        found, cursor = [], None
        while True:
            page = control.users.list(by, PageRequest(3, cursor, sort))
            found += [user.name for user in page.items]
            if page.next is None:
                break
            cursor = page.next
        assert len(found) == 8 and len(set(found)) == 8, sort
    with pytest.raises(Malformed):
        control.users.list(by, PageRequest(sort="password_hash"))
    with pytest.raises(Malformed):
        control.users.list(by, PageRequest(cursor=cursor or "bm9uc2Vuc2U", sort="name"))


def test_everything_is_written_down_and_no_secret_is(control: Control, by: Identity) -> None:
    ann = control.users.add(by, "ann", password="four words are enough!")
    control.users.change(by, ann.id, None, {"role": "operator"})
    control.users.lock(by, ann.id)
    control.users.unlock(by, ann.id)
    link = control.users.reset_link(by, ann.id)
    control.logins.use_link(link, PASSWORD)
    made = control.tokens.make(control.identities.of(ann.id), "ci", ["read"])
    control.users.delete(by, ann.id)
    assert {"user.add", "user.change", "user.lock", "user.unlock", "user.link", "login.link", "token.make",
            "user.delete"} <= set(actions(control))
    written = repr(control.books.audit.entries())
    assert not any(secret in written for secret in (PASSWORD, "four words", link, made.token))
