"""Servers under test: started as processes, pinned, waited for by asking them, measured, stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


class NeverReadyError(Exception):
    """The server did not become ready in time, or ended; its log says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `startup_s` is the time from the start of its process to its first good answer."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path
    startup_s: float

    def peak_rss_mb(self) -> float:
        """Return the largest resident memory so far of the process and its children together, in MB (2^20 bytes)."""
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return round(sum(_high_water_kb(each.pid) for each in processes) / 1024, 1)

    def pin(self, cpus: set[int]) -> None:
        """Move all threads of the process and of its children to these cores."""
        for each in [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]:
            for thread in each.threads():
                os.sched_setaffinity(thread.id, cpus)

    def stop(self, patience_s: float = 10.0) -> None:
        """Ask the process group to end, and end it if it does not."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_s)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    command: Sequence[str], *, log: Path, env: Mapping[str, str], cpu: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a process group of its own, on one core if asked, its output in `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    # Some commands start others of their environment by name.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    single = {"OMP_NUM_THREADS": "1", "TZ": "UTC", "PYTHONUNBUFFERED": "1", "PATH": path}
    with log.open("wb") as out:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **single, **env},
            start_new_session=True,
        )
    if cpu is not None:
        # Right after the start: its threads and children do not exist yet and inherit it.
        os.sched_setaffinity(process.pid, {cpu})
    return process


def start(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    log: Path,
    env: Mapping[str, str],
    ready: str = "/readyz",
    cpu: int | None = None,
    within_s: float = 90.0,
) -> Server:
    """Start a server and return it once it answers 200 on its `ready` path.

    Raises:
        NeverReadyError: It ended, or did not answer within `within_s` seconds.
    """
    begin = time.perf_counter()
    process = launch(command, log=log, env=env, cpu=cpu)
    while not _answers(f"http://127.0.0.1:{port}{ready}"):
        waited_s = time.perf_counter() - begin
        if process.poll() is not None or waited_s > within_s:
            server = Server(name, process, port, log, waited_s)
            server.stop()
            raise NeverReadyError(f"{name} after {waited_s:.0f} s: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    return Server(name, process, port, log, round(time.perf_counter() - begin, 2))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _high_water_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0
