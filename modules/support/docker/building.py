"""Builds an image with the docker command line: buildx where it is there, else the engine's own builder."""

import os

from modules.api import Arg, Failed
from modules.support.docker import cli
from modules.support.docker.values import size_bytes

BUILD_ARGS = {
    "path": Arg("path", "The folder on the host to build from.", required=True),
    "dockerfile": Arg("str", "The Dockerfile; within path unless absolute."),
    "cache_from": Arg("list", "Images whose layers may be used.", elements="str"),
    "pull": Arg("bool", "Fetch newer versions of the images it is built on.", default=False),
    "network": Arg("str", "The network of the commands that build it."),
    "nocache": Arg("bool", "Use no layers of earlier builds.", default=False),
    "etc_hosts": Arg("dict", "Names and addresses for /etc/hosts while it is built."),
    "args": Arg("dict", "Build arguments; they are handed over in the environment."),
    "target": Arg("str", "The stage to stop at."),
    "shm_size": Arg("str", "Size of /dev/shm while it is built."),
    "labels": Arg("dict", "Labels for the image."),
}
OWN_VARIABLES = ("PATH", "HOME", "DOCKER_", "BUILDX_", "BUILDKIT_", "LD_")
"""Variables that mean something to the docker program itself: such a build argument is a word instead."""


def build(args, options, reference, host):
    """Builds ``reference`` from ``options`` (`BUILD_ARGS` and more); the finished command. `Failed`: build_failed."""
    if not os.path.isdir(options["path"]):
        raise Failed("no_directory", '"{}" is not an existing directory'.format(options["path"]))
    buildx = cli.has_plugin(args, host, "buildx")
    words, variables = command(options, reference, buildx)
    argv = cli.argv(args, *(["buildx", "build", "--progress", "plain"] if buildx else ["build"]))
    done = host.run(argv + words, env=dict(cli.environment(args), **variables))
    if done.rc != 0:
        raise Failed("build_failed", "Building {} failed: {}".format(reference.full, done.stderr.strip()[-4000:]),
                     rc=done.rc, stdout=done.stdout, stderr=done.stderr, command=done.argv)
    return done


def command(options, reference, buildx):
    """(words after ``build``, variables for them)."""
    words, variables = ["--tag", reference.full], {}
    if options["dockerfile"]:
        words += ["--file", os.path.join(options["path"], options["dockerfile"])]
    for name in ("cache_from",):
        words += [word for image in options[name] or [] for word in ("--cache-from", image)]
    for name, flag in (("pull", "--pull"), ("nocache", "--no-cache")):
        words += [flag] if options[name] else []
    for name in ("network", "target"):
        words += ["--" + name, options[name]] if options[name] else []
    for platform in listed(options.get("platform")):
        words += ["--platform", platform]
    if options["shm_size"]:
        words += ["--shm-size", str(size_bytes(options["shm_size"]))]
    for name, address in sorted((options["etc_hosts"] or {}).items()):
        words += ["--add-host", "{}:{}".format(name, address)]
    for name, value in sorted((options["labels"] or {}).items()):
        words += ["--label", "{}={}".format(name, value)]
    _arguments(options["args"] or {}, words, variables)
    _secrets(options.get("secrets") or [], words, variables)
    _outputs(options.get("outputs") or [], words, buildx)
    return words + ["--", options["path"]], variables


def listed(value):
    """A list, also of one."""
    return [] if not value else value if isinstance(value, list) else [value]


def _arguments(given, words, variables):
    for name, value in sorted(given.items()):
        name, value = str(name), str(value)
        if name.startswith(OWN_VARIABLES):
            words += ["--build-arg", "{}={}".format(name, value)]
        else:
            words += ["--build-arg", name]
            variables[name] = value


def _secrets(secrets, words, variables):
    for number, secret in enumerate(secrets):
        if secret["type"] == "file":
            words += ["--secret", "id={},type=file,src={}".format(secret["id"], secret["src"])]
            continue
        name = secret["env"]
        if secret["type"] == "value":
            name = "ORCH_BUILD_SECRET_{}".format(number)
            variables[name] = secret["value"]
        words += ["--secret", "id={},type=env,env={}".format(secret["id"], name)]


def _outputs(outputs, words, buildx):
    if outputs and not buildx:
        raise Failed("bad_arguments", "outputs need the buildx plugin of the docker command line")
    for output in outputs:
        parts = ["type=" + output["type"]]
        parts += ["{}={}".format(key, output[key]) for key in ("dest", "context") if output[key]]
        if output["name"]:
            parts.append('"name={}"'.format(",".join(output["name"])))
        if output["push"] is not None:
            parts.append("push={}".format(str(output["push"]).lower()))
        words += ["--output", ",".join(parts)]
