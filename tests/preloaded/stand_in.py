"""Stands for `python`: gives a command of the project to the preloaded one, and is to others what runs there.

Called as `stand_in.py <what it is started by> <socket> <arguments of python …>`; anything but `[-W …] -m ours …` and
`[-W …] script …` is left to the real Python.
"""

import marshal
import os
import signal
import socket
import sys

OURS = {"benchmarks", "demo", "feature_repo", "features", "models", "policy", "serving", "tests", "training"}
PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


def read(arguments: list[str]) -> tuple[list[str], bool, str, list[str]] | None:
    """Return warnings' options, whether a module is meant, which or what script, and what follows; None if neither."""
    options: list[str] = []
    rest = list(arguments)
    while rest[:1] == ["-W"]:
        options.append(rest[1])
        rest = rest[2:]
    if rest[:1] == ["-m"] and rest[1].split(".")[0] in OURS:
        return options, True, rest[1], rest[2:]
    if rest and not rest[0].startswith("-"):
        return options, False, rest[0], rest[1:]
    return None


def main() -> None:
    """Have it done, and end as it ended."""
    python, path, *arguments = sys.argv[1:]
    order = read(arguments)
    if order is None:
        os.execv(sys.executable, [sys.executable, *arguments])
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(path)
    for each in PASSED_ON:
        signal.signal(each, lambda number, _: connection.send(bytes([number])))
    said = marshal.dumps((python, *order, dict(os.environ), os.getcwd()))  # noqa: PTH109 - pathlib takes as long as all the rest
    socket.send_fds(connection, [said], [0, 1, 2])
    answer = connection.recv(64)
    code = marshal.loads(answer) if answer else 70
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


main()
