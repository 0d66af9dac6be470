"""One connection to the gateway that is kept open, for one thread: requests out, whole replies back."""

import os
import socket
import ssl

from agentlet.pull import httpwire, tls
from agentlet.pull.faults import AgentletError, Shut, Unreachable, Untrusted

CONNECT_S = 20.0
_READ_BYTES = 1 << 16


class Address(object):
    """Where the gateway is: ``https://HOST[:PORT][/PREFIX]``."""

    def __init__(self, url):
        scheme, colon, rest = url.partition("://")
        host, slash, prefix = rest.partition("/")
        if scheme != "https" or not colon or "@" in host:
            raise AgentletError("%s is no address of a gateway" % url, "It looks like https://orch.example.com:8443")
        name, colon, port = host.rpartition(":")
        if not colon or port.endswith("]"):
            name, port = host, "443"
        if not name or not port.isdigit() or int(port) > 65535:
            raise AgentletError("%s names no host or no port" % url, "It looks like https://orch.example.com:8443")
        self.url = url.rstrip("/")
        self.name = name.strip("[]")
        self.port = int(port)
        self.host = host
        self.prefix = (slash + prefix).rstrip("/")


class Connection(object):
    """``connect_tls()`` gives a new TLS context and a check for the open socket; see `Trust`."""

    def __init__(self, address, trust):
        self._address = address
        self._trust = trust
        self._socket = None
        self._trusted = None

    def request(self, method, target, body=b"", headers=(), timeout_s=30.0, limit=2 << 20):
        """The `Reply`. `Unreachable` for every fault of the network, `Untrusted` for somebody else at the other end;
        `Shut` where a new connection was ended as soon as TLS was agreed on.

        A connection that the server closed while it was idle is opened anew, once: nothing had been answered.
        """
        data = httpwire.request(method, self._address.prefix + target, self._address.host, headers, body)
        if self._trusted != self._trust.version():
            self.close()
        is_new = self._socket is None
        reader = httpwire.ReplyReader(limit)
        try:
            return self._exchange(data, reader, timeout_s)
        except (OSError, httpwire.BadReply, Unreachable) as error:
            if is_new or reader.begun or isinstance(error, (socket.timeout, Untrusted)):
                raise self._failed(error, reader)
            self.close()
        reader = httpwire.ReplyReader(limit)
        try:
            return self._exchange(data, reader, timeout_s)
        except (OSError, httpwire.BadReply) as error:
            raise self._failed(error, reader)

    def _failed(self, error, reader):
        """The fault as it is told; the connection is closed."""
        was_open = self._socket is not None
        self.close()
        fault = _unreachable(error)
        if was_open and not reader.begun and type(fault) is Unreachable and not isinstance(error, socket.timeout):
            return Shut(fault.message)
        return fault

    def close(self):
        """Idempotent; the next request opens a new one."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def _exchange(self, data, reader, timeout_s):
        if self._socket is None:
            self._open()
        opened = self._socket
        opened.settimeout(timeout_s)
        opened.sendall(data)
        while True:
            reply = reader.feed(opened.recv(_READ_BYTES))
            if reply is not None:
                if not reply.keeps_alive:
                    self.close()
                return reply

    def _open(self):
        self._trusted = self._trust.version()
        context, check = self._trust.context()
        raw = socket.create_connection((self._address.name, self._address.port), CONNECT_S)
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            opened = context.wrap_socket(raw, server_hostname=self._address.name)
        except BaseException:
            raw.close()
            raise
        try:
            check(opened)
        except BaseException:
            opened.close()
            raise
        self._socket = opened


class PinTrust(object):
    """For enrolling: the peer's key must be the pinned one."""

    def __init__(self, pin):
        self._pin = pin

    def version(self):
        return 1

    def context(self):
        return tls.pinned_context(), lambda opened: tls.check_pin(opened.getpeercert(True), self._pin)


class BundleTrust(object):
    """The authorities in ``ca_file`` (None: the system's); ``client_file`` shows who this agentlet is."""

    def __init__(self, clock, ca_file=None, client_file=None):
        self._clock = clock
        self._ca_file = ca_file
        self._client_file = client_file
        self._made = None

    def version(self):
        """Changes when the files do: a renewed certificate is shown from the next request on."""
        return tuple(os.stat(path).st_mtime_ns for path in (self._ca_file, self._client_file) if path)

    def context(self):
        version = self.version()
        if self._made is None or self._made[0] != version:
            # One for all threads: it holds the parsed authorities, and resumes sessions.
            self._made = version, tls.verified_context(self._ca_file, self._client_file)
        return self._made[1], self._check

    def _check(self, opened):
        tls.check_dates(opened.getpeercert(True), self._clock.now())


def _unreachable(error):
    if isinstance(error, AgentletError):
        return error
    if isinstance(error, ssl.CertificateError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Untrusted("The gateway's certificate is not to be trusted: %s" % _text(error),
                         "Was its certificate authority made anew? On the controller: orch agents invite HOST; the line"
                         " that it prints enrols this host again")
    return Unreachable("The gateway does not answer: %s" % _text(error))


def _text(error):
    return getattr(error, "verify_message", None) or getattr(error, "strerror", None) or str(error)
