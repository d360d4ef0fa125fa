"""Import a file of discount codes: `python -m serving.code_files FILE --pool NAME`; bad rows are told by their line."""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Engine

from features.cache import keep_compiled
from features.events import BadEvent
from features.moments import DAY_US, SECOND_US, read_moment
from policy.names import LONGEST_NAME, NAME
from serving.codes import Code, add
from serving.contract_codes import GivenCode
from serving.database import database_of_command, for_writing
from serving.history_lines import FileRefused, importable, refusal
from serving.row_files import rows_of
from serving.settings import settings_of_process

SHOWN: Final = 20
_AT_ONCE: Final = 5000
_OURS: Final = {
    "coupon": "code",
    "coupon_code": "code",
    "discount_code": "code",
    "voucher": "code",
    "voucher_code": "code",
    "expires": "expires_at",
    "expiry": "expires_at",
    "expiry_date": "expires_at",
    "valid_until": "expires_at",
}
"""What exports of shops call our fields."""


class Fault(NamedTuple):
    """A row that was left out."""

    line: int
    says: str


class Imported(NamedTuple):
    """What became of a file: how many codes were new, how many were known, and the rows that were left out."""

    added: int
    known: int
    bad: list[Fault]


def import_codes(file: Path, pool: str, database: Engine, *, at: int) -> Imported:
    """Add the codes of a file to a pool; rows that are none are left out and told.

    Args:
        file: `.csv`, `.tsv` or `.jsonl`, each also gzipped, with `code` and, if need be, `expires_at`.
        pool: As triggers name it.
        database: Whose tables are up to date.
        at: The moment in microseconds.

    Raises:
        FileRefused: The file cannot be read as codes at all.
    """
    bad: list[Fault] = []
    batch: dict[str, tuple[int, Code]] = {}
    added = known = 0
    for line, found in _rows(file):
        if isinstance(found, str):
            bad.append(Fault(line, found))
            continue
        batch[found.code] = (line, found)
        if len(batch) >= _AT_ONCE:
            added, known = _both((added, known), _write(database, pool, batch, bad, at))
    added, known = _both((added, known), _write(database, pool, batch, bad, at))
    return Imported(added, known, sorted(bad))


def _both(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _write(
    database: Engine, pool: str, batch: dict[str, tuple[int, Code]], bad: list[Fault], at: int
) -> tuple[int, int]:
    """Write a batch, and empty it; return how many codes were new and how many known."""
    with for_writing(database).begin() as connection:
        done = add(connection, pool, [code for _, code in batch.values()], at=at)
    bad += [Fault(batch[each][0], "code: is in another pool already") for each in done.elsewhere]
    batch.clear()
    return done.added, done.known


def _rows(file: Path) -> Iterator[tuple[int, Code | str]]:
    for row in rows_of(file, names=_ours, needed="code", known_as="code, coupon or voucher"):
        yield row.line, row.fault if row.fields is None else _code(row.fields)


def _ours(name: str) -> str:
    return _OURS.get(name.lower(), name.lower())


def _code(said: Mapping[str, Any]) -> Code | str:
    """Return the code of a row, or what is wrong with it; other columns of an export do not matter."""
    code = said.get("code")
    try:
        found = GivenCode.model_validate({"code": code.strip() if isinstance(code, str) else code})
    except ValidationError as error:
        return f"code: {error.errors(include_url=False)[0]['msg']}"
    expires = said.get("expires_at")
    try:
        return Code(found.code, None if expires is None else _expiry(expires))
    except BadEvent as bad:
        return str(bad)


def _expiry(said: object) -> int:
    """Return the moment until which a code is good (BadEvent); a day counts to its last second, in UTC."""
    if isinstance(said, str):
        try:
            return read_moment(date.fromisoformat(said.strip()).isoformat(), "expires_at") + DAY_US - SECOND_US
        except ValueError:
            pass
    return read_moment(said, "expires_at")


def _pool(name: str) -> str:
    if not re.fullmatch(NAME, name) or len(name) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"{name!r} is no name of a pool: lower-case letters, digits, - and _")
    return name


def main(arguments: list[str] | None = None) -> int:
    """Import the codes of a file into the configured home; 1 where a row was bad or the file is none."""
    parser = argparse.ArgumentParser(prog="python -m serving.code_files", description=__doc__)
    parser.add_argument("file", type=Path, help="codes as .csv, .tsv or .jsonl; also .gz")
    parser.add_argument("--pool", type=_pool, required=True, help="as triggers name it")
    given = parser.parse_args(arguments)
    file: Path = given.file
    settings = settings_of_process()
    keep_compiled(settings.home)
    from serving.clock import wall

    try:
        with database_of_command(settings.database) as database:
            done = import_codes(importable(file), given.pool, database, at=wall())
    except (FileRefused, OSError) as refused:
        sys.stderr.write(refusal(file, refused))
        return 1
    for fault in done.bad[:SHOWN]:
        sys.stderr.write(f"{file.name}:{fault.line}: {fault.says}\n")
    left = f"; {len(done.bad):,} rows were left out" if done.bad else ""
    sys.stdout.write(f"{done.added:,} codes added to {given.pool}, {done.known:,} were there{left}\n")
    return 1 if done.bad else 0


if __name__ == "__main__":
    sys.exit(main())
