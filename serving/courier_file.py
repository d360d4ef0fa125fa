"""Messages into a file, a line each: for whoever tries things out and wants nobody to get anything."""

import asyncio
import json
import os
from dataclasses import asdict
from typing import Final

from features.moments import to_moment
from serving.claims import Claim
from serving.endpoints import Lines
from serving.rendered import Rendered
from serving.retry import Answer

FOLDER: Final = "sent"
"""Below OPPORTUNE_HOME, so that erasure reaches it."""


async def write_line(claim: Claim, endpoint: Lines, at: int) -> Answer:
    """Append a message to the file; `at` is the moment in microseconds."""
    data = json.loads(claim.body)["data"]
    line = {
        "message_id": claim.message_id,
        "at": to_moment(at).isoformat(),
        "attempt": claim.attempt,
        **{name: data.get(name) for name in ("user_id", "anonymous_id", "trigger", "step", "channel", "decision_id")},
        **asdict(claim.rendered or Rendered()),
    }
    text = json.dumps(line, ensure_ascii=False, default=str) + "\n"
    await asyncio.to_thread(_append, endpoint, text.encode("utf-8", "replace"))
    return Answer(200)


def _append(endpoint: Lines, text: bytes) -> None:
    endpoint.path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(endpoint.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, text)
    finally:
        os.close(file)
