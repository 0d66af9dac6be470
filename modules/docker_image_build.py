"""Builds an image for the Docker engine from a folder with a Dockerfile, unless it is there.

Example::

    - name: The application's image
      community.docker.docker_image_build:
        name: localhost/app
        tag: "1.4"
        path: /srv/app
        args: {VERSION: "1.4"}
        rebuild: always

Returns ``image`` (what inspect shows), ``stdout``, ``stderr``, ``command``. Built by buildx where the plugin is there,
else by the engine's own builder. Errors: ``no_directory``, ``build_failed``, ``bad_arguments``, ``no_service``.
"""

from modules.api import Arg
from modules.support.docker.building import BUILD_ARGS, build
from modules.support.docker.cli import CLI_ARGS
from modules.support.docker.client import Client
from modules.support.docker.images import Reference, find

SECRET = {
    "id": Arg("raw", "Name of the secret within the build.", required=True),
    "type": Arg("str", "Where it comes from.", required=True, choices=("file", "env", "value")),
    "src": Arg("path", "The file on the host (file)."),
    "env": Arg("raw", "The variable (env)."),
    "value": Arg("str", "The secret itself (value).", no_log=True),
}
OUTPUT = {
    "type": Arg("str", "Its kind.", required=True, choices=("local", "tar", "oci", "docker", "image")),
    "dest": Arg("path", "Where it goes."),
    "context": Arg("str", "The docker context to load it into."),
    "name": Arg("list", "Names of the image.", elements="str"),
    "push": Arg("bool", "Push the image."),
}
ARGS = dict(
    CLI_ARGS,
    name=Arg("str", "The image's name, with or without a tag.", required=True),
    tag=Arg("str", "Its tag when the name has none.", default="latest"),
    platform=Arg("list", "Platforms to build for.", elements="str"),
    rebuild=Arg("str", "Whether to build when the image is there.", default="never", choices=("never", "always")),
    secrets=Arg("list", "Secrets for the build (buildx).", elements="dict", suboptions=SECRET),
    outputs=Arg("list", "Where the result goes (buildx).", elements="dict", suboptions=OUTPUT),
    **BUILD_ARGS
)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    client, reference = Client(args, host), Reference(args["name"], args["tag"])
    now = find(client, reference)
    if now is not None and args["rebuild"] == "never":
        return {"changed": False, "image": now}
    if host.check_mode:
        return {"changed": True, "image": now or {}}
    done = build(args, args, reference, host)
    image = find(client, reference)
    return {"changed": now is None or image is None or now["Id"] != image["Id"], "image": image or {},
            "stdout": done.stdout, "stderr": done.stderr, "command": done.argv}
