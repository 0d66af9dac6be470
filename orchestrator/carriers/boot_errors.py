"""Why a runtime did not boot: from its marker line, or from how the boot command ended and what it said."""

from __future__ import annotations

from orchestrator.carriers.payload import BootLine
from orchestrator.errors import Unreachable

TAIL_CHARACTERS = 600
RESUME_HINT = "what was running may go on there to its deadline; orch run --resume RUN asks what came of it"


def unusable_python(name: str, line: BootLine) -> Unreachable:
    """The boot command ran, and found no Python that can be used."""
    if line.status == "old":
        return Unreachable(
            f"{name}: its Python is too old: {line.version}",
            code="python_too_old",
            hint="orch needs Python 3.6 or later there: install one, or name it with ansible_python_interpreter",
        )
    return Unreachable(
        f"{name}: no Python was found",
        code="no_python",
        hint="install one with the raw module (raw: apt-get install -y python3), or set ansible_python_interpreter",
    )


def boot_failure(name: str, rc: int | None, printed: str, errors: str) -> Unreachable:
    """No marker line came. ``rc``: exit status of the boot command, None when the line was cut."""
    said = tail(errors) or tail(printed)
    detail = f": {said}" if said else ""
    if rc is None:
        return Unreachable(f"{name}: the connection was cut while the runtime booted{detail}", code="lost")
    return Unreachable(
        f"{name}: the runtime did not boot (exit status {rc}){detail}",
        code="protocol",
        hint="a login script that exits, a forced command, or an account without a shell: try ssh to the host by hand",
    )


def runtime_ended(name: str, rc: int | None, errors: str) -> Unreachable:
    """The runtime had booted, and is gone without having been told to go."""
    said = tail(errors)
    how = f"ended with exit status {rc}" if rc is not None else "was lost"
    return Unreachable(
        f"{name}: the runtime {how}" + (f": {said}" if said else ""),
        code="lost",
        hint=RESUME_HINT,
    )


def tail(text: str) -> str:
    """The end of ``text`` on one line."""
    return " ".join(text.split())[-TAIL_CHARACTERS:]
