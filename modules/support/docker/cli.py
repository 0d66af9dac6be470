"""The docker command line, for what its client does by itself: building images, and compose."""

from modules.api import Arg
from modules.support.docker.client import CLIENT_ARGS

CLI_ARGS = dict(
    CLIENT_ARGS,
    docker_cli=Arg("path", "The docker program; else the one in PATH."),
    cli_context=Arg("str", "The docker context to use; not with docker_host."),
)


def argv(args, *words):
    """``docker`` with the options that lead it to the engine, and ``words``."""
    made = [args.get("docker_cli") or "docker"]
    if args.get("cli_context"):
        made += ["--context", args["cli_context"]]
    elif args["docker_host"]:
        made += ["--host", args["docker_host"]]
    for option, name in (("--tlscacert", "ca_path"), ("--tlscert", "client_cert"), ("--tlskey", "client_key")):
        if args[name]:
            made += [option, args[name]]
    if args["validate_certs"]:
        made.append("--tlsverify")
    elif args["tls"]:
        made.append("--tls")
    return made + list(words)


def environment(args):
    """Variables for it: plain messages, and the API's version where one is given."""
    version = args["api_version"]
    return {"LC_ALL": "C", "DOCKER_API_VERSION": version if version and version != "auto" else None}


def has_plugin(args, host, name):
    """Whether ``docker NAME`` is there."""
    if not host.which(args.get("docker_cli") or "docker"):
        return False
    return host.query(argv(args, name, "version"), env=environment(args)).rc == 0
