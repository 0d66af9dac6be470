"""In check mode, what an earlier task would have made is no failure: the change is predicted, with a warning."""

from __future__ import annotations

import pytest

from agentlet.execute import execute
from agentlet.host import local_host


@pytest.mark.parametrize(("module", "args"), [
    ("copy", {"dest": "/no-such-folder/file", "content": "x"}),
    ("copy", {"dest": "{tmp}/file", "content": "x", "owner": "nobody-of-that-name"}),
    ("file", {"path": "{tmp}/made", "state": "directory", "group": "no-such-group"}),
    ("user", {"name": "orch-nobody", "groups": "no-such-group"}),
], ids=["folder", "owner", "group", "user-group"])
def test_what_is_not_there_yet_is_predicted_and_told(tmp_path, module, args):
    args = {k: v.format(tmp=tmp_path) for k, v in args.items()}
    predicted = execute(module, args, local_host(check_mode=True))
    assert predicted["status"] == "changed", predicted
    assert "earlier task" in predicted["warnings"][0]
    done = execute(module, args, local_host())
    assert done["status"] == "failed"
    assert list(tmp_path.iterdir()) == []


def test_a_single_task_in_check_mode_fails_as_it_would(tmp_path):
    host = local_host(check_mode=True)
    host.planning = False  # the run is a real one: whatever earlier tasks make is there
    done = execute("copy", {"dest": "/no-such-folder/file", "content": "x"}, host)
    assert done["status"] == "failed" and done["warnings"] == []
