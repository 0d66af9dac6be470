"""The inventories' routes: a managed inventory from nothing to a page of hosts, and what is refused."""

from __future__ import annotations

from tests.api.operator.conftest import Client

ROOT = "/api/v1/inventories"


def test_an_inventory_is_filled_and_asked(clients: dict[str, Client]) -> None:
    admin, operator, viewer = clients["admin"], clients["operator"], clients["viewer"]
    made = admin.post(ROOT, json={"name": "lab", "vars": {"site": "berlin"}})
    path = made.headers["Location"]
    assert (made.status_code, admin.get(path).headers["ETag"]) == (201, '"1"')
    hosts = [{"name": f"web{n}", "groups": ["web"], "vars": {"port": n, "api_token": "geheim"}} for n in range(3)]
    assert operator.post(f"{path}/hosts", json={"hosts": hosts}).json() == {"added": ["web0", "web1", "web2"]}
    first = viewer.get(f"{path}/hosts?limit=2").json()
    rest = viewer.get(f"{path}/hosts", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["name"] for one in [*first["items"], *rest["items"]]] == ["web0", "web1", "web2"]
    assert first["items"][0]["vars"] == {"port": 0, "api_token": "********"} and rest["next"] is None
    assert viewer.get(f"{path}/match?pattern=web:!web1").json()["hosts"] == ["web0", "web2"]
    assert viewer.get(f"{path}/match?pattern=~[").status_code == 400
    assert viewer.get(f"{path}/match?pattern=@/etc/passwd").status_code == 400

    shown = operator.get(f"{path}/hosts/web1")
    changed = operator.patch(f"{path}/hosts/web1", json={"vars": {"port": 81}, "groups": ["web", "canary"]},
                             headers={"If-Match": shown.headers["ETag"]})
    assert changed.json()["groups"] == ["canary", "web"]
    assert operator.patch(f"{path}/hosts/web1", json={"vars": {}}, headers={"If-Match": '"1"'}).status_code == 412
    names = {one["name"]: one for one in viewer.get(f"{path}/hosts/web1/variables").json()["variables"]}
    assert names["port"]["value"] == 81 and names["site"]["layers"][0]["layer"].startswith("inventory group vars")

    group = operator.post(f"{path}/groups", json={"name": "all_web", "children": ["web"]})
    assert group.status_code == 201 and viewer.get(group.headers["Location"]).json()["children"] == ["web"]
    assert operator.post(f"{path}/groups", json={"name": "x", "hosts": ["nope"]}).json()["fields"][0]["path"] == "hosts"
    assert operator.post(f"{path}/import", json={"text": "[db]\ndb1\n", "format": "ini"}).json()["hosts"] == 1
    assert operator.post(f"{path}/import", json={}).status_code == 400
    assert operator.post(f"{path}/hosts/remove", json={"names": ["web0", "db1"]}).json() == {"removed": 2}
    assert operator.delete(f"{path}/hosts/web1", headers={"If-Match": "*"}).status_code == 204
    assert [one["host"] for one in viewer.get("/api/v1/hosts").json()["items"]] == ["web2"]
    assert admin.delete(path, headers={"If-Match": "*"}).status_code == 204


def test_what_is_refused_names_its_field(clients: dict[str, Client]) -> None:
    operator = clients["operator"]
    path = clients["admin"].post(ROOT, json={"name": "lab"}).headers["Location"]
    bad = operator.post(f"{path}/hosts", json={"hosts": [{"name": "ok"}, {"name": "-x"}, {
        "name": "y", "vars": {"ansible_connection": "local"}}]})
    assert (bad.status_code, [one["path"] for one in bad.json()["fields"]]) == (
        400, ["hosts[1].name", "hosts[2].vars.ansible_connection"])
    many = operator.post(f"{path}/hosts", json={"hosts": [{"name": f"h{n}"} for n in range(201)]})
    assert many.status_code == 400
    assert operator.post(ROOT, json={"name": "mine"}).status_code == 403
    assert clients["viewer"].post(f"{path}/hosts", json={"hosts": [{"name": "x"}]}).status_code == 403
    assert clients["none"].get(path).status_code == 403
    assert operator.get(f"{ROOT}/0000000000000000").status_code == 404
