"""Walks through a page as its reader would: block after block, in one shell, beside one server."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import yaml

from tests.docs.answer import unlike
from tests.docs.page import PARSED, Block
from tests.preloaded.python import PYTHON

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = re.compile(r"\b(127\.0\.0\.1|localhost):(\d{4,5})\b")
SERVER_PORT = "8000"
BASH = shutil.which("bash") or "bash"
OURS = ("OPPORTUNE_", "MAKE", "MFLAGS", "PYTEST_", "VIRTUAL_ENV")
BLOCK_TIMEOUT_S = 300
READY_TIMEOUT_S = 120


class BrokenPage(AssertionError):
    """A code block of the page does not do what the page says."""


class Walk:
    """The reader: a folder that looks like the repository, a fresh OPPORTUNE_HOME, a shell that remembers.

    Ports of the loopback address in a block are exchanged for free ones, each for the same one throughout the page;
    so is the number of a port that a block announces with `background=`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "opportune"
        self.work.mkdir()
        for entry in ROOT.iterdir():
            if entry.name not in {"var", ".git", ".pytest_cache"}:
                (self.work / entry.name).symlink_to(entry)
        self.ports: dict[str, int] = {}
        self.announced: set[str] = set()
        self.running: list[tuple[Block, subprocess.Popen[bytes], Path]] = []
        self.printed = ""
        self._remember_environment()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _, process, _ in reversed(self.running):
            _stop(process)

    def take(self, block: Block) -> None:
        """Do what one block says.

        Raises:
            BrokenPage: It fails, where the page does not say that it would.
        """
        if block.language in PARSED:
            self._read(block)
        if "file" in block.marks:
            self._write(block)
        elif "dry" in block.marks:
            self._rehearse(block)
        elif "serve" in block.marks or "background" in block.marks:
            self._start(block)
        elif block.language in {"bash", "python"}:
            self._run(block)

    def _installed(self) -> Path:
        """Return a folder that looks like the virtual environment, with what stands for Python in it."""
        binaries = self.folder / "installed" / "bin"
        binaries.mkdir(parents=True)
        for entry in Path(sys.prefix, "bin").iterdir():
            (binaries / entry.name).symlink_to(PYTHON if entry.name == "python" else entry)
        return binaries.parent

    def _remember_environment(self) -> None:
        installed = self._installed()
        binaries = [str(installed / "bin"), *os.environ["PATH"].split(os.pathsep)]
        if shutil.which("curl") is None:
            binaries.insert(0, str(ROOT / "tests" / "docs" / "bin"))
        environment = {
            "INSTALLED": "1",  # or this would not run
            "NUMBA_CACHE_DIR": os.environ["NUMBA_CACHE_DIR"],
            "OPPORTUNE_HOME": str(self.folder / "home"),
            "OPPORTUNE_PORT": str(self._port(SERVER_PORT)),
            "OMP_NUM_THREADS": "1",
            "PATH": os.pathsep.join(binaries),
            "PYTHONPATH": str(ROOT),
            "PYTHONSAFEPATH": "1",  # imports come from the repository, not through the links: kernels stay cached
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
            "VENV": str(installed),
        }
        (self.folder / "environment").write_text(
            "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
        )
        (self.folder / "cwd").write_text(str(self.work))

    def _port(self, written: str) -> int:
        if written not in self.ports:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                self.ports[written] = listener.getsockname()[1]
        return self.ports[written]

    def _with_free_ports(self, text: str) -> str:
        text = LOOPBACK.sub(lambda found: f"{found[1]}:{self._port(found[2])}", text)
        for port in self.announced:
            text = re.sub(rf"\b{port}\b", str(self._port(port)), text)
        return text

    def _read(self, block: Block) -> None:
        try:
            value = PARSERS[block.language](block.text)
        except (ValueError, csv.Error, yaml.YAMLError) as error:
            raise BrokenPage(f"{block}: this is no {block.language}: {error}") from error
        if "answer" in block.marks:
            self._compare(block, value)

    def _compare(self, block: Block, shown: Any) -> None:
        try:
            printed = json.loads(self.printed)
        except ValueError as error:
            raise BrokenPage(f"{block}: the block before printed no JSON:\n{self.printed[-2000:]}") from error
        if differences := list(unlike(shown, printed)):
            raise BrokenPage(f"{block}: not what was answered\n" + "\n".join(differences) + f"\n{self.printed[-2000:]}")

    def _write(self, block: Block) -> None:
        target = self._cwd() / block.marks["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_text(self._with_free_ports(block.text))

    def _rehearse(self, block: Block) -> None:
        for line in block.text.splitlines():
            command = line.split("#")[0].strip()
            if command and not re.match(r"(?:\w+=\S+ )*make\b", command):
                raise BrokenPage(f"{block}: only `make` can be rehearsed, not: {command}")
            if command:
                self._finish(block, self._script(re.sub(r"\bmake\b", "make -n", command, count=1)))

    def _run(self, block: Block) -> None:
        self._finish(block, self._command(block))

    def _finish(self, block: Block, script: str) -> None:
        process = subprocess.Popen(
            [BASH, "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=_inherited(),
        )
        try:
            out, err = process.communicate(timeout=BLOCK_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            _stop(process)
            raise BrokenPage(f"{block}: still running after {BLOCK_TIMEOUT_S} s") from error
        self.printed = out.decode(errors="replace")
        if (process.returncode != 0) != ("fails" in block.marks):
            said = f"{self.printed[-4000:]}\n{err.decode(errors='replace')[-4000:]}{self._said_beside()}"
            raise BrokenPage(f"{block}: exit code {process.returncode}\n{said}")

    def _start(self, block: Block) -> None:
        self.announced |= {block.marks.get("background", "")} - {""}
        log = self.folder / f"{block.line}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [BASH, "-c", self._command(block, last=True)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=_inherited(),
            )
        self.running.append((block, process, log))
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not self._is_up(block, log):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BrokenPage(f"{block}: it did not come up{self._said_beside()}")
            time.sleep(0.1)

    def _is_up(self, block: Block, log: Path) -> bool:
        if "serve" in block.marks:
            return _answers(f"http://127.0.0.1:{self._port(SERVER_PORT)}/readyz")
        if port := block.marks.get("background"):
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self._port(port))) == 0
        return log.stat().st_size > 0

    def _cwd(self) -> Path:
        return Path((self.folder / "cwd").read_text().strip())

    def _command(self, block: Block, *, last: bool = False) -> str:
        text = self._with_free_ports(block.text)
        if block.language == "python":
            code = self.folder / f"block-{block.line}.py"
            code.write_text(text)
            return self._script(f"{'exec ' if last else ''}{shlex.quote(PYTHON)} {shlex.quote(str(code))}")
        return self._script(text, remember=not last)

    def _script(self, text: str, *, remember: bool = True) -> str:
        environment, cwd = shlex.quote(str(self.folder / "environment")), shlex.quote(str(self.folder / "cwd"))
        before = f'set -euo pipefail\nsource {environment}\ncd "$(cat {cwd})"\n'
        after = f"\nexport -p > {environment}\npwd > {cwd}\n" if remember else "\n"
        return before + text + after

    def _said_beside(self) -> str:
        return "".join(
            f"\n--- what {block} printed ---\n{log.read_text(errors='replace')[-4000:]}"
            for block, _, log in self.running
        )


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def _every_yaml(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


def _every_row(text: str) -> list[dict[Any, Any]]:
    rows = list(csv.DictReader(text.splitlines(), strict=True))
    if not rows or any(None in row or None in row.values() for row in rows):
        raise ValueError("a row has more or fewer fields than the header")
    return rows


PARSERS: dict[str, Callable[[str], Any]] = {
    "csv": _every_row,
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": _every_yaml,
}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            process.wait()
        return
