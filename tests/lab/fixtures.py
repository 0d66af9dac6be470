"""Pytest fixtures: lab hosts, a loopback sshd, a PostgreSQL cluster. Each skips with its reason where it cannot be."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import engine, images, loopback, postgresql
from tests.lab.engine import LAB_DIR, docker
from tests.lab.hosts import LABEL, Lab, LabHost

LabHosts = Callable[..., list[LabHost]]
_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """This session's lab, empty at first. Its hosts are removed when the session ends."""
    reason = engine.missing()
    if reason:
        pytest.skip(reason)
    _remove_orphans()
    lab = Lab(f"pytest-{os.getpid()}")
    yield lab
    lab.remove()
    shutil.rmtree(lab.folder, ignore_errors=True)


@pytest.fixture
def lab_hosts(lab: Lab) -> Iterator[LabHosts]:
    """``lab_hosts(3)``: three Debian 12 hosts, shared with the other tests of the session, all up and connected.

    ``lab_hosts(1, "trixie")`` takes another image. ``lab_hosts(2, fresh=True)`` boots hosts nobody has touched, and
    removes them after the test: for tests that install, break or reconfigure things.
    """
    own: list[LabHost] = []

    def hosts(count: int = 1, image: str = "bookworm", *, fresh: bool = False) -> list[LabHost]:
        _require_image(image)
        if fresh:
            made = lab.add(count, image, prefix="fresh")
            own.extend(made)
            return made
        shared = [host for host in lab.hosts if host.image == image and not host.name.startswith("fresh")]
        if len(shared) < count:
            shared += lab.add(count - len(shared), image, prefix="lab" if image == "bookworm" else image)
        for host in shared[:count]:
            _bring_back(host)
        return shared[:count]

    yield hosts
    for host in own:
        docker("rm", "--force", "--volumes", host.container)
        lab.hosts.remove(host)


@pytest.fixture
def lab_host(lab_hosts: LabHosts) -> LabHost:
    """One Debian 12 host, shared."""
    return lab_hosts(1)[0]


@pytest.fixture
def no_python_host(lab_hosts: LabHosts) -> LabHost:
    """A Debian 12 host that has no Python at all."""
    return lab_hosts(1, "nopython")[0]


@pytest.fixture
def bullseye_host(lab_hosts: LabHosts) -> LabHost:
    """A Debian 11 host: Python 3.9."""
    return lab_hosts(1, "bullseye")[0]


@pytest.fixture
def trixie_host(lab_hosts: LabHosts) -> LabHost:
    """A Debian 13 host: Python 3.13."""
    return lab_hosts(1, "trixie")[0]


@pytest.fixture(scope="session")
def loopback_sshd() -> Iterator[loopback.LoopbackSshd]:
    """An sshd of ours on loopback that serves any address in 127.0.0.0/8."""
    reason = loopback.missing()
    if reason:
        pytest.skip(reason)
    with loopback.LoopbackSshd() as sshd:
        yield sshd


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgresql.Cluster]:
    reason = postgresql.missing()
    if reason:
        pytest.skip(reason)
    with postgresql.Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_url(postgres_cluster: postgresql.Cluster) -> str:
    """The URL of one database that lives as long as the session."""
    return postgres_cluster.create_database("session")


@pytest.fixture
def fresh_postgres_url(postgres_cluster: postgresql.Cluster) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    name = f"test{next(_database_numbers)}"
    yield postgres_cluster.create_database(name)
    postgres_cluster.drop_database(name)


@pytest.fixture(scope="session")
def postgres_store(postgres_cluster: postgresql.Cluster) -> str:
    """The name of a database with the store's tables, to be copied: to make them takes much longer."""
    from orchestrator.store.database import database_for

    database = database_for(postgres_cluster.create_database("store"))
    database.open()
    database.close()
    return "store"


@pytest.fixture
def postgres_store_url(postgres_cluster: postgresql.Cluster, postgres_store: str) -> Iterator[str]:
    """The URL of a database that has the store's tables and no row of anybody's, dropped after the test."""
    name = f"test{next(_database_numbers)}"
    yield postgres_cluster.create_database(name, postgres_store)
    postgres_cluster.drop_database(name)


def _require_image(name: str) -> None:
    reason = images.missing()
    if reason and not docker("images", "-q", images.RECIPES[name].tag):
        pytest.skip(f"no lab image {name}: {reason}")


def _bring_back(host: LabHost) -> None:
    """Undo what an earlier test did to the host's power and cable."""
    state = docker("inspect", "--format", "{{.State.Status}}", host.container)
    if state == "paused":
        host.unpause()
    elif state != "running":
        host.start()
    if host.cut_off:
        host.restore()
    host.await_ssh()


def _remove_orphans() -> None:
    """Remove the hosts of test sessions that were killed before they could clean up."""
    labs = set(docker("ps", "--all", "--filter", f"label={LABEL}", "--format", f'{{{{.Label "{LABEL}"}}}}').split())
    for name in labs:
        match = re.fullmatch(r"pytest-(\d+)", name)
        if match and not Path(f"/proc/{match[1]}").exists():
            Lab(name).remove()
            shutil.rmtree(LAB_DIR / name, ignore_errors=True)
