"""The service of the demonstration: the same program that serves in production, in replay mode on a free port."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

READY_WITHIN_S = 120.0


class ServiceDidNotStart(RuntimeError):
    """The service did not become ready; its log says why."""


def run(module: str, *arguments: str, home: Path) -> None:
    """Run one of the commands that `make` runs, on the demonstration's data; CalledProcessError if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, env=environment(home), check=True)


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a command that works on `home`, with OPPORTUNE_ settings by name."""
    own = {f"OPPORTUNE_{name.upper()}": value for name, value in settings.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPPORTUNE_")}
    return {**kept, "OPPORTUNE_HOME": str(home), "OMP_NUM_THREADS": "1", "TZ": "UTC", **own}


@contextmanager
def serving(
    home: Path, settings: Mapping[str, str], *, port: int | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[httpx.Client]:
    """Start the service, wait until it is ready, and stop it at the end; yields a client.

    Args:
        home: Where it works.
        settings: By name.
        port: Where it listens; a free one where nothing is said.
        variables: Other environment variables, by their whole names.

    Raises:
        ServiceDidNotStart: It ended, or was not ready in time.
    """
    port = port or free_port()
    log = home / "serve.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "serving"],
            env={**environment(home, port=str(port), **settings), **(variables or {})},
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0) as client:
            _wait(client, process, log)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _wait(client: httpx.Client, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").is_success:
                return
        time.sleep(0.1)
    raise ServiceDidNotStart(f"the service is not ready; {log} ends with:\n{log.read_text()[-2000:]}")


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
