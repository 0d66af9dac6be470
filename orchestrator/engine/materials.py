"""From the materials that a server gives a run to what the engine takes: all of it stays in this process's memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.content.vault import Vault, VaultSecret
from orchestrator.credentials.materials import Materials
from orchestrator.engine.setup import Secrets
from orchestrator.security.secrets import Secret
from orchestrator.template.types import Map, VaultedText

CREDENTIALS = "orch_credentials"
"""How playbooks read credentials that are for no login: ``orch_credentials['backups'].passphrase``."""


def secrets_of(materials: Materials) -> Secrets:
    """Passwords, vault passwords and SSH keys for `setup.prepare`."""
    login, become = materials.login_password, materials.become_password
    return Secrets(
        login=Secret(login) if login else None, become=Secret(become) if become else None,
        vault=Vault(VaultSecret(one.id, one.password.encode()) for one in materials.vaults),
        keys=tuple(materials.keys))


def variables_of(materials: Materials) -> Map:
    """Extra variables that come with the credentials: data, with secrets as what a vault held. Empty without any."""
    if not materials.others:
        return Map()
    return Map({CREDENTIALS: Map({
        name: Map({field: _marked(value, field in materials.other_secrets.get(name, ()))
                   for field, value in values.items()})
        for name, values in materials.others.items()})})


def _marked(value: Any, is_secret: bool) -> Any:
    return VaultedText(value) if is_secret and isinstance(value, str) else value


def with_credentials(extra_vars: Mapping[str, Any], materials: Materials) -> Map:
    """``extra_vars`` of a server's run, as data, with the credentials' own above them."""
    return Map({**extra_vars, **variables_of(materials)})
