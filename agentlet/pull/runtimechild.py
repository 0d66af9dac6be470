"""A runtime as a child process on pipes: the same frames as over SSH. It outlives this process by its running task."""

import os
import sys
import threading

from agentlet import termination
from agentlet.wire import PROTOCOL, Decoder, WireError, encode

_OURS = ("ORCH_AGENTLET_", "NOTIFY_", "LISTEN_", "WATCHDOG_", "MALLOC_ARENA_", "INVOCATION_ID", "JOURNAL_STREAM",
         "SYSTEMD_EXEC_PID")
"""Variables that the service manager set for the agentlet, and not for tasks."""

LOGIN = ("HOME", "USER", "LOGNAME", "SHELL")
_UNITS_LANG = "C.UTF-8"
"""What our own unit sets (`services`): a login of the host has another one, or none."""


class RuntimeLost(Exception):
    """The runtime ended, or said what makes no sense, while a job was under way."""


class RuntimeChild(object):
    """One process, started anew. ``errors_path``: where its last words go. ``user``: whom it becomes, if another."""

    def __init__(self, command, errors_path, user=None):
        import subprocess  # an idle agentlet does without it
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        errors = os.open(errors_path, flags, 0o600)
        try:
            # A session of its own: what ends the agentlet's group must not end a task in the middle.
            made = environment(user)
            home = made["PWD"] = made["HOME"] if os.access(made["HOME"], os.X_OK) else "/"  # where a login begins
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                             start_new_session=True, env=made, cwd=home, bufsize=0)
        finally:
            os.close(errors)
        self.pid = self._process.pid
        self._late = subprocess.TimeoutExpired
        self._errors_path = errors_path
        self._decoder = Decoder()
        self._frames = []
        self._lock = threading.Lock()
        self._ending = threading.Lock()

    def send(self, header, body=b""):
        """From any thread. A runtime that is gone is noticed by whoever reads."""
        data = memoryview(encode(header, body))
        with self._lock:
            try:
                while len(data):
                    data = data[self._process.stdin.write(data):]
            except (OSError, ValueError):
                pass

    def hello(self, host, memory_limit_bytes=None):
        """Greets it, and waits until it is ready; its `ready` frame."""
        self.send({"t": "hello", "protocol": PROTOCOL, "host": host, "keep_s": None,
                   "memory_limit_bytes": memory_limit_bytes, "tell_workers": True})
        header, _ = self.receive()
        if header["t"] != "ready":
            raise RuntimeLost("The runtime said %s before it was ready" % header["t"])
        return header

    def receive(self):
        """The next frame, ``(header, body)``; `RuntimeLost` when there is none."""
        while not self._frames:
            data = os.read(self._process.stdout.fileno(), 1 << 18)
            if not data:
                raise RuntimeLost("The runtime ended%s" % self._last_words())
            try:
                self._frames = self._decoder.feed(data)
            except WireError as error:
                raise RuntimeLost("The runtime sent what is no frame: %s" % error)
        frame = self._frames.pop(0)
        if frame[0]["t"] == "fault":
            raise RuntimeLost("The runtime gave up: %s" % frame[0].get("message"))
        return frame

    def hang_up(self):
        """Ends its stdin: what runs may end, and is still heard of."""
        with self._lock:
            try:
                self._process.stdin.close()
            except OSError:
                pass  # it was broken before

    def close(self):
        """Lets it end by itself; what it still runs may end."""
        self.send({"t": "bye"})
        self._shut()
        try:
            self._process.wait(10)
        except self._late:
            self.kill()

    def kill(self):
        """Ends it with everything that it started; the pids that would not die."""
        with self._ending:  # two threads may come to this, and its number is another's once it was waited for
            left = termination.terminate(self.pid) if self._process.returncode is None else []
            self._process.wait()
        self._shut()
        return left

    def _shut(self):
        for stream in (self._process.stdin, self._process.stdout):
            try:
                stream.close()
            except OSError:
                pass  # it was broken before

    def _last_words(self):
        try:
            with open(self._errors_path, "rb") as opened:
                text = opened.read()[-2000:].decode("utf-8", "replace").strip()
        except OSError:
            text = ""
        with self._ending:
            code = self._process.poll()
        return "%s%s" % ("" if code is None else ", exit code %d" % code, ": " + text if text else "")


def command(program, user=None):
    """How to start a runtime from the agentlet's own file; root's may become another ``user`` first."""
    return [sys.executable, "-IS", "-X", "utf8", program, "runtime"] + (["--as", user] if user else [])


def start(command, folder):
    """The runtime for a job's folder. ``command``: an argument list, or the `divided.Hands` that share the work."""
    if isinstance(command, list):
        return RuntimeChild(command, folder.path + "/runtime.stderr")
    return command.start(folder)


def end_others(command, folder):
    """Ends what an earlier agentlet has had other users do for this job: we may not signal them."""
    if not isinstance(command, list):
        command.end(folder)


def environment(user=None):
    """A login's environment, as far as a service manager did not give one; ``user``: of another user."""
    import pwd
    made = dict(os.environ)
    entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
    if user:
        for name in LOGIN:
            made.pop(name, None)
    made.setdefault("HOME", entry.pw_dir)
    made.setdefault("USER", entry.pw_name)
    made.setdefault("LOGNAME", entry.pw_name)
    made.setdefault("SHELL", entry.pw_shell)
    made.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if sys.getfilesystemencoding().lower() != "utf-8":
        # File names are bytes that we read as UTF-8; the runtime gives commands the locale back.
        made["ORCH_LC_ALL"] = made.get("LC_ALL", "")
        made["LC_ALL"] = "C.UTF-8"
    if "INVOCATION_ID" in made and made.get("LANG") == _UNITS_LANG:
        del made["LANG"]
        if sys.version_info < (3, 7):  # nor does such a one choose UTF-8 by itself
            made["ORCH_LC_ALL"], made["LC_ALL"] = made.get("LC_ALL", ""), "C.UTF-8"
    for name in [name for name in made if name.startswith(_OURS)]:
        del made[name]
    return made
