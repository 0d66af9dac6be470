"""Whether a run did what Ansible did with the same case. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.compat.cases import Case
from tests.compat.recap import Recap, first_error, parse_recap


@dataclass(frozen=True)
class Ended:
    """How a run ended. ``exit`` is None when the time limit ended it."""

    exit: int | None
    output: str
    wall_s: float = 0.0
    cpu_s: float = 0.0


def fault(case: Case, ended: Ended) -> str:
    """What is not as recorded, in one line; empty when the case passes."""
    checks = (_exit_fault, _recap_fault, _progress_fault, _print_fault)
    return next((found for check in checks if (found := check(case, ended))), "")


def _exit_fault(case: Case, ended: Ended) -> str:
    if ended.exit is None:
        return f"hung: no end within {case.limit_s:.0f} s"
    as_wanted = ended.exit != 0 if case.exit == "nonzero" else ended.exit == case.exit
    return "" if as_wanted else f"exit {ended.exit}, not {case.exit}: {first_error(ended.output)}"


def _recap_fault(case: Case, ended: Ended) -> str:
    recap = parse_recap(ended.output)
    if recap is None:
        return f"no recap: {first_error(ended.output)}"
    wrong = [f"{host} {name}={recap.get(host, {}).get(name)}, not {number}"
             for host, counters in case.recap.items() for name, number in counters.items()
             if recap.get(host, {}).get(name) != number]
    return f"recap: {'; '.join(wrong[:4])}" if wrong else ""


def _progress_fault(case: Case, ended: Ended) -> str:
    """A role that skips most of its tasks passes its own asserts; it does not pass here."""
    done = _total_ok(parse_recap(ended.output) or {})
    return f"only {done} tasks ok, not {case.least_ok}" if done < case.least_ok else ""


def _print_fault(case: Case, ended: Ended) -> str:
    absent = [phrase for phrase in case.prints if phrase not in ended.output]
    return f"not printed: {absent[0]}" if absent else ""


def _total_ok(recap: Recap) -> int:
    return sum(counters["ok"] for counters in recap.values())
