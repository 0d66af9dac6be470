"""Fetches an image from its registry, always or when it is not there.

Example::

    - name: The image of the web server
      community.docker.docker_image_pull:
        name: nginx
        tag: "1.27"

Returns ``image`` (what inspect shows), ``actions``. Errors: ``pull_failed``, ``bad_name``, ``no_service``.
"""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS, Client
from modules.support.docker.images import Reference, find, pull

ARGS = dict(
    CLIENT_ARGS,
    name=Arg("str", "The image's name, with or without a tag or digest.", required=True),
    tag=Arg("str", "Its tag when the name has none.", default="latest"),
    platform=Arg("str", "The platform to fetch it for, such as linux/arm64."),
    pull=Arg("str", "Whether to ask the registry when the image is there.", default="always",
             choices=("always", "not_present")),
)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    client, reference = Client(args, host), Reference(args["name"], args["tag"])
    now = find(client, reference)
    values = {"changed": False, "image": now or {}, "actions": []}
    if now is not None and (args["pull"] == "not_present" or reference.is_id):
        return values
    values["actions"] = ["Pulled image {}".format(reference.full)]
    if host.check_mode:
        # What the registry has is not known without pulling: as in Ansible, asking always counts as a change.
        return dict(values, changed=True, diff=diff(now, None))
    after, changed, _ = pull(client, reference, args["platform"])
    return dict(values, changed=changed, image=after, diff=diff(now, after))


def diff(before, after):
    return {"before": {"id": (before or {}).get("Id"), "exists": bool(before)},
            "after": {"id": (after or {}).get("Id", "unknown"), "exists": True}}
