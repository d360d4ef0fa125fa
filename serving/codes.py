"""Discount codes: pools of them, each code handed out once, and to whom; see docs/adr/0021-a-code-of-ones-own.md."""

import json
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from sqlalchemy import Connection

from features.moments import to_moment
from policy.codes import Codes
from policy.decide import Verdict
from policy.policy import Policy
from policy.reasons import Action, Reason
from policy.runs import Run
from policy.triggers import Trigger
from serving.driver import Driver, driver

NEVER: Final = (1 << 63) - 1
"""When a code expires that does not."""
_HELD: Final = """
SELECT h.code, c.expires_at FROM code_holders h JOIN codes c ON c.code = h.code
WHERE h.event_seq = ? AND h.trigger = ? AND h.key = ? AND h.pool = ? AND c.expires_at > ?
ORDER BY h.at DESC LIMIT 1
"""
# Those that expire first go first, so that what is left is good for longer.
_TAKE: Final = """
UPDATE codes SET handed_at = ? WHERE code_id = (
    SELECT code_id FROM codes WHERE pool = ? AND handed_at IS NULL AND expires_at > ?
    ORDER BY expires_at, code_id LIMIT 1
) RETURNING code, expires_at
"""
_KEEP: Final = (
    "INSERT INTO code_holders (code, pool, event_seq, trigger, key, user_no, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_LEFT: Final = "SELECT 1 FROM codes WHERE pool = ? AND handed_at IS NULL AND expires_at > ? LIMIT 1"
_ADD: Final = """
INSERT INTO codes (code, pool, expires_at, added_at) VALUES (?, ?, ?, ?)
ON CONFLICT (code) DO UPDATE SET expires_at = excluded.expires_at
WHERE pool = excluded.pool AND handed_at IS NULL
"""
_POOLS: Final = """
SELECT pool, sum(handed_at IS NULL AND expires_at > ?1), sum(handed_at IS NOT NULL),
       sum(handed_at IS NULL AND expires_at <= ?1), max(added_at)
FROM codes GROUP BY pool ORDER BY pool
"""


class Code(NamedTuple):
    """A code, and when it expires in microseconds; None where it does not."""

    code: str
    expires_at: int | None = None

    def told(self) -> dict[str, str | None]:
        """Return what a message says of it."""
        until = None if self.expires_at is None else to_moment(self.expires_at)
        said = None if until is None else until.isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"code": self.code, "code_expires_at": said}


class Holder(NamedTuple):
    """Whose a code is: all messages of one sequence carry the same.

    Attributes:
        event_seq: Position in the log of the event that began the sequence.
        trigger: Whose sequence it is.
        key: The cart or product that it is about; empty for the user as a whole.
        user_no: Who gets the messages, by number in the log.
    """

    event_seq: int
    trigger: str
    key: str
    user_no: int


class Pool(NamedTuple):
    """How many codes of a pool can still be handed out, were handed out, expired before; when the newest came (µs)."""

    pool: str
    left: int
    handed_out: int
    expired: int
    last_added_at: int


class Added(NamedTuple):
    """What became of codes that were imported: how many were new, were known, and are another pool's."""

    added: int
    known: int
    elsewhere: Sequence[str]


class Pools(Protocol):
    """Where the codes of messages come from."""

    def take(self, connection: Connection, codes: Codes, holder: Holder, *, at: int) -> Code | None:
        """Return the code of a holder, a new one if they have none; None if none is left."""

    def is_left(self, connection: Connection, codes: Codes, *, at: int) -> bool:
        """Whether there is a code for whoever has none yet."""


class StoredPools:
    """The pools of an installation, in the transaction of whoever asks."""

    def take(self, connection: Connection, codes: Codes, holder: Holder, *, at: int) -> Code | None:
        """Return the code of a holder, from the pool if they have none that is still good; None if that is empty.

        Args:
            connection: Of the transaction that writes down what the code is for: both are there in the end, or neither.
            codes: Which pool, and how long a new code must be good for.
            holder: Whose.
            at: The moment in microseconds.
        """
        direct = driver(connection)
        of_sequence = (holder.event_seq, holder.trigger, holder.key, codes.pool, at)
        found = direct.execute(_HELD, of_sequence).fetchone() or self._hand_out(direct, codes, holder, at)
        return None if found is None else Code(found[0], None if found[1] == NEVER else found[1])

    def is_left(self, connection: Connection, codes: Codes, *, at: int) -> bool:
        """Whether there is a code for whoever has none yet; `at` in microseconds."""
        asked = (codes.pool, at + codes.valid_for_us)
        return driver(connection).execute(_LEFT, asked).fetchone() is not None

    def _hand_out(self, direct: Driver, codes: Codes, holder: Holder, at: int) -> tuple[str, int] | None:
        row = direct.execute(_TAKE, (at, codes.pool, at + codes.valid_for_us)).fetchone()
        if row is None:
            return None
        direct.execute(_KEEP, (row[0], codes.pool, *holder, at))
        return row[0], row[1]


class EndlessPools:
    """Pools that are never empty, for whoever only rehearses: what they give is no code."""

    def take(self, _connection: Connection, _codes: Codes, _holder: Holder, *, at: int) -> Code | None:  # noqa: ARG002 - as pools have it
        """Return what stands for a code."""
        return PLACEHOLDER

    def is_left(self, _connection: Connection, _codes: Codes, *, at: int) -> bool:  # noqa: ARG002 - as pools have it
        """Return True."""
        return True


PLACEHOLDER: Final = Code("YOUR-CODE")
"""What a preview shows where a message would carry a code."""


def with_code(
    pools: Pools, connection: Connection, trigger: Trigger, run: Run, holder: Holder, verdict: Verdict, *, at: int
) -> tuple[Verdict, Code | None]:
    """Return a decision that fired with the code of its message; held back where it needs one and there is none.

    Nothing is handed out where nothing is sent, but an empty pool holds back what is withheld for the comparison, too:
    both arms go on being people of the same kind. So at a later step whoever is withheld from counts as having a code
    where those who are sent to have had one since an earlier step.

    Args:
        pools: Where codes come from.
        connection: Of the transaction that the decision is written in.
        trigger: Whose message it is.
        run: Where the trigger stands.
        holder: Whose code it would be.
        verdict: What was decided.
        at: The moment in microseconds.
    """
    codes = trigger.plans[run.step].codes
    if codes is None:
        return verdict, None
    if verdict.action is Action.SEND:
        code = pools.take(connection, codes, holder, at=at)
        return (verdict.held(Reason.NO_CODE) if code is None and codes.holds else verdict), code
    if codes.holds and not trigger.carried_before(run.step) and not pools.is_left(connection, codes, at=at):
        return verdict.held(Reason.NO_CODE), None
    return verdict, None


def add(connection: Connection, pool: str, told: Sequence[Code], *, at: int) -> Added:
    """Add codes to a pool; of one that is there and was not handed out yet, when it expires is written anew.

    A code belongs to one pool only: what is another's is left there, and told.

    Args:
        connection: In a transaction that may write.
        pool: Its name.
        told: The codes; of one that is there twice, the last counts.
        at: The moment in microseconds.
    """
    direct = driver(connection)
    own = {each.code: each for each in told}
    known = _pools_of(direct, list(own))
    elsewhere = sorted(code for code, of in known.items() if of != pool)
    rows = [(each.code, pool, NEVER if each.expires_at is None else each.expires_at, at) for each in own.values()]
    direct.executemany(_ADD, [row for row in rows if known.get(row[0], pool) == pool])
    return Added(len(own) - len(known), len(known) - len(elsewhere), elsewhere)


def pools(connection: Connection, *, at: int) -> list[Pool]:
    """Return how each pool stands at a moment in microseconds, by name."""
    return [Pool(*row) for row in driver(connection).execute(_POOLS, (at,)).fetchall()]


def empty_pools(connection: Connection, policy: Policy, *, at: int) -> Iterator[str]:
    """Yield in words which triggers that really send have no code left to send with, at a moment in microseconds."""
    for trigger in policy.triggers:
        if not (trigger.gives_codes and (trigger.live or trigger.rehearses)):
            continue
        for codes in dict.fromkeys(each.codes for each in trigger.plans):
            if codes is not None and not StoredPools().is_left(connection, codes, at=at):
                without = "nothing is sent" if codes.holds else "messages go out without one"
                yield f"the pool {codes.pool} has no code left for the trigger {trigger.name}: {without}"


def _pools_of(direct: Driver, codes: Sequence[str]) -> dict[str, str]:
    """Return the pool of each of these codes that is known."""
    asked = (json.dumps(codes),)
    rows = direct.execute("SELECT code, pool FROM codes WHERE code IN (SELECT value FROM json_each(?))", asked)
    return dict(rows.fetchall())
