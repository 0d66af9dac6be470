"""The `orch serve` processes that run on this store, and where agentlets reach them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from orchestrator.agents.office import Office
from orchestrator.store.lease import own_lease, process_lives
from orchestrator.store.table import Table

BEAT_EVERY_S = 20.0
SILENT_S = 90.0
"""After which one on another machine counts as ended; on this machine the process table tells."""
FORGET_AFTER = timedelta(days=1)
LOCAL = ("localhost", "localhost.localdomain")


class Server(Struct):
    """``url``: where agentlets call; empty where nobody has said by which name."""

    id: str
    machine: str
    pid: int
    born: str
    url: str
    behind_proxy: bool
    started: datetime
    heartbeat: datetime


def first_name(names: Sequence[str]) -> str | None:
    """The first of a certificate's names that is not this machine's for itself alone."""
    for name in names:
        if name not in LOCAL and not name.startswith("127.") and name != "::1":
            return name
    return None


def called_url(names: Sequence[str], port: int) -> str:
    """Where hosts reach a server of these names; empty where none of them means anything elsewhere."""
    name = first_name(names)
    return f"https://{bracketed(name)}:{port}" if name else ""


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def this_server(url: str, behind_proxy: bool, now: datetime) -> Server:
    """This process, as others may find it while it serves at ``url``."""
    lease = own_lease()
    return Server(lease.token, lease.host, lease.pid, lease.born, url, behind_proxy, now, now)


class Servers:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._table = Table(office.database, "servers", Server)

    def beat(self, server: Server) -> None:
        """It serves, or serves still: to be said every `BEAT_EVERY_S`."""
        now = self._office.clock()
        with self._office.database.transaction():
            if not self._table.change({"heartbeat": now}, '"id" = ?', server.id):
                self._table.insert({name: getattr(server, name) for name in server.__struct_fields__}
                                   | {"heartbeat": now})
            self._table.delete('"heartbeat" < ?', now - FORGET_AFTER)

    def end(self, server: Server) -> None:
        self._table.delete('"id" = ?', server.id)

    def running(self) -> list[Server]:
        """Those that are alive as far as can be known from here, the one that was started last first."""
        now = self._office.clock()
        return [one for one in self._table.all('1 = 1 ORDER BY "started" DESC, "id"')
                if process_lives(one.machine, one.pid, one.born, one.heartbeat, now, SILENT_S)]
