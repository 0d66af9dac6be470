"""Rounds of chaos: server, agentlet and carrier as real processes, and everything that can go wrong between them.

A seed decides all of a round: what fails, when, and for how long. A failed one is repeated alone with

    ./dev chaos --seed 137

which keeps its folder and says where it is. `invariants.py` has one function for each promise of the protocol.
What the seed does not decide is how the processes are scheduled: where a round fails now and then, repeat it with
``--rounds 20 --seed 137 --same``.
"""
