"""How a file of history is to be read, as its mapping says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from features.mapping_checks import BadMapping, section, text, texts
from features.moments import UNITS, zone


@dataclass(frozen=True, slots=True)
class FileLayout:
    """What a file does not say about itself."""

    KEYS: ClassVar[frozenset[str]] = frozenset(
        {"columns", "delimiter", "time_unit", "time_format", "zone", "constants", "json"}
    )

    columns: tuple[str, ...] = ()
    """Names of the columns of a file without a header; empty: the first row is one."""
    delimiter: str = ","
    time_unit: str | None = None
    """`s`, `ms`, `us` or `ns`; None: told from the size of the number."""
    time_format: str | None = None
    """As in `datetime.strptime`; None: ISO 8601."""
    zone: tzinfo = UTC
    """Of moments that do not say theirs."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Column -> value, for what the file does not say."""
    json: frozenset[str] = frozenset()
    """Columns whose cells hold JSON."""

    @classmethod
    def of(cls, rows: Mapping[str, Any]) -> "FileLayout":
        """Check the section `file` of a mapping (BadMapping)."""
        time_format = rows.get("time_format")
        return cls(
            columns=_columns(rows),
            delimiter=_delimiter(rows.get("delimiter", ",")),
            time_unit=_unit(rows.get("time_unit")),
            time_format=None if time_format is None else text(time_format, "file.time_format"),
            zone=_zone(rows.get("zone", "UTC")),
            constants=section(rows, "file.constants", None),
            json=frozenset(texts(rows, "file", "json")),
        )


def _columns(rows: Mapping[str, Any]) -> tuple[str, ...]:
    columns = texts(rows, "file", "columns")
    for each in columns:
        if columns.count(each) > 1:
            raise BadMapping("file.columns", f"{each!r} is named twice")
    return tuple(columns)


def _delimiter(value: object) -> str:
    if not isinstance(value, str) or len(value) != 1:
        raise BadMapping("file.delimiter", f"must be one character, not {value!r}")
    return value


def _unit(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in UNITS:
        raise BadMapping("file.time_unit", f"must be one of {', '.join(UNITS)}, not {value!r}")
    return value


def _zone(value: object) -> tzinfo:
    found = zone(text(value, "file.zone"))
    if found is None:
        raise BadMapping("file.zone", f"{value!r} is not a time zone such as Europe/Berlin")
    return found
