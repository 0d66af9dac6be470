"""Reports images of the Docker engine.

Example::

    - name: What the image is
      community.docker.docker_image_info:
        name: [nginx, "localhost/app:1.4"]
      register: result

Returns ``images``: what inspect shows of each that is there; of all when no name is given. Errors: ``no_service``.
"""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS, Client, quoted
from modules.support.docker.images import Reference, find

ARGS = dict(CLIENT_ARGS, name=Arg("list", "Names or ids of images.", elements="str"))
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    client = Client(args, host)
    if args["name"]:
        found = [find(client, Reference(name)) for name in args["name"]]
    else:
        found = [client.get("/images/{}/json".format(quoted(image["Id"])), missing=True)
                 for image in client.get("/images/json")]
    return {"images": [image for image in found if image]}
