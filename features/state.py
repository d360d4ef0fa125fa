"""One person's state: make it, advance it, read it, merge it, and keep it as bytes."""

import struct
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from features import advance as _advance
from features import merge as _merge
from features import read as _read
from features.catalog import CATALOGUE
from features.layout import ANCHOR, KNOWN_AT, SEQ, STAMP, Catalogue, Floats

_HEAD = struct.Struct("<4sI")
_MAGIC = b"OPS1"
_MAGIC_NUMBER = int.from_bytes(_MAGIC, "little")


class MalformedState(ValueError):
    """These bytes are no state of the present layout; rebuild it from the log."""


def empty(*, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return the state, of shape (width,), of a person of whom nothing is known."""
    state = np.empty(catalogue.width)
    _advance.clear(state, catalogue.tables)
    return state


def empty_rows(n: int, *, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return n such states, of shape (n, width)."""
    return np.repeat(empty(catalogue=catalogue)[np.newaxis], n, axis=0)


def advance(state: Floats, record: Floats, known_at: int, seq: int, *, catalogue: Catalogue = CATALOGUE) -> None:
    """Fold one event into `state`, in place.

    Args:
        state: Of shape (width,).
        record: The numbers of the event, of shape (catalogue.record_width,); see `features.events` and, for what the
            log does not keep of it, `features.traits`.
        known_at: When the log learned of it, in microseconds since the epoch; a later `occurred_at` is taken as this.
        seq: The event's position in the log.
        catalogue: Whose layout the state has.

    Raises:
        ValueError: The record has no column for each declared trait.
    """
    if record.size != catalogue.record_width:
        raise ValueError(f"a record of {record.size} numbers, where the catalogue has {catalogue.record_width}")
    _advance.advance_state(state, record, float(known_at), float(seq), catalogue.tables)


def read(state: Floats, at: int, *, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return the features, of shape (n_features,), as of `at` in microseconds since the epoch; NaN is "no answer".

    Raises:
        ValueError: `at` is before an event that the state already knows; fold the log up to `at` instead.
    """
    if at < state[ANCHOR]:
        raise ValueError(f"the state knows events after {at}: fold the log up to that moment instead")
    out = np.empty(catalogue.n_features)
    _read.read_state(state, float(at), out, catalogue.tables)
    return out


def merge(into: Floats, other: Floats, *, catalogue: Catalogue = CATALOGUE) -> None:
    """Fold all that `other` knows into `into`, in place: two ids turned out to be one person."""
    _merge.merge_states(into, other, catalogue.tables)


def position(state: Floats) -> int:
    """Return the position in the log up to which the state is folded; 0 for nobody's state."""
    return int(state[SEQ])


def known_at(state: Floats) -> int | None:
    """Return the moment, in microseconds, at which the last folded event became known; None if there was none."""
    return int(state[KNOWN_AT]) if np.isfinite(state[KNOWN_AT]) else None


def pack(state: Floats) -> bytes:
    """Return the state as bytes that carry their own checksum."""
    return pack_all(state.reshape(1, -1))[0]


def pack_all(states: Floats) -> list[bytes]:
    """Return each of the states, of shape (n, width), as bytes that carry their own checksum."""
    together, length = states.astype("<f8", copy=False).tobytes(), 8 * states.shape[1]
    bodies = (together[start : start + length] for start in range(0, len(together), length))
    return [_HEAD.pack(_MAGIC, crc32(body)) + body for body in bodies]


def unpack(packed: bytes, *, catalogue: Catalogue = CATALOGUE) -> Floats:
    """Return the state, of shape (width,), that `pack` wrote.

    Raises:
        MalformedState: The bytes are damaged, or belong to another layout.
    """
    if len(packed) != _HEAD.size + 8 * catalogue.width:
        raise MalformedState(f"{len(packed)} bytes are no state of {catalogue.width} slots")
    magic, checksum = _HEAD.unpack_from(packed)
    body = packed[_HEAD.size :]
    if magic != _MAGIC or crc32(body) != checksum:
        raise MalformedState("the checksum does not match the bytes")
    state = np.frombuffer(body, dtype="<f8").copy()
    if state[STAMP] != catalogue.tables.stamp:
        raise MalformedState("the state was folded under another layout")
    return state


def unpack_all(packed: Sequence[bytes | None], *, catalogue: Catalogue = CATALOGUE) -> tuple[Floats, list[bool]]:
    """Return the states that `pack` wrote, of shape (n, width), and which of them are: the others hold anything."""
    size, stamp = _HEAD.size, catalogue.tables.stamp
    length = size + 8 * catalogue.width
    whole = [each if each is not None and len(each) == length else bytes(length) for each in packed]
    # The head is as long as one number.
    together = np.frombuffer(b"".join(whole), dtype="<f8").reshape(len(whole), 1 + catalogue.width)
    states = together[:, 1:]
    heads = together[:, 0].copy().view("<u4").reshape(len(whole), 2)
    said = zip(whole, heads.tolist(), states[:, STAMP].tolist(), strict=True)
    return states, [
        own == stamp and magic == _MAGIC_NUMBER and crc32(each[size:]) == checksum
        for each, (magic, checksum), own in said
    ]
