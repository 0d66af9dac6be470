"""Whom a task becomes on its host, and how: from keywords and variables, with Ansible's names and precedence. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from orchestrator.carriers.settings_text import Get, Password, tolerant, truth, words
from orchestrator.errors import InventoryFault
from orchestrator.security.secrets import Secret

BECOME_METHODS = frozenset({"sudo", "su", "doas"})


class BecomeSpec(Struct, frozen=True):
    """Privileges a task asks for, resolved. ``password`` is called only when it is to be sent."""

    method: str
    user: str
    password: Password | None = None
    flags: str | None = None
    exe: str | None = None
    prompts: tuple[str, ...] = ()
    """Words by which su asks for the password, besides those that are known."""


def become_of(
    get: Get,
    *,
    become: Any = None,
    user: Any = None,
    method: Any = None,
    flags: Any = None,
    exe: Any = None,
    password: Password | None = None,
    host: str = "",
) -> BecomeSpec | None:
    """Whether and how a task becomes another user; None when it does not.

    The keyword arguments are the playbook's keywords, rendered, over the command line's (-b, --become-user …, -K).
    Variables win over them: ``ansible_become`` and kin, and ``ansible_sudo_*``/``ansible_su_*`` over those.
    """
    get = tolerant(get)
    wanted = _set(get("ansible_become"), become)
    if wanted is None or not truth(wanted, f"{host}: ansible_become" if host else "become"):
        return None
    how = str(_set(get("ansible_become_method"), method) or "sudo").rpartition(".")[2]
    if how not in BECOME_METHODS:
        raise InventoryFault(
            f"{host + ': ' if host else ''}become_method {how!r} is unknown", hint="supported: sudo, su and doas"
        )
    secret = _set(get(f"ansible_{how}_pass"), get("ansible_become_pass"), get("ansible_become_password"))
    return BecomeSpec(
        method=how,
        user=str(_set(get(f"ansible_{how}_user"), get("ansible_become_user"), user) or "root"),
        password=Secret(str(secret)) if secret is not None else password,
        flags=_text(_set(get(f"ansible_{how}_flags"), get("ansible_become_flags"), flags)),
        exe=_text(_set(get(f"ansible_{how}_exe"), get("ansible_become_exe"), exe)),
        prompts=words(get("ansible_su_prompt_l10n")) if how == "su" else (),
    )


def _set(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
