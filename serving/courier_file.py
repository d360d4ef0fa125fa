"""Messages into a file, a line each: for whoever tries things out and wants nobody to get anything."""

import asyncio
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from features.moments import to_moment
from serving.claims import Claim
from serving.endpoints import Lines
from serving.rendered import Rendered
from serving.retry import Answer

FOLDER: Final = "sent"
"""Below OPPORTUNE_HOME, so that erasure reaches it."""


IsThere = Callable[[str], bool]
"""Whether the outbox still holds a message, by its id; called from a thread of its own."""
GONE: Final = "the message is gone: its person was erased"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Let nobody else, in whatever process, write or sweep the files of a folder meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    # A file of its own: those of messages are replaced while they are swept.
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


async def write_line(claim: Claim, endpoint: Lines, at: int, is_there: IsThere) -> Answer:
    """Append a message to the file, unless it is gone by now; `at` is the moment in microseconds."""
    data = json.loads(claim.body)["data"]
    line = {
        "message_id": claim.message_id,
        "at": to_moment(at).isoformat(),
        "attempt": claim.attempt,
        **{name: data.get(name) for name in ("user_id", "anonymous_id", "trigger", "step", "channel", "decision_id")},
        **asdict(claim.rendered or Rendered()),
    }
    text = json.dumps(line, ensure_ascii=False, default=str) + "\n"
    written = await asyncio.to_thread(
        _append, endpoint.path, claim.message_id, text.encode("utf-8", "replace"), is_there
    )
    return Answer(200) if written else Answer(None, GONE, refused=True)


def _append(path: Path, message_id: str, text: bytes, is_there: IsThere) -> bool:
    with alone_in(path.parent):
        # Erasure takes a message out of the outbox first and sweeps the files then: what is still there now is swept.
        if not is_there(message_id):
            return False
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, text)
        finally:
            os.close(file)
        return True
