import sys
from pathlib import Path

import pytest

from orchestrator.template.engine import Engine

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def engine() -> Engine:
    return Engine()
