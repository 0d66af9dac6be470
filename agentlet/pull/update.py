"""Fetching a new version: signed, whole, never older than what was offered before, never while a job runs."""

import json

from agentlet.digests import sha256
from agentlet.pull import VERSION, signing
from agentlet.pull import slots as versions
from agentlet.pull.faults import AgentletError

KIND = "orch-agentlet-update"
LARGEST_BYTES = 2 << 20


class Updater(object):
    """``on_update(slot)`` is called when the new version lies in its slot and may be started."""

    def __init__(self, agent, on_update):
        self._agent = agent
        self._on_update = on_update

    def update(self, version):
        """Makes ``version`` the next one; nothing while jobs run, and nothing for one that failed its trial today."""
        agent = self._agent
        if version == VERSION:
            return
        slots = versions.of(agent.state)
        if slots.is_refused(version) or not agent.drain():
            return
        try:
            gateway = agent.gateway(listens=False)
            try:
                manifest, slot = install(gateway, agent.identity, slots, agent.settings.update_s)
            finally:
                gateway.close()
        except BaseException:
            agent.undrain()
            raise
        agent.log.tell("version %s is there: it is started on trial" % manifest["version"])
        self._on_update(slot)


def install(gateway, known, slots, limit_s, manifest=None):
    """Fetches the server's version and puts it into its slot, on trial; (manifest, slot).

    ``manifest``: as `ask` gave it a moment ago.
    """
    manifest = manifest or ask(gateway, known, slots)
    data = gateway.update_file(manifest["version"], manifest["size"])
    if len(data) != manifest["size"] or sha256(data).hexdigest() != manifest["sha256"]:
        raise AgentletError("The new version is not what its manifest says")
    slot = slots.put(manifest["version"], data, manifest["created"], limit_s, manifest["proof"])
    return manifest, slot


def ask(gateway, known, slots):
    """The manifest of the version that the server has, believed. ``known``: this agentlet's `Identity`."""
    answer = gateway.update_manifest()
    text, signature = answer.get("manifest"), answer.get("signature")
    return dict(open_manifest(text, signature, known.job_keys, known.agent, slots.created), proof=(text, signature))


def open_manifest(text, signature, keys, agent, newest):
    """The manifest as a dict; `AgentletError` unless it is one, signed for this agentlet, not older than ``newest``."""
    if not signing.is_signed(keys, text, signature):
        raise AgentletError("The manifest of the new version is not signed with this agentlet's key")
    try:
        manifest = json.loads(text)
        if (manifest["kind"], manifest["v"], manifest["agent"]) != (KIND, 1, agent):
            raise ValueError("it is something else, or for another agentlet")
        version, digest = str(manifest["version"]), str(manifest["sha256"])
        size, created = int(manifest["size"]), float(manifest["created"])
    except (ValueError, KeyError, TypeError) as error:
        raise AgentletError("The manifest of the new version cannot be read: %s" % error)
    if created < newest:
        raise AgentletError("The manifest of version %s is older than one that was here already" % version)
    if not 0 < size <= LARGEST_BYTES:
        raise AgentletError("Version %s has %d bytes" % (version, size))
    return {"version": version, "sha256": digest, "size": size, "created": created}
