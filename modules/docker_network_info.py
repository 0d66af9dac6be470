"""Reports one network of the Docker engine.

Example::

    - name: Whether the network is there
      community.docker.docker_network_info:
        name: web
      register: result

Returns ``exists`` and ``network`` (what inspect shows, or null). Errors: ``no_service``, ``docker_error``.
"""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS, Client, quoted

ARGS = dict(CLIENT_ARGS, name=Arg("str", "The network's name or id.", required=True, aliases=("network_name",)))
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    found = Client(args, host).get("/networks/{}".format(quoted(args["name"])), missing=True)
    return {"exists": found is not None, "network": found}
