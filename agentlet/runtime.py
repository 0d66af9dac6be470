"""The supervisor: reads frames from the carrier, hands jobs to legs, and outlives whatever modules do.

It is single-threaded, never blocks on the other side, executes nothing itself, and exits when its stdin has ended and
nothing runs any more. A lost carrier is no cancel: see `Runtime._lose`.
"""

import gc
import os
import pwd
import sys
import time
import zlib

from agentlet.reactor import Reactor, Sender, read_available
from agentlet.wire import PROTOCOL, Decoder, WireError, encode, frame

DEFAULT_MEMORY_BYTES = 1 << 30
_MAX_SOURCE_BYTES = 8 * 1024 * 1024


class Runtime(object):
    """One per connection and user."""

    time = staticmethod(time.time)
    encode = staticmethod(encode)

    def __init__(self, importer, payload, wire_in, wire_out):
        self.payload = payload
        self.reactor = Reactor()
        self.secrets = {}
        self.source_frames = []
        self.memory_limit_bytes = DEFAULT_MEMORY_BYTES
        self.tells_workers = False
        """Whether the carrier wants to know which process is at work, in case this one is lost."""
        self.uid = os.geteuid()
        self.user, self.home = _account(self.uid)
        self.receipts = None
        self.lease = {}
        """Of the hello: the run's id, and how often it has been resumed."""
        self.fence = None
        """Between this controller and those that resume its run; None without receipts, and for jobs of no run."""
        self._importer = importer
        self._in = wire_in
        self._out = self.reactor.outlet = Sender(self.reactor, wire_out)
        self._decoder = Decoder()
        self._greeted = self._leaving = False
        self._jobs = {}
        self._children = {}
        self._workers = []
        self._spare = self._unstored = None
        self._idle_limit_s = None
        self._idle_timer = None

    def run(self):
        from agentlet import receipts
        self.receipts = receipts.open_directory(receipts.default_directory(self.uid, self.home))
        self.send(self._ready())
        os.set_blocking(self._in, False)
        self.reactor.add_reader(self._in, self._read)
        self.reactor.call_later(0, self._warm_up)
        self.reactor.run()
        self._out.flush_for(5.0)

    # What jobs and legs use

    def send(self, header, body=b""):
        self._out.send(encode(header, body))

    def send_head(self, head):
        """A frame without a body, by the canonical bytes of its header."""
        self._out.send(frame(head))

    def identity_of(self, task):
        if not task.get("become"):
            return None
        from agentlet import become
        return become.identity_of(task["become"], self.user)

    def leg(self, job, identity, tasks):
        if identity is None:
            from agentlet.workerleg import WorkerLeg
            return WorkerLeg(self, job, tasks)
        from agentlet.child import Child
        from agentlet.childleg import ChildLeg
        child = self._children.get(identity)
        if child is None:
            child = self._children[identity] = Child(self, identity)
        return ChildLeg(self, job, tasks, child)

    def fork_worker(self, leg, job, tasks, book_path):
        """A new worker with its first job; `OSError` when the system has no process."""
        from agentlet.workerprocess import WorkerProcess
        self._workers = [process for process in self._workers if process.pid is not None]
        self._workers.append(WorkerProcess(self, leg, job, tasks, book_path))
        return self._workers[-1]

    def take_spare(self):
        """The worker that waits for a job, if there is one."""
        spare, self._spare = self._spare, None
        return spare if spare is not None and spare.pid is not None else None

    def keep_spare(self, process):
        """A worker has nothing to do: it waits for the next job, unless another one does, or no job will come."""
        if self._spare is not None or self._leaving or process.pid is None:
            return process.close()
        process.leg, self._spare = None, process
        return None

    def job_over(self, job):
        self._jobs.pop(job.id, None)
        if job.results and not job.header.get("check"):
            self._results().keep(job)
        if self._leaving:
            self._results().write(job)
        self._leave_if_idle()
        self._rest()

    def child_over(self, child):
        # A wrong password is not tried again with every task: that locks accounts. Anything else may have changed.
        if child.fault.code != "become_password_wrong":
            self._children.pop(child.identity, None)
        self._leave_if_idle()

    # Frames

    def _read(self):
        data = read_available(self._in)
        if data is None:
            return
        if not data:
            return self._lose()
        self._rest()
        try:
            for header, body in self._decoder.feed(data):
                self._handle(header, body)
        except (WireError, KeyError, TypeError, ValueError, AttributeError, zlib.error) as error:
            self._give_up("protocol", "A frame makes no sense: %s: %s" % (type(error).__name__, error))

    def _handle(self, header, body):
        kind = header["t"]
        if not self._greeted and kind != "hello":
            raise WireError("The first frame must be hello, not %s" % kind)
        handler = _HANDLERS.get(kind)
        if handler is None:
            raise WireError("There is no frame %s" % kind)
        handler(self, header, body)

    def _hello(self, header, body):
        if header.get("protocol") != PROTOCOL:
            raise WireError("This runtime speaks protocol %d, not %s" % (PROTOCOL, header.get("protocol")))
        self._greeted = True
        self.memory_limit_bytes = header.get("memory_limit_bytes") or DEFAULT_MEMORY_BYTES
        self.tells_workers = bool(header.get("tell_workers"))
        self._idle_limit_s = header.get("keep_s")
        self._put_up_fence(header)
        for name, value in (header.get("environment") or {}).items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._rest()

    def _put_up_fence(self, header):
        """Of the run that the hello is for; the runtimes of other users have their own receipts, and fences."""
        lease = {name: header[name] for name in ("run", "resumes") if header.get(name)}
        if lease == self.lease:
            return
        self.lease, self.fence = lease, None
        if self.receipts is not None and "run" in lease:
            from agentlet import receipts
            self.fence = receipts.Fence(receipts.fence_path(self.receipts, lease["run"]), int(lease.get("resumes", 0)))
            try:
                self.fence.put_up()
            except OSError:
                pass  # a disk that takes no fence takes no receipts either, and every task says so
        for child in self._children.values():
            child.greet()

    def install_source(self, header, body):
        """Makes this the source of a module, in this process: imported before or not, it is imported anew.

        Behind the compressed source there may be its marshalled code, of the Python with that ``magic`` number.
        """
        decompressor = zlib.decompressobj()
        text = decompressor.decompress(body, _MAX_SOURCE_BYTES)
        if decompressor.unconsumed_tail:
            raise WireError("The source of %s is too large" % header["name"])
        name = header["name"]
        if not name.startswith("modules."):
            raise WireError("A source must be a module of modules, not %s" % name)
        self._importer.add(name, text.decode("utf-8"), header.get("magic"), decompressor.unused_data)

    def _source(self, header, body):
        self.install_source(header, body)
        self.source_frames.append((header, body))
        for process in self._workers:
            process.send(header, body)

    def _secret(self, header, body):
        if self.secrets.get(header["name"]) != header["value"]:
            self.secrets[header["name"]] = header["value"]
            for identity, child in list(self._children.items()):
                if child.state == "over" and identity.secret == header["name"]:
                    del self._children[identity]

    def _job(self, header, body):
        from agentlet.job import Job
        if header["id"] in self._jobs:
            raise WireError("The job %s is here already" % header["id"])
        if self.fence is not None and self.fence.keeps_out():
            return self._give_up("superseded", "The run was resumed by another process; this one begins nothing more")
        job = Job(self, header)
        self._results().forget(job.id, job.attempt)
        self._jobs[job.id] = job
        job.start()

    def _to_job(self, header, body):
        job = self._jobs.get(header["job"])
        if job is not None:
            job.receive(header, body)

    def _cancel(self, header, body):
        job = self._jobs.get(header["job"])
        if job is not None:
            job.cancel()

    def _ack(self, header, body):
        self._results().forget(header["job"], int(header.get("attempt", 1)))
        if self.receipts is not None:
            from agentlet import receipts
            receipts.remove(self.receipts, header["job"], int(header.get("attempt", 1)))
        for child in self._children.values():
            child.send(header)

    def _bye(self, header, body):
        self._results().clear()
        for child in self._children.values():
            child.send(header)
        self._end(lost=False)

    # The end

    def _lose(self):
        """The carrier is gone. What runs may end; its result goes into the receipt; no further task begins."""
        self._end(lost=True)

    def _end(self, lost):
        self._leaving = True
        self.reactor.remove_reader(self._in)
        spare = self.take_spare()
        if spare is not None:
            spare.close()
        self._results().write_all()
        for child in list(self._children.values()):
            if lost or not child.legs:
                child.hang_up()
        if lost:
            for job in list(self._jobs.values()):
                job.lose()
        self._leave_if_idle()

    def _leave_if_idle(self):
        if not self._leaving or self._jobs:
            return
        for child in list(self._children.values()):
            if child.state != "over":
                child.hang_up()
        if not any(child.state != "over" for child in self._children.values()):
            self.reactor.stop()

    def _give_up(self, code, message):
        self.send({"t": "fault", "code": code, "message": message})
        self._lose()

    def _results(self):
        """The `Unstored` ones; made with the first job, since nobody needs them before."""
        if self._unstored is None:
            from agentlet.unstored import Unstored
            self._unstored = Unstored()
        return self._unstored

    # At rest

    def _rest(self):
        """A controller that says nothing for its keep_s, while nothing runs, is gone: a dead network sends no EOF."""
        self.reactor.cancel_timer(self._idle_timer)
        self._idle_timer = None
        if self._idle_limit_s and not self._jobs and not self._leaving:
            self._idle_timer = self.reactor.call_later(float(self._idle_limit_s), self._lose)

    def _warm_up(self):
        """Imports what the first task needs while the controller is on its way to send it."""
        from agentlet import host, job, processes, unstored, workerleg, workerprocess  # noqa: F401
        host.account(self.uid)
        processes.become_subreaper()
        if self.receipts is not None:
            from agentlet import receipts
            receipts.sweep(self.receipts)
        if hasattr(gc, "freeze"):
            gc.freeze()
        gc.enable()

    def _ready(self):
        return {"t": "ready", "protocol": PROTOCOL, "python": list(sys.version_info[:3]), "platform": sys.platform,
                "executable": sys.executable or "", "pid": os.getpid(), "user": self.user, "uid": self.uid,
                "home": self.home, "receipts": self.receipts, "time": time.time()}


_HANDLERS = {
    "hello": Runtime._hello, "source": Runtime._source, "secret": Runtime._secret, "job": Runtime._job,
    "blob": Runtime._to_job, "blob_error": Runtime._to_job, "credit": Runtime._to_job, "cancel": Runtime._cancel,
    "ack": Runtime._ack, "bye": Runtime._bye,
}


def _account(uid):
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return str(uid), os.environ.get("HOME", "/")
    return entry.pw_name, entry.pw_dir
