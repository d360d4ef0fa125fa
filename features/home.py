"""The folder of everything a run leaves behind, as a command finds it."""

import sys
from pathlib import Path


def refuse_closed(home: Path) -> None:
    """End the process, with one sentence, where a home is no folder or not for its user to look into."""
    try:
        (home / "opportune.db").stat()
    except FileNotFoundError:
        pass  # Whoever needs it says what makes one.
    except OSError as error:
        sys.exit(f"opportune: {home} cannot be used: {error.strerror}")
