"""get_url against a real server: dates, digests, names, passwords, and what must not be kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.modules.web import Web, serving

DATA = b"caf\xe9\r\n\0" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as started:
        started.files["/app.tgz"] = DATA
        yield started


def test_a_new_file_comes_and_stays(on_host: Any, web: Web, tmp_path: Path) -> None:
    args = {"url": f"{web.url}/app.tgz", "dest": f"{tmp_path}/f", "mode": "0600"}
    values = on_host.converge("get_url", args)["values"]
    assert (tmp_path / "f").read_bytes() == DATA
    assert (values["status_code"], values["mode"], values["msg"]) == (200, "0600", f"OK ({len(DATA)} bytes)")
    assert values["checksum_src"] == hashlib.sha1(DATA).hexdigest()
    again = on_host.run("get_url", args)["values"]
    assert (again["status_code"], again["msg"]) == (304, "HTTP Error 304: Not Modified")


def test_a_newer_file_replaces_the_old_and_backs_it_up(on_host: Any, web: Web, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    os.utime(tmp_path / "f", (0, 0))
    done = on_host.converge("get_url", {"url": f"{web.url}/app.tgz", "dest": f"{tmp_path}/f", "backup": True})
    assert Path(done["values"]["backup_file"]).read_bytes() == b"old"


def test_force_fetches_but_replaces_only_what_differs(on_host: Any, web: Web, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(DATA)
    done = on_host.run("get_url", {"url": f"{web.url}/app.tgz", "dest": f"{tmp_path}/f", "force": True})
    assert (done["status"], done["values"]["status_code"]) == ("ok", 200)


@pytest.mark.parametrize("listing", [
    f"{SHA256}  app.tgz\n", f"{'0' * 64} *other\n{SHA256} *./app.tgz\n", f"SHA256 (app.tgz) = {SHA256}\n", SHA256,
], ids=["sha256sum", "binary-mark", "bsd", "lone"])
def test_the_digest_may_be_in_a_list(on_host: Any, web: Web, tmp_path: Path, listing: str) -> None:
    web.files["/SUMS"] = listing.encode()
    on_host.converge("get_url", {"url": f"{web.url}/app.tgz", "dest": f"{tmp_path}/f",
                                 "checksum": f"sha256:{web.url}/SUMS"})


def test_a_file_with_the_right_digest_is_not_fetched(on_host: Any, web: Web, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(DATA)
    done = on_host.converge("get_url", {"url": f"{web.url}/app.tgz", "dest": f"{tmp_path}/f",
                                        "checksum": f"sha256:{SHA256}"}, changes=False)
    assert done["values"]["msg"] == "file already exists"
    assert web.seen == []


def test_a_directory_takes_the_name_and_no_path(on_host: Any, web: Web, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    on_host.run("get_url", {"url": f"{web.url}/app.tgz", "dest": f"{tmp_path}/d"})
    on_host.run("get_url", {"url": f"{web.url}/named/x", "dest": f"{tmp_path}/d"})
    assert sorted(os.listdir(tmp_path / "d")) == ["app.tgz", "evil"]
    assert os.listdir(tmp_path) == ["d"]


@pytest.mark.parametrize("force", [True, False])
def test_the_password_opens_and_is_never_shown(on_host: Any, web: Web, tmp_path: Path, force: bool) -> None:
    args = {"url": f"{web.url}/private/app.tgz", "dest": f"{tmp_path}/f", "force_basic_auth": force,
            "url_username": "ann", "url_password": "s3cret"}
    assert "s3cret" not in repr(on_host.converge("get_url", args))
    wrong = on_host.run("get_url", {**args, "url": f"{web.url}/none", "force": True})
    assert "s3cret" not in repr(wrong)


def test_a_password_in_the_url_is_used_and_hidden(on_host: Any, web: Web, tmp_path: Path) -> None:
    url = web.url.replace("//", "//ann:s3cret@") + "/private/app.tgz"
    done = on_host.run("get_url", {"url": url, "dest": f"{tmp_path}/f", "force_basic_auth": True})
    assert done["status"] == "changed" and "s3cret" not in repr(done)


@pytest.mark.parametrize(("route", "follows"), [("moved", True), ("elsewhere", False)])
def test_credentials_stay_with_their_host(on_host: Any, web: Web, tmp_path: Path, route: str, follows: bool) -> None:
    on_host.run("get_url", {"url": f"{web.url}/{route}/app.tgz", "dest": f"{tmp_path}/f",
                            "headers": {"Authorization": "Bearer t0ken", "X-Plain": "1"}})
    headers = web.seen[-1][1]
    assert ("Authorization" in headers, headers["X-Plain"]) == (follows, "1")


def test_a_gzipped_body_is_unpacked(on_host: Any, web: Web, tmp_path: Path) -> None:
    on_host.run("get_url", {"url": f"{web.url}/gzip/app.tgz", "dest": f"{tmp_path}/f"})
    assert (tmp_path / "f").read_bytes() == DATA


def test_tmp_dest_may_be_elsewhere(on_host: Any, web: Web, tmp_path: Path, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    on_host.converge("get_url", {"url": f"{web.url}/app.tgz", "dest": f"{tmp_path}/f", "tmp_dest": str(elsewhere)})
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(("args", "code", "says"), [
    ({"url": "/none"}, "http_error", "HTTP Error 404"),
    ({"url": "/short/x"}, "truncated", "after 7 of 1000 bytes"),
    ({"checksum": "sha256:abc"}, "checksum", "did not match abc"),
    ({"checksum": "bad:abc"}, "bad_arguments", "ALGORITHM:DIGEST"),
    ({"dest": "no/f"}, "no_directory", "does not exist"),
    ({"url": "gopher://x/"}, "request", "unknown url type"),
    ({"url": "http://127.0.0.1:1/x"}, "request", "refused"),
], ids=str)
def test_it_says_what_is_wrong_and_keeps_the_old_file(on_host: Any, web: Web, tmp_path: Path, args: dict[str, Any],
                                                      code: str, says: str) -> None:
    (tmp_path / "f").write_bytes(b"old")
    os.utime(tmp_path / "f", (0, 0))
    url = args.get("url", "/app.tgz")
    asked = {"force": True, **args, "url": url if "://" in url else web.url + url,
             "dest": str(tmp_path / args.get("dest", "f"))}
    on_host.fails("get_url", asked, code=code, says=says)
