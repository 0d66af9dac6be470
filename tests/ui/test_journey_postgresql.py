"""The same journey with PostgreSQL behind the server; how views look is `test_journey`'s alone."""

from __future__ import annotations

import pytest

from tests.lab import postgresql
from tests.ui import test_journey as journey


@pytest.fixture(scope="module")
def store_url(postgres_cluster: postgresql.Cluster) -> str:
    return postgres_cluster.create_database("journey")


site = journey.site
# Collected here once more, in this order.
test_added = journey.test_project_inventory_hosts_and_key_are_added
test_typed_wrong = journey.test_what_is_typed_wrong_is_said_beside_its_field_and_stays
test_watched = journey.test_a_launch_is_watched_live
test_cell = journey.test_a_cell_shows_output_in_colour_and_renders_nothing_of_it
test_plan = journey.test_a_plan_is_looked_at_approved_and_applied
test_drift = journey.test_a_schedule_looks_for_drift_and_finds_it
test_asked_first = journey.test_what_cannot_be_taken_back_is_asked_about_first
test_viewer = journey.test_a_viewer_sees_and_changes_nothing
test_nothing_wrong = journey.test_nothing_went_wrong_on_the_way
