"""``vars_prompt``: what a play asks the operator before it begins."""

from __future__ import annotations

import getpass
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.engine.asking import answer
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.engine.context import RunContext
    from orchestrator.model import Play, Prompt


async def ask(run: RunContext, play: Play) -> None:
    """Ask for every prompt whose variable is not given with ``-e``. Without a terminal the defaults are taken."""
    scope = run.variables.scope(None, play)
    answers: dict[str, Any] = {}
    for prompt in play.vars_prompt:
        if prompt.name in run.options.extra_vars:
            continue
        text = str(run.engine.render(prompt.prompt, scope, prompt.origin) or prompt.name)
        default = run.engine.render(prompt.default, scope, prompt.origin)
        if not (run.interactive and sys.stdin.isatty()):
            run.notice(f"Not prompting for '{prompt.name}' as stdin is not interactive", origin=prompt.origin)
            answers[prompt.name] = default
        else:
            answers[prompt.name] = await answer(run.stop, partial(_answer, prompt, text, default))
    if answers:
        run.variables.set_prompts({name: _encrypted(run, play, name, value) for name, value in answers.items()})


def _answer(prompt: Prompt, text: str, default: Any) -> Any:
    shown = f"{text} [{default}]: " if default is not None and not prompt.private else f"{text}: "
    read = getpass.getpass if prompt.private else input
    while True:
        answer = read(shown) or default
        if not prompt.confirm or read(f"confirm {text}: ") == answer:
            return answer
        print("***** VALUES ENTERED DO NOT MATCH ****")


def _encrypted(run: RunContext, play: Play, name: str, value: Any) -> Any:
    prompt = next(p for p in play.vars_prompt if p.name == name)
    if not prompt.encrypt or value is None:
        return value
    from orchestrator.template.types import Template

    scope = run.variables.scope(None, play, locals={"_value": str(value), "_scheme": prompt.encrypt})
    try:
        return run.engine.render(Template("{{ _value | password_hash(_scheme) }}", prompt.origin), scope)
    except Exception as error:
        raise UsageError(f"cannot encrypt {name!r}: {error}", origin=prompt.origin) from error
