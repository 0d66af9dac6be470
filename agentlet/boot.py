"""The first code of the bundle that runs on a host: makes modules of sources held in memory, then starts the runtime.

`start` is called by the loader (`agentlet/launch.py`), on Python 3.6 or later, with ``sys.path`` free of the current
directory. Imports here are few on purpose: this is on the way of every connection.
"""

import importlib.machinery
import sys


class MemoryImporter(object):
    """Finds ``agentlet.*`` and ``modules.*`` among sources in memory, and nowhere else: never on the host's disk."""

    packages = ("agentlet", "modules")

    def __init__(self, sources):
        # type: (dict) -> None
        self.sources = sources

    def find_spec(self, name, path=None, target=None):
        """Part of the import system's interface."""
        if name.partition(".")[0] not in self.packages:
            return None
        is_package = name in self.packages or any(known.startswith(name + ".") for known in self.sources)
        if name not in self.sources and not is_package:
            raise ModuleNotFoundError("There is no module %s in this runtime" % name, name=name)
        origin = name.replace(".", "/") + ".py"
        return importlib.machinery.ModuleSpec(name, self, origin=origin, is_package=is_package)

    def create_module(self, spec):
        """Part of the import system's interface: the default will do."""
        return None

    def exec_module(self, module):
        """Compiles on first import; errors of a broken source are those of Python."""
        name = module.__name__
        module.__file__ = name.replace(".", "/") + ".py"
        exec(compile(self.sources.get(name, ""), module.__file__, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name):
        """For tracebacks: linecache asks here."""
        return self.sources.get(name)


def start(sources, payload):
    # type: (dict, bytes) -> None
    """Never returns. ``payload`` is kept, since runtimes of other users are fed the same."""
    importer = MemoryImporter(dict(sources))
    sys.meta_path.insert(0, importer)
    from agentlet import runtime
    sys.exit(runtime.main(importer.sources, payload))
