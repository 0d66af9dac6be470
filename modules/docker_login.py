"""Keeps this user logged in to a registry, or out of it.

Example::

    - name: The registry knows us
      community.docker.docker_login:
        registry_url: registry.example.org
        username: deploy
        password: "{{ registry_password }}"
      no_log: true

The password is kept where the docker command line keeps it: with its credential helper, or in ``config.json`` (mode
0600). Returns ``login_result``, ``login_results``. Errors: ``login_failed``, ``bad_config``, ``helper_failed``,
``no_service``.
"""

import base64
import json
import os

from modules.api import Arg, Failed, required_if
from modules.support.docker import auth as docker_auth
from modules.support.docker.client import CLIENT_ARGS, Client

ARGS = dict(
    CLIENT_ARGS,
    registry_url=Arg("str", "The registry.", default=docker_auth.HUB, aliases=("registry", "url")),
    username=Arg("str", "The user's name there."),
    password=Arg("str", "The user's password or token there.", no_log=True),
    reauthorize=Arg("bool", "Log in again although a password is kept.", default=False, aliases=("reauth",)),
    config_path=Arg("path", "The command line's settings; else ~/.docker/config.json.", aliases=("dockercfg_path",)),
    state=Arg("str", "Whether we are logged in.", default="present", choices=("present", "absent")),
)
RULES = (required_if("state", "present", "username", "password"),)
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    path = args["config_path"] or docker_auth.default_path(host)
    config = docker_auth.load(path, host)
    registry = args["registry_url"]
    kept = docker_auth.credentials(config, registry, host)
    if args["state"] == "absent":
        return forget(registry, path, config, kept, host)
    wanted = (args["username"], args["password"])
    result = {}
    if kept != wanted or args["reauthorize"]:
        if not host.check_mode:
            result = log_in(args, host)
            keep(registry, path, config, wanted, host)
        return {"changed": kept != wanted or args["reauthorize"], "login_result": result, "login_results": result}
    return {"changed": False, "login_result": result, "login_results": result}


def log_in(args, host):
    """What the registry says, by way of the engine."""
    try:
        return Client(args, host).send("POST", "/auth", body={
            "username": args["username"], "password": args["password"], "serveraddress": args["registry_url"]}) or {}
    except Failed as fault:
        if fault.code != "docker_error":
            raise
        raise Failed("login_failed", "Logging into {} for user {} failed - {}".format(
            args["registry_url"], args["username"], fault.message))


def keep(registry, path, config, wanted, host):
    """Stores user and password."""
    program = docker_auth.helper(config, registry)
    if program:
        helped(program, "store", json.dumps({"ServerURL": registry, "Username": wanted[0], "Secret": wanted[1]}), host)
        return
    auth = base64.b64encode("{}:{}".format(*wanted).encode()).decode()
    config.setdefault("auths", {})[registry] = {"auth": auth}
    save(path, config, host)


def forget(registry, path, config, kept, host):
    """Removes them; a dict of return values."""
    there = kept is not None or registry in (config.get("auths") or {})
    if there and not host.check_mode:
        program = docker_auth.helper(config, registry)
        if program:
            helped(program, "erase", registry, host)
        else:
            config.get("auths", {}).pop(registry, None)
            save(path, config, host)
    return {"changed": there, "login_result": {}, "login_results": {}}


def save(path, config, host):
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    host.write(path, json.dumps(config, indent=4, sort_keys=True), mode=0o600)


def helped(program, verb, text, host):
    done = host.run([program, verb], input=text)
    if done.rc != 0:
        raise Failed("helper_failed", "{} {} failed: {}".format(program, verb, done.stdout.strip()), rc=done.rc)
