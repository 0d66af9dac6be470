"""Which addresses of repositories are taken: a table."""

from __future__ import annotations

import pytest

from orchestrator.projects.urls import checked_ref, parse_url
from orchestrator.refusals import Malformed


@pytest.mark.parametrize("given, text", [
    ("https://git.example.com/a/b.git", "https://git.example.com/a/b.git"),
    ("https://git.example.com:8443/a", "https://git.example.com:8443/a"),
    ("https://bob@git.example.com/a", "https://bob@git.example.com/a"),
    ("ssh://git@h.example.com:2222/srv/a.git", "ssh://git@h.example.com:2222/srv/a.git"),
    ("git@github.com:team/web.git", "ssh://git@github.com/team/web.git"),
    ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
    ("file:///srv/git/a", "file:///srv/git/a"),
])
def test_these_are_taken(given: str, text: str) -> None:
    assert parse_url(given).text == text


@pytest.mark.parametrize("given", [
    "", "-u", "--upload-pack=id", "ext::sh -c id", "http://h/a", "git://h/a", "ftp://h/a", "fd::3", "/srv/git/a",
    "https://bob:geheim@h/a", "https:///a", "https://h/", "https://-h/a", "https://h/a?x=1", "https://h/a#b",
    "https://h/a b", "https://h/a\n", "https://h/../a", "ssh://-oProxyCommand=id/a", "ssh://git@-oProxyCommand=id/a",
    "-oProxyCommand=id@h:a", "git@-oProxyCommand=id:a", "git@h:-a", "git@h:../a", "file://host/a", "file:///a/../b",
    "https://h:99999/a", "https://h/" + "a" * 600, "https://ä.example.com/a", "ssh://h/a;id", "ssh://h/$(id)", "ssh://h/a'b",
])
def test_these_are_not(given: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_url(given)
    assert refused.value.fields[0][0] == "url" and "geheim" not in str(refused.value)


@pytest.mark.parametrize("ref, good", [
    ("", True), ("main", True), ("release/1.2", True), ("v1.0", True), ("0" * 40, True), ("-x", False),
    ("--upload-pack=id", False), ("a..b", False), ("a b", False), ("a:b", False), ("+a", False), ("a^{tree}", False),
    ("x.lock", False), ("refs/heads/", False), ("a//b", False), ("@{u}", False), ("a*", False)])
def test_refs(ref: str, good: bool) -> None:
    if good:
        assert checked_ref(ref) == ref
    else:
        with pytest.raises(Malformed):
            checked_ref(ref)
