"""Answers when the host can run modules at all; changes nothing.

Example::

    - name: Is the host usable
      ansible.builtin.ping:

Returns ``ping``: the ``data`` argument. Errors: ``boom`` when ``data`` is ``crash``.
"""

from modules.api import Arg, Failed

ARGS = {
    "data": Arg("str", "What to give back; 'crash' makes the task fail.", default="pong"),
}
CHECK_MODE = "run"
RETRY_SAFE = True


def run(args, host):
    if args["data"] == "crash":
        raise Failed("boom", "boom", msg="Task failed: Module failed: boom")
    return {"ping": args["data"]}
