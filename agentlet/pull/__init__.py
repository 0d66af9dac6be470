"""The agentlet: polls the gateway from inside, and has the runtime execute what it is given.

`docs/pull.md` tells the protocol. Everything here is the standard library of Python 3.6 and later; what decides
(`backoff`, `policy`, `signing`, `spool`'s eviction, `plan`) does no I/O.
"""

VERSION = "0.1.0"
PROTOCOL = 1
