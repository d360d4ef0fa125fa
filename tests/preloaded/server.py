"""A Python that has imported the project and its libraries, and forks itself for each command that it is asked for.

Started with the path of its socket; it imports when it is first asked, and ends when its standard input does. A command
has the environment, the folder and the streams of whoever gave it. One that would find modules of the project elsewhere
than here, or their compiled kernels, imports them anew.
"""

import atexit
import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "models", "policy", "feature_repo", "serving", "training")
LIBRARIES = (
    "mlflow.lightgbm",
    "mlflow.store.tracking.sqlalchemy_store",
    "sklearn.linear_model",
    "sklearn.cluster",
    "scipy.stats",
    "matplotlib.backends.backend_agg",
    "matplotlib.dates",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "uvicorn",
    "uvloop",
    "httpx",
)
MOST = 1 << 20
"""More bytes than an order has, which the kernel limits to a fifth of it."""


@dataclass(frozen=True)
class Command:
    """What a process was asked to do, and where.

    Attributes:
        python: What stands for Python where this is done, for its own children.
        options: Values of `-W`.
        is_module: Whether it is run by `-m`.
        target: A module's name, or the path of a script.
        arguments: What follows it.
        environment: By name.
        folder: The working directory.
    """

    python: str
    options: list[str]
    is_module: bool
    target: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str


class Ordered(BaseException):
    """In the forked process: this is what it is for."""

    def __init__(self, command: Command, streams: list[int]) -> None:
        super().__init__()
        self.command, self.streams = command, streams


class Forks:
    """The processes that run, each with the connection of whoever waits for it."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.waiting: dict[int, socket.socket] = {}
        self.alarm, bell = socket.socketpair()
        for each in (self.alarm, bell):
            each.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(bell.fileno())
        self.bell = bell
        for source, heed in ((listener, self.accept), (self.alarm, self.bury), (sys.stdin, self.end)):
            self.selector.register(source, selectors.EVENT_READ, heed)

    def serve(self) -> None:
        """Heed whoever asks, ends or is gone, until nobody is left to ask; in a fork, raises `Ordered`."""
        while True:
            for key, _ in self.selector.select():
                key.data()

    def accept(self) -> None:
        """Take an order, and fork for it."""
        connection, _ = self.listener.accept()
        order, streams, *_ = socket.recv_fds(connection, MOST, 3)
        if not order:
            connection.close()
            return
        load()
        with warnings.catch_warnings():
            # Python 3.12 warns of threads; the only one gives memory back for pyarrow, and begins anew in a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            connection.close()
            self.selector.close()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (self.listener, self.alarm, self.bell, *self.waiting.values()):
                each.close()
            raise Ordered(Command(*marshal.loads(order)), streams)
        for each in streams:
            os.close(each)
        self.waiting[child] = connection
        self.selector.register(connection, selectors.EVENT_READ, lambda: self.pass_on(child, connection))

    def pass_on(self, child: int, connection: socket.socket) -> None:
        """Give a process the signal that its stand-in got; where the stand-in is gone, so is what it stood for."""
        if child not in self.waiting:
            return
        try:
            got = connection.recv(1)
        except ConnectionResetError:
            got = b""
        os.kill(child, got[0] if got else signal.SIGKILL)
        if not got:
            self.selector.unregister(connection)

    def bury(self) -> None:
        """Tell each stand-in how its process ended."""
        self.alarm.recv(MOST)
        for child in list(self.waiting):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                connection = self.waiting.pop(child)
                if connection in self.selector.get_map():
                    self.selector.unregister(connection)
                    connection.send(marshal.dumps(os.waitstatus_to_exitcode(status)))
                connection.close()

    def end(self) -> None:
        """The run of the tests is over, and with it whatever it left."""
        for child in self.waiting:
            os.kill(child, signal.SIGKILL)
        for child in self.waiting:
            os.waitpid(child, 0)
        os._exit(0)


def load() -> None:
    """Import the project, and what it imports late; once."""
    if "features" in sys.modules:
        return
    # What is imported stays, and is looked through for rubbish by none of the forks.
    gc.disable()
    sys.path.insert(0, str(ROOT))
    # Not by filters: those that a library sets when it is imported are a command's, too.
    shown, warnings.showwarning = warnings.showwarning, lambda *_, **__: None
    for package in PACKAGES:
        for module in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if not {"__main__", "migrations"} & set(module.name.split(".")):
                importlib.import_module(module.name)
    for each in LIBRARIES:
        importlib.import_module(each)
    warnings.showwarning = shown
    importlib.import_module("features.warm").compile_kernels()
    sys.path.remove(str(ROOT))
    gc.freeze()
    gc.enable()


def become(command: Command, streams: list[int]) -> None:
    """Put this process where the command was given."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty(), write_through="PYTHONUNBUFFERED" in command.environment)
    os.chdir(command.folder)
    paths = [each for each in command.environment.get("PYTHONPATH", "").split(os.pathsep) if each]
    if "PYTHONSAFEPATH" not in command.environment:
        paths.insert(0, command.folder if command.is_module else str(Path(command.target).parent))
    forget(command, paths)
    sys.path[:0] = paths
    os.environ.clear()
    os.environ.update(command.environment)
    time.tzset()
    sys.modules["numpy"].random.seed()
    sys.modules["numba.core.config"].reload_config()
    sys.executable = command.python
    sys.argv = [command.target, *command.arguments]
    warnings._processoptions(command.options)


def forget(command: Command, paths: list[str]) -> None:
    """Forget the module that is to be run, and every one of the project that the command would find elsewhere."""
    found = next((each for each in paths if Path(each, "features").is_dir()), str(ROOT))
    kernels = command.environment.get("NUMBA_CACHE_DIR")
    elsewhere = Path(found).resolve() != ROOT or kernels != os.environ["NUMBA_CACHE_DIR"]
    for name in list(sys.modules):
        if name == command.target or (elsewhere and name.split(".")[0] in PACKAGES):
            del sys.modules[name]


def run(command: Command) -> int:
    """Run a command to its end and return its exit code."""
    try:
        if command.is_module:
            runpy.run_module(command.target, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(command.target, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except Exception:  # noqa: BLE001 - whatever the command raised is told as Python does
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave(code: int) -> None:
    """End as Python does, but for taking a million objects apart one by one."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def main() -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(sys.argv[1])
    listener.listen()
    # Whoever gives commands knows now that there is someone to give them to.
    print("listening", flush=True)
    try:
        Forks(listener).serve()
    except Ordered as order:
        command, streams = order.command, order.streams
    become(command, streams)
    leave(run(command))


if __name__ == "__main__":
    main()
