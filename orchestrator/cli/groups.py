"""Command groups that answer a misspelled name with the nearest one there is."""

from __future__ import annotations

import click

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
"""Settings of every command."""


class NearestGroup(click.Group):
    """A group whose error for an unknown command names the nearest, or all of them."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            import difflib

            close = difflib.get_close_matches(args[0], known, n=1, cutoff=0.5)
            hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
            raise click.UsageError(f"There is no command {args[0]!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)
