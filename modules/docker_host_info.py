"""Reports the Docker engine itself, and what it holds.

Example::

    - name: What runs here
      community.docker.docker_host_info:
        containers: true
      register: result

Returns ``can_talk_to_docker``, ``host_info``, and where asked for ``containers``, ``images``, ``networks``,
``volumes``, ``disk_usage``. Errors: ``no_service``, ``docker_unreachable``.
"""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS, Client

PARTS = {"containers": "/containers/json", "images": "/images/json", "networks": "/networks", "volumes": "/volumes"}
SHORT = {
    "containers": ("Id", "Image", "Command", "Created", "Status", "Ports", "Names"),
    "images": ("Id", "RepoTags", "Created", "Size"),
    "networks": ("Id", "Driver", "Name", "Scope"),
    "volumes": ("Driver", "Name"),
}
ARGS = dict(
    CLIENT_ARGS,
    containers=Arg("bool", "List containers.", default=False),
    containers_all=Arg("bool", "List those that do not run, too.", default=False),
    containers_filters=Arg("dict", "Which containers, as the API's filters say it."),
    images=Arg("bool", "List images.", default=False),
    images_filters=Arg("dict", "Which images."),
    networks=Arg("bool", "List networks.", default=False),
    networks_filters=Arg("dict", "Which networks."),
    volumes=Arg("bool", "List volumes.", default=False),
    volumes_filters=Arg("dict", "Which volumes."),
    disk_usage=Arg("bool", "Say what takes which place on disk.", default=False),
    verbose_output=Arg("bool", "Everything that the engine says of each.", default=False),
)
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    client = Client(args, host)
    values = {"can_talk_to_docker": True, "host_info": client.get("/info")}
    for part, path in PARTS.items():
        if args[part]:
            values[part] = listed(client, args, part, path)
    if args["disk_usage"]:
        usage = client.get("/system/df")
        values["disk_usage"] = usage if args["verbose_output"] else {"LayersSize": usage.get("LayersSize")}
    return values


def listed(client, args, part, path):
    """The entries of one kind."""
    query = {"filters": filters(args[part + "_filters"])}
    if part == "containers":
        query["all"] = args["containers_all"]
    found = client.get(path, query)
    entries = (found.get("Volumes") or []) if part == "volumes" else found
    if args["verbose_output"]:
        return entries
    return [{name: entry.get(name) for name in SHORT[part]} for entry in entries]


def filters(given):
    """name -> list of texts, as the API wants them; booleans as true and false."""
    def text(value):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return {name: [text(part) for part in (value if isinstance(value, list) else [value])]
            for name, value in (given or {}).items()} or None
