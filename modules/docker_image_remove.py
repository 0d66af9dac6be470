"""Keeps an image, or a name of it, away from the engine.

Example::

    - name: The old release is gone
      community.docker.docker_image_remove:
        name: localhost/app:1.3

Returns ``image`` (what it was), ``actions``, ``deleted``, ``untagged``. Errors: ``docker_error``, ``no_service``.
"""

from modules.api import Arg, Change, Same
from modules.support.docker.client import CLIENT_ARGS, Client, quoted
from modules.support.docker.images import Reference, find

ARGS = dict(
    CLIENT_ARGS,
    name=Arg("str", "The image's name or id.", required=True),
    tag=Arg("str", "Its tag when the name has none.", default="latest"),
    force=Arg("bool", "Remove it although it is in use or has other names.", default=False),
    prune=Arg("bool", "Remove its parents without a name, too.", default=True),
)


def check(args, host):
    reference = Reference(args["name"], args["tag"])
    image = find(Client(args, host), reference)
    if image is None:
        return Same(image={}, actions=[], deleted=[], untagged=[])
    return Change({"exists": True, "id": image["Id"]}, {"exists": False}, data=reference.full, values={
        "image": image, "actions": ["Removed image {}".format(reference.full)], "deleted": [], "untagged": []})


def apply(args, change, host):
    done = Client(args, host).send("DELETE", "/images/{}".format(quoted(change.data)),
                                   {"force": args["force"], "noprune": not args["prune"]}, allow=(404,)) or []
    return {kind.lower(): sorted(entry[kind] for entry in done if kind in entry) for kind in ("Deleted", "Untagged")}
