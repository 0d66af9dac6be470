"""gem: what it lists, read, and its words; composer: its words and what its output means."""

from __future__ import annotations

from typing import Any

import pytest

from modules import composer, gem
from tests.modules.conftest import OnHost

LISTS = {
    "several versions": ("\n*** LOCAL GEMS ***\n\nrake (13.0.6, 12.3.3)\n", "rake", ["13.0.6", "12.3.3"]),
    "a default gem": ("json (2.6.3, default: 2.6.1)\n", "json", ["2.6.3", "2.6.1"]),
    "a platform": ("nokogiri (1.15.4 x86_64-linux ruby java)\n", "nokogiri", ["1.15.4"]),
    "another gem": ("rake-compiler (1.0)\n", "rake", []), "none": ("", "rake", []),
}


@pytest.mark.parametrize(("output", "name", "versions"), LISTS.values(), ids=LISTS.keys())
def test_gems_list_is_read(output: str, name: str, versions: list[str]) -> None:
    assert gem.parse_list(output, name) == versions


def defaults(module: Any, **given: Any) -> dict[str, Any]:
    return {**{name: arg.default for name, arg in module.ARGS.items()}, **given}


GEM_WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "a name": ({}, "install x --user-install --no-document"),
    "a version for all": ({"version": "1", "user_install": False},
                          "install x --version 1 --no-user-install --no-document"),
    "a file": ({"gem_source": "/x.gem", "include_doc": True}, "install /x.gem --user-install"),
    "flags": ({"build_flags": "--with-xml2 'a b'"}, "install x --user-install --no-document -- --with-xml2 a b"),
    "alone": ({"include_dependencies": False, "pre_release": True},
              "install x --ignore-dependencies --user-install --prerelease --no-document"),
}


@pytest.mark.parametrize(("given", "words"), GEM_WORDS.values(), ids=GEM_WORDS.keys())
def test_a_gem_is_installed_with_these_words(given: dict[str, Any], words: str) -> None:
    assert " ".join(gem.install(defaults(gem, name="x", **given))) == words


def test_what_is_no_gem_is_refused(on_host: OnHost) -> None:
    on_host.fails("gem", {"name": "--all"}, code="bad_package")
    on_host.fails("gem", {"name": "x", "install_dir": "/x"}, code="bad_arguments", says="user_install=false")
    on_host.fails("gem", {"name": "x", "executable": "nosuchgem"}, code="no_gem")


KNOWN = {"no-ansi", "no-interaction", "no-progress", "no-dev", "optimize-autoloader", "dry-run", "working-dir"}
COMPOSER_WORDS: dict[str, tuple[dict[str, Any], set[str], bool, str]] = {
    "install": ({"working_dir": "/a"}, KNOWN, False, "install --no-ansi --no-interaction --no-progress "
                "--working-dir /a --no-dev --optimize-autoloader"),
    "in check mode": ({"working_dir": "/a", "no_dev": False}, {"no-ansi"}, True,
                      "install --no-ansi --working-dir /a --dry-run"),
    "global": ({"global_command": True, "command": "require", "arguments": "a/b:^1 'c d'"}, set(), False,
               "global require a/b:^1 c d"),
    "options that the command has not": ({"working_dir": "/a", "prefer_dist": True, "force": True}, set(), False,
                                         "install --working-dir /a"),
}


@pytest.mark.parametrize(("given", "known", "dry", "words"), COMPOSER_WORDS.values(), ids=COMPOSER_WORDS.keys())
def test_composer_gets_what_its_command_knows(given: dict[str, Any], known: set[str], dry: bool, words: str) -> None:
    assert " ".join(composer.words(defaults(composer, **given), known, dry)) == words


OUTPUTS = {
    "installed": ("Package operations: 1 install, 0 updates, 0 removals\n  - Installing orch/lib1 (1.0.0)\n", True),
    "nothing": ("Nothing to install, update or remove\nGenerating optimized autoload files\n", False),
    "an old version's nothing": ("Nothing to install or update\n", False),
    "only the lock": ("Nothing to modify in lock file\nPackage operations: 1 install, 0 updates, 0 removals\n", True),
    "a command of another kind": ("Generating optimized autoload files\n", True),
}


@pytest.mark.parametrize(("output", "changed"), OUTPUTS.values(), ids=OUTPUTS.keys())
def test_composer_says_what_it_did(output: str, changed: bool) -> None:
    assert composer.changed(output) is changed


def test_composer_needs_a_folder(on_host: OnHost) -> None:
    on_host.fails("composer", {"command": "install"}, code="bad_arguments", says="working_dir")
    on_host.fails("composer", {"command": "require x", "working_dir": "/"}, code="bad_arguments", says="'arguments'")
    on_host.fails("composer", {"working_dir": "/", "composer_executable": "nosuch"}, code="no_composer")
