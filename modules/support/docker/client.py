"""Speaks the Docker Engine's HTTP API over its unix socket or TCP, with the standard library alone.

`Client` made with a `Look` only sends GET; anything else needs an `Act`. Answers are bounded. Errors: ``no_service``
(no socket there), ``docker_unreachable``, ``docker_error`` (with ``status``), ``bad_arguments``.
Source: the Engine's API reference, 1.25 and later.
"""

import json
import os
import socket

from modules.api import Arg, Failed

CLIENT_ARGS = {
    "docker_host": Arg("str", "Where the engine listens: unix:// or tcp://; else DOCKER_HOST, else its usual socket.",
                       aliases=("docker_url",)),
    "tls_hostname": Arg("str", "The name that the engine's certificate must have."),
    "api_version": Arg("str", "Version of the API to speak; auto leaves it to the engine.",
                       aliases=("docker_api_version",)),
    "timeout": Arg("int", "Seconds until a request counts as failed (60)."),
    "ca_path": Arg("path", "Certificates that may sign the engine's.",
                   aliases=("ca_cert", "tls_ca_cert", "cacert_path")),
    "client_cert": Arg("path", "Our certificate.", aliases=("tls_client_cert", "cert_path")),
    "client_key": Arg("path", "Its private key.", aliases=("tls_client_key", "key_path")),
    "tls": Arg("bool", "Encrypt a TCP connection without checking the engine's certificate."),
    "validate_certs": Arg("bool", "Encrypt a TCP connection and check the engine's certificate.",
                          aliases=("tls_verify",)),
    "use_ssh_client": Arg("bool", "Taken and not used: ssh:// is not spoken.", default=False),
    "debug": Arg("bool", "Taken and not used.", default=False),
}
DEFAULT_HOST = "unix:///var/run/docker.sock"
ANSWER_LIMIT_BYTES = 64 << 20
LINE_LIMIT_BYTES = 1 << 20


class Client(object):
    """One engine. Every request has a connection of its own, so nothing is left open between them."""

    def __init__(self, args, host):
        self.host = host
        self.args = args
        self.may_act = hasattr(host, "run")
        self.url = args["docker_host"] or setting(host, "DOCKER_HOST") or DEFAULT_HOST
        self.timeout_s = args["timeout"] or int(setting(host, "DOCKER_TIMEOUT") or 60)
        version = args["api_version"] or setting(host, "DOCKER_API_VERSION") or "auto"
        self.prefix = "" if version == "auto" else "/v" + version.lstrip("v")

    def get(self, path, query=None, missing=False):
        """The JSON answer; None for something that is not there when ``missing`` is allowed."""
        return self.send("GET", path, query, allow=(404,) if missing else ())

    def send(self, method, path, query=None, body=None, allow=(), headers=None, timeout_s=0):
        """The JSON answer, None for an empty one or a status in ``allow``. ``timeout_s`` is added to the usual one."""
        answer = self.open(method, path, query, body, allow, headers, self.timeout_s + timeout_s)
        if answer is None:
            return None
        try:
            data = answer.read(ANSWER_LIMIT_BYTES + 1)
        except OSError as error:
            raise Failed("docker_unreachable", "The Docker engine did not answer: {}".format(error))
        finally:
            answer.close()
        if len(data) > ANSWER_LIMIT_BYTES:
            raise Failed("docker_error", "The Docker engine's answer to {} {} is too large".format(method, path))
        return decoded(data)

    def open(self, method, path, query=None, body=None, allow=(), headers=None, timeout_s=None):
        """The open answer of a request, to be read and closed; None for a status in ``allow``. Other errors: `Failed`.

        ``body``: bytes or an open file as they are, anything else as JSON. No timeout when ``timeout_s`` is None.
        """
        if method != "GET" and not self.may_act:
            raise AssertionError("looking must not send {} {}".format(method, path))
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "read"):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection = self._connection(timeout_s)
            connection.request(method, self.prefix + path + encoded(query), body, sent)
            answer = connection.getresponse()
        except (OSError, ValueError) as error:
            raise self._unreachable(error)
        if answer.status < 300:
            return answer
        message = message_of(answer)
        answer.close()
        if answer.status in allow:
            return None
        raise Failed("docker_error", "{} {}: {}".format(method, path, message), status=answer.status)

    def hijack(self, path, body):
        """(answer, a socket to write to) of a request whose connection goes on as a stream. The caller closes both."""
        try:
            connection = self._connection(self.timeout_s)
            connection.request("POST", self.prefix + path, json.dumps(body).encode(), {
                "Content-Type": "application/json"})
            line = connection.sock.dup()
            connection.sock.settimeout(None)
            line.settimeout(None)
            answer = connection.getresponse()
        except (OSError, ValueError) as error:
            raise self._unreachable(error)
        if answer.status >= 300:
            line.close()
            message = message_of(answer)
            answer.close()
            raise Failed("docker_error", "POST {}: {}".format(path, message), status=answer.status)
        return answer, line

    def lines(self, method, path, query=None, body=None, headers=None):
        """Each JSON line of a long answer (a pull, a load, a push); a line that says ``error`` is a `Failed`."""
        answer = self.open(method, path, query, body, (), headers)
        try:
            while True:
                line = answer.readline(LINE_LIMIT_BYTES)
                if not line:
                    return
                entry = decoded(line)
                if isinstance(entry, dict):
                    if entry.get("error"):
                        raise Failed("docker_error", str(entry["error"]))
                    yield entry
        finally:
            answer.close()

    def _connection(self, timeout_s):
        import http.client  # with email behind it, 20 ms: not for who only asks what arguments there are
        scheme, _, rest = self.url.partition("://")
        if scheme in ("unix", "http+unix"):
            connection = http.client.HTTPConnection("localhost", timeout=timeout_s)
            connection.sock = self._unix_socket(rest, timeout_s)
            return connection
        if scheme not in ("tcp", "http", "https"):
            raise Failed("bad_arguments", "'{}' is no address of a Docker engine".format(self.url),
                         "Use unix:///path or tcp://host:port")
        name, colon, port = rest.strip("/").rpartition(":")
        name = (name if colon else port).strip("[]")
        encrypted = scheme == "https" or self._flag("tls", "DOCKER_TLS") or self._verified()
        number = int(port) if colon else 2376 if encrypted else 2375
        connection = http.client.HTTPConnection(name, number, timeout=timeout_s)
        if encrypted:
            known_as = self.args["tls_hostname"] or setting(self.host, "DOCKER_TLS_HOSTNAME") or name
            line = socket.create_connection((name, number), timeout_s)
            connection.sock = self._context().wrap_socket(line, server_hostname=known_as)
        return connection

    def _unix_socket(self, path, timeout_s):
        path = "/" + path.lstrip("/")
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(timeout_s)
        try:
            opened.connect(path)
        except OSError as error:
            opened.close()
            if not self.host.exists(path):
                raise Failed("no_service", "Error connecting: there is no Docker engine at {}".format(path),
                             "Is Docker installed and started?")
            raise self._unreachable(error)
        return opened

    def _unreachable(self, error):
        return Failed("docker_unreachable", "Error connecting to the Docker engine at {}: {}".format(self.url, error),
                      "Is it running, and may this user reach it?")

    def _flag(self, name, variable):
        given = self.args[name]
        return given if given is not None else (setting(self.host, variable) or "").lower() not in ("", "0", "false")

    def _verified(self):
        return self._flag("validate_certs", "DOCKER_TLS_VERIFY")

    def _context(self):
        import ssl  # 10 ms, and nearly every engine is on a unix socket
        folder = setting(self.host, "DOCKER_CERT_PATH")
        found = []
        for name, file in (("ca_path", "ca.pem"), ("client_cert", "cert.pem"), ("client_key", "key.pem")):
            path = os.path.join(folder, file) if folder else ""
            found.append(self.args[name] or (path if path and os.path.exists(path) else None))
        ca, cert, key = found
        context = ssl.create_default_context(cafile=ca)
        if not self._verified():
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if cert:
            context.load_cert_chain(cert, key)
        return context


def setting(host, name):
    """A variable of the task's environment, or of the host's."""
    return host.environment.get(name, os.environ.get(name))


def quoted(name):
    """A name or reference as a part of a path; the slashes of an image's name stay."""
    from urllib.parse import quote  # only where a request is made
    return quote(str(name), safe="/:@")


def encoded(query):
    """``?a=1&b=…``: booleans as 1 and 0, lists and dicts as JSON, None left out."""
    if not query:
        return ""
    from urllib.parse import urlencode  # only where a request is made
    plain = []
    for name, value in sorted(query.items()):
        if value is None:
            continue
        if isinstance(value, bool):
            value = "1" if value else "0"
        elif isinstance(value, (list, dict)):
            value = json.dumps(value)
        plain.append((name, value))
    return "?" + urlencode(plain)


def decoded(data):
    """JSON as data; None for nothing, text for what is no JSON."""
    text = data.decode("utf-8", "surrogateescape").strip()
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def message_of(answer):
    """What the engine says about a request that failed."""
    said = decoded(answer.read(LINE_LIMIT_BYTES))
    if isinstance(said, dict) and said.get("message"):
        return said["message"]
    return str(said or "") or "{} {}".format(answer.status, answer.reason)
