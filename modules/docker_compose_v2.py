"""Keeps a Compose project present, stopped, restarted or absent, by the ``docker compose`` plugin.

Example::

    - name: The shop runs
      community.docker.docker_compose_v2:
        project_src: /srv/shop
        pull: missing
        remove_orphans: true

Returns ``actions`` (what was done to which part), ``containers``, ``images``, ``stdout``, ``stderr``, ``rc``. Check
mode asks the plugin's own dry run. Errors: ``no_compose``, ``no_project``, ``compose_failed``, ``bad_arguments``.
"""

import json
import os
import re

from modules.api import Arg, Failed, exclusive, one_of
from modules.support.docker import cli

ARGS = dict(
    cli.CLI_ARGS,
    project_src=Arg("path", "The folder on the host with the project's files."),
    project_name=Arg("str", "The project's name; else the folder's."),
    files=Arg("list", "Its files, within project_src.", elements="path"),
    definition=Arg("dict", "The project itself, in place of a folder."),
    env_files=Arg("list", "Files with variables for it.", elements="path"),
    profiles=Arg("list", "Profiles to enable.", elements="str"),
    check_files_existing=Arg("bool", "Fail early when project_src has no file of a known name.", default=True),
    state=Arg("str", "What it should be.", default="present", choices=("absent", "stopped", "restarted", "present")),
    services=Arg("list", "Only these services.", elements="str"),
    scale=Arg("dict", "Service and how many containers."),
    dependencies=Arg("bool", "Start what the services depend on, too.", default=True),
    pull=Arg("str", "When images are pulled.", default="policy",
             choices=("always", "missing", "never", "policy", "if_not_present")),
    build=Arg("str", "When images are built.", default="policy", choices=("always", "never", "policy")),
    recreate=Arg("str", "When containers are made anew.", default="auto", choices=("always", "never", "auto")),
    renew_anon_volumes=Arg("bool", "Make anonymous volumes anew.", default=False),
    remove_orphans=Arg("bool", "Remove containers of services that the project no longer has.", default=False),
    remove_images=Arg("str", "Which images go with state=absent.", choices=("all", "local")),
    remove_volumes=Arg("bool", "Named volumes go with state=absent.", default=False),
    timeout=Arg("int", "Seconds that a container has to stop."),
    wait=Arg("bool", "Wait until services run, and are healthy.", default=False),
    wait_timeout=Arg("int", "Seconds to wait at most."),
    assume_yes=Arg("bool", "Answer yes, such as when volumes are made anew.", default=False),
    ignore_build_events=Arg("bool", "A build alone is no change.", default=True),
)
RULES = (one_of("project_src", "definition"), exclusive("project_src", "definition"))
CHECK_MODE = "own"
RETRY_SAFE = True
FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
KINDS = "Container|Network|Volume|Image|Service"
DONE = ("Created", "Recreated", "Started", "Restarted", "Stopped", "Removed", "Killed", "Pulled", "Built", "Exited")
EVENT = re.compile(r"\s*(?:DRY-RUN MODE -\s+)?(?:({})\s+)?(\S+)\s+({})\s*(?:[0-9.]+m?s)?\s*$".format(
    KINDS, "|".join(DONE)))


def run(args, host):
    ask = project(args, host)
    if not cli.has_plugin(args, host, "compose"):
        raise Failed("no_compose", "There is no docker compose plugin here",
                     "Install docker-compose-plugin (Docker's packages) or docker-compose-v2 (Ubuntu's)")
    before = containers(args, ask, host, all_of_them=True)
    steps = {"present": up, "restarted": restart, "stopped": stop, "absent": down}[args["state"]](args, before)
    actions, said = [], None
    for words in steps:
        said = compose(args, ask, host, words)
        actions += events(said.stderr + "\n" + said.stdout)
    changes = [entry for entry in actions if not (entry["status"] == "Built" and args["ignore_build_events"])]
    after = before if host.check_mode else containers(args, ask, host, all_of_them=True)
    values = {"changed": bool(changes) or ids(before) != ids(after), "actions": actions,
              "containers": after, "images": [] if host.check_mode else images(args, ask, host)}
    if said is not None:
        values.update(rc=said.rc, stdout=said.stdout, stderr=said.stderr, cmd=said.argv)
    return values


def project(args, host):
    """What leads to the project: words for the command, its folder and its standard input."""
    words, text = ["--ansi", "never"], None
    if args["definition"] is not None:
        if not args["project_name"]:
            raise Failed("bad_arguments", "project_name is required with definition")
        text = json.dumps(args["definition"])
        words += ["--file", "-"]
    else:
        find_files(args, host)
        words += ["--project-directory", args["project_src"]]
        words += [word for file in args["files"] or [] for word in ("--file", file)]
    if args["project_name"]:
        words += ["--project-name", args["project_name"]]
    words += [word for file in args["env_files"] or [] for word in ("--env-file", file)]
    words += [word for profile in args["profiles"] or [] for word in ("--profile", profile)]
    return words, args["project_src"], text


def find_files(args, host):
    folder = args["project_src"]
    if not os.path.isdir(folder):
        raise Failed("no_project", '"{}" is not a directory'.format(folder))
    wanted = args["files"] or []
    if wanted:
        missing = [file for file in wanted if not host.exists(os.path.join(folder, file))]
        if missing:
            raise Failed("no_project", 'Cannot find Compose file "{}" relative to project directory "{}"'.format(
                missing[0], folder))
    elif args["check_files_existing"] and not any(host.exists(os.path.join(folder, name)) for name in FILES):
        raise Failed("no_project", '"{}" does not contain {}'.format(folder, ", ".join(FILES)))


def compose(args, ask, host, words, reads=False):
    """The finished command; `Failed` with ``compose_failed``."""
    options, folder, text = ask
    dry = ["--dry-run"] if host.check_mode and not reads else []
    argv = cli.argv(args, "compose", *(options + dry + words))
    done = host.run(argv, input=text, cwd=folder, env=dict(cli.environment(args), COMPOSE_PROGRESS="plain"))
    if done.rc != 0:
        raise Failed("compose_failed", "docker compose {}: {}".format(words[0], done.stderr.strip()[-4000:]),
                     rc=done.rc, stdout=done.stdout, stderr=done.stderr, cmd=done.argv)
    return done


def up(args, before):
    words = ["up", "--detach", "--no-color", "--quiet-pull"]
    words += {"policy": [], "if_not_present": ["--pull", "missing"]}.get(args["pull"], ["--pull", args["pull"]])
    words += {"always": ["--build"], "never": ["--no-build"], "policy": []}[args["build"]]
    words += {"always": ["--force-recreate"], "never": ["--no-recreate"], "auto": []}[args["recreate"]]
    for name, flag in (("remove_orphans", "--remove-orphans"), ("renew_anon_volumes", "--renew-anon-volumes"),
                       ("wait", "--wait"), ("assume_yes", "-y")):
        words += [flag] if args[name] else []
    words += [] if args["dependencies"] else ["--no-deps"]
    if args["wait_timeout"] is not None:
        words += ["--wait-timeout", str(args["wait_timeout"])]
    words += timeout(args)
    for service, number in sorted((args["scale"] or {}).items()):
        words += ["--scale", "{}={}".format(service, int(number))]
    return [words + services(args)]


def stop(args, before):
    running = any(entry.get("State") == "running" for entry in before)
    made = ["up", "--no-start"] + (["--remove-orphans"] if args["remove_orphans"] else []) + services(args)
    return [made] + ([["stop"] + timeout(args) + services(args)] if running else [])


def restart(args, before):
    return [["restart"] + timeout(args) + ([] if args["dependencies"] else ["--no-deps"]) + services(args)]


def down(args, before):
    words = ["down"] + (["--remove-orphans"] if args["remove_orphans"] else [])
    words += ["--rmi", args["remove_images"]] if args["remove_images"] else []
    return [words + (["--volumes"] if args["remove_volumes"] else []) + timeout(args) + services(args)]


def timeout(args):
    return [] if args["timeout"] is None else ["--timeout", str(args["timeout"])]


def services(args):
    return ["--"] + args["services"] if args["services"] else []


def containers(args, ask, host, all_of_them):
    done = compose(args, ask, host, ["ps", "--format", "json"] + (["--all"] if all_of_them else []), reads=True)
    return entries(done.stdout)


def images(args, ask, host):
    return entries(compose(args, ask, host, ["images", "--format", "json"], reads=True).stdout)


def entries(text):
    """A JSON list, or one JSON object a line, as versions of the plugin differ."""
    text = text.strip()
    if text.startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines() if line.strip().startswith("{")]


def ids(found):
    return sorted((entry.get("ID") or "", entry.get("State") or "") for entry in found)


def events(text):
    """What the plugin says that it did: [{what, id, status}]."""
    found = []
    for line in text.splitlines():
        match = EVENT.match(line)
        if match:
            entry = {"what": (match.group(1) or "service").lower(), "id": match.group(2), "status": match.group(3)}
            if entry not in found:
                found.append(entry)
    return found
