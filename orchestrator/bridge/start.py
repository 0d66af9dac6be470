"""Runs one Python module of Ansible's kind from the archive that this file is the ``__main__`` of.

Goes to hosts inside the archive: Python 3.6, standard library only. Arguments come on stdin as JSON, so that they are
in no file and in no process list. What modules find around them (the arguments in ``basic``, the two globals that
``respawn`` uses, their own name) is what Ansible 2.9 to 2.19 give them.
"""

import json
import os
import runpy
import sys

LIMIT_BYTES = 64 * 1024 * 1024


def main() -> None:
    archive = sys.path[0]
    order = json.loads(sys.stdin.buffer.read(LIMIT_BYTES).decode("ascii"))
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    sys.stdin = open(os.devnull)
    dotted = order["dotted"]
    sys.argv = [os.path.join(archive, *dotted.split(".")) + ".py"]
    try:
        _limit_files(int(order.get("nofile") or 0))
        _hand_over(order["args"])
        runpy.run_module(dotted, {"_module_fqn": dotted, "_modlib_path": archive}, "__main__", True)
        raise RuntimeError("New-style module did not handle its own exit.")
    except Exception as error:
        _say_crashed(error, bool(order["args"].get("_ansible_no_log")))
        sys.exit(1)


def _limit_files(wanted: int) -> None:
    """Sets how many files may be open, as far as the hard limit goes; 0 leaves it as it is."""
    if wanted > 0:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard >= 0 else wanted, hard))


def _hand_over(args: dict) -> None:  # type: ignore[type-arg]
    """Puts the arguments where `AnsibleModule` looks for them. A module without ``basic`` gets none."""
    try:
        from ansible.module_utils import basic  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        if _has_basic():
            raise
        return
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode("ascii")
    if hasattr(basic, "_ANSIBLE_PROFILE"):
        basic._ANSIBLE_PROFILE = "legacy"


def _has_basic() -> bool:
    import zipfile

    with zipfile.ZipFile(sys.path[0]) as archive:
        return "ansible/module_utils/basic.py" in archive.namelist()


def _say_crashed(error: Exception, no_log: bool) -> None:
    import traceback

    told = type(error).__name__ if no_log else ": ".join(_messages(error))
    result = {"failed": True, "msg": "Task failed: Module failed: " + told, "_crashed": True}
    if not no_log:
        result["exception"] = traceback.format_exc()
    print("\n" + json.dumps(result))


def _messages(error: BaseException) -> list:  # type: ignore[type-arg]
    """The error's words, and those of what it says to be caused by."""
    found = []  # type: list[str]
    cause = error  # type: BaseException | None
    while cause is not None and len(found) < 20:
        found.append(str(cause) or type(cause).__name__)
        cause = cause.__cause__
    return found


if __name__ == "__main__":
    main()
