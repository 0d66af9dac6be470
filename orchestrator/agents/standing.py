"""Of which authority the certificate is that an agentlet shows: pure. Who retires an authority wants to know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator.agents.rows import Certificate
from orchestrator.security.authorities import Authority

UNKNOWN = "an older authority"


def in_use(certificates: Sequence[Certificate]) -> Certificate | None:
    """The one that is shown: the newest that was ever used; while none was, the newest."""
    return max(certificates, key=lambda one: (one.first_used is not None, one.issued), default=None)


def signer_of(certificate: Certificate, authorities: Sequence[Authority]) -> str:
    """The authority's name. Of a certificate that an older orch handed out: the one that signed at that time."""
    if certificate.authority is not None:
        return certificate.authority
    then = [one.name for one in authorities if one.created <= certificate.issued.timestamp()]
    return then[-1] if then else UNKNOWN


def behind(certificates: Sequence[Certificate], authorities: Sequence[Authority], now: datetime) -> str | None:
    """The authority of the certificate in use, if another one signs now; None too when there is nothing to lose:
    no certificate, or one that is over."""
    shown = in_use(certificates)
    if shown is None or not authorities or shown.not_after <= now:
        return None
    name = signer_of(shown, authorities)
    return None if name == authorities[-1].name else name
