"""The rows of a file that could not be imported, written beside that file for whoever mends them."""

import contextlib
import json
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from serving.history_lines import Row


class RejectedRows:
    """JSON lines of file, line, field, reason, code and the row; there is no file while no row is bad."""

    def __init__(self, source: Path, otherwise: Path, *, with_rows: bool = True) -> None:
        """List the bad rows of `source` beside it; in the folder `otherwise` where that cannot be written to.

        Without `with_rows` the list says where they are and what is wrong, and nothing that they say.
        What an earlier import of the same file left at either place is taken away.
        """
        name = f"{source.name}.rejected.jsonl"
        self.path = source.with_name(name)
        self.count = 0
        self.first = ""
        """The first bad row in words, empty while there is none."""
        self._source = source
        self._with_rows = with_rows
        self._otherwise = otherwise / name
        self._stream: TextIO | None = None
        for left in (self.path, self._otherwise):
            with contextlib.suppress(OSError):
                left.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def add(self, row: Row) -> None:
        """Write a bad row down."""
        if row.bad is None:
            raise ValueError("a good row is not to be rejected")
        if self._stream is None:
            self._stream = self._open()
            self.first = f"{self._source}:{row.line}: {row.bad if self._with_rows else row.bad.code}"
        said = {"file": str(self._source), "line": row.line, "field": row.bad.field, "reason": row.bad.reason}
        if self._with_rows:
            said["row"] = row.text
        else:
            # A reason quotes what cannot be read.
            said["reason"] = row.bad.code
        self._stream.write(json.dumps({**said, "code": row.bad.code}) + "\n")
        self.count += 1

    def _open(self) -> TextIO:
        try:
            return self.path.open("w", encoding="utf-8")
        except OSError:
            self.path = self._otherwise
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.open("w", encoding="utf-8")
