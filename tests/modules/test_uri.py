"""uri against a real server: methods, bodies, redirects, credentials, and what a result may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.modules.echo_web import echoing


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    with echoing() as url:
        yield url


def told(result: dict[str, Any]) -> dict[str, Any]:
    assert result["status"] == "ok", result
    echo: dict[str, Any] = result["values"]["json"]
    return echo


def test_a_page_that_answers_as_expected_is_ok(on_host: Any, web: str) -> None:
    values = on_host.run("uri", {"url": f"{web}/echo", "return_content": True})["values"]
    assert (values["status"], values["redirected"], values["url"]) == (200, False, f"{web}/echo")
    assert values["msg"] == f"OK ({len(values['content'])} bytes)" and values["elapsed"] == 0
    assert values["content_type"] == "application/json; charset=utf-8"
    assert values["json"]["headers"]["User-Agent"] == "ansible-httpget"
    assert "content" not in on_host.run("uri", {"url": f"{web}/echo"})["values"]


@pytest.mark.parametrize(("path", "wanted", "status", "says"), [
    ("/status/404", [200], 404, "Status code was 404 and not [200]: HTTP Error 404: Not Found"),
    ("/status/503", "200,201", 503, "Status code was 503 and not [200, 201]: HTTP Error 503: Service Unavailable"),
    ("/status/200", 404, 200, "Status code was 200 and not [404]: OK (8 bytes)"),
], ids=["404", "503", "too good"])
def test_another_status_fails_with_all_that_came(on_host: Any, web: str, path: str, wanted: Any, status: int,
                                                 says: str) -> None:
    values = on_host.fails("uri", {"url": web + path, "status_code": wanted}, code="status", says=says)["values"]
    assert (values["status"], values["content"], values["msg"]) == (status, "as asked", says)


def test_an_expected_failure_is_ok(on_host: Any, web: str) -> None:
    assert on_host.run("uri", {"url": f"{web}/status/404", "status_code": [404, 200]})["status"] == "ok"


@pytest.mark.parametrize("content", [True, False])
def test_no_answer_is_status_minus_one(on_host: Any, content: bool) -> None:
    done = on_host.fails("uri", {"url": "http://127.0.0.1:9/x", "return_content": content}, code="status",
                         says="Status code was -1 and not [200]: Request failed: <urlopen error")
    assert done["values"]["status"] == -1 and ("content" in done["values"]) == content


BODIES: dict[str, tuple[Any, str, str, str | None]] = {
    "json of data": ({"a": [1, "é"]}, "json", '{"a": [1, "\\u00e9"]}', "application/json"),
    "json of text": ('{"a":1}', "json", '{"a":1}', "application/json"),
    "form of a mapping": ({"a": "b c", "d": ["1", "2"]}, "form-urlencoded", "a=b+c&d=1&d=2",
                          "application/x-www-form-urlencoded"),
    "form of pairs": ([["a", "1"], ["b", "&"]], "form-urlencoded", "a=1&b=%26", "application/x-www-form-urlencoded"),
    "form of text": ("a=1", "form-urlencoded", "a=1", "application/x-www-form-urlencoded"),
    "raw": ("plain", "raw", "plain", "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize(("body", "body_format", "sent", "kind"), BODIES.values(), ids=BODIES.keys())
def test_a_body_is_sent_in_its_format(on_host: Any, web: str, body: Any, body_format: str, sent: str,
                                      kind: str) -> None:
    echo = told(on_host.run("uri", {"url": f"{web}/echo", "method": "post", "body": body, "body_format": body_format}))
    assert (echo["method"], echo["body"], echo["headers"]["Content-Type"]) == ("POST", sent, kind)


def test_ones_own_content_type_wins(on_host: Any, web: str) -> None:
    echo = told(on_host.run("uri", {"url": f"{web}/echo", "method": "PUT", "body": {"a": 1}, "body_format": "json",
                                    "headers": {"content-type": "text/json", "X-Number": 5}}))
    assert (echo["headers"]["Content-Type"], echo["headers"]["X-Number"]) == ("text/json", "5")


def test_a_form_of_parts_holds_fields_and_files(on_host: Any, web: str, tmp_path: Path) -> None:
    (tmp_path / "f.bin").write_bytes(b"\xff\x00")
    body = {"field": "v1", "typed": {"content": "v2", "mime_type": "text/x-y"},
            "host": {"filename": f"{tmp_path}/f.bin"},
            "own": {"filename": "dir/g.txt", "blob": on_host.blob(b"blob\n"), "multipart_encoding": "7or8bit"}}
    echo = told(on_host.run("uri", {"url": f"{web}/echo", "method": "POST", "body": body,
                                    "body_format": "form-multipart"}))
    boundary = echo["headers"]["Content-Type"].partition("boundary=")[2]
    parts = echo["body"].split(f"--{boundary}")
    assert parts[-1] == "--\r\n" and len(parts) == 6
    assert parts[1] == '\r\nContent-Disposition: form-data; name="field"\r\nContent-Type: text/plain\r\n\r\nv1\r\n'
    assert "text/x-y\r\n\r\nv2" in parts[2]
    assert 'filename="f.bin"' in parts[3] and parts[3].endswith("base64\r\n\r\n/wA=\r\n\r\n")
    assert 'filename="g.txt"' in parts[4] and parts[4].endswith("\r\n\r\nblob\n\r\n")


@pytest.mark.parametrize(("args", "says"), [
    ({"body": {"n": 1}, "body_format": "form-multipart"}, "value must be a string, or mapping, cannot be type int"),
    ({"body": ["foo", {"bar": "baz"}], "body_format": "form-urlencoded"},
     "failed to parse body as form_urlencoded: too many values to unpack"),
    ({"method": "GET /x\r\n"}, "is no HTTP method"), ({"url": "gopher://x/"}, "unknown url type"),
    ({"ca_path": "/nonexistent.pem"}, "ca_path cannot be used"),
], ids=["part", "form", "method", "scheme", "ca"])
def test_what_cannot_be_sent_is_refused(on_host: Any, web: str, args: dict[str, Any], says: str) -> None:
    result = on_host.run("uri", {"url": f"{web}/echo", **args})
    assert result["status"] == "failed" and says in result["error"]["message"]


@pytest.mark.parametrize("given", ["host", "blob"])
def test_a_file_is_sent(on_host: Any, web: str, tmp_path: Path, given: str) -> None:
    (tmp_path / "f").write_bytes(b"caf\xe9" * 1000)
    src: Any = f"{tmp_path}/f" if given == "host" else on_host.blob((tmp_path / "f").read_bytes())
    echo = told(on_host.run("uri", {"url": f"{web}/echo", "method": "POST", "src": src, "body_format": "json"}))
    assert echo["body"] == "caf\xe9" * 1000 and echo["headers"]["Content-Type"] == "application/json"


REDIRECTS = [
    ("safe", 302, "GET", "GET"), ("safe", 301, "HEAD", "HEAD"), ("safe", 302, "POST", None),
    ("safe", 308, "GET", "GET"),
    ("none", 302, "GET", None), ("no", 307, "GET", None), ("all", 302, "POST", "GET"), ("all", 303, "PUT", "GET"),
    ("all", 307, "POST", "POST"), ("yes", 308, "POST", "POST"), ("urllib2", 302, "POST", "GET"),
    ("urllib2", 307, "POST", None),
]


@pytest.mark.parametrize(("follow", "status", "method", "then"), REDIRECTS)
def test_redirects_are_followed_by_policy(on_host: Any, web: str, follow: str, status: int, method: str,
                                          then: str | None) -> None:
    args = {"url": f"{web}/to/{status}?url=/echo", "method": method, "follow_redirects": follow}
    if method in ("POST", "PUT"):
        args["body"] = "data"
    values = on_host.run("uri", args)["values"]
    assert values["redirected"] == (then is not None)
    if then is None:
        assert (values["status"], values["location"]) == (status, f"{web}/echo")
    elif then != "HEAD":
        assert (values["json"]["method"], values["json"]["body"]) == (then, "data" if then == "POST" else "")


@pytest.mark.parametrize(("path", "more"), [("private", {}), ("hidden", {"force_basic_auth": True})])
def test_the_password_opens_and_is_never_shown(on_host: Any, web: str, path: str, more: dict[str, Any]) -> None:
    done = on_host.run("uri", {"url": f"{web}/{path}", "user": "ann", "password": "s3cret", **more})
    assert done["status"] == "ok" and "s3cret" not in repr(done)
    in_url = web.replace("//", "//ann:s3cret@")
    wrong = on_host.run("uri", {"url": f"{in_url}/nothing", **more})
    assert wrong["status"] == "failed" and "s3cret" not in repr(wrong) and "ann" not in repr(wrong)


def test_credentials_do_not_follow_to_another_host(on_host: Any, web: str) -> None:
    other = web.replace("127.0.0.1", "localhost")
    echo = told(on_host.run("uri", {"url": f"{web}/to/302?url={other}/echo", "user": "ann", "password": "s3cret",
                                    "force_basic_auth": True, "headers": {"X-Plain": "1"}}))
    assert "Authorization" not in echo["headers"] and echo["headers"]["X-Plain"] == "1"
    here = told(on_host.run("uri", {"url": f"{web}/to/302?url=/echo", "user": "ann", "password": "x",
                                    "force_basic_auth": True}))
    assert "Authorization" in here["headers"]
    kept = told(on_host.run("uri", {"url": f"{web}/to/302?url=/echo", "user": "ann", "password": "x",
                                    "force_basic_auth": True, "unredirected_headers": ["authorization"]}))
    assert "Authorization" not in kept["headers"]


def test_a_server_cannot_set_the_results_own_names(on_host: Any, web: str) -> None:
    query = "ansible-facts=x&Changed=1&failed=1&status=7&url=u&code=c&message=m&hint=h&X-Own=yes&diff=d"
    done = on_host.run("uri", {"url": f"{web}/headers?{query}"})
    assert done["status"] == "ok" and done["diff"] == []
    values = done["values"]
    assert (values["status"], values["x_own"], values["url"]) == (200, "yes", f"{web}/headers?{query}")
    assert not {"ansible_facts", "failed", "diff", "hint", "changed"} & set(values)
    assert on_host.run("uri", {"url": f"{web}/headers?{query}", "status_code": 201})["error"]["code"] == "status"


def test_cookies_are_returned(on_host: Any, web: str) -> None:
    values = on_host.run("uri", {"url": f"{web}/cookies"})["values"]
    assert values["cookies"] == {"Foo": "bar", "Baz": "qux"} and values["set_cookie"] == "Foo=bar, Baz=qux"
    assert sorted(values["cookies_string"].split("; ")) == ["Baz=qux", "Foo=bar"]


@pytest.mark.parametrize(("kind", "body", "found"), [
    ("application/json", '{"a":1}', {"a": 1}), ("application/ld%2Bjson", "[]", []), ("text/plain", "[]", None),
    ("application/json", "{broken", None), ("application/json", "", None),
], ids=["json", "suffix", "text", "broken", "empty"])
def test_json_is_parsed_when_it_is(on_host: Any, web: str, kind: str, body: str, found: Any) -> None:
    values = on_host.run("uri", {"url": f"{web}/raw?type={kind}&body={body}"})["values"]
    assert values.get("json") == found


def test_bytes_of_a_body_are_kept(on_host: Any, web: str) -> None:
    values = on_host.run("uri", {"url": f"{web}/raw?type=text/plain&body=caf%C3%A9", "return_content": True})["values"]
    assert values["content"].encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_a_packed_body_is_unpacked_unless_told_not_to(on_host: Any, web: str) -> None:
    assert told(on_host.run("uri", {"url": f"{web}/gzip"})) == {"packed": True}
    assert "json" not in on_host.run("uri", {"url": f"{web}/gzip", "decompress": False})["values"]


def test_a_body_that_ends_early_is_a_failure(on_host: Any, web: str) -> None:
    on_host.fails("uri", {"url": f"{web}/short"}, code="truncated", says="HTTP Error while fetching")


def test_dest_takes_the_body_once(on_host: Any, web: str, tmp_path: Path) -> None:
    args = {"url": f"{web}/raw?type=text/plain&body=abc", "dest": f"{tmp_path}/f", "mode": "0600"}
    done = on_host.run("uri", args)
    assert (done["status"], (tmp_path / "f").read_bytes()) == ("changed", b"abc")
    assert (done["values"]["path"], done["values"]["mode"]) == (f"{tmp_path}/f", "0600")
    assert on_host.run("uri", args)["status"] == "ok"
    assert on_host.run("uri", {**args, "mode": "0644"})["status"] == "changed"
    folder = on_host.run("uri", {"url": f"{web}/raw?type=a/b", "dest": str(tmp_path)})
    assert folder["values"]["path"] == f"{tmp_path}/raw"
    not_modified = on_host.run("uri", {"url": f"{web}/status/304", "dest": f"{tmp_path}/f"})
    assert (not_modified["status"], not_modified["values"]["status"]) == ("ok", 304)


def test_a_failed_request_leaves_dest_alone(on_host: Any, web: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    on_host.fails("uri", {"url": f"{web}/nothing", "dest": f"{tmp_path}/f"}, code="status")
    on_host.fails("uri", {"url": f"{web}/echo", "dest": f"{tmp_path}/no/f"}, code="no_directory",
                  says="Could not replace")


@pytest.mark.parametrize(("guard", "name"), [("creates", "there"), ("removes", "gone")])
def test_guards_keep_it_from_asking(on_host: Any, tmp_path: Path, guard: str, name: str) -> None:
    (tmp_path / "there").touch()
    assert on_host.run("uri", {"url": "http://127.0.0.1:9/", guard: f"{tmp_path}/{name}"})["status"] == "skipped"


def test_a_socket_file_stands_for_the_host(on_host: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("s") / "sock")
    with echoing(path) as url:
        echo = told(on_host.run("uri", {"url": f"{url}/echo", "unix_socket": path}))
    assert echo["headers"]["Host"] == "anything"


def test_a_proxy_is_used_unless_told_not_to(on_host: Any, web: str) -> None:
    elsewhere = {"environment": {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}}
    assert on_host.run("uri", {"url": f"{web}/echo"}, **elsewhere)["values"]["status"] == -1
    told(on_host.run("uri", {"url": f"{web}/echo", "use_proxy": False}, **elsewhere))
