"""Control: all services of the control plane over one connection. For one thread at a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from orchestrator.access.grants import Grants
from orchestrator.access.identities import Identities, by_command_line
from orchestrator.access.links import Links
from orchestrator.access.logins import Logins
from orchestrator.access.oidc import OidcLogins
from orchestrator.access.rights import Identity
from orchestrator.access.sessions import Sessions
from orchestrator.access.throttle import Throttle
from orchestrator.access.tokens import Tokens
from orchestrator.access.trail import Trail
from orchestrator.access.users import Users
from orchestrator.agents.desk import Desk
from orchestrator.agents.opening import open_desk
from orchestrator.control.health import HealthChecks
from orchestrator.control.retention import Retention, RetentionSettings
from orchestrator.control.settings import Settings
from orchestrator.credentials.credentials import Credentials
from orchestrator.notify.alerts import Alerts
from orchestrator.notify.channels import Channels
from orchestrator.notify.courier import Courier
from orchestrator.notify.outbox import Outbox
from orchestrator.notify.run_ends import RunEnds
from orchestrator.notify.settings import SERVED_KEY, NotifySettings, Served
from orchestrator.plans.plans import Plans
from orchestrator.projects.agentlets import Agentlets
from orchestrator.projects.fleet import Fleet
from orchestrator.projects.host_history import HostHistory
from orchestrator.projects.inventories import Inventories
from orchestrator.projects.inventory_groups import InventoryGroups
from orchestrator.projects.inventory_hosts import InventoryHosts
from orchestrator.projects.inventory_import import InventoryImport
from orchestrator.projects.projects import Projects
from orchestrator.projects.roots import roots_of
from orchestrator.runs.acts import Acts
from orchestrator.runs.asking import Asking
from orchestrator.runs.dispatch import Dispatch
from orchestrator.runs.ends import Ends
from orchestrator.runs.launches import Launches
from orchestrator.runs.planning import Planning
from orchestrator.runs.supplies import Supplies
from orchestrator.runs.wake import wake
from orchestrator.scheduling.absence import Absence
from orchestrator.scheduling.clockwork import Clockwork
from orchestrator.scheduling.drift import Drifts
from orchestrator.scheduling.firing import Firing
from orchestrator.scheduling.records import Schedule
from orchestrator.scheduling.schedules import Schedules
from orchestrator.scheduling.successes import Successes
from orchestrator.security.ssh_ca import SshAuthority
from orchestrator.store.books import Books, Clock, utc_now
from orchestrator.store.settings import StoredSettings


class Control:
    """Each service has one line here; what it needs of others, it is given."""

    def __init__(self, books: Books, desk: Desk, state_dir: Path) -> None:
        self.books = books
        self.desk = desk
        """The mailbox: agentlets, invitations."""
        self.state_dir = state_dir
        self.settings = Settings(books)
        self.retention = Retention(books)
        self.grants = Grants(books)
        self.sessions = Sessions(books)
        self.tokens = Tokens(books)
        self.throttle = Throttle(books)
        self.links = Links(books)
        self.users = Users(books, self.grants, self.sessions, self.tokens, self.links, self.throttle)
        self.logins = Logins(books, self.users, self.sessions, self.links, self.throttle)
        self.oidc = OidcLogins(books, self.users, self.sessions, self.links)
        self.identities = Identities(books)
        self.trail = Trail(books)
        self.health = HealthChecks(books, state_dir)
        self.credentials = Credentials(books, SshAuthority(state_dir, books.clock))
        self.projects = Projects(books, self.credentials, state_dir, roots_of(StoredSettings(books), state_dir))
        self.inventories = Inventories(books, self.projects)
        self.inventory_hosts = InventoryHosts(books, self.inventories)
        self.inventory_groups = InventoryGroups(books, self.inventories)
        self.inventory_import = InventoryImport(books, self.inventories)
        self.fleet = Fleet(books, self.inventories)
        self.history = HostHistory(books, self.fleet)
        self.agentlets = Agentlets(books, desk, self.fleet)
        self.supplies = Supplies(books, self.projects, self.inventories, self.credentials, self._owner)
        self.launches = Launches(books, [self.supplies.checked], self.supplies.hosts_of)
        self.runs = Asking(books, self.supplies.groups_of)
        self.plans = Plans(books)
        self.planning = Planning(books, self.plans, self.runs, self.launches, self.supplies.groups_of)
        self.acts = Acts(books, self.runs, self.launches, self.supplies.groups_of,
                         self.supplies.refuse_unusable)
        self.dispatch = Dispatch(books)
        self.ends = Ends(books, [self.history.update_from_run, self.planning.ended])
        self.outbox = Outbox(books, self._page_url)
        self.alerts = Alerts(books, self.outbox)
        self.channels = Channels(books, self.outbox)
        self.courier = Courier(books, self.channels, self.alerts,
                               lambda: self.settings.read("notify", NotifySettings).allowed_networks)
        self.firing = Firing(books, self.alerts, self.launches.launch, self._owner)
        self.drift = Drifts(books, self.alerts, self.outbox)
        self.schedules = Schedules(books, self.firing, self.launches.check, self.alerts.close, self.drift.withdraw,
                                   wake)
        self.clockwork = Clockwork(books, self.firing, self.alerts, self._cancel_scheduled)
        self.absence = Absence(books, self.alerts)
        for follows in (Successes(books), self.drift, RunEnds(books, self.outbox, self.alerts)):
            self.ends.add(follows.on_end)

    def is_reached_at(self, url: str) -> None:
        """People reach the page there: so do links in messages, whichever process writes them."""
        if self.settings.read(SERVED_KEY, Served).url != url:
            with self.books.transaction():
                StoredSettings(self.books).put(SERVED_KEY, {"url": url}, "orch serve")
                self.books.audit.write("orch serve", "settings.change", SERVED_KEY, url=url)

    def _page_url(self) -> str:
        url = self.settings.read("notify", NotifySettings).page_url or self.settings.read(SERVED_KEY, Served).url
        return url.rstrip("/")

    def _owner(self, user_id: str) -> Identity:
        """As whom a schedule runs; what was made by `orch schedules add` belongs to whoever may open the store."""
        return self.identities.of(user_id) if user_id else by_command_line("orch schedules")

    def _cancel_scheduled(self, schedule: Schedule, run_id: str) -> None:
        """For the next run of the same schedule, as its owner."""
        self.acts.cancel(self._owner(schedule.created_by), run_id)

    def tidy(self) -> None:
        """Rows that are over go: sessions, links, failed logins, times of schedules, drift. Called now and then."""
        self.sessions.forget()
        self.links.forget()
        self.throttle.forget()
        self.history.keep_stats()
        before = self.books.clock() - timedelta(days=self.settings.read("retention", RetentionSettings).runs_days)
        self.drift.forget(before)
        self.schedules.forget(before)

    def close(self) -> None:
        """Write what is kept in memory, and end the connection."""
        self.books.audit.flush(all_of_them=True)
        self.desk.close()
        self.books.database.close()


def open_control(state_dir: Path, store_url: str | None = None, clock: Clock = utc_now) -> Control:
    """A control on a connection of its own; the master key is made where there is none. `Control.close` at the end."""
    state_dir = Path(state_dir)
    desk = open_desk(state_dir, store_url, clock=clock)
    return Control(Books(desk.database, desk.office.master, clock), desk, state_dir)
