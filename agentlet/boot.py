"""The first code of the bundle that runs on a host: makes modules of what is held in memory, then starts the runtime.

`start` is called by the loader (`agentlet/launch.py`), on Python 3.6 or later, with ``sys.path`` free of the current
directory. Imports here are few on purpose: this is on the way of every connection.
"""

import _imp
import gc
import importlib.machinery
import marshal
import os
import signal
import sys


class MemoryImporter(object):
    """Finds ``agentlet.*`` and ``modules.*`` in memory, and nowhere else: never on the host's disk.

    A module is held as its source, as marshalled code of this very Python's kind, or as both. ``packed`` is JSON with
    the sources of all modules in ``codes``; it is read when one of them is wanted, for a traceback.
    """

    packages = ("agentlet", "modules")

    def __init__(self, sources, codes, packed=None):
        # type: (dict, dict, bytes) -> None
        self._sources = sources
        self._codes = codes
        self._packed = packed

    def add(self, name, source, magic=None, code=b""):
        """Makes this the module of that name: imported before or not, it is imported anew.

        ``code`` is left alone unless it was marshalled by a Python of this one's ``magic`` number (in hex): executing
        it would crash this one.
        """
        self._sources[name] = source
        self._codes.pop(name, None)
        if magic:
            from importlib.util import MAGIC_NUMBER  # costs 3 ms on an old Python
            if magic == MAGIC_NUMBER.hex():
                self._codes[name] = code
        sys.modules.pop(name, None)

    def find_spec(self, name, path=None, target=None):
        """Part of the import system's interface."""
        if name.partition(".")[0] not in self.packages:
            return None
        is_package = name in self.packages or any(
            known.startswith(name + ".") for held in (self._codes, self._sources) for known in held)
        if name not in self._codes and name not in self._sources and not is_package:
            raise ModuleNotFoundError("There is no module %s in this runtime" % name, name=name)
        return importlib.machinery.ModuleSpec(name, self, origin=_file(name), is_package=is_package)

    def create_module(self, spec):
        """Part of the import system's interface: the default will do."""
        return None

    def exec_module(self, module):
        """Runs its code, compiled here on first import if need be; errors of a broken source are those of Python."""
        name = module.__name__
        module.__file__ = _file(name)
        if name in self._codes:
            code = marshal.loads(self._codes[name])
            _imp._fix_co_filename(code, module.__file__)  # it names a file of the controller's
        else:
            code = compile(self._sources.get(name, ""), module.__file__, "exec", dont_inherit=True)
        exec(code, module.__dict__)

    def get_source(self, name):
        """For tracebacks: linecache asks here."""
        if self._packed is not None:
            import json
            self._sources = dict(json.loads(self._packed.decode()), **self._sources)
            self._packed = None
        return self._sources.get(name)


def start(sources, payload, codes=None):
    # type: (object, bytes, dict) -> None
    """Never returns. ``payload`` is kept, since runtimes of other users are fed the same.

    ``sources`` is a dict; with ``codes``, marshalled code by name, it is the JSON of that dict.
    """
    importer = MemoryImporter({}, codes, sources) if codes else MemoryImporter(dict(sources), {})
    sys.meta_path.insert(0, importer)
    gc.disable()  # nothing of what is made until the runtime is warm is garbage
    from agentlet import reactor, runtime
    wire_in, wire_out = _take_over_descriptors()
    # Handlers that do nothing, rather than SIG_IGN, which every command would inherit. Python ignores SIGPIPE itself.
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, reactor.ignore_signal)
    _restore_locale()
    runtime.Runtime(importer, payload, wire_in, wire_out).run()
    sys.stderr.flush()
    os._exit(0)  # nothing is left to be tidied away, and Python's own way out takes 7 ms


def _take_over_descriptors():
    """The wire moves away from 0 and 1, where anything could read or print; 2 stays, for a last word before a crash."""
    wire_in, wire_out = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    try:
        os.getcwd()
        os.stat(".")
    except OSError:
        os.chdir("/")
    return wire_in, wire_out


def _restore_locale():
    """Undoes what the loader changed so that file names are UTF-8: commands get the locale of the login."""
    original = os.environ.pop("ORCH_LC_ALL", None)
    if original:
        os.environ["LC_ALL"] = original
    elif original is not None:
        os.environ.pop("LC_ALL", None)


def _file(name):
    return name.replace(".", "/") + ".py"
