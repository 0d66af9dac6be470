"""Images of a real engine: built, tagged, archived, loaded, removed; references; passwords of registries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.support.docker.auth import registry_of
from modules.support.docker.images import Reference
from tests.lab.engine import docker
from tests.modules.docker import Corner, corner


@pytest.fixture
def own() -> Iterator[Corner]:
    with corner() as made:
        yield made


@pytest.fixture
def folder(own: Corner, tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text(f"FROM {own.image}\nARG WORD=none\nRUN echo $WORD > /word\n")
    return tmp_path


REFERENCES = {
    "nginx": ("nginx", "latest", "nginx:latest"),
    "nginx:1.27": ("nginx", "1.27", "nginx:1.27"),
    "host:5000/a/b": ("host:5000/a/b", "latest", "host:5000/a/b:latest"),
    "host:5000/a/b:3": ("host:5000/a/b", "3", "host:5000/a/b:3"),
    "a@sha256:" + "0" * 64: ("a", "sha256:" + "0" * 64, "a@sha256:" + "0" * 64),
    "sha256:" + "1" * 64: ("sha256:" + "1" * 64, "", "sha256:" + "1" * 64),
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.items(), ids=REFERENCES.keys())
def test_a_reference_is_read(text: str, expected: tuple[str, str, str]) -> None:
    found = Reference(text)
    assert (found.name, found.tag, found.full) == expected


@pytest.mark.parametrize(("name", "registry"), [
    ("nginx", "https://index.docker.io/v1/"), ("team/app", "https://index.docker.io/v1/"),
    ("docker.io/library/nginx", "https://index.docker.io/v1/"), ("localhost/app", "localhost"),
    ("registry.example.org:5000/app", "registry.example.org:5000"),
])
def test_an_image_belongs_to_a_registry(name: str, registry: str) -> None:
    assert registry_of(name) == registry


def test_an_image_is_built_once(own: Corner, folder: Path) -> None:
    args = {"name": own.name("i"), "tag": "1", "source": "build",
            "build": {"path": str(folder), "args": {"WORD": "secret word"}, "labels": {"a": "b"}}}
    done = own.converge("docker_image", args)["values"]
    assert done["image"]["Config"]["Labels"]["a"] == "b" and done["actions"] == [f"Built image {own.name('i')}:1"]
    assert docker("run", "--rm", own.name("i") + ":1", "cat", "/word") == "secret word"
    own.converge("docker_image", {"name": own.name("i") + ":1", "state": "absent"})


def test_the_build_module_builds_and_rebuilds_what_changed(own: Corner, folder: Path) -> None:
    args = {"name": own.name("i"), "path": str(folder), "dockerfile": "Dockerfile", "args": {"WORD": "a"}}
    first = own.converge("docker_image_build", args)["values"]
    assert "WORD=a" not in " ".join(first["command"])
    assert own.run("docker_image_build", {**args, "rebuild": "always"})["status"] == "ok"
    again = own.run("docker_image_build", {**args, "rebuild": "always", "args": {"WORD": "b"}})
    assert again["status"] == "changed" and again["values"]["image"]["Id"] != first["image"]["Id"]
    docker("rmi", "--force", first["image"]["Id"])
    own.fails("docker_image_build", {"name": "x", "path": str(folder / "nope")}, "no_directory")
    (folder / "Dockerfile").write_text("FROM scratch\nRUN nonsense\n")
    own.fails("docker_image_build", {"name": own.name("j"), "path": str(folder)}, "build_failed")


def test_names_come_and_go(own: Corner) -> None:
    names = [own.name("a") + ":1", own.name("b")]
    own.converge("docker_image_tag", {"name": own.image, "repository": names})
    found = own.run("docker_image_info", {"name": [*names, "orch-test-nosuch"]})["values"]["images"]
    assert len(found) == 2 and names[0] in found[0]["RepoTags"]
    own.converge("docker_image_remove", {"name": own.name("a"), "tag": "1"})
    own.converge("docker_image_remove", {"name": own.name("b")})
    own.fails("docker_image_tag", {"name": "orch-test-nosuch", "repository": names}, "no_image")


def test_an_archive_is_kept_and_loaded(own: Corner, tmp_path: Path) -> None:
    docker("import", "-", own.name("tiny") + ":1", input=b"\0" * 10240)
    path = str(tmp_path / "i.tar")
    own.converge("docker_image_export", {"names": [own.name("tiny") + ":1"], "path": path})
    own.unchanged("docker_image", {"name": own.name("tiny"), "tag": "1", "source": "local", "archive_path": path})
    docker("rmi", own.name("tiny") + ":1")
    done = own.run("docker_image_load", {"path": path})
    assert done["status"] == "changed" and done["values"]["image_names"] == [own.name("tiny") + ":1"]
    assert own.run("docker_image_load", {"path": path})["status"] == "ok"
    docker("rmi", own.name("tiny") + ":1")
    own.converge("docker_image", {"name": own.name("tiny"), "tag": "1", "source": "load", "load_path": path})


def test_an_image_that_is_there_is_not_pulled(own: Corner) -> None:
    name, _, tag = own.image.partition(":")
    own.unchanged("docker_image_pull", {"name": name, "tag": tag, "pull": "not_present"})
    own.unchanged("docker_image", {"name": name, "tag": tag, "source": "pull"})


def test_a_registry_that_is_not_there_is_named(own: Corner) -> None:
    own.fails("docker_image_pull", {"name": "127.0.0.1:1/nosuch"}, "pull_failed", "127.0.0.1:1/nosuch:latest")
    args = {"registry_url": "127.0.0.1:1", "username": "u", "password": "very secret"}
    assert "very secret" not in str(own.fails("docker_login", args, "login_failed", "127.0.0.1:1 for user u"))


def test_a_kept_login_is_known_and_forgotten(own: Corner, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": {"r.example.org": {"auth": "dTpw"}}, "other": 1}))
    where = {"registry_url": "r.example.org", "config_path": str(path)}
    own.unchanged("docker_login", {**where, "username": "u", "password": "p"})
    own.converge("docker_login", {**where, "state": "absent"})
    assert json.loads(path.read_text()) == {"auths": {}, "other": 1} and path.stat().st_mode & 0o777 == 0o600
    path.write_text("[]")
    own.fails("docker_login", {**where, "username": "u", "password": "p"}, "bad_config")
