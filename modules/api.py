"""What a module is made of: arguments as data, a change, a failure; and what a host offers to it.

Runs on every host, Python 3.6 and up, standard library only. A module is one file in ``modules/`` with:

* a docstring: what it keeps true, one example task, return values, error codes;
* ``ARGS``: name -> `Arg`, and optionally ``RULES``: a tuple of `one_of`, `exclusive`, `together`, `required_if`;
* a state module: ``check(args, host)`` and ``apply(args, change, host)``;
* a module that acts or only reports: ``run(args, host)``, with ``CHECK_MODE`` saying what check mode does.

Optional module constants: ``RETRY_SAFE`` (default True with ``check``, False with ``run``), ``CHECK_MODE`` (``"run"``:
reads only, so it runs as it is; ``"skip"``, the default; ``"own"``: it looks at ``host.check_mode`` itself),
``FREE_FORM`` (the argument that takes the free text), ``ALLOW_UNKNOWN`` (True: extra arguments are passed through).
"""


class Failed(Exception):
    """The module cannot do what was asked. ``code`` is stable, ``message`` for a person; values go into the result."""

    def __init__(self, code, message, hint=None, **values):
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.values = values


MAKEABLE = frozenset(["no_directory", "no_user", "no_group", "no_service", "no_client", "no_image"])
"""Codes of faults that an earlier task of the same run cures: a folder, account, service or program not there yet.

In check mode nothing cures them, so such a task is predicted to change, with the fault as a warning. Otherwise the
first run on a fresh host could not be planned. A single task with ``check_mode: true`` fails: earlier ones did act.
"""


class Arg(object):
    """One argument. ``type``: str bool int float path list dict raw mode bytes any. ``elements``: of a list's items."""

    __slots__ = ("type", "help", "required", "default", "choices", "aliases", "elements", "no_log", "suboptions")

    def __init__(self, type="str", help="", required=False, default=None, choices=None, aliases=(), elements=None,
                 no_log=False, suboptions=None):
        self.type = type
        self.help = help
        self.required = required
        self.default = default
        self.choices = choices
        self.aliases = tuple(aliases)
        self.elements = elements
        self.no_log = no_log
        self.suboptions = suboptions


class Change(object):
    """What would be made different: ``before`` and ``after`` are text or JSON data for the diff.

    ``values``: return values of the task, as far as known before acting. ``data``: private to the module, handed from
    ``check`` to ``apply``. ``before_header``/``after_header`` name the two sides of the diff. ``diff``, when given, is
    a ready list of {before, after, before_header, after_header} and stands in place of the two.
    """

    __slots__ = ("before", "after", "before_header", "after_header", "values", "data", "diff")

    def __init__(self, before=None, after=None, before_header=None, after_header=None, values=None, data=None,
                 diff=None):
        self.before = before
        self.after = after
        self.before_header = before_header
        self.after_header = after_header
        self.values = dict(values or {})
        self.data = data
        self.diff = diff


class Same(object):
    """Nothing to change; ``values`` are the return values all the same. ``check`` may return None for ``Same()``."""

    __slots__ = ("values",)

    def __init__(self, **values):
        self.values = values


class Completed(object):
    """A finished command. ``stdout`` and ``stderr`` are text (UTF-8, surrogateescape), capped by head and tail.

    ``stdout_sha256`` is of all the bytes that came, however many of them were kept.
    """

    __slots__ = ("argv", "rc", "stdout", "stderr", "timed_out", "truncated", "stdout_sha256")

    def __init__(self, argv, rc, stdout, stderr, timed_out=False, truncated=False, stdout_sha256=None):
        self.argv = argv
        self.rc = rc
        self.stdout = stdout
        self.stderr = stderr
        self.timed_out = timed_out
        self.truncated = truncated
        self.stdout_sha256 = stdout_sha256


def one_of(*names):
    """At least one of these must be given."""
    return ("one_of", names)


def exclusive(*names):
    """At most one of these may be given."""
    return ("exclusive", names)


def together(*names):
    """All of these or none."""
    return ("together", names)


def required_if(name, value, *needed):
    """When ``name`` has ``value``, each of ``needed`` must be given."""
    return ("required_if", (name, value) + needed)


def required_by(name, *needed):
    """When ``name`` is given, each of ``needed`` must be given."""
    return ("required_by", (name,) + needed)
