"""Keeps a container of the Docker engine absent, present, stopped, started or healthy, with the options given.

Example::

    - name: The web server runs
      community.docker.docker_container:
        name: web
        image: "nginx:1.27"
        restart_policy: unless-stopped
        published_ports: ["127.0.0.1:8080:80"]
        volumes: ["/srv/www:/usr/share/nginx/html:ro"]
        env: {TZ: UTC}
        networks:
          - name: backend
            aliases: [www]

An option that is not given is not compared. A container that differs is made anew; limits of memory and processor and
its networks are changed as it runs. Returns ``container`` (what inspect shows), and with ``detach: false`` ``status``
and ``container.Output``. Errors: ``bad_arguments``, ``no_image``, ``pull_failed``, ``container_failed``,
``unhealthy``, ``no_service``, ``docker_unreachable``, ``docker_error``.
"""

from modules.api import Failed
from modules.support.docker import container_args as arguments
from modules.support.docker import container_networks as networking
from modules.support.docker import container_options as options
from modules.support.docker.client import Client, quoted
from modules.support.docker.container_life import Life
from modules.support.docker.images import Reference, find, pull
from modules.support.docker.values import env_file, texts

ARGS = arguments.ALL
RULES = arguments.CONTAINER_RULES
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    args = completed(args, host)
    life = Life(Client(args, host), args, host)
    now = life.inspect()
    if args["state"] == "absent":
        if now:
            life.remove(now, "state")
        return result(life, None)
    return result(life, present(life, args, host, now))


def result(life, container):
    """The return values; the diff has what differed."""
    values = {"changed": life.changed, "diff": {"before": life.before, "after": life.after}}
    values.update(life.values)
    if container is not None:
        values["container"] = dict(container, **life.output)
    if life.host.check_mode:
        values["actions"] = life.actions
    return values


def completed(args, host):
    """The arguments with what other arguments say: defaults of old, the file of variables, the way to pull."""
    args = dict(args)
    if args["container_default_behavior"] == "compatibility":
        args.update((name, value) for name, value in arguments.COMPATIBLE.items() if args[name] is None)
    args["pull"] = {"true": "always", "false": "missing", "yes": "always", "no": "missing",
                    "not_present": "missing"}.get(str(args["pull"]).lower(), str(args["pull"]))
    if args["pull"] not in ("never", "missing", "always"):
        raise Failed("bad_arguments", "value of pull must be one of: never, missing, always; got '{}'".format(
            args["pull"]))
    if args["env_file"]:
        from_file = env_file(host.read_text(args["env_file"]))
        args["env"] = dict(from_file, **texts(args["env"] or {}, "env"))
    return args


def present(life, args, host, now):
    """Brings the container there, and into its state; what inspect shows in the end."""
    how = options.comparisons(args)
    found = options.wanted(args)
    resolve_containers(life, found)
    image = fetched(life, args)
    if now is None:
        now = make(life, args, found, image)
    else:
        now = adapted(life, args, found, how, image, now)
    if now is not None:
        connect(life, args, how, now)
    return life.settle(now)


def adapted(life, args, found, how, image, now):
    """The container as it is wanted: kept, updated, or made anew."""
    base = image if args["image_comparison"] == "desired-image" else life.image_of(now)
    different = options.differences(found, now, how, base)
    if how["image"] != "ignore":
        different += other_image(args, image, now)
    for name, have, want in different:
        life.note(name, have, want)
    updates = {name: want for name, _, want in different if is_update(name)}
    if args["recreate"] or len(updates) < len(different):
        if not args["image"]:
            image = life.image_of(now)
        life.remove(now, "recreate")
        return make(life, args, found, image, now)
    if updates:
        life.update(now, options.body(updates)[options.HOST])
    return now


def is_update(name):
    """Whether the engine changes this option while the container lives."""
    return name in ("restart_policy", "restart_retries") or (name in options.TABLE and options.TABLE[name].update)


def other_image(args, image, now):
    """The difference between the image that is wanted and the container's own; none when no image is asked for."""
    if not args["image"]:
        return []
    wanted = Reference(args["image"])
    named = now["Config"].get("Image") or ""
    if image is None:
        return [("image", named, wanted.full)]
    if image["Id"] != now["Image"]:
        return [("image", now["Image"], image["Id"])]
    if args["image_name_mismatch"] == "ignore" or wanted.is_id or named.startswith("sha256:"):
        return []
    return [] if Reference(named).full == wanted.full else [("image", named, wanted.full)]


def fetched(life, args):
    """The image, pulled where that is asked for; None when there is none yet, which only check mode allows."""
    if not args["image"]:
        return None
    reference = Reference(args["image"])
    image = find(life.client, reference)
    needed = args["pull"] == "always" and not reference.is_id or (image is None and args["pull"] == "missing")
    if image is None and not needed:
        raise Failed("no_image", "Cannot find image {}".format(reference.full), "Allow pulling it with pull: missing")
    if not needed:
        return image
    if life.host.check_mode:
        if image is None or args["pull_check_mode_behavior"] == "always":
            life.act("pulled_image", image=reference.full)
        return image
    image, is_new, _ = pull(life.client, reference, args["platform"])
    if is_new:
        life.act("pulled_image", image=reference.full)
    return image


def make(life, args, found, image, old=None):
    """Creates the container; None in check mode."""
    if not args["image"] and old is None:
        raise Failed("bad_arguments", "Cannot create container when image is not specified!")
    body = options.body(found)
    body["Image"] = Reference(args["image"]).full if args["image"] else (image or {}).get("Id") or old["Image"]
    if args["detach"] is False:
        body.update(AttachStdout=True, AttachStderr=True)
    if args["interactive"]:
        body.update(AttachStdin=not args["detach"], StdinOnce=not args["detach"])
    if args["networks"] and args["networks_cli_compatible"]:
        join_first(body, args["networks"])
    return life.create(body, args["platform"])


def join_first(body, networks):
    """The container is born in the first network (or that of network_mode), in place of the default one."""
    mode = body[options.HOST].setdefault("NetworkMode", networks[0]["name"])
    for entry in networks:
        if entry["name"] == mode:
            body["NetworkingConfig"] = {"EndpointsConfig": {mode: networking.endpoint(entry)}}


def connect(life, args, how, now):
    """Puts the container into its networks, and out of others where that is asked for."""
    if args["networks"] is None or how["networks"] == "ignore":
        return
    missing, differing = networking.to_change(args["networks"], now)
    for entry in missing + differing:
        life.connect(now, entry, networking.endpoint(entry), again=entry in differing)
    if how["networks"] == "strict":
        for name in networking.surplus(args["networks"], now):
            life.disconnect(now, name)


def resolve_containers(life, found):
    """The engine keeps ``container:NAME`` as the container's id, so that is what is compared."""
    for name in ("network_mode", "ipc_mode", "pid_mode"):
        kind, colon, other = str(found.get(name) or "").partition(":")
        if kind == "container" and colon:
            there = life.client.get("/containers/{}/json".format(quoted(other)), missing=True)
            if there:
                found[name] = "container:" + there["Id"]
