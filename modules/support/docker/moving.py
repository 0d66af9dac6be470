"""Images on their way: pushed to a registry, loaded from an archive, saved into one."""

import json
import os

from modules.api import Failed
from modules.support.docker import auth
from modules.support.docker.client import quoted

CHUNK_BYTES = 1 << 18
MANIFEST_LIMIT_BYTES = 1 << 20


def push(client, reference):
    """Pushes an image; True when the registry did not have all of it."""
    changed = False
    headers = auth.header(client.host, reference.name) or {"X-Registry-Auth": "e30="}
    path = "/images/{}/push".format(quoted(reference.name))
    try:
        for line in client.lines("POST", path, {"tag": reference.tag}, headers=headers):
            changed = changed or line.get("status") == "Pushed"
    except Failed as fault:
        raise Failed("push_failed", "Error pushing image {}: {}".format(reference.full, fault.message))
    return changed


def load(client, path):
    """Loads an archive; (names or ids of the images in it, what the engine said)."""
    said = []
    if not os.path.isfile(path):
        raise Failed("no_path", "Error opening archive {}: there is no such file".format(path))
    with open(path, "rb") as archive:
        for line in client.lines("POST", "/images/load", body=archive, headers={
                "Content-Type": "application/x-tar", "Content-Length": str(os.fstat(archive.fileno()).st_size)}):
            said.append(str(line.get("stream") or "").strip())
    names = [line.split(":", 1)[1].strip() for line in said if line.startswith(("Loaded image:", "Loaded image ID:"))]
    return names, [line for line in said if line]


def save(client, names, path, host):
    """Writes an archive with these images in one act."""
    temp = host.tempfile(os.path.dirname(path) or ".")
    answer = client.open("GET", "/images/get" + many(names), timeout_s=None)
    try:
        with open(temp, "wb") as archive:
            for data in iter(lambda: answer.read(CHUNK_BYTES), b""):
                archive.write(data)
    finally:
        answer.close()
    host.replace(temp, path)


def many(names):
    from urllib.parse import urlencode  # only where an archive is made
    return "?" + urlencode([("names", name) for name in names])


def archived(path):
    """The set of (image's id, names) of an archive; None when it is none that ``docker save`` wrote."""
    import tarfile  # only where there is an archive already
    if not os.path.isfile(path):
        return None
    try:
        with tarfile.open(path) as archive:
            manifest = json.loads(archive.extractfile("manifest.json").read(MANIFEST_LIMIT_BYTES).decode())
        return {(number(entry["Config"]), tuple(sorted(entry.get("RepoTags") or ()))) for entry in manifest}
    except (tarfile.TarError, KeyError, ValueError, TypeError, AttributeError, OSError):
        return None


def number(config):
    """An image's id from the name of its configuration: ``abc….json`` or ``blobs/sha256/abc…``."""
    return "sha256:" + os.path.basename(config).split(".")[0]
