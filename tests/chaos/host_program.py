"""The agentlet, unchanged, with a clock that the test sets and a client that repeats itself. Standard library alone.

host_program.py PYZ FOLDER SEED REPEAT COMMAND...      FOLDER/clock: by how many seconds this host's clock is off
"""

import os
import random
import sys
import time

program, folder, seed, repeat = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
sys.path.insert(0, program)
sys.argv[:] = [program] + sys.argv[5:]
real_time = time.time


def shifted():
    try:
        with open(os.path.join(folder, "clock")) as opened:
            return real_time() + float(opened.read() or 0)
    except OSError:
        return real_time()


time.time = shifted

from agentlet.pull import gateway, main  # noqa: E402

draw, before, send = random.Random(seed), [], gateway.Gateway._send


def send_again(self, method, verb, *rest, **named):
    """The call, perhaps twice, perhaps after an older one: the signature, where there is one, is new each time."""
    if method != "GET" and verb not in ("enrol", "renew") and draw.random() < repeat:
        older = draw.choice(before) if before and draw.random() < 0.5 else (method, verb, rest, named)
        try:
            send(self, older[0], older[1], *older[2], **older[3])
        except Exception:
            pass  # nobody heard the answer
    if method != "GET" and verb not in ("enrol", "renew"):
        before[:] = before[-20:] + [(method, verb, rest, named)]
    return send(self, method, verb, *rest, **named)


if repeat:
    gateway.Gateway._send = send_again
sys.exit(main.main(program, sys.argv[1:]))
