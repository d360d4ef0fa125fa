"""Starts servers by forking a process that has imported everything: ten crashes need not wait for ten start-ups.

Reads lines `<home> <port> <webhook url> <webhook secret> <saves until death>` and writes each child's process id.
A positive number of saves kills the child after a commit, in the moment before it would write states that many-th time.
"""

import os
import signal
import sys
from pathlib import Path

import uvicorn

from features.warm import compile_kernels
from serving.app import Server
from serving.settings import Settings
from serving.states import StateKeeper

POLICY = Path(__file__).parent / "triggers.yaml"


def _serve(home: str, port: str, url: str, secret: str, saves: str) -> None:
    settings = Settings(
        home=Path(home),
        port=int(port),
        triggers=POLICY,
        webhook_url=url,
        webhook_secret=secret,
        watch_registry=False,
        health_every_min=0,
    )
    if int(saves) > 0:
        _die_between_commit_and_save(int(saves))
    server = Server(settings)
    uvicorn.run(server.edge(), port=settings.port, log_level="warning", access_log=False, loop="uvloop")


def _die_between_commit_and_save(saves: int) -> None:
    save, left = StateKeeper.save, [saves]

    def save_or_die(self: StateKeeper, *arguments: object) -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        save(self, *arguments)  # type: ignore[arg-type]

    StateKeeper.save = save_or_die  # type: ignore[method-assign, assignment]


def main() -> None:
    """Fork a server for each line, with the kernels loaded as a server loads them before it listens."""
    compile_kernels()
    # Nobody waits for the children here; the kernel may forget them at once.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _serve(*line.split())
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
