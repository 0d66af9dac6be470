"""What goes wrong in a round: pure, all of it from the seed."""

from __future__ import annotations

import random

from msgspec import Struct

SPECIALS = ("none", "clock", "full_disk", "restored", "clone", "freeze", "cancel", "update")
"""What a round has besides its faults; rounds in a row have all of them. ``none``: more of the faults."""
MODES = ("tls", "proxy")
ACTS = ("kill_agentlet", "kill_server", "kill_both", "cut")
MOMENTS = ("posted", "claimed", "started", "begin", "end", "finished")
"""A job was posted, claimed, started (by the server's table); a task began, ended (by its trace); a job is over."""


class Fault(Struct, frozen=True):
    """``act`` is done ``wait_s`` after ``moment`` has come for the ``count``-th time; healed after ``for_s``."""

    moment: str
    count: int
    wait_s: float
    act: str
    for_s: float


class Network(Struct, frozen=True):
    """Probabilities for each piece, or each request, that passes. Requests can be read in the mode ``proxy`` alone."""

    delay_s: float
    truncate: float
    double: float
    late: float
    swallow: float
    repeat: float
    """In the agentlet itself: the same call is made twice, or an older one once more."""


class Plan(Struct, frozen=True):
    seed: int
    mode: str
    special: str
    jobs: int
    faults: tuple[Fault, ...]
    network: Network

    def text(self) -> str:
        faults = ", ".join(f"{f.act} {f.wait_s:.2f} s after {f.moment} {f.count} for {f.for_s:.1f} s"
                           for f in self.faults)
        return f"seed {self.seed}: {self.mode}, {self.special}, {self.jobs} jobs; {faults or 'no faults'}"


def plan_of(seed: int) -> Plan:
    """The same for the same seed, for ever: a round can be repeated."""
    draw = random.Random(seed)
    special, mode = SPECIALS[seed % len(SPECIALS)], MODES[(seed // len(SPECIALS) + seed) % len(MODES)]
    most = 3 if special == "none" else 0 if special in ("freeze", "update") else 1
    faults = sorted((_fault(draw) for _ in range(draw.randint(min(1, most), most))),
                    key=lambda fault: MOMENTS.index(fault.moment))
    is_plain = mode == "proxy"
    rough = draw.random() < 0.7
    network = Network(
        delay_s=draw.choice((0.0, 0.005, 0.05)),
        truncate=draw.choice((0.01, 0.03)) if rough else 0.0,
        double=draw.choice((0.0, 0.1)) if is_plain else 0.0,
        late=draw.choice((0.0, 0.1)) if is_plain else 0.0,
        swallow=draw.choice((0.0, 0.05)) if is_plain and rough else 0.0,
        repeat=draw.choice((0.0, 0.1, 0.3)),
    )
    return Plan(seed, mode, special, draw.randint(1, 3), tuple(faults), network)


def _fault(draw: random.Random) -> Fault:
    return Fault(draw.choice(MOMENTS), draw.randint(1, 2), draw.uniform(0.0, 0.3), draw.choice(ACTS),
                 draw.uniform(0.1, 1.5))
