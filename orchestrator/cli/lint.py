"""`orch lint`: what content uses that orch does not have, with the nearest that it has."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from orchestrator.cli.groups import HELP

if TYPE_CHECKING:
    from orchestrator.cli.coverage import Coverage, Missing
    from orchestrator.playbook.survey import Survey

EXIT_MISSING = 2
PLACES_SHOWN = 3


@click.command("lint", context_settings=HELP, epilog="""\b
Examples:
  orch lint site.yml                  a playbook, and every role and file of tasks below it
  orch lint .                         all playbooks and roles of this folder
  orch lint roles/nginx --json        one role, for a program

\b
Exit codes:
  0    everything is here
  2    something is missing, or a file has a fault
  5    nothing could be looked at: wrong options, no such file""")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(exists=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(paths: tuple[str, ...], as_json: bool) -> None:
    """Read PATHs (playbooks, roles, folders) and say which modules, filters, tests and lookups are missing in orch.

    Nothing is rendered and no host is asked. Roles are read whole, whatever conditions stand before their files.
    """
    from orchestrator.cli.coverage import coverage_of, survey_paths

    found = survey_paths(paths)
    cover = coverage_of(found)
    click.echo(json.dumps(as_data(found, cover), indent=2) if as_json else report(found, cover))
    sys.exit(EXIT_MISSING if cover.missing or found.faults else 0)


def report(found: Survey, cover: Coverage) -> str:
    """For a person: what is missing, most used first; what was not read; what all of it comes to."""
    lines: list[str] = []
    for one in cover.missing:
        lines.append(f"{one.kind:7} {one.name}  {_times(one.uses)}{_nearest(one)}")
        lines += [f"          {place}" for place in one.places[:PLACES_SHOWN]]
        if len(one.places) > PLACES_SHOWN:
            lines.append(f"          and {len(one.places) - PLACES_SHOWN} more places")
    lines += [f"fault   {fault.message}\n          {fault.origin or ''}".rstrip() for fault in found.faults]
    lines += [f"not followed, since a template names it: {what}\n          {origin}"
              for what, origin in found.not_followed]
    if cover.bridged:
        lines.append(f"run through the bridge, as they are and slower: {', '.join(cover.bridged)}")
    return "\n".join([*lines, *([""] if lines else []), summary(found, cover.missing)])


def summary(found: Survey, missing: list[Missing]) -> str:
    names = {(use.kind, use.name) for use in found.uses}
    if not missing:
        return f"{found.files} files, {len(names)} names in {len(found.uses)} places: orch has all of them"
    lacking = sum(one.uses for one in missing)
    return (f"{found.files} files, {len(names)} names in {len(found.uses)} places: orch lacks {len(missing)} of them, "
            f"used {_times(lacking)}")


def as_data(found: Survey, cover: Coverage) -> dict[str, object]:
    return {
        "files": found.files,
        "uses": len(found.uses),
        "missing": [{"kind": m.kind, "name": m.name, "count": m.uses, "nearest": m.nearest,
                     "places": [str(place) for place in m.places]} for m in cover.missing],
        "bridged": cover.bridged,
        "faults": [{"message": fault.message, "place": str(fault.origin or "")} for fault in found.faults],
        "not_followed": [{"what": what, "place": str(origin)} for what, origin in found.not_followed],
    }


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _nearest(one: Missing) -> str:
    return f"; nearest: {one.nearest}" if one.nearest else ""
