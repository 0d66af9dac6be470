"""Makes ``modules.facts`` importable where sources are held in memory and an importer knows of files only."""

import importlib
import sys
import types

try:
    importlib.import_module("modules.facts")
except ImportError:
    folder = types.ModuleType("modules.facts")
    folder.__path__ = []
    sys.modules["modules.facts"] = folder
