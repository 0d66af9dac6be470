import pytest

from orchestrator.template.engine import Engine


@pytest.fixture
def engine() -> Engine:
    return Engine()
