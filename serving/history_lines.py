"""Files that are imported, line by line, plain or gzipped; and JSON lines of history as messages."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from errno import EISDIR
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec

from features.events import BadEvent
from features.mapping import EventMapping
from policy.places import regular

_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
_GZIPPED = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_REPORT_EVERY = 4096
_SHOWN = 2000

Advance = Callable[[int], None]
"""Hears, now and then, how many bytes of the file are behind."""


class Row(NamedTuple):
    """One row of a file: a message, or why it is none."""

    line: int
    """Where the row begins, from 1; in a Parquet file its number."""
    raw: dict[str, Any] | None
    message_id: str = ""
    """For a message that brings none: equal rows share it, so that a second import adds nothing."""
    bad: BadEvent | None = None
    text: str = ""
    """What a bad row looked like."""
    order: str = ""
    """The id of the order that the row belongs to, if it is one."""
    lines: "tuple[Row, ...]" = ()
    """The rows of the file that this one stands for, if it is an order; each with its own `message_id`."""


class FileRefused(ValueError):
    """The file cannot be read at all as what it is to hold."""


def importable(path: Path) -> Path:
    """Return the path of a file that is to be imported (OSError: it is missing, a folder, a pipe or a device)."""
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    path.stat()
    return regular(path)


def refusal(path: Path, error: FileRefused | OSError) -> str:
    """Return the line that a command ends with which could not import the file at `path`."""
    if isinstance(error, OSError) and error.filename not in (None, str(path)):
        return f"nothing imported: {error}\n"
    says = error.strerror if isinstance(error, OSError) else None
    return f"nothing imported: {path}: {says or error}\n"


def lines_of(path: Path, advance: Advance) -> Iterator[tuple[int, bytes | BadEvent]]:
    """Yield each line with its number; a compressed file that is damaged ends with the reason.

    Raises:
        FileRefused: It is UTF-16, which has other lines.
    """
    stream, beneath = _open(path)
    number = 0
    with beneath, stream:
        try:
            for number, line in enumerate(stream, start=1):
                yield number, line
                if number % _REPORT_EVERY == 0:
                    advance(beneath.tell())
        except _DAMAGED as error:
            yield number + 1, BadEvent("", f"the compressed file is cut off or damaged: {error}", "cut_off")
        advance(beneath.tell())


def _open(path: Path) -> tuple[BinaryIO, BinaryIO]:
    """Return the bytes to read, and the file beneath, whose position tells how far we are."""
    beneath = path.open("rb")
    # Not by its name: browsers unpack what they download, and leave the name as it was.
    begins = beneath.peek(4)[:4]
    # Its zeros tell it from a line that is damaged.
    if begins[:2] in _UTF_16 and 0 in begins[2:]:
        beneath.close()
        raise FileRefused("is UTF-16: save it as UTF-8")
    return cast("BinaryIO", gzip.open(beneath)) if begins[:2] == _GZIPPED else beneath, beneath


def id_of(content: bytes, of_what: bytes = b"") -> str:
    """Return the message id of a row that brings none."""
    return "row-" + blake2b(content, digest_size=16, key=of_what).hexdigest()


def shown(content: bytes) -> str:
    """Return the beginning of a row that may not be text, to be shown to whoever must mend it."""
    return content[:_SHOWN].decode("utf-8", "replace").rstrip("\r\n")


def read_json_lines(path: Path, mapping: EventMapping, advance: Advance) -> Iterator[Row]:
    """Yield one message a line."""
    decode = msgspec.json.Decoder().decode
    constants = dict(mapping.file.constants)
    for number, line in lines_of(path, advance):
        if isinstance(line, BadEvent):
            yield Row(number, None, bad=line)
            continue
        content = line.removeprefix(b"\xef\xbb\xbf").strip()
        if content:
            row = _json_row(number, content, decode, whole=line.endswith(b"\n"))
            yield row._replace(raw={**constants, **row.raw}) if constants and row.raw else row


def _json_row(number: int, content: bytes, decode: Callable[[bytes], Any], *, whole: bool) -> Row:
    try:
        raw = decode(content)
    except UnicodeDecodeError:
        return Row(number, None, bad=BadEvent("", "is not UTF-8", "not_utf8"), text=shown(content))
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"is not JSON: {error}" if whole else f"the last line is cut off: {error}"
        # As an array, or written for people, is how most other tools write JSON.
        reason += "; each line must be an object of its own" if content[:1] == b"[" or content == b"{" else ""
        return Row(number, None, bad=BadEvent("", reason, "not_json"), text=shown(content))
    if not isinstance(raw, dict):
        bad = BadEvent("", "must be an object, one on each line", "not_an_object")
        return Row(number, None, bad=bad, text=shown(content))
    return Row(number, raw, id_of(content))
