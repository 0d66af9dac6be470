"""The agentlet's side of the root helper: requests over its socket, each answered or refused."""

import socket

from agentlet.pull.faults import AgentletError, EnvelopeRefused, Unreachable
from agentlet.pull.framesocket import FrameSocket
from agentlet.wire import WireError

SOCKET = "/run/orch-agentlet-helper.sock"
_ANSWER_S = 60.0
START_IT = "systemctl start orch-agentlet-helper.socket"


class Door(object):
    """It stands for the job keys too, which root has and this process has not: see `signing.is_signed`."""

    def __init__(self, path):
        self.path = path

    def is_signed(self, text, signature):
        """Whether the server wrote this text. `Unreachable` when the helper does not say."""
        request = {"t": "verify", "signature": signature}
        return bool(self._ask(request, text.encode("utf-8", "surrogatepass")).get("signed"))

    def take_key(self, sealed):
        """Has root keep the next job key; `AgentletError` when it is not sealed with the present one."""
        self._ask({"t": "key", "sealed": sealed})

    def install(self, manifest, signature, data, limit_s):
        """Has root place a new version, on trial; `AgentletError` unless its manifest is signed and fits."""
        text = manifest.encode("utf-8", "surrogatepass")
        request = {"t": "install", "signature": signature, "limit_s": limit_s}
        return self._ask(request, b"%d\n" % len(text) + text + data)["slot"]

    def settle(self, what):
        """Which version is to run: confirm, roll_back or drop_current."""
        self._ask({"t": "settle", "what": what})

    def open(self, text, signature, user):
        """A `FrameSocket` to a session for one job as one user. `EnvelopeRefused`, `Unreachable`."""
        line = self._connect()
        try:
            line.socket.settimeout(_ANSWER_S)
            line.send_text({"t": "open", "signature": signature, "user": user}, text.encode("utf-8", "surrogatepass"))
            _answer(line)
            line.socket.settimeout(None)
            return line
        except (OSError, WireError) as error:
            line.close()
            raise Unreachable("The root helper broke off: %s" % error)
        except AgentletError:
            line.close()
            raise

    def check(self):
        """`Unreachable` when nobody would answer."""
        self._connect().close()

    def _ask(self, request, data=None):
        line = self._connect()
        try:
            line.socket.settimeout(_ANSWER_S)
            if data is None:
                line.send(request)
            else:
                line.send_text(request, data)
            return _answer(line)
        except (OSError, WireError) as error:
            raise Unreachable("The root helper broke off: %s" % error)
        finally:
            line.close()

    def _connect(self):
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.connect(self.path)
        except OSError as error:
            opened.close()
            raise Unreachable("The root helper does not answer at %s: %s" % (self.path, error.strerror), START_IT)
        return FrameSocket(opened)


def _answer(line):
    frame = line.receive()
    if frame is None:
        raise Unreachable("The root helper closed the connection without a word",
                          "journalctl -u 'orch-agentlet-helper@*' tells why")
    header, _ = frame
    if header["t"] == "refused":
        raise EnvelopeRefused(str(header.get("code")), str(header.get("message")), header.get("hint"))
    if header["t"] != "done":
        raise Unreachable("The root helper answered %s" % header["t"])
    return header
