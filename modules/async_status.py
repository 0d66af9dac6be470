"""Tells how a job stands that a task with ``async`` began, and removes what is left of it.

Example::

    - name: Wait for the long job
      ansible.builtin.async_status:
        jid: "{{ job.ansible_job_id }}"
      register: state
      until: state is finished
      retries: 60
      delay: 10

Returns ``ansible_job_id``, ``started``, ``finished``, ``results_file``, and, of a job that has finished, everything its
module returned; it fails where that failed. With ``mode: cleanup``: ``erased``.
Errors: ``no_such_job``; ``job_gone`` when the job's process is gone and left no result; ``bad_job_file``; those of the
module.
"""

import os

from modules.api import Arg, Failed
from modules.support import async_jobs

ARGS = {
    "jid": Arg("str", "The job: ansible_job_id of the task that began it.", required=True),
    "mode": Arg("str", "status: how it stands; cleanup: remove its file.", default="status",
                choices=("status", "cleanup")),
    "_async_dir": Arg("str", "The folder of job files; filled in from ansible_async_dir."),
}
CHECK_MODE = "own"
RETRY_SAFE = True


def run(args, host):
    given = args["_async_dir"] or host.environment.get("ANSIBLE_ASYNC_DIR")
    path = async_jobs.path_of(async_jobs.directory_of(given, host.home), args["jid"])
    record = async_jobs.read(path)
    known = {"ansible_job_id": args["jid"], "results_file": path, "started": True, "finished": True}
    if record is None:
        raise Failed("no_such_job", "could not find job", "Is it the same host, user and ansible_async_dir?", **known)
    if args["mode"] == "cleanup":
        return clean_up(path, args, host)
    if not record.get("finished"):
        record = unfinished(path, record)
    return told(record, known, host)


def clean_up(path, args, host):
    if not host.check_mode:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass  # somebody else was faster
    return {"ansible_job_id": args["jid"], "erased": path, "started": False, "finished": False, "stdout": "",
            "stderr": ""}


def unfinished(path, record):
    """The record of a job without a result, once more if it has just ended; `job_gone` when nobody works on it."""
    if async_jobs.is_running(record) is not False:
        return record
    last = async_jobs.read(path) or {}
    if last.get("finished"):
        return last
    return {"failed": True, "finished": True, "error_code": "job_gone",
            "msg": "The job began, its process is gone, and it left no result: it may have run in part",
            "hint": "Did the host restart, or somebody kill it? Look at what it did before running it again"}


def told(record, known, host):
    """The record as this task's result."""
    values = {name: value for name, value in record.items() if name != async_jobs.KEEPERS}
    values.update(known, finished=bool(record.get("finished")))
    for text in values.pop("warnings", None) or ():
        host.warn(text)
    code, hint = values.pop("error_code", None), values.pop("hint", None)
    if values.pop("failed", False):
        message = str(values.get("msg") or "The job failed")
        raise Failed(code or "job_failed", message, hint, **values)
    for name in ("stdout", "stderr"):
        values.setdefault(name, "")
    return values
