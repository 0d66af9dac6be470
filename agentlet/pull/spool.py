"""A job's events on disk until the server has them: numbered, in order, each once.

A line is the canonical header of an event, as it will be sent. Results are synced before anybody hears of them. When
the room is full, text goes first (`evict`): a stub with the same number stays, so that the numbers have no gap.
"""

import json
import os

from agentlet import files
from agentlet.digests import sha256
from agentlet.pull.faults import is_full
from agentlet.pull.state import write_durably
from agentlet.wire import header_bytes

EVICTABLE = ("log", "progress")
"""The kinds that go, first the first."""
LARGE_BYTES = 700 * 1000
"""A longer header travels as a file, and a `stored` event in its place names it."""


class Spool(object):
    """``room`` counts the bytes of all spools and may make this one evict; see `Room`."""

    def __init__(self, folder, job, room):
        self.job = job
        self.attempt = folder.attempt
        self.folder = folder
        self.count = 0
        self.evicted = 0
        self.results = {}
        """Task id -> the status of its result."""
        self.running = None
        """The task that started and has no result."""
        self.sent = 0
        """The highest number that was ever sent: such an event must not change any more."""
        self.stored = 0
        """How many the server has."""
        self.is_ours = True
        """False until the server has said that this host, and no copy of it, goes on with the attempt."""
        self.is_unwanted = False
        """The server has said that it takes no more of it."""
        records = folder.records()
        self.key = (records.get("claimed") or {}).get("key", "")
        """What the job was claimed with: by this the server tells us from a copy of this host."""
        self.end = records.get("finished")
        """Its status, once no event follows; None until then."""
        self._lock = room.lock
        self._room = room
        self._size = 0
        self._events_path = os.path.join(folder.path, "events")
        self._entries = []
        self._unwritten = []
        self._is_synced = False
        self._load()
        room.add(self)

    # Writing

    def add(self, event):
        """Numbers an event, and keeps it: a result durably. False when it was evicted at once, for want of room."""
        with self._lock:
            event = dict(event, t="event", job=self.job, attempt=self.attempt, seq=self.count + 1)
            head = header_bytes(event)
            kind = event["kind"]
            if len(head) > LARGE_BYTES:
                head = self._set_aside(event, head)
            if not self._room.make(len(head), self) and kind in EVICTABLE:
                self.evicted += 1
                return False
            self._note(event, len(head))
            self._write(head, kind == "result")
            return True

    def _write(self, head, is_durable):
        self._unwritten.append(head)
        try:
            self._flush(is_durable)
        except OSError as error:
            if not is_full(error):
                raise
            if self.folder.release_reserve():
                self._write_again(is_durable)

    def _write_again(self, is_durable):
        try:
            self._flush(is_durable)
        except OSError:
            pass  # it stays in memory, and is tried again with the next one, and before it is sent

    def flush(self):
        """Tries again to write what the disk did not take; whether everything is written."""
        with self._lock:
            if self._unwritten:
                self._write_again(True)
            return not self._unwritten

    def _flush(self, is_durable):
        fd = os.open(self._events_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            while self._unwritten:
                size = os.fstat(fd).st_size
                try:
                    files.write_all(fd, self._unwritten[0] + b"\n")
                except OSError:
                    os.ftruncate(fd, size)
                    raise
                del self._unwritten[0]
            self._is_synced = False
            if is_durable:
                os.fsync(fd)
                self._is_synced = True
        finally:
            os.close(fd)

    def _sync(self):
        """Before anything is sent: what the server has this host must know, after a power cut too."""
        if self._is_synced:
            return
        try:
            fd = os.open(self._events_path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # a full disk: they wait in memory
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        self._is_synced = True

    def _set_aside(self, event, head):
        stream = "event-%d" % event["seq"]
        write_durably(os.path.join(self.folder.path, stream), head)
        stub = {name: event[name] for name in ("t", "job", "attempt", "seq")}
        return header_bytes(dict(stub, kind="stored", stream=stream, size=len(head), sha256=sha256(head).hexdigest()))

    def _note(self, event, size):
        self.count += 1
        kind = event["kind"]
        self._entries.append((size + 1, kind))
        self._size += size + 1
        if kind == "started":
            self.running = event.get("task")
        elif kind == "result":
            self.running = None
            self.results[event["task"]] = event["status"]

    # Reading

    def batch(self, limit_count, limit_bytes):
        """The headers that the server does not have yet, as texts: at least one if there is one, within both limits."""
        with self._lock:
            first, taken, size = self.stored, 0, 0
            for length, _ in self._entries[first:first + limit_count]:
                if taken and size + length > limit_bytes:
                    break
                taken, size = taken + 1, size + length
            heads = [head.decode("ascii") for head in self._heads(first, taken)]
            if heads:
                self._sync()
            self.sent = max(self.sent, first + len(heads))
            return heads

    def digest(self):
        """SHA-256 over all headers, in order, as they are sent."""
        hashed = sha256()
        with self._lock:
            for head in self._heads(0, self.count):
                hashed.update(head)
        return hashed.hexdigest()

    def large(self, heads):
        """The files that `stored` events among ``heads`` name: [(stream, path)]."""
        streams = [json.loads(head)["stream"] for head in heads if '"kind":"stored"' in head]
        return [(stream, os.path.join(self.folder.path, stream)) for stream in streams]

    def size(self):
        return self._size

    def _heads(self, first, count):
        start = sum(length for length, _ in self._entries[:first])
        size = sum(length for length, _ in self._entries[first:first + count])
        data = b""
        if count and first < self.count - len(self._unwritten):
            with open(self._events_path, "rb") as opened:
                opened.seek(start)
                data = opened.read(size)
        heads = data.split(b"\n")[:-1]
        written = self.count - len(self._unwritten)
        return heads + self._unwritten[max(0, first - written):first + count - written] if first + count > written \
            else heads

    # The end

    def finish(self, status, **values):
        """No event follows. A disk that does not take the record is no hindrance: whoever comes after a crash finds
        every task done, and finishes again."""
        self.flush()
        try:
            self.folder.record("finished", status=status, count=self.count, **values)
        except OSError:
            pass
        self.end = {"status": status, "count": self.count}

    # Eviction

    def evictable(self):
        """[(rank of its kind, number, size)] of what may go."""
        with self._lock:
            return [(EVICTABLE.index(kind), number, length) for number, (length, kind) in enumerate(self._entries, 1)
                    if number > self.sent and kind in EVICTABLE]

    def evict(self, numbers):
        """Replaces these events by stubs; returns how many bytes that freed."""
        with self._lock:
            before, gone = self._size, set(number for number in numbers if number > self.sent)
            heads = list(self._heads(0, self.count))
            for number in gone:
                event = json.loads(heads[number - 1].decode("ascii"))
                stub = {"t": "event", "job": self.job, "attempt": self.attempt, "seq": number, "kind": "log",
                        "task": event.get("task"), "text": "", "evicted": True}
                heads[number - 1] = header_bytes(stub)
                self._entries[number - 1] = (len(heads[number - 1]) + 1, "stub")
            write_durably(self._events_path, b"".join(head + b"\n" for head in heads))
            self._unwritten = []
            self.evicted += len(gone)
            self._size = sum(length for length, _ in self._entries)
            return before - self._size

    def _load(self):
        try:
            with open(self._events_path, "rb") as opened:
                data = opened.read()
        except FileNotFoundError:
            return
        whole = data[:data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            os.truncate(self._events_path, len(whole))  # cut by a crash
        for line in whole.split(b"\n")[:-1]:
            event = json.loads(line.decode("ascii"))
            if event["kind"] == "stored":
                with open(os.path.join(self.folder.path, event["stream"]), "rb") as opened:
                    event = json.loads(opened.read().decode("ascii"))
            self._note(event, len(line))
            if event.get("evicted"):
                self.evicted += 1
                self._entries[-1] = (len(line) + 1, "stub")
