"""Passwords for registries, as the docker command line keeps them in ``~/.docker/config.json``."""

import base64
import json
import os

from modules.api import Failed

HUB = "https://index.docker.io/v1/"


def registry_of(name):
    """The registry that an image's name leads to, under the name by which its password is kept."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return HUB if first in ("docker.io", "index.docker.io") else first
    return HUB


def default_path(host):
    """Where the command line's settings lie for this user."""
    folder = host.environment.get("DOCKER_CONFIG", os.environ.get("DOCKER_CONFIG"))
    return os.path.join(folder or os.path.join(host.home, ".docker"), "config.json")


def load(path, host):
    """The settings, empty without a file. `Failed` with ``bad_config`` when it is no JSON object."""
    if not host.exists(path):
        return {}
    try:
        config = json.loads(host.read_text(path) or "{}")
    except ValueError:
        config = None
    if not isinstance(config, dict):
        raise Failed("bad_config", "{} is not a JSON object".format(path))
    return config


def helper(config, registry):
    """The program that keeps this registry's password, or None when the file does."""
    name = (config.get("credHelpers") or {}).get(registry) or config.get("credsStore")
    return "docker-credential-" + name if name else None


def credentials(config, registry, host):
    """(user, password) that is kept for a registry, or None. A token's user is ``<token>``."""
    program = helper(config, registry)
    if program:
        done = host.query([program, "get"], input=registry)
        if done.rc != 0:
            return None
        kept = json.loads(done.stdout)
        return kept.get("Username"), kept.get("Secret")
    kept = _entry(config.get("auths") or {}, registry)
    if not kept or not kept.get("auth"):
        return None
    user, _, password = base64.b64decode(kept["auth"]).decode("utf-8").partition(":")
    return user, password.rstrip("\0")


def header(host, image_name):
    """The header by which the engine may pull or push this image; {} when no password is kept."""
    registry = registry_of(image_name)
    config = load(default_path(host), host)
    found = credentials(config, registry, host)
    if not found:
        return {}
    user, password = found
    said = {"serveraddress": registry}
    said.update({"identitytoken": password} if user == "<token>" else {"username": user, "password": password})
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(said).encode()).decode()}


def _entry(auths, registry):
    """The entry of a registry, however its name is written."""
    def bare(name):
        return name.partition("://")[2].split("/")[0] if "://" in name else name.split("/")[0]
    return auths.get(registry) or next((auths[name] for name in sorted(auths) if bare(name) == bare(registry)), None)
