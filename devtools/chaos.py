"""`./dev chaos`: rounds of server, agentlet and carrier with everything going wrong; each is repeated by its seed."""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.chaos.rounds import Verdict, run


def main(arguments: list[str]) -> int:
    """1 when an invariant did not hold in any of the rounds."""
    options = _parser().parse_args(arguments)
    first = 0 if options.seed is None else options.seed
    count = options.rounds or (200 if options.seed is None else 1)
    seeds = [first] * count if options.same else list(range(first, first + count))
    began, remarks = time.monotonic(), Counter[str]()
    failed: list[int] = []
    keep = options.keep or (options.seed is not None and count == 1)
    for verdict, folder, took_s in _played(seeds, options.jobs, keep=keep):
        print(f"{'FAILED' if verdict.faults else 'holds ':6} {took_s:4.1f} s  {verdict.plan.text()}: "
              f"{', '.join(verdict.ends)}", flush=True)
        for fault in verdict.faults:
            print(f"    {fault}")
        if verdict.faults:
            failed.append(verdict.plan.seed)
        if folder is not None:
            print(f"    {folder}")
        remarks.update(remark for remark in verdict.remarks if ": " in remark)
    print(f"\n{count} rounds in {time.monotonic() - began:.0f} s, {len(failed)} failed")
    for remark, times in remarks.most_common(20):
        print(f"{times:4} x {remark}")
    for seed in dict.fromkeys(failed):
        print(f"repeat it: ./dev chaos --seed {seed}")
    return 1 if failed else 0


def _played(seeds: list[int], jobs: int, *, keep: bool) -> Iterator[tuple[Verdict, Path | None, float]]:
    """As they were asked for; each in a process of its own, so that none leaves anything for the next."""
    with ProcessPoolExecutor(jobs, max_tasks_per_child=1) as pool:
        yield from pool.map(partial(_play, keep=keep), seeds)


def _play(seed: int, keep: bool) -> tuple[Verdict, Path | None, float]:
    folder, began = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-")), time.monotonic()
    verdict = run(seed, folder)
    took_s = time.monotonic() - began
    if keep or verdict.faults:
        return verdict, folder, took_s
    shutil.rmtree(folder, ignore_errors=True)
    return verdict, None, took_s


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, metavar="N", help="how many (default: 200; 1 with --seed)")
    parser.add_argument("--seed", type=int, metavar="S", help="of the first round; an only one keeps its folder")
    parser.add_argument("--same", action="store_true", help="the same round each time")
    parser.add_argument("--keep", action="store_true", help="keep every round's folder, not only that of a failed one")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="rounds at a time (default: 1)")
    return parser
