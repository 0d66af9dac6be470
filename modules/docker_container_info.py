"""Reports one container of the Docker engine.

Example::

    - name: Whether the container is there
      community.docker.docker_container_info:
        name: web
      register: result

Returns ``exists`` and ``container`` (what inspect shows, or null). Errors: ``no_service``, ``docker_error``.
"""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS, Client, quoted

ARGS = dict(CLIENT_ARGS, name=Arg("str", "The container's name or id.", required=True))
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    found = Client(args, host).get("/containers/{}/json".format(quoted(args["name"])), missing=True)
    return {"exists": found is not None, "container": found}
