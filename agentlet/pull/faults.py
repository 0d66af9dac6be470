"""What can go wrong between an agentlet and its gateway, as exceptions that say what to do about it."""

import errno


class AgentletError(Exception):
    """A sentence for the person at the host, and a hint."""

    def __init__(self, message, hint=None):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self):
        return self.message + (" (%s)" % self.hint if self.hint else "")


class Unreachable(AgentletError):
    """The gateway did not answer, or not wholly: try again later."""


class Shut(Unreachable):
    """The gateway agreed on TLS, and hung up before a word of an answer: perhaps on this agentlet's certificate."""


class Untrusted(AgentletError):
    """Whoever answered is not the gateway that was enrolled with."""


class Answered(AgentletError):
    """The gateway answered with an error. ``problem`` is its body, {} when that was none of ours."""

    def __init__(self, status, code, message, hint=None, retry_after_s=None, problem=None):
        super().__init__(message, hint)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.problem = problem or {}


class IdentityRefused(Answered):
    """401 or 403: the gateway does not know, or no longer trusts, this agentlet."""


class EnvelopeRefused(AgentletError):
    """A job that must not run: not signed, altered, of somebody else, too old. ``code`` names which."""

    def __init__(self, code, message, hint=None):
        super().__init__(message, hint)
        self.code = code


def is_full(error):
    """Whether it says that a disk, or what its user may have of it, is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
