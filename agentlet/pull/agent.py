"""The agentlet at work: what its threads share. One polls, one uploads, one beats, and one runs each job."""

import threading
import time

from agentlet.pull import VERSION, enrol, holding, identity
from agentlet.pull.blobs import Cache
from agentlet.pull.clock import Clock
from agentlet.pull.faults import Unreachable
from agentlet.pull.gateway import Gateway
from agentlet.pull.http import Address
from agentlet.pull.intake import Intake
from agentlet.pull.journal import Journal
from agentlet.pull.room import Room
from agentlet.pull.runner import Runner
from agentlet.pull.settings import Settings
from agentlet.pull.spool import Spool
from agentlet.pull.uploader import Uploader

KEEP_TEXT_S = 7 * 24 * 3600


class Agent(object):
    """One per state directory. ``runtime_command``: how a runtime is started."""

    def __init__(self, state, runtime_command, log):
        self.state = state
        self.log = log
        self.runtime_command = runtime_command
        self.stopping = threading.Event()
        self.roused = threading.Event()
        """Set to end a pause between polls: a job ended, SIGHUP, a network change."""
        self.identity = identity.Identity(state)
        self.clock = Clock(state.read_json(identity.IDENTITY).get("offset_s", 0.0))
        self.settings = Settings(state.read_json("config.json"), state.read_json("settings.json"))
        self.cache = Cache(state, self.settings.cache_bytes)
        self._address = Address(self.identity.url)
        self._trust = enrol.trust_of(state, self.identity, self.clock)
        self.place = holding.place_of(state.directory)
        self._journal = Journal(state)
        self.intake = Intake(self, self._journal)
        self._room = Room(self.settings.spool_bytes)
        self._lock = threading.RLock()
        self._runners = {}
        self._spools = {}
        self._listeners = []
        self._draining = False
        self._newest_config = 0
        self.on_begin = self.on_crash = None
        """``on_begin()`` when a job begins, ``on_crash()`` when a thread is lost."""
        self._uploader = Uploader(self)

    def start(self):
        """Goes on with what a former agentlet left, and begins to deliver."""
        for folder in self._journal.folders():
            self.intake.resume(folder)
        self.log.on_line = self._uploader.wake
        self._uploader.start()
        self._uploader.wake()

    def stop(self):
        """Nothing is lost by ending now: what runs goes on by itself, and the next agentlet finds it in the journal."""
        self.stopping.set()
        self.roused.set()
        for spool in self.spools():
            try:
                if spool.end is None:
                    spool.folder.record("stopped")
            except OSError:
                pass  # a full disk: it will look as if we had been killed

    def gateway(self, listens=True):
        """A connection of its own for a thread."""
        return Gateway(self._address, self._trust, self.clock, self.identity.signer(), self.obey if listens else None)

    # Jobs

    def free(self):
        """How many jobs may begin now."""
        with self._lock:
            return 0 if self._draining else max(0, self.settings.jobs - len(self._runners))

    def drain(self):
        """No further job begins; False, and nothing changes, while one runs."""
        with self._lock:
            self._draining = not self._runners
            return self._draining

    def undrain(self):
        self._draining = False
        self.roused.set()

    def running(self):
        """[(job, attempt)] of what runs here."""
        with self._lock:
            return [(runner.job, runner.attempt) for runner in self._runners.values()]

    def held(self):
        """[(job, attempt, key)] of what runs here or is not delivered yet, once it is known to be ours."""
        with self._lock:
            return sorted((spool.job, spool.attempt, spool.key) for spool in self._spools.values() if spool.is_ours)

    def take(self, gateway, job, attempt):
        """Takes on an offered job, or reminds the server that it is here already. Raises as `Gateway` does."""
        with self._lock:
            spool = self._spools.get((job, attempt))
        if spool is None:
            self.intake.take(gateway, job, attempt)
        else:
            self.intake.take_up(gateway, spool)

    def begin(self, folder, envelope):
        """Runs what the journal has, or delivers it if it is done."""
        with self._lock:
            spool = Spool(folder, envelope["job"], self._room)
            self._spools[spool.job, spool.attempt] = spool
            if spool.end is not None:
                return
            spool.is_ours = not holding.is_elsewhere(folder, self.place)
            runner = Runner(self, folder, envelope, spool)
            self._runners[runner.job, runner.attempt] = runner
        runner.start()
        if self.on_begin is not None:
            self.on_begin()

    def obey(self, orders):
        """What rides in the gateway's answers."""
        for job in orders.get("cancel") or ():
            for runner in self._of_job(job):
                runner.cancel()
        if isinstance(orders.get("config"), int):
            self._newest_config = orders["config"]
        for listener in self._listeners:
            listener(orders)

    def end_gone(self, named, orders):
        """Ends what the server wants no more of, among the attempts that it was asked about: no later one."""
        for job, attempt, _ in named:
            with self._lock:
                runner = self._runners.get((job, attempt))
            if runner is not None and job in (orders.get("gone") or ()):
                runner.cancel()

    def fetch_config(self, gateway):
        """Takes up what the server has set, if that is newer than what is known. Raises as `Gateway` does."""
        if self._newest_config <= self.settings.version:
            return
        config = gateway.config().get("config")
        if not isinstance(config, dict):
            raise Unreachable("The gateway's configuration makes no sense")
        self.settings.take(config)
        self.settings.version = max(self.settings.version, self._newest_config)
        self.state.write_json("config.json", dict(config, version=self.settings.version))
        if isinstance(config.get("host"), str) and config["host"] != self.identity.host:
            self.identity.rename(config["host"])

    def on_orders(self, listener):
        """``listener(orders)`` hears every answer's orders; it must return at once."""
        self._listeners.append(listener)

    # What runners and the uploader tell

    def events_waiting(self):
        self._uploader.wake()

    def spools(self):
        """Those whose events the server wants."""
        with self._lock:
            return [spool for spool in self._spools.values() if not spool.is_unwanted]

    def job_over(self, runner):
        with self._lock:
            self._runners.pop((runner.job, runner.attempt), None)
            is_unwanted = runner.spool.is_unwanted and (runner.job, runner.attempt) in self._spools
        if is_unwanted:
            self.delivered(runner.spool)
        self.roused.set()

    def delivered(self, spool):
        """The server has everything of this attempt."""
        self._forget(spool)
        self._journal.delivered(spool.folder)

    def unwanted(self, spool, why):
        """The server does not take this attempt's events: another one has replaced it, or it is gone."""
        self.log.tell("job %s, attempt %d is not wanted any more: %s" % (spool.job, spool.attempt, why))
        with self._lock:
            runner = self._runners.get((spool.job, spool.attempt))
            spool.is_unwanted = True
        if runner is None:
            self.delivered(spool)
        else:
            runner.cancel()

    def abandon(self, runner, why):
        """Nothing of the job has happened here, and nothing will."""
        self.log.tell("job %s, attempt %d was not begun: %s" % (runner.job, runner.attempt, why))
        self._forget(runner.spool)
        self._journal.drop(runner.folder)

    def crashed(self, name, error):
        """A thread ended by what nobody foresaw."""
        self.log.tell("the %s ended: %s: %s" % (name, type(error).__name__, error))
        if self.on_crash is not None:
            self.on_crash()

    # What upkeep asks

    def evict_old(self):
        """Text that nobody took for a week goes; results stay."""
        for spool in self.spools():
            if time.time() - spool.folder.age_key() > KEEP_TEXT_S:
                spool.evict([number for _, number, _ in spool.evictable()])

    def shed(self, why):
        """Stops the job that began last; False when none runs."""
        with self._lock:
            runner = next(reversed(list(self._runners.values())), None)
        if runner is None:
            return False
        self.log.tell("%s: job %s is stopped" % (why, runner.job))
        runner.shed(why)
        return True

    def stats(self, rss_bytes):
        """What a heartbeat says of this agentlet."""
        return {"version": VERSION, "rss_bytes": rss_bytes, "spool_bytes": self._room.used(), "held": len(self._spools)}

    # The inside

    def _of_job(self, job):
        with self._lock:
            return [runner for (name, _), runner in self._runners.items() if name == job]

    def _forget(self, spool):
        with self._lock:
            self._spools.pop((spool.job, spool.attempt), None)
        self._room.remove(spool)
