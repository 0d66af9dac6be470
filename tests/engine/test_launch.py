"""What a run's row keeps of its extra vars, and what a resume makes of them."""

from __future__ import annotations

import pytest

from orchestrator.engine.launch import WITHHELD, ResumePoint, prepare_resumed, storable_vars
from orchestrator.engine.options import RunOptions
from orchestrator.engine.setup import Secrets
from orchestrator.errors import Origin, UsageError
from orchestrator.template.types import Sealed, Template


@pytest.mark.parametrize("name", [
    "ansible_become_password", "ansible_ssh_pass", "db_passwd", "root_passphrase", "api_key", "apikey", "aws_secret",
    "github_token", "tls_private_key", "vault_key", "service_credentials", "PASSWORD",
])
def test_what_is_named_like_a_secret_is_withheld(name):
    assert storable_vars({name: "canary"}) == {name: WITHHELD}


@pytest.mark.parametrize("name", ["version", "compass", "passenger_version", "keyboard", "bypass_checks_for"])
def test_other_names_are_kept(name):
    assert storable_vars({name: 1}) == {name: 1}


def test_vault_texts_are_withheld_and_templates_are_kept_as_source():
    kept = storable_vars({"a": Sealed("$ANSIBLE_VAULT;1.1;AES256\n00"), "b": Template("{{ x }}", Origin("-e"))})
    assert kept == {"a": WITHHELD, "b": "{{ x }}"}


def test_a_resume_asks_for_what_was_withheld(tmp_path):
    options = RunOptions(inventory=("h1,",), extra_vars={"api_key": WITHHELD, "greeting": "{{ 'hi' }}"})
    point = ResumePoint("r", options, {}, str(tmp_path), "")
    with pytest.raises(UsageError, match="api_key"):
        prepare_resumed(point, Secrets(), {})
    bench = prepare_resumed(point, Secrets(), {"extra_vars": {"api_key": "k"}})
    assert bench.options.extra_vars["api_key"] == "k"
    assert bench.engine.render(bench.options.extra_vars["greeting"], bench.variables.scope(None)) == "hi"
