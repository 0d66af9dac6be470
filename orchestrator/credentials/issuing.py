"""From opened credentials to the materials of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from orchestrator.credentials.keys import normal
from orchestrator.credentials.kinds import KINDS
from orchestrator.credentials.materials import KeyMaterial, Materials, VaultMaterial
from orchestrator.refusals import Malformed
from orchestrator.security.ssh_ca import SshAuthority

UNBOUNDED_S = 4 * 3600.0
"""How long a run without a time limit is taken to last: its certificate is good for that and 15 minutes."""


class Issuing:
    """Certificates for one run."""

    def __init__(self, authority: SshAuthority | None, run_id: str, timeout_s: float) -> None:
        self._authority = authority
        self._run_id = run_id
        self._timeout_s = timeout_s or UNBOUNDED_S

    def key(self, name: str, values: Mapping[str, Any]) -> KeyMaterial:
        """A key of the run's own with its certificate."""
        if self._authority is None:
            raise Malformed("there is no SSH certificate authority here", code="ssh_ca",
                            hint="orch ca ssh-public makes it")
        self._authority.create()
        made = self._authority.issue(values["principals"], f"orch run {self._run_id}",
                                     timedelta(seconds=self._timeout_s),
                                     source_addresses=values.get("source_addresses") or ())
        return KeyMaterial(name, made.private_key, certificate=made.certificate)


def collected(opened: Sequence[tuple[str, str, Mapping[str, Any]]], issuing: Issuing) -> Materials:
    """Materials of ``(kind, name, values)`` in order; of several users the first named one logs in."""
    made = Materials()
    for kind, name, values in opened:
        made.username = made.username or (values.get("username") if kind in LOGINS else None)
        if kind == "ssh_key":
            made.keys.append(KeyMaterial(name, normal(values["private_key"]), values.get("passphrase"),
                                         values.get("certificate")))
        elif kind == "ssh_certificate":
            made.keys.append(issuing.key(name, values))
        elif kind == "password":
            made.login_password = values["password"]
        elif kind == "become":
            made.become_password = values["password"]
        elif kind == "vault":
            made.vaults.append(VaultMaterial(values.get("vault_id") or "default", values["password"]))
        else:
            made.others[name] = dict(values)
            made.other_secrets[name] = [field for field in KINDS[kind].secrets if field in values]
    return made


LOGINS = frozenset({"ssh_key", "ssh_certificate", "password"})
"""Kinds whose ``username`` is the user on the hosts."""
