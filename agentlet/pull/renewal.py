"""Renewing this agentlet's certificate and keys: in time, with a new key, the old ones good until the new are used."""

from agentlet.digests import sha256
from agentlet.pull import enrol, identity, tls
from agentlet.pull.faults import Answered, Shut, Unreachable, Untrusted
from agentlet.pull.gateway import Gateway
from agentlet.pull.http import Address, BundleTrust

FROM, TO = 0.50, 0.75
"""Of a certificate's life: when, in between, differs from host to host."""
OVER = ("certificate_expired", "certificate_unknown")
"""The second: the server's store was restored from before it was given out."""


def due_at(begins, ends, share):
    """When to renew: pure. ``share`` (0 to 1) is this host's own, so that not all of a fleet renew in the same hour."""
    return begins + (ends - begins) * (FROM + (TO - FROM) * share)


def share_of(agent_id):
    """The same for this agentlet at every start."""
    return int(sha256(agent_id.encode()).hexdigest()[:8], 16) / 4294967296.0


class Renewal(object):
    """``agent``: whose identity it is. A token has no end of its own: it is renewed when the server says so."""

    def __init__(self, agent):
        self._agent = agent
        self.is_over = False
        """The server has said that the certificate is over, or does not take it any more."""
        self._validity = None
        self._read_from = None

    def validity(self):
        """(not before, not after) of the certificate, or None without one."""
        if self._agent.identity.mode != "tls":
            return None
        pem = (self._agent.state.read(identity.CLIENT) or b"").decode("ascii", "replace")
        if pem != self._read_from:
            self._read_from, self._validity = pem, tls.validity(tls.first_certificate(pem))
        return self._validity

    def is_due(self):
        """By the server's clock."""
        known = self.validity()
        if known is None or self.is_over:
            return self.is_over
        return self._agent.clock.now() >= due_at(known[0], known[1], share_of(self._agent.identity.agent))

    def renew(self):
        """Asks for what is next and takes it up. Raises what `Gateway` raises; then everything is as it was."""
        agent = self._agent
        csr = enrol.request(agent.state) if agent.identity.mode == "tls" else None
        answer = self._ask(csr)
        if answer.get("ca"):
            agent.state.write(identity.CA, answer["ca"].encode())
        enrol.keep_keys(agent.state, answer, agent.identity.job_keys)
        agent.identity.load()
        self.is_over = False
        agent.log.tell("renewed its keys")
        agent.roused.set()  # whoever waits after a refusal may try at once

    def examine(self):
        """After the gateway has hung up: whether it does so for the certificate, as when its authority was retired.

        It does if it answers whoever shows none, and hangs up again on this one. `is_over` then; True the first time.
        """
        if self.is_over or self._agent.identity.mode != "tls" or not self._answers(False) or self._answers(True):
            return False
        self.is_over = True
        return True

    def _answers(self, shows_certificate):
        agent = self._agent
        gateway = agent.gateway(listens=False) if shows_certificate else self._gateway(None)
        try:
            gateway.config()
        except Answered:
            pass
        except (Unreachable, Untrusted):
            return False
        finally:
            gateway.close()
        return True

    def _ask(self, csr):
        known = self.validity()
        if known is None or known[1] > self._agent.clock.now():
            gateway = self._agent.gateway(listens=False)
            try:
                return gateway.renew(csr)
            except Answered as error:
                if error.code not in OVER:
                    raise
            except Shut:
                if not self.is_over:
                    raise
            finally:
                gateway.close()
        return self._ask_signed(csr)

    def _ask_signed(self, csr):
        """The certificate is over: the token that came with it shows who asks, and the operator decides."""
        gateway = self._gateway(self._agent.identity)
        try:
            return gateway.renew(csr)
        finally:
            gateway.close()

    def _gateway(self, signer):
        """Without the certificate."""
        agent = self._agent
        trust = BundleTrust(agent.clock, agent.state.path(identity.CA))
        return Gateway(Address(agent.identity.url), trust, agent.clock, signer)
