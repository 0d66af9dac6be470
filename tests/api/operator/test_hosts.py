"""The fleet's routes."""

from __future__ import annotations

from orchestrator.control.control import Control
from tests.api.operator.conftest import Client


def test_the_fleet_by_page_filter_and_host(clients: dict[str, Client], control: Control) -> None:
    path = clients["admin"].post("/api/v1/inventories", json={"name": "lab"}).headers["Location"]
    clients["admin"].post(f"{path}/hosts", json={"hosts": [{"name": f"h{n}", "groups": ["odd"] if n % 2 else []}
                                                          for n in range(5)]})
    control.books.database.execute("""UPDATE host_states SET "facts" = ? WHERE "host" = 'h1'""",
                                   (control.books.database.write["json"]({"motd": "<b>\u001b[31m"}),))
    viewer = clients["viewer"]
    first = viewer.get("/api/v1/hosts?limit=3").json()
    assert [one["host"] for one in first["items"]] == ["h0", "h1", "h2"]
    rest = viewer.get("/api/v1/hosts", params={"limit": 3, "cursor": first["next"]}).json()
    assert [one["host"] for one in rest["items"]] == ["h3", "h4"] and rest["next"] is None
    inventory = path.rpartition("/")[2]
    assert [one["host"] for one in viewer.get(f"/api/v1/hosts?inventory_id={inventory}&group=odd").json()["items"]] == [
        "h1", "h3"]
    assert viewer.get("/api/v1/hosts?status=never&drifted=false").json()["items"][0]["reach"] == "unknown"
    assert viewer.get("/api/v1/hosts?status=odd").status_code == 400
    assert viewer.get("/api/v1/hosts?sort=facts").status_code == 400
    assert viewer.get("/api/v1/fleet/counts").json()["hosts"] == 5
    assert viewer.get("/api/v1/hosts/h1").json()["inventories"][0]["name"] == "lab"
    facts = viewer.get("/api/v1/hosts/h1/facts")
    assert facts.headers["content-type"].startswith("application/json") and facts.json() == {"motd": "<b>\u001b[31m"}
    assert viewer.get("/api/v1/hosts/h1/runs").json() == {"items": [], "next": None}
    assert viewer.get("/api/v1/hosts/h1/stats").json() == []
    assert viewer.get("/api/v1/hosts/h1/stats?since=2020-01-01T00:00:00Z").status_code == 400
    assert viewer.get("/api/v1/hosts/nope").status_code == 404
    assert clients["admin"].delete("/api/v1/hosts/h1").json()["code"] == "host_known"
    assert clients["operator"].delete("/api/v1/hosts/h1").status_code == 403
