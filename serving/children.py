"""Processes beside the server that do what would hold up its loop, or need what it does not carry."""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from typing import Final

from serving.settings import Settings

AGAIN_AFTER_S: Final = 5.0
_log = logging.getLogger(__name__)


async def keep_alive(arguments: Sequence[str], settings: Settings, what: str) -> None:
    """Keep a Python process alive, and end it with the server; serving goes on with what it has while it is not.

    Args:
        arguments: Of the interpreter, such as ``-m serving.registry``.
        settings: Whose home and registry it works with.
        what: What it is called in the log.
    """
    environment = {**os.environ, "OPPORTUNE_HOME": str(settings.home)}
    if settings.registry is not None:
        environment["OPPORTUNE_REGISTRY"] = settings.registry
    while True:
        child = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment)
        try:
            code = await child.wait()
        finally:
            if child.returncode is None:
                child.terminate()
                await child.wait()
        _log.warning("%s ended with %s; starting it again", what, code)
        await asyncio.sleep(AGAIN_AFTER_S)
