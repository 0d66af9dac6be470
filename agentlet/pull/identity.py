"""Who this agentlet is: what enrolling gave, kept on disk."""

from agentlet.pull.faults import AgentletError

CLIENT = "client.pem"
"""This agentlet's key and its certificate, in one file, so that both are replaced at once."""
CA = "ca.pem"
IDENTITY = "identity.json"
SECRETS = "secrets.json"


class Identity(object):
    """``mode``: tls or token. ``trust``: bundle, pin or system. Its threads share one; `load` renews it in place."""

    def __init__(self, state):
        """`AgentletError` when this host was not enrolled."""
        self._state = state
        self.load()

    def load(self):
        """Reads what there is now."""
        values, secrets = self._state.read_json(IDENTITY), self._state.read_json(SECRETS)
        try:
            self.agent, self.host, self.url = values["agent"], values["host"], values["url"]
            self.mode, self.trust, self.pin = values["mode"], values["trust"], values.get("pin")
            self.token = secrets.get("token")
            self.helper = values.get("helper")
            """``socket`` and ``directory`` of the root helper; None where the agentlet does everything itself."""
            self.job_keys = self._helpers_keys() if self.helper else list(secrets["job_keys"])
            """The newest first; jobs that were signed before a renewal carry the one before. With a helper, the `Door`
            to who has them."""
        except KeyError:
            raise AgentletError("This host is not enrolled, or %s is damaged" % self._state.directory,
                                "On the controller: orch agents invite HOST; it shows the line to paste here")

    def _helpers_keys(self):
        from agentlet.pull.door import Door
        return Door(self.helper["socket"])

    def signer(self):
        """Whoever signs requests: itself, or None where the certificate says who calls."""
        return self if self.mode == "token" else None

    def rename(self, host):
        """The server knows this host by another name now."""
        self._state.write_json(IDENTITY, dict(self._state.read_json(IDENTITY), host=host))
        self.load()
