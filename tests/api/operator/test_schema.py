"""The description of the API against the API: schemathesis over every operation, and a client made from it.

Both over real HTTP. A few examples for each operation: what is looked for is the answer that was not foreseen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from api.operator.identity import Limits
from orchestrator.control.control import Control
from tests.api.operator.conftest import BY_HAND, Served

EXAMPLES = 4
CHECKS = [checks.not_a_server_error, openapi_checks.status_code_conformance, openapi_checks.content_type_conformance,
          openapi_checks.response_headers_conformance, openapi_checks.response_schema_conformance]
PASSED_OVER = {"GET /api/v1/auth/oidc/start", "GET /api/v1/auth/oidc/callback"}
"""Those would ask whatever provider the settings name by then."""


@pytest.fixture
def store_url() -> None:
    """SQLite alone."""


@pytest.fixture
def limits() -> Limits:
    return Limits(10**6, 10**6)


@pytest.fixture
def token(control: Control) -> str:
    """An admin's, with all scopes."""
    admin = control.identities.of(control.users.add(BY_HAND, "root", "admin").id, "session")
    return control.tokens.make(admin, "schema", ["read", "launch", "approve", "admin"]).token


@pytest.fixture
def description(served: Served, token: str) -> Iterator[dict[str, Any]]:
    with served.client() as client:
        answer = client.get("/api/docs/openapi.json", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        yield answer.json()


def test_every_operation_answers_as_it_is_described(
        served: Served, token: str, description: dict[str, Any]) -> None:
    failures, tried = {}, 0
    for found in schemathesis.openapi.from_dict(description).get_all_operations():
        operation = found.ok()
        if operation.label in PASSED_OVER:
            continue
        tried += 1

        @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(base_url=served.url, checks=CHECKS, timeout=60,
                                   headers={"Authorization": f"Bearer {token}"})

        try:
            ask()
        except BaseExceptionGroup as group:
            failures[operation.label] = "\n".join(str(error) for error in group.exceptions)
        except Exception as error:
            failures[operation.label] = f"{type(error).__name__}: {error}"
    assert tried > 30
    assert not failures, "\n\n".join(f"{name}\n{text[:1_500]}" for name, text in failures.items())


USE = """
import json, sys
from orch_client import AuthenticatedClient
from orch_client.api.runs import list_runs
from orch_client.api.users import add_user, list_users
from orch_client.models import NewUser

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)
runs = list_runs.sync(client=client)
made = add_user.sync(client=client, body=NewUser(name="made-by-client"))
print(json.dumps([runs.to_dict(), made.to_dict()["name"], len(list_users.sync(client=client, limit=1).items)]))
"""


def test_a_generated_client_lists_runs(
        served: Served, token: str, description: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(description))
    (tmp_path / "config.yml").write_text("project_name_override: orch-client\npackage_name_override: orch_client\n"
                                         "post_hooks: []\n")
    made = subprocess.run(
        [str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--path", "openapi.json", "--config",
         "config.yml", "--output-path", "client", "--meta", "none", "--fail-on-warning"],
        cwd=tmp_path, text=True, capture_output=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    (tmp_path / "client").rename(tmp_path / "orch_client")
    used = subprocess.run([sys.executable, "-c", USE, served.url, token], cwd=tmp_path, text=True, capture_output=True,
                          timeout=120)
    assert used.returncode == 0, used.stderr
    runs, name, count = json.loads(used.stdout)
    assert runs == {"items": [], "next": None} and name == "made-by-client" and count == 1
