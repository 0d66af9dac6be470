"""Every route of the gateway is closed by default, and what it says in errors tells nothing of the server's inside."""

from __future__ import annotations

import hashlib
import re

import pytest
from litestar.routes import HTTPRoute

from api.agents.app import gateway_app
from api.agents.gateway import Gateway
from tests.api.gateway import Member, Served
from tests.api.jobs import posted

OPEN = {("GET", "/install/{token:str}"), ("GET", "/install/{token:str}/agentlet.pyz"), ("POST", "/agent/v1/enrol")}
"""All that answers without an identity. Whoever adds to this says why it may."""
SECRET = b"of web1 alone"


def routes() -> list[tuple[str, str]]:
    app = gateway_app(Gateway(None))  # type: ignore[arg-type]  # its routes are looked at, not called
    return sorted((method, route.path) for route in app.routes if isinstance(route, HTTPRoute)
                  for method in route.methods)


def concrete(path: str) -> str:
    return re.sub(r"\{\w+:\w+\}", "x1", path)


def test_the_open_routes_are_there() -> None:
    assert set(routes()) >= OPEN


def test_every_other_route_answers_401_without_an_identity(served: Served) -> None:
    closed = [route for route in routes() if route not in OPEN]
    assert len(closed) > 25  # with OPTIONS, which Litestar adds
    with served.client() as client:
        for method, path in closed:
            reply = client.request(method, concrete(path), {"attempt": 1})
            assert (reply.status, reply.code) == (401, "identity_missing"), (method, path)


def test_a_closed_route_needs_no_body_and_no_parameters_to_say_so(served: Served) -> None:
    with served.client() as client:
        assert client.request("PUT", "jobs/x/uploads/y").status == 401
        assert client.request("POST", "jobs/x/claim", b"{").status == 401


@pytest.mark.parametrize("path", ["/", "/agent", "/agent/v1", "/agent/v2/poll", "/agent/v1/poll/..", "/schema",
                                  "/agent/v1/jobs/..%2f..%2fetc/claim", "/install", "/install/x/../../y"])
def test_unknown_paths_are_404_or_closed(served: Served, path: str) -> None:
    with served.client() as client:
        reply = client.get(path)
        assert reply.status in (401, 404, 405)
        assert reply.headers["content-type"] == "application/problem+json"


def test_another_agents_job_is_404_on_every_route(served: Served, member: Member) -> None:
    posted(served, "job-1", blobs={"f": SECRET})
    stranger = served.enrol("web2")
    with served.client(member) as own:
        assert own.post("jobs/job-1/claim", {"attempt": 1}).status == 200
    bodies = {"claim": {"attempt": 1}, "start": {"attempt": 1},
              "resume": {"attempt": 1, "key": "", "next_key": "k" * 16, "count": 0},
              "events": {"attempt": 1, "first_seq": 1, "heads": ["{}"]},
              "finish": {"attempt": 1, "status": "ok", "count": 0, "digest": ""}}
    job_routes = [path for _, path in routes() if "{job:str}" in path]
    assert {path.rpartition("/")[2] for path in job_routes} == {*bodies, "{stream:str}"}
    with served.client(stranger) as client:
        for verb, body in bodies.items():
            there = client.post(f"jobs/job-1/{verb}", body)
            nowhere = client.post(f"jobs/no-such-job/{verb}", body)
            assert (there.status, there.code) == (404, "job_unknown"), verb
            assert there.json | {"time": 0} == nowhere.json | {"time": 0}, "it must not tell whether a job exists"
        assert client.request("PUT", "jobs/job-1/uploads/s?attempt=1&offset=0", b"x").status == 404
        assert client.get(f"blobs/{hashlib.sha256(SECRET).hexdigest()}").status == 404
        assert client.get("poll?wait=0").json["offers"] == []
    refusals = [entry for entry in served.desk.office.audit.entries(limit=50) if entry.outcome == "refused"]
    assert {entry.action for entry in refusals} >= {"agent.claim", "agent.blob", "agent.upload"}
    assert all(entry.actor == stranger.id and entry.address == "127.0.0.1" for entry in refusals)


def test_no_answer_is_for_a_cache(served: Served) -> None:
    with served.client() as client:
        for path in ("config", "/install/x", "/nowhere"):
            assert client.get(path).headers["cache-control"] == "no-store"


def test_an_invitations_token_is_not_logged(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise RuntimeError("a fault")

    with served.client() as client:
        client.get("/install/another")
        served.service.desk._desk.check_invitation = broken  # type: ignore[union-attr,assignment]
        assert client.get("/install/the-token-itself").status == 500
    assert "a fault" in caplog.text and "/install/{token" in caplog.text and "the-token-itself" not in caplog.text


def test_a_fault_of_the_server_tells_nothing(served: Served, member: Member, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("password=hunter2 in /srv/orch/state")

    with served.client(member) as client:
        client.get("config")
        served.service.desk._desk.config = broken  # type: ignore[union-attr,assignment]
        reply = client.get("config")
    assert (reply.status, reply.code) == (500, "unexpected")
    assert b"hunter2" not in reply.body and b"/srv" not in reply.body and b"Traceback" not in reply.body
    assert "hunter2" in caplog.text, "the log has it"
