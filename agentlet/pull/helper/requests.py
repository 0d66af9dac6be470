"""The requests that the helper takes, each with fields of one type and no others. Pure.

    verify    signature, size; pieces       did the server write this text?
    open      user, signature, size; pieces begin, or go on with, the tasks of a job that run as this user
    source    name; body                    a module's source that the job names by digest
    job       tasks, deadline_s, not_again  do these tasks of it, named by their ids; the last, of which one had begun,
                                            only if the receipts know its end
    blob      digest, offset, last; body    a piece of a file that the job names by digest
    blob_error, credit, cancel, kill, ack, bye   as the runtime knows them
    key       sealed                        the next job key, which only who has the present one can open
    install   signature, size, limit_s; pieces   a manifest and the file that it describes: a new version
    settle    what                          confirm, roll_back or drop_current: which version is to run
"""

from agentlet.wire import WireError

_NUMBER = (int, float)
_NONE = type(None)
KINDS = {
    "verify": {"signature": str, "size": int},
    "open": {"user": str, "signature": str, "size": int},
    "piece": {},
    "source": {"name": str},
    "job": {"tasks": list, "deadline_s": _NUMBER + (_NONE,), "not_again": list},
    "blob": {"digest": str, "offset": int, "last": bool},
    "blob_error": {"digest": str, "message": str},
    "credit": {"stream": str, "bytes": int},
    "cancel": {}, "kill": {}, "ack": {}, "bye": {},
    "key": {"sealed": str},
    "install": {"signature": str, "size": int, "limit_s": _NUMBER},
    "settle": {"what": str},
}
_WITH_BODY = ("piece", "source", "blob")
LARGEST_TEXT = 64 << 20
"""Of a job; the claim's answer is bound by the same."""
LARGEST_INSTALL = 3 << 20
LARGEST_SOURCE = 8 << 20
MOST_TASKS = 100000
LONGEST_WORD = 4096


def checked(header, body=b""):
    """The request with its own fields alone; `WireError` for anything else."""
    kind = header.get("t")
    fields = KINDS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise WireError("There is no request %r" % (kind,))
    if body and kind not in _WITH_BODY:
        raise WireError("A %s has no body" % kind)
    if set(header) - set(fields) - {"t"}:
        raise WireError("A %s has no field %s" % (kind, sorted(set(header) - set(fields) - {"t"})[0]))
    request = {"t": kind}
    for name, types in fields.items():
        value = header.get(name)
        if not isinstance(value, types) or isinstance(value, bool) and types is not bool:
            raise WireError("The %s of a %s is no %s" % (name, kind, types))
        if isinstance(value, str) and len(value) > LONGEST_WORD:
            raise WireError("The %s of a %s is too long" % (name, kind))
        if isinstance(value, _NUMBER) and not value == abs(value) < 1 << 62:
            raise WireError("The %s of a %s is out of bounds" % (name, kind))
        request[name] = value
    if kind == "job":
        _check_ids(request["tasks"])
        if request["not_again"]:
            _check_ids(request["not_again"])
    return request


def _check_ids(ids):
    if not 0 < len(ids) <= MOST_TASKS or not all(isinstance(name, str) for name in ids) or len(set(ids)) < len(ids):
        raise WireError("A job's tasks are named by their ids, each once")


def limit(kind):
    """How many bytes may follow in pieces."""
    return LARGEST_INSTALL if kind == "install" else LARGEST_TEXT
