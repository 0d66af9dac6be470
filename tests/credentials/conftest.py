"""A Control, as the projects' tests have it."""

from tests.projects.conftest import (  # noqa: F401  fixtures are found by name
    clock,
    control,
    migrated_url,
    project,
    roots,
    store_url,
)
