"""Loads images from an archive that ``docker save`` wrote.

Example::

    - name: The images from the stick
      community.docker.docker_image_load:
        path: /srv/images.tar

Returns ``image_names``, ``images``, ``stdout``. Changed when the engine did not have them all. Errors: ``no_path``,
``docker_error``, ``no_service``.
"""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS, Client, quoted
from modules.support.docker.moving import load

ARGS = dict(CLIENT_ARGS, path=Arg("path", "The archive on the host.", required=True))
RETRY_SAFE = True


def run(args, host):
    client = Client(args, host)
    before = {image["Id"]: sorted(image.get("RepoTags") or ()) for image in client.get("/images/json")}
    names, said = load(client, args["path"])
    after = {image["Id"]: sorted(image.get("RepoTags") or ()) for image in client.get("/images/json")}
    images = [client.get("/images/{}/json".format(quoted(name)), missing=True) for name in names]
    return {"changed": before != after, "image_names": names, "images": [image for image in images if image],
            "stdout": "\n".join(said)}
