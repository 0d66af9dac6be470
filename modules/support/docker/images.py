"""Images of a Docker engine: what a reference means, whether it is there, and how it is fetched."""

import re

from modules.api import Failed
from modules.support.docker import auth
from modules.support.docker.client import quoted

ID = re.compile(r"(?:sha256:)?[0-9a-fA-F]{64}\Z")
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\[\]-]*(?:@[A-Za-z0-9+._-]+:[0-9a-fA-F]{32,})?\Z")


class Reference(object):
    """An image's name: ``name``, and ``tag`` (a digest has a colon in it). ``is_id`` for the image's own number."""

    def __init__(self, text, tag=None):
        if not REFERENCE.match(text or "") or ".." in text:
            raise Failed("bad_name", "'{}' is not the name of an image".format(text))
        self.is_id = ID.match(text) is not None
        self.name, self.tag = split(text)
        if self.is_id:
            self.name, self.tag = text, ""
        elif self.tag is None:
            self.tag = tag or "latest"

    @property
    def full(self):
        if self.is_id:
            return self.name
        return "{}{}{}".format(self.name, "@" if ":" in self.tag else ":", self.tag)


def split(text):
    """(name, tag or digest or None); the port of a registry is no tag."""
    name, at, digest = text.partition("@")
    if at:
        return split(name)[0], digest
    head, slash, last = text.rpartition("/")
    bare, colon, tag = last.partition(":")
    return head + slash + bare, tag if colon else None


def find(client, reference):
    """The engine's description of an image, or None when it is not there."""
    return client.get("/images/{}/json".format(quoted(reference.full)), missing=True)


def pull(client, reference, platform=None):
    """Fetches an image; (its description, whether it is another than before, what the engine said)."""
    before = find(client, reference)
    said = []
    query = {"fromImage": reference.name, "tag": reference.tag, "platform": platform}
    headers = auth.header(client.host, reference.name)
    try:
        for line in client.lines("POST", "/images/create", query, headers=headers):
            if line.get("status") and not line.get("progressDetail"):
                said.append(line["status"])
    except Failed as fault:
        raise Failed("pull_failed", "Error pulling image {}: {}".format(reference.full, fault.message))
    after = find(client, reference)
    if after is None:
        raise Failed("pull_failed", "Error pulling image {}: it is not there after all".format(reference.full))
    return after, before is None or before["Id"] != after["Id"], said
