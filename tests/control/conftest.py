"""Books on both databases, with a clock that stands still."""

from tests.plans.conftest import books

__all__ = ["books"]
