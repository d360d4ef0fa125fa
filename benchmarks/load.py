"""The load generator's process: a plan on standard input, the outcome on standard output, both JSON.

`python -m benchmarks.load < plan.json`. It is a process of its own so that it can be pinned to the core that the
server does not use, and so that its garbage and its parsing cost the server nothing.
"""

import gc
import os
import sys

import msgspec
import uvloop

from benchmarks.latency import arrivals
from benchmarks.loops import ClosedLoop, OpenLoop
from benchmarks.payloads import Recipe, request_source
from benchmarks.tally import Outcome


class Plan(msgspec.Struct, frozen=True):
    """One run. Without `rate_per_s` the loop is closed, with it open: Poisson arrivals at that mean rate."""

    port: int
    recipe: Recipe
    connections: int = 64
    warmup_s: float = 1.0
    measured_s: float = 3.0
    rate_per_s: float | None = None
    cpu: int | None = None
    seed: int = 1


def pin(cpu: int | None) -> None:
    """Keep this process on one core; where the system cannot, it stays unpinned."""
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})


async def play(plan: Plan) -> Outcome:
    """Carry out one plan against a server that is ready."""
    request = request_source(plan.recipe, plan.seed)
    if plan.rate_per_s is None:
        closed = ClosedLoop(request, warmup_s=plan.warmup_s, measured_s=plan.measured_s)
        return await closed.play(plan.port, plan.connections)
    until_s = plan.warmup_s + plan.measured_s
    opened = OpenLoop(request, arrivals(plan.rate_per_s, until_s, seed=plan.seed), warmup_s=plan.warmup_s)
    return await opened.play(plan.port, plan.connections, until_s=until_s)


def main() -> None:
    """Read a plan, play it, print the outcome."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    pin(plan.cpu)
    gc.disable()
    outcome = uvloop.run(play(plan))
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
