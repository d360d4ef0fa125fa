"""What is left of events that a log forgot: rows that stand for the state they folded to, or for a link among them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from features.catalog import CATALOGUE
from features.events import pack_record
from features.fold import NOTHING, UNLINKED, LogArrays
from features.kinds import Kind
from features.layout import KNOWN_AT, SEQ, Catalogue, Floats
from features.state import MalformedState, empty, unpack
from features.traits import with_traits


class Kept(NamedTuple):
    """What is left of the forgotten events of one user.

    Attributes:
        user: Whose they were.
        owner: Whose id this had become by the last of them; None where it was its own.
        seq: Position of the last of them, or of the link.
        known_at: When that became known, in microseconds.
        state: What they folded to, packed; None where there is an owner, who has it.
    """

    user: int
    owner: int | None
    seq: int
    known_at: int
    state: bytes | None


def rows_of(kept: Sequence[Kept], *, catalogue: Catalogue = CATALOGUE) -> LogArrays:
    """Return a log of one row for each of these; a state of another layout counts as one of nobody, at its position."""
    states = [each for each in kept if each.owner is None]
    place = {each.user: i for i, each in enumerate(states)}
    records = [with_traits(pack_record(each.known_at, Kind.OTHER), {}, catalogue.traits) for each in kept]
    return LogArrays(
        user=np.array([each.user if each.owner is None else each.owner for each in kept], dtype=np.int64),
        known_at=np.array([each.known_at for each in kept], dtype=np.int64),
        seq=np.array([each.seq for each in kept], dtype=np.int64),
        records=np.frombuffer(b"".join(records)).reshape(-1, catalogue.record_width),
        linked=np.array([UNLINKED if each.owner is None else each.user for each in kept], dtype=np.int64),
        kept=np.array([NOTHING if each.owner is not None else place[each.user] for each in kept], dtype=np.int64),
        states=np.array([_state(each, catalogue) for each in states]).reshape(-1, catalogue.width),
    )


def is_readable(kept: Kept, *, catalogue: Catalogue = CATALOGUE) -> bool:
    """Whether a kept state, if this is one, has the present layout."""
    try:
        return kept.owner is not None or unpack(kept.state or b"", catalogue=catalogue) is not None
    except MalformedState:
        return False


def joined(events: LogArrays, kept: LogArrays) -> LogArrays:
    """Return the rows of both, those of `kept` last; in which order they are folded is the caller's to say."""
    both = (events, kept)
    return LogArrays(
        user=np.concatenate([each.user for each in both]),
        known_at=np.concatenate([each.known_at for each in both]),
        seq=np.concatenate([each.seq for each in both]),
        records=np.concatenate([each.records for each in both]),
        linked=np.concatenate([each.linked for each in both]),
        kept=np.concatenate([each.which for each in both]),
        states=kept.states,
    )


def _state(kept: Kept, catalogue: Catalogue) -> Floats:
    try:
        return unpack(kept.state or b"", catalogue=catalogue)
    except MalformedState:
        state = empty(catalogue=catalogue)
        state[SEQ], state[KNOWN_AT] = kept.seq, kept.known_at
        return state
