"""Reports one volume of the Docker engine.

Example::

    - name: Whether the volume is there
      community.docker.docker_volume_info:
        name: web
      register: result

Returns ``exists`` and ``volume`` (what inspect shows, or null). Errors: ``no_service``, ``docker_error``.
"""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS, Client, quoted

ARGS = dict(CLIENT_ARGS, name=Arg("str", "The volume's name.", required=True, aliases=("volume_name",)))
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    found = Client(args, host).get("/volumes/{}".format(quoted(args["name"])), missing=True)
    return {"exists": found is not None, "volume": found}
