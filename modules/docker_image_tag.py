"""Keeps further names on an image that is there.

Example::

    - name: The release is the latest, too
      community.docker.docker_image_tag:
        name: localhost/app:1.4
        repository: ["localhost/app:latest", "registry.example.org/app:1.4"]

Returns ``image``, ``actions``, ``tagged_images``. Errors: ``no_image``, ``bad_name``, ``no_service``.
"""

from modules.api import Arg, Change, Failed, Same
from modules.support.docker.client import CLIENT_ARGS, Client, quoted
from modules.support.docker.images import Reference, find

ARGS = dict(
    CLIENT_ARGS,
    name=Arg("str", "The image's name or id.", required=True),
    tag=Arg("str", "Its tag when the name has none.", default="latest"),
    repository=Arg("list", "The names it should have; without a tag they get latest.", required=True, elements="str"),
    existing_images=Arg("str", "What to do with a name that another image has.", default="overwrite",
                        choices=("keep", "overwrite")),
)


def check(args, host):
    client, reference = Client(args, host), Reference(args["name"], args["tag"])
    image = find(client, reference)
    if image is None:
        raise Failed("no_image", "Cannot find image {}".format(reference.full))
    wanted, taken = [], {}
    for text in args["repository"]:
        name = Reference(text)
        there = find(client, name)
        if there is None or (there["Id"] != image["Id"] and args["existing_images"] == "overwrite"):
            wanted.append(name)
            taken[name.full] = (there or {}).get("Id")
    if not wanted:
        return Same(image=image, actions=[], tagged_images=[])
    full = [name.full for name in wanted]
    return Change(taken, {name: image["Id"] for name in full}, data=(image["Id"], wanted), values={
        "image": image, "tagged_images": full,
        "actions": ["Tagged image {} as {}".format(reference.full, name) for name in full]})


def apply(args, change, host):
    client = Client(args, host)
    number, wanted = change.data
    for name in wanted:
        client.send("POST", "/images/{}/tag".format(quoted(number)), {"repo": name.name, "tag": name.tag})
