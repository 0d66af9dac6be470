"""Pushes an image to the registry that its name leads to.

Example::

    - name: The release goes to the registry
      community.docker.docker_image_push:
        name: registry.example.org/app
        tag: "1.4"

Returns ``image``, ``actions``. Changed unless the registry had every layer. Errors: ``no_image``, ``push_failed``,
``no_service``.
"""

from modules.api import Arg, Failed
from modules.support.docker.client import CLIENT_ARGS, Client
from modules.support.docker.images import Reference, find
from modules.support.docker.moving import push

ARGS = dict(
    CLIENT_ARGS,
    name=Arg("str", "The image's name.", required=True),
    tag=Arg("str", "Its tag when the name has none.", default="latest"),
)
RETRY_SAFE = True


def run(args, host):
    client, reference = Client(args, host), Reference(args["name"], args["tag"])
    if reference.is_id:
        raise Failed("bad_name", "Cannot push an image by id")
    image = find(client, reference)
    if image is None:
        raise Failed("no_image", "Cannot find image {}".format(reference.full))
    return {"changed": push(client, reference), "image": image,
            "actions": ["Pushed image {}".format(reference.full)]}
