"""How often somebody may try to log in."""

from __future__ import annotations

import time

import pytest

from orchestrator.access.records import User
from orchestrator.access.throttle import ADDRESS, NAME, PAIR, Rule, network_of, pause_s
from orchestrator.control.control import Control
from orchestrator.refusals import Throttled, Unidentified
from tests.access.conftest import PASSWORD, Clock, with_password


@pytest.mark.parametrize("count, rule, wanted", [
    (1, PAIR, 0), (4, PAIR, 0), (5, PAIR, 1), (6, PAIR, 2), (10, PAIR, 32), (15, PAIR, 900), (10_000, PAIR, 900),
    (29, ADDRESS, 0), (30, ADDRESS, 1), (39, NAME, 0), (40, NAME, 1), (100, NAME, 30), (3, Rule(0, 8), 8)])
def test_pauses_grow_and_have_an_end(count: int, rule: Rule, wanted: int) -> None:
    assert pause_s(count, rule) == wanted


@pytest.mark.parametrize("address, network", [
    ("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("::ffff:192.0.2.7", "192.0.2.7"),
    ("fe80::1%eth0", "fe80::/64"), ("unknown", "unknown"), ("x" * 100, "x" * 64)])
def test_an_ipv6_customer_is_one(address: str, network: str) -> None:
    assert network_of(address) == network


def fail(control: Control, name: str, address: str = "192.0.2.1", times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unidentified):
            control.logins.login(name, "not this one at all", address)


def test_guessing_is_slowed_by_all_processes_together(control: Control, other: Control, admin: User,
                                                      clock: Clock) -> None:
    fail(control, "root", times=2)
    fail(other, "root", times=3)
    for one in (control, other):
        with pytest.raises(Throttled) as refused:
            one.logins.login("root", PASSWORD, "192.0.2.1")
        assert 0 < refused.value.retry_s <= 1
    clock.tick(seconds=1)
    fail(other, "root")
    clock.tick(seconds=1.9)
    with pytest.raises(Throttled):
        control.logins.login("root", PASSWORD, "192.0.2.1")
    clock.tick(seconds=0.2)
    assert control.logins.login("root", PASSWORD, "192.0.2.1").user.name == "root"
    fail(control, "root", times=4)


def test_another_address_is_not_locked_out_with_the_guesser(control: Control, admin: User) -> None:
    fail(control, "root", "198.51.100.1", 5)
    assert control.logins.login("root", PASSWORD, "192.0.2.1").user.name == "root"


def test_an_address_that_tries_many_names_is_slowed(control: Control, admin: User) -> None:
    for number in range(ADDRESS.free):
        control.throttle.begin(f"name{number}", "198.51.100.1")
    with pytest.raises(Throttled):
        control.logins.login("root", PASSWORD, "198.51.100.1")
    assert control.logins.login("root", PASSWORD, "192.0.2.1")


def test_counts_are_forgotten_after_an_hour(control: Control, admin: User, clock: Clock) -> None:
    fail(control, "root", times=4)
    clock.tick(hours=1, seconds=1)
    fail(control, "root", times=4)
    control.throttle.forget()
    assert control.logins.login("root", PASSWORD, "192.0.2.1")


def test_an_unknown_name_costs_as_much_as_a_known_one(control: Control, admin: User) -> None:
    fail(control, "nobody", "203.0.113.1")
    spent = {}
    for name in ("root", "nobody"):
        began = time.process_time()
        fail(control, name, times=3)
        spent[name] = time.process_time() - began
    assert 0.4 < spent["root"] / spent["nobody"] < 2.5, spent


def test_the_refusal_is_the_same_whatever_was_wrong(control: Control, admin: User) -> None:
    locked = with_password(control, "locked")
    control.users.lock(control.identities.of(admin.id), locked.id)
    control.users.add(control.identities.of(admin.id), "never")
    said = set()
    for name, password in (("root", "wrong wrong wrong"), ("nobody", PASSWORD), ("locked", PASSWORD),
                           ("never", PASSWORD), ("", ""), ("x" * 5_000, "y" * 5_000)):
        with pytest.raises(Unidentified) as refused:
            control.logins.login(name, password, "192.0.2.1")
        said.add((refused.value.code, refused.value.message, refused.value.hint))
    assert len(said) == 1


def test_what_was_typed_as_a_name_is_stored_nowhere(control: Control, admin: User) -> None:
    fail(control, "my secret password")
    written = repr([control.books.database.select(f"SELECT * FROM {table}") for table in ("login_failures", "audit")])
    assert "my secret password" not in written
