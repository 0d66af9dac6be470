"""One connection to the helper: who calls is looked at first, then what is asked, then it is done."""

import os
import pwd
import socket
import struct
import subprocess
import sys

from agentlet.digests import sha256
from agentlet.pull import policy, runtimechild, signing, update
from agentlet.pull.faults import AgentletError, EnvelopeRefused
from agentlet.pull.framesocket import FrameSocket
from agentlet.pull.helper import attempts, requests
from agentlet.pull.helper.custody import DIRECTORY, Custody
from agentlet.pull.helper.session import Session
from agentlet.wire import WireError

FIRST_WORD_S = 30.0
_CHECK_S = 30.0
SETTLES = ("confirm", "roll_back", "drop_current")


def main(program, arguments):
    """The exit code. The connection is on standard input, as systemd hands it over (``StandardInput=socket``)."""
    folder, rules = DIRECTORY, policy.PATH
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word == "--state" and words:
            folder = words.pop(0)
        elif word == "--policy" and words:
            rules = words.pop(0)
        elif word == "--check":
            sys.stdout.write("fit\n")
            return 0
        elif word != "--chosen":
            sys.stderr.write("usage: agentlet.pyz helper [--state DIR] [--policy FILE], with a socket as its input\n")
            return 2
    custody = Custody(folder)
    if "--chosen" not in arguments:
        _become_current(custody, program, arguments)
    return Helper(custody, rules, program, FrameSocket(_take_over_input())).serve()


class Helper(object):
    """``rules``: the policy's file. ``line``: the `FrameSocket` of whoever calls."""

    def __init__(self, custody, rules, program, line):
        self._custody = custody
        self._rules = rules
        self._program = program
        self._line = line

    def serve(self):
        """Does what is asked, and says why not; the exit code."""
        try:
            account, agent = self._custody.setup()
            uid = peer_uid(self._line.socket)
            if uid not in (0, account.pw_uid):
                say("user %d is not the agentlet: refused" % uid)
                raise EnvelopeRefused("not_the_agentlet", "The helper serves %s, and nobody else" % account.pw_name)
            self._line.socket.settimeout(FIRST_WORD_S)
            frame = self._line.receive()
            if frame is None:
                return 0
            request = requests.checked(*frame)
            handler = _HANDLERS.get(request["t"])
            if handler is None:
                raise WireError("A connection does not begin with %s" % request["t"])
            handler(self, request, agent)
            return 0
        except (AgentletError, WireError, OSError) as error:
            say(str(error))
            self._refuse(error)
            return 1

    # What may be asked

    def _verify(self, request, agent):
        self._done(signed=self._is_signed(self._pieces(request), request["signature"]))

    def _open(self, request, agent):
        text, user = self._pieces(request), request["user"]
        # The host's name may have changed meanwhile, and the time was the server's: both were judged when it came.
        envelope = signing.open_envelope(text.decode("utf-8", "replace"), request["signature"], self._custody.keys(),
                                         agent, None, float("-inf"))
        entry = _account(user)
        folder = self._custody.attempts()
        attempts.sweep(folder)
        attempt = attempts.Attempt(folder, envelope, user)
        attempt.take()
        # As the runtime will have it: what a path leads to depends on whose home is meant.
        login = runtimechild.environment(user)
        os.environ.update((name, login[name]) for name in runtimechild.LOGIN)
        say("job %s, attempt %d, as %s" % (envelope["job"], envelope["attempt"], entry.pw_name))
        self._done()
        self._line.socket.settimeout(None)
        command = runtimechild.command(self._program, user)
        Session(self._line, envelope, user, attempt,
                lambda: runtimechild.RuntimeChild(command, attempt.errors_path(), user),
                lambda task: policy.load(self._rules).refusal(task), say).run()

    def _key(self, request, agent):
        self._custody.take_key(request["sealed"])
        say("a new job key")
        self._done()

    def _install(self, request, agent):
        """``pieces``: the manifest's length in digits, a line's end, the manifest, the file."""
        size, _, rest = self._pieces(request).partition(b"\n")
        length = int(size) if size.isdigit() and len(size) < 8 else 0
        text, data = rest[:length].decode("utf-8", "replace"), rest[length:]
        slots = self._custody.slots()
        manifest = update.open_manifest(text, request["signature"], self._custody.keys(), agent, slots.created)
        if len(data) != manifest["size"] or sha256(data).hexdigest() != manifest["sha256"]:
            raise AgentletError("The new version is not what its manifest says")
        slot = slots.put(manifest["version"], data, manifest["created"], request["limit_s"])
        if not _is_fit(slots.path(slot)):
            slots.roll_back()
            raise AgentletError("Version %s cannot do a helper's work on this host" % manifest["version"])
        say("version %s is installed, on trial" % manifest["version"])
        self._done(slot=slot)

    def _settle(self, request, agent):
        if request["what"] not in SETTLES:
            raise WireError("Nothing is settled by %r" % request["what"])
        getattr(self._custody.slots(), request["what"])()
        say("versions: %s" % request["what"])
        self._done()

    # The inside

    def _pieces(self, request):
        """The bytes that follow a request."""
        size = request["size"]
        if size > requests.limit(request["t"]):
            raise WireError("%d bytes are too many for a %s" % (size, request["t"]))
        data = bytearray()
        while len(data) < size:
            frame = self._line.receive()
            if frame is None or requests.checked(*frame)["t"] != "piece":
                raise WireError("The announced %d bytes did not come" % size)
            data += frame[1]
        if len(data) != size:
            raise WireError("More came than the announced %d bytes" % size)
        return bytes(data)

    def _is_signed(self, data, signature):
        return signing.is_signed(self._custody.keys(), data.decode("utf-8", "replace"), signature)

    def _done(self, **values):
        self._line.send(dict(values, t="done"))

    def _refuse(self, error):
        code = getattr(error, "code", None)
        try:
            self._line.send({"t": "refused", "code": code if isinstance(code, str) else "helper",
                             "message": str(getattr(error, "message", error)), "hint": getattr(error, "hint", None)})
        except (OSError, WireError):
            pass  # nobody is there to be told


def peer_uid(opened):
    """Who is at the other end, by the kernel's word (unix(7), SO_PEERCRED)."""
    return struct.unpack("3i", opened.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1]


def say(text):
    """A line for the journal."""
    sys.stderr.write("orch-agentlet-helper: %s\n" % text)
    sys.stderr.flush()


def _account(user):
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise EnvelopeRefused("become_user_unknown", "There is no user %s on this host" % user,
                              "Create it first, or check become_user")


def _take_over_input():
    """The connection, away from descriptor 0, which a child would inherit."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    return opened


def _become_current(custody, program, arguments):
    """Another version was installed by update, and has proved itself."""
    slots = custody.slots()
    if slots.current is not None and slots.path(slots.current) != program and slots.usable(slots.current):
        os.execv(sys.executable, [sys.executable, "-IS", slots.path(slots.current), "helper", "--chosen"]
                 + list(arguments))


def _is_fit(path):
    """Whether that version starts as a helper here, as far as can be tried."""
    try:
        said = subprocess.run([sys.executable, "-IS", path, "helper", "--check"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, timeout=_CHECK_S).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said == b"fit\n"


_HANDLERS = {"verify": Helper._verify, "open": Helper._open, "key": Helper._key, "install": Helper._install,
             "settle": Helper._settle}
