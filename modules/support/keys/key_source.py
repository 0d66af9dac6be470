"""Where a repository's key comes from: a URL or a keyserver, fetched into memory. It reads only."""

from modules.api import Failed
from modules.support.http.download import URL_ARGS, request
from modules.support.keys.openpgp import LIMIT_BYTES

TIMEOUT_S = 30


def fetch(url, validate_certs, host):
    """The bytes at ``url`` (http, https, ftp, file). Raises `Failed` as `http_download.request` does."""
    args = {name: arg.default for name, arg in URL_ARGS.items()}
    args.update(validate_certs=validate_certs, timeout=TIMEOUT_S)
    reply = request(url, args, host)
    try:
        return reply.content(LIMIT_BYTES)
    finally:
        reply.close()


def from_keyserver(server, name, validate_certs, host):
    """What a keyserver (host name, or hkp, hkps, http and https URLs) gives for a key's id or fingerprint.

    By the keyserver protocol's plain HTTP form, so that neither gpg nor its dirmngr is needed on the host.
    """
    try:
        return fetch(lookup_url(server, name), validate_certs, host)
    except Failed as fault:
        raise Failed("keyserver", "Error fetching key {} from keyserver: {}: {}".format(name, server, fault.message),
                     **fault.values)


def lookup_url(server, name):
    """The URL under which a keyserver gives a key."""
    scheme, there, place = server.rpartition("://")
    if not there or scheme == "hkp":
        # Port 11371 is what the protocol says, but often filtered; the servers that people name speak TLS too.
        named = place.rstrip("/")
        last = named.rpartition("]")[2]
        base = "http://" + named if ":" in last else "https://" + named
    else:
        base = {"hkps": "https", "http": "http", "https": "https"}.get(scheme, "https") + "://" + place.rstrip("/")
    return "{}/pks/lookup?op=get&options=mr&search=0x{}".format(base, name)
