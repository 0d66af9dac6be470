"""Keeps an archive of images, as ``docker save`` writes it.

Example::

    - name: The images for a host without a network
      community.docker.docker_image_export:
        names: ["localhost/app:1.4"]
        path: /srv/images.tar

Returns ``images``. An archive with these very images and names is left as it is. Errors: ``no_image``, ``no_service``.
"""

from modules.api import Arg, Change, Failed, Same
from modules.support.docker.client import CLIENT_ARGS, Client
from modules.support.docker.images import Reference, find
from modules.support.docker.moving import archived, save

ARGS = dict(
    CLIENT_ARGS,
    names=Arg("list", "The images' names or ids.", required=True, elements="str", aliases=("name",)),
    tag=Arg("str", "The tag of names without one.", default="latest"),
    path=Arg("path", "The archive on the host.", required=True),
    force=Arg("bool", "Write it although it has these images.", default=False),
)


def check(args, host):
    client, images, wanted = Client(args, host), [], set()
    references = [Reference(name, args["tag"]) for name in args["names"]]
    for reference in references:
        image = find(client, reference)
        if image is None:
            raise Failed("no_image", "Cannot find image {}".format(reference.full))
        images.append(image)
        wanted.add((image["Id"], () if reference.is_id else (reference.full,)))
    have = archived(args["path"])
    if have == wanted and not args["force"]:
        return Same(images=images)
    return Change({"images": sorted(map(str, have or ()))}, {"images": sorted(map(str, wanted))},
                  values={"images": images}, data=[reference.full for reference in references])


def apply(args, change, host):
    save(Client(args, host), change.data, args["path"], host)
