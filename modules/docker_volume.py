"""Keeps a volume of the Docker engine present or absent, with its driver, options and labels.

Example::

    - name: The database has a volume
      community.docker.docker_volume:
        name: db-data
        labels: {app: shop}

Returns ``volume`` (what inspect shows). A volume that differs is kept with its data, unless ``recreate`` says else.
Errors: ``no_service``, ``docker_unreachable``, ``docker_error``.
"""

from modules.api import Arg, Change, Same
from modules.support.docker.client import CLIENT_ARGS, Client, quoted

ARGS = dict(
    CLIENT_ARGS,
    volume_name=Arg("str", "The volume's name.", required=True, aliases=("name",)),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    driver=Arg("str", "Its driver.", default="local"),
    driver_options=Arg("dict", "Options for the driver.", default={}),
    labels=Arg("dict", "Its labels."),
    recreate=Arg("str", "When it is made anew, which loses its data.", default="never",
                 choices=("always", "never", "options-changed")),
)


def check(args, host):
    now = inspect(Client(args, host), args["volume_name"])
    if args["state"] == "absent":
        return Change({"exists": True}, {"exists": False}, data=True) if now else Same()
    if now is None:
        return Change({"exists": False}, {"exists": True}, data=False)
    different = differences(args, now)
    if args["recreate"] == "always" or (different and args["recreate"] == "options-changed"):
        return Change({name: pair[0] for name, pair in different.items()},
                      {name: pair[1] for name, pair in different.items()}, data=True)
    return Same(volume=now)


def apply(args, change, host):
    client, name = Client(args, host), args["volume_name"]
    if change.data:
        client.send("DELETE", "/volumes/{}".format(quoted(name)), allow=(404,))
    if args["state"] == "absent":
        return {}
    client.send("POST", "/volumes/create", body={
        "Name": name, "Driver": args["driver"], "DriverOpts": texts(args["driver_options"]),
        "Labels": texts(args["labels"] or {})})
    return {"volume": inspect(client, name)}


def inspect(client, name):
    return client.get("/volumes/{}".format(quoted(name)), missing=True)


def differences(args, now):
    """argument -> (what is, what is wanted)."""
    found = {}
    if args["driver"] != now["Driver"]:
        found["driver"] = (now["Driver"], args["driver"])
    for name, key in (("driver_options", "Options"), ("labels", "Labels")):
        have = now.get(key) or {}
        if any(have.get(option) != value for option, value in texts(args[name] or {}).items()):
            found[name] = (have, args[name])
    return found


def texts(given):
    return {str(name): "" if value is None else str(value) for name, value in given.items()}
