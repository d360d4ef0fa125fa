"""How far a long command is, as a bar on standard error."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """One bar a step; nothing at all when `quiet`, as where nobody looks."""

    def __init__(self, *, quiet: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bars = None if quiet else Bars(*columns, console=Console(stderr=True))
        self._task: TaskID | None = None

    def begin(self, step: str, total: int) -> None:
        """Start a step of `total` parts, ending the one before."""
        if self._bars is not None:
            self._bars.start()
            self._task = self._bars.add_task(step, total=total)

    def reach(self, parts: int) -> None:
        """Say how many parts of the step are done."""
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=parts)

    def advance(self, parts: int) -> None:
        """Say how many more parts of the step are done."""
        if self._bars is not None and self._task is not None:
            self._bars.advance(self._task, parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Leave the bars as they are."""
        if self._bars is not None:
            self._bars.stop()
