"""One HTTP request of any method, as `uri` makes it: redirects by policy, cookies, a Unix socket in place of a host."""

import base64
import functools
import http.client
import http.cookiejar
import os
import re
import socket
import time
import urllib.error
import urllib.request

from modules.api import Failed
from modules.support.http.download import Reply, SafeRedirects, credentials, tls_context

FOLLOWS = {"no": "none", "False": "none", "yes": "all", "True": "all"}
METHOD = re.compile(r"[A-Z0-9!#$%&'*+.^_`|~-]+\Z")


class Exchanged(object):
    """What came of a request: an open ``reply`` or None, ``status`` (-1: no answer), ``msg``, cookies."""

    def __init__(self, asked, started):
        self.url = asked.full_url
        self.asked = asked
        self.jar = http.cookiejar.CookieJar()
        self.reply = None
        self.status = -1
        self.msg = ""
        self.started = started

    @property
    def elapsed_s(self):
        return int(time.monotonic() - self.started)

    def cookies_string(self):
        """The Cookie header that the next request to the same place would carry."""
        following = urllib.request.Request(self.url)
        self.jar.add_cookie_header(following)
        return following.get_header("Cookie") or ""


def exchange(args, headers, data, since, host):
    """Make the request. Errors of the network are an `Exchanged` of status -1; raises `Failed` for bad arguments."""
    url, user, password = credentials(args["url"], _with_authorization(args, headers), host)
    asked = _request(url, args, headers, data, since)
    if user and args["force_basic_auth"]:
        token = base64.b64encode("{}:{}".format(user, password or "").encode("utf-8")).decode("ascii")
        _add(asked, args, "Authorization", "Basic " + token)
    exchanged = Exchanged(asked, time.monotonic())
    opener = urllib.request.build_opener(*_handlers(args, exchanged, url, user, password, host))
    try:
        response = opener.open(asked, timeout=args["timeout"])
        size = response.headers.get("Content-Length") or "unknown"
        exchanged.msg = "OK ({} bytes)".format(size)
    except urllib.error.HTTPError as error:
        response, exchanged.msg = error, "HTTP Error {}: {}".format(error.code, error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        exchanged.msg = "Request failed: {}".format(error)
        if "CERTIFICATE_VERIFY_FAILED" in exchanged.msg:
            exchanged.msg = "Failed to validate the SSL certificate of {}: {}".format(asked.host, error)
        return exchanged
    exchanged.reply = Reply(response, args["decompress"], exchanged.started)
    exchanged.status, exchanged.url = exchanged.reply.status, exchanged.reply.url
    return exchanged


def _with_authorization(args, headers):
    """The arguments, without ~/.netrc when the task brings its own Authorization."""
    own = any(name.lower() == "authorization" for name in headers)
    return dict(args, use_netrc=args["use_netrc"] and not own)


def _request(url, args, headers, data, since):
    method = args["method"].upper()
    if not METHOD.match(method):
        raise Failed("bad_arguments", "{!r} is no HTTP method".format(args["method"]))
    asked = urllib.request.Request(url, data=data, method=method)
    for name, value in headers.items():
        _add(asked, args, str(name), str(value))
    if not asked.has_header("User-agent"):
        asked.add_header("User-agent", args["http_agent"])
    if data is not None and not isinstance(data, bytes):
        asked.add_unredirected_header("Content-length", str(os.fstat(data.fileno()).st_size))
    if args["force"]:
        asked.add_header("Cache-control", "no-cache")
    elif since is not None:
        asked.add_header("If-modified-since", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(since)))
    return asked


def _add(asked, args, name, value):
    stays = name.lower() in [each.lower() for each in args["unredirected_headers"]]
    (asked.add_unredirected_header if stays else asked.add_header)(name, value)


def _handlers(args, exchanged, url, user, password, host):
    context = tls_context(args)
    found = [urllib.request.HTTPCookieProcessor(exchanged.jar), _redirects(args["follow_redirects"])]
    if args["unix_socket"]:
        found += [urllib.request.ProxyHandler({}), OverSocket(args["unix_socket"], context)]
    else:
        found += [urllib.request.ProxyHandler(_proxies(args, host)), urllib.request.HTTPSHandler(context=context)]
    if user and not args["force_basic_auth"]:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        known.add_password(None, url, user, password or "")
        found += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    return found


def _proxies(args, host):
    if not args["use_proxy"]:
        return {}
    proxies = urllib.request.getproxies()
    for name, value in host.environment.items():
        if name.lower().endswith("_proxy") and name.lower() != "no_proxy" and value:
            proxies[name.lower()[:-6]] = value
    return proxies


class _Policy(urllib.request.HTTPRedirectHandler):
    """Which redirects are followed, and as which method: RFC 9110, section 15.4."""

    follow = "safe"

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        method = req.get_method()
        if self.follow == "urllib2":
            return super(_Policy, self).redirect_request(req, fp, code, msg, headers, newurl)
        if self.follow == "none" or (self.follow == "safe" and method not in ("GET", "HEAD")):
            raise urllib.error.HTTPError(req.full_url, code, msg, headers, fp)
        kept, data = dict(req.headers), req.data
        if code not in (307, 308):
            method, data = "HEAD" if method == "HEAD" else "GET", None
            kept = {name: value for name, value in kept.items()
                    if name.lower() not in ("content-length", "content-type")}
        elif data is not None and hasattr(data, "seek"):
            data.seek(0)
            kept["Content-length"] = str(os.fstat(data.fileno()).st_size)
        return urllib.request.Request(newurl.replace(" ", "%20"), data=data, headers=kept, method=method,
                                      origin_req_host=req.origin_req_host, unverifiable=True)

    def http_error_308(self, req, fp, code, msg, headers):
        """Python follows 308 from 3.11 on only."""
        if self.follow == "urllib2" and not hasattr(urllib.request.HTTPRedirectHandler, "http_error_308"):
            return None
        return self.http_error_302(req, fp, code, msg, headers)


class PolicyRedirects(SafeRedirects, _Policy):
    """`_Policy`, and credentials stay with the host they were meant for."""


def _redirects(follow):
    handler = PolicyRedirects()
    handler.follow = FOLLOWS.get(follow, follow)
    return handler


class OverSocket(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Speaks HTTP and HTTPS over a Unix socket, whatever host the URL names."""

    def __init__(self, path, context):
        urllib.request.HTTPHandler.__init__(self)
        self._path = path
        self._tls = context

    def http_open(self, req):
        return self.do_open(functools.partial(_SocketConnection, path=self._path, tls=None), req)

    def https_open(self, req):
        return self.do_open(functools.partial(_SocketConnection, path=self._path, tls=self._tls), req)


class _SocketConnection(http.client.HTTPConnection):
    """A connection whose other end is a socket file; the URL's host is in the Host header and the certificate."""

    def __init__(self, host, timeout=None, path="", tls=None):
        super(_SocketConnection, self).__init__(host, timeout=timeout)
        self._path = path
        self._context = tls

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)
