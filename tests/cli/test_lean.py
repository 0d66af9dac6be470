"""What is hidden from an import is there for everybody afterwards."""

import importlib
import subprocess
import sys

import pytest

from orchestrator.cli.lean import without


def test_a_module_is_hidden_within_and_found_afterwards():
    sys.modules.pop("colorsys", None)
    with without("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").rgb_to_hsv


def test_what_is_loaded_stays():
    with without("json"):
        assert importlib.import_module("json").dumps


def test_tls_is_there_for_who_asks_after_a_run_has_begun():
    code = ("from orchestrator.cli.lean import import_lean; import_lean();"
            "import asyncio, ssl, urllib.request, asyncssh, typing_extensions; ssl.create_default_context()")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
