"""What every place of trial does with a module: predict, change, change only once, fail as announced."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

Result = dict[str, Any]


class Trial(ABC):
    """A place where modules run for a test: a lab host, a network of its own, a server, a corner of an engine."""

    same_diff = False
    """Whether what check mode predicts and what is done have the same diff in this place."""

    @abstractmethod
    def run(self, module: str, args: dict[str, Any], *, check: bool = False, **more: Any) -> Result:
        """One run; the result as `agentlet.execute` gives it. ``more``: what this place offers besides."""

    @abstractmethod
    def seen(self, look: str) -> object:
        """The state that check mode must leave alone. ``look`` says what to look at, where the place does not know."""

    def converge(self, module: str, args: dict[str, Any], look: str = "", *, changes: bool = True,
                 **more: Any) -> Result:
        """Check mode predicts and changes nothing that is seen; then it changes, and only once.

        Without ``changes`` there is nothing to do from the beginning.
        """
        if not changes:
            return self.unchanged(module, args, **more)
        before = self.seen(look)
        predicted = self.run(module, args, check=True, **more)
        assert predicted["status"] == "changed", predicted
        assert self.seen(look) == before, "check mode wrote"
        done = self.run(module, args, **more)
        assert done["status"] == "changed", done
        assert not self.same_diff or predicted["diff"] == done["diff"], (predicted, done)
        self.unchanged(module, args, **more)
        return done

    def unchanged(self, module: str, args: dict[str, Any], **more: Any) -> Result:
        """There is nothing to do, in check mode and for real."""
        for check in (True, False):
            result = self.run(module, args, check=check, **more)
            assert result["status"] == "ok", result
        return result

    def fails(self, module: str, args: dict[str, Any], code: str, says: str = "", **more: Any) -> Result:
        """The run fails with this code and says this."""
        result = self.run(module, args, **more)
        assert result["status"] == "failed", result
        assert result["error"]["code"] == code, result
        assert says in result["error"]["message"], result
        return result
