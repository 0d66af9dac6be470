"""Keeps an image of the Docker engine present (pulled, built, loaded) or absent; tags, archives and pushes it.

Example::

    - name: The application's image
      community.docker.docker_image:
        name: localhost/app
        tag: "1.4"
        source: build
        build:
          path: /srv/app
          args: {VERSION: "1.4"}

An image that is there is left as it is unless ``force_source``. Returns ``image`` (what inspect shows), ``actions``,
``stdout`` of a build. Errors: ``no_image``, ``pull_failed``, ``build_failed``, ``push_failed``, ``bad_arguments``,
``no_service``.
"""

from modules.api import Arg, Failed, required_if
from modules.support.docker.building import BUILD_ARGS, build
from modules.support.docker.cli import CLI_ARGS
from modules.support.docker.client import Client, quoted
from modules.support.docker.images import Reference, find, pull
from modules.support.docker.moving import archived, load, push, save

LIMITS = {
    "memory": Arg("str", "Limit of memory."), "memswap": Arg("str", "Limit of memory and swap together."),
    "cpushares": Arg("int", "Relative share of processor time."),
    "cpusetcpus": Arg("str", "Which processors."),
}
BUILD = dict(
    BUILD_ARGS,
    platform=Arg("str", "The platform to build for."),
    rm=Arg("bool", "Remove containers of the build.", default=True),
    http_timeout=Arg("int", "Taken and not used: a build takes what it takes."),
    container_limits=Arg("dict", "Limits for containers of the build.", suboptions=LIMITS),
    use_config_proxy=Arg("bool", "Taken and not used: the command line uses its configured proxy."),
)
ARGS = dict(
    CLI_ARGS,
    name=Arg("str", "The image's name, with or without a tag, or its id.", required=True),
    tag=Arg("str", "Its tag when the name has none.", default="latest"),
    state=Arg("str", "Whether it is there.", default="present", choices=("absent", "present")),
    source=Arg("str", "Where it comes from.", choices=("build", "load", "pull", "local")),
    build=Arg("dict", "How it is built.", suboptions=BUILD),
    pull=Arg("dict", "How it is pulled.", suboptions={"platform": Arg("str", "The platform to fetch it for.")}),
    load_path=Arg("path", "The archive on the host to load it from."),
    archive_path=Arg("path", "An archive on the host to keep it in, too."),
    repository=Arg("str", "A further name for it."),
    push=Arg("bool", "Push it, under repository where that is given.", default=False),
    force_source=Arg("bool", "Pull, build or load it although it is there.", default=False),
    force_tag=Arg("bool", "Tag it although another image has that name.", default=False),
    force_absent=Arg("bool", "Remove it although it is in use or has other names.", default=False),
)
RULES = (required_if("source", "build", "build"), required_if("source", "load", "load_path"))
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    client, reference = Client(args, host), Reference(args["name"], args["tag"])
    now = find(client, reference)
    values = {"changed": False, "actions": [], "image": now or {}}
    if args["state"] == "absent":
        return absent(client, args, reference, now, values)
    if args["source"] is None:
        raise Failed("bad_arguments", "state is present but all of the following are missing: source")
    before = (now or {}).get("Id")
    if args["source"] != "local" and (now is None or args["force_source"]):
        now = obtain(client, args, reference, values)
        values["changed"] = before is None or now is None or now["Id"] != before
    elif now is None:
        raise Failed("no_image", "Cannot find the image {} locally.".format(reference.full))
    values["image"] = now or {}
    values["diff"] = {"before": {"id": before}, "after": {"id": (now or {}).get("Id")}}
    place(client, args, reference, now, values)
    return values


def absent(client, args, reference, now, values):
    if now is None:
        return values
    values.update(changed=True, actions=["Removed image {}".format(reference.full)])
    values["diff"] = {"before": {"id": now["Id"]}, "after": {"id": None}}
    if not client.host.check_mode:
        client.send("DELETE", "/images/{}".format(quoted(reference.full)), {"force": args["force_absent"]},
                    allow=(404,))
        values["image"] = {"state": "Deleted"}
    return values


def obtain(client, args, reference, values):
    """The image from its source; None in check mode."""
    says = {"pull": "Pulled image {}", "build": "Built image {}", "load": "Loaded image {}"}[args["source"]]
    if args["source"] == "load":
        values["actions"].append(says.format("{} from {}".format(reference.full, args["load_path"])))
    else:
        values["actions"].append(says.format(reference.full))
    if client.host.check_mode:
        return None
    if args["source"] == "pull":
        return pull(client, reference, (args["pull"] or {}).get("platform"))[0]
    if args["source"] == "build":
        values["stdout"] = build(args, args["build"], reference, client.host).stdout
    else:
        values["stdout"] = "\n".join(load(client, args["load_path"])[1])
    found = find(client, reference)
    if found is None:
        raise Failed("no_image", "The {} gave no image {}".format(args["source"], reference.full))
    return found


def place(client, args, reference, now, values):
    """The archive, the further name, the registry."""
    acts = not client.host.check_mode
    if args["archive_path"] and (now is None or archived(args["archive_path"]) != {
            (now["Id"], () if reference.is_id else (reference.full,))}):
        values["changed"] = True
        values["actions"].append("Archived image {} to {}".format(reference.full, args["archive_path"]))
        if acts:
            save(client, [reference.full], args["archive_path"], client.host)
    name = reference
    if args["repository"]:
        name = Reference(args["repository"], reference.tag or None)
        there = find(client, name)
        if there is None or now is None or (there["Id"] != now["Id"] and args["force_tag"]):
            values["changed"] = True
            values["actions"].append("Tagged image {} to {}".format(reference.full, name.full))
            if acts:
                client.send("POST", "/images/{}/tag".format(quoted(now["Id"])), {"repo": name.name, "tag": name.tag})
    if args["push"]:
        values["actions"].append("Pushed image {}".format(name.full))
        values["changed"] = push(client, name) or values["changed"] if acts else True
