"""Takes events from the spools to the gateway, in one thread, until it has all of them: only then a job is over."""

import threading

from agentlet.pull import holding, retrying
from agentlet.pull.faults import Answered, Unreachable, Untrusted
from agentlet.pull.part import Part
from agentlet.wire import CHUNK_BYTES

BATCH_EVENTS = 1000
BATCH_BYTES = 1000 * 1000
GATHER_S = 0.02
"""After the first event: what comes at once travels together."""


class Uploader(Part):
    """``agent`` gives the spools and is told `delivered(spool)` and `unwanted(spool, why)`."""

    def __init__(self, agent):
        super().__init__(agent, "uploader")
        self._wake = threading.Event()
        self._errors = 0

    def wake(self):
        self._wake.set()

    def work(self):
        gateway = self._agent.gateway()
        pause = None
        while not self._agent.stopping.is_set():
            self._wake.wait(pause)
            if pause is None:
                self._agent.stopping.wait(GATHER_S)
            self._wake.clear()
            pause = self._deliver_all(gateway)
            if not self._agent.spools():
                gateway.close()  # an idle agentlet has one connection: the poll's
        gateway.close()

    def _deliver_all(self, gateway):
        """Seconds until the next try; None: when there is something new."""
        pauses = []
        for spool in self._agent.spools():
            if not spool.is_ours:
                continue
            try:
                self.deliver(gateway, spool)
                self._errors = 0
            except (Answered, Unreachable, Untrusted) as error:
                self._errors += 1
                pauses.append(retrying.pause_s(error, self._errors, self._agent.settings))
            except OSError as error:
                self._agent.log.say("the spool of job %s cannot be read: %s" % (spool.job, error))
                pauses.append(self._agent.settings.retry_s[0])
        self._deliver_log(gateway)
        return min(pauses) if pauses else None

    def deliver(self, gateway, spool):
        """All that there is of one job. Raises when the gateway cannot take it now."""
        try:
            while not self._deliver_some(gateway, spool):
                pass
        except Answered as error:
            if retrying.is_passing(error):
                raise
            if not self._takes_up(gateway, spool, error):
                self._agent.unwanted(spool, str(error))

    def _takes_up(self, gateway, spool, error):
        """Whether the server had but forgotten that the job has begun here, and knows it again."""
        if not holding.is_forgotten(error):
            return False
        try:
            is_taken = self._agent.intake.take_up(gateway, spool)
        except Answered as refused:
            if retrying.is_passing(refused):
                raise
            return False
        self.wake()
        return is_taken

    def _deliver_some(self, gateway, spool):
        """True when there is no more to do now."""
        heads = spool.batch(BATCH_EVENTS, BATCH_BYTES)
        if heads:
            for stream, path in spool.large(heads):
                self._put(gateway, spool, stream, path)
            try:
                next_seq = gateway.add_events(spool.job, spool.attempt, spool.stored + 1, heads, spool.key)
            except Answered as error:
                next_seq = rewound(error)
            _go_on(spool, next_seq)
            return False
        end = spool.end
        if end is None or end["count"] != spool.stored:
            return True
        missing = gateway.finish(spool.job, spool.attempt, end["status"], spool.count, spool.digest(), spool.evicted,
                                 spool.key)
        if missing is None:
            self._agent.delivered(spool)
            return True
        _go_on(spool, missing)
        return False

    def _put(self, gateway, spool, stream, path):
        with open(path, "rb") as opened:
            offset, data = 0, None
            while data != b"":
                data = opened.read(CHUNK_BYTES)
                try:
                    gateway.put_upload(spool.job, spool.attempt, stream, offset, not data, data, spool.key)
                    offset += len(data)
                except Answered as error:
                    offset, data = opened.seek(rewound(error)), None

    def _deliver_log(self, gateway):
        if not self._agent.log.pending():
            return
        lines = self._agent.log.take()
        try:
            gateway.logs(lines)
        except (Answered, Unreachable, Untrusted):
            self._agent.log.give_back(lines)


def rewound(error):
    """Where a 416 wants to go on from: the server has fewer, or more, than was thought. Any other error is raised."""
    if error.status != 416 or not isinstance(error.problem.get("next_seq"), int):
        raise error
    return error.problem["next_seq"]


def _go_on(spool, next_seq):
    stored = max(0, min(next_seq - 1, spool.count))
    if stored == spool.stored:
        raise Unreachable("The gateway asks again and again for event %d" % (stored + 1))
    spool.stored = stored
