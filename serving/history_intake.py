"""What becomes of each row of a file of history: an event that waits for its turn, or a line for whoever mends it."""

from features.events import BadEvent, Event
from features.mapping import EventMapping
from features.normalise import normalise
from serving.history_lines import Row
from serving.history_orders import OrderRows
from serving.history_rejects import RejectedRows
from serving.history_stage import Stage
from serving.unread_traits import UnreadTraits

_SHOWN = 2000


class Intake:
    """Puts the events of good rows on the stage, and bad rows aside."""

    def __init__(
        self, stage: Stage, rejected: RejectedRows, orders: OrderRows, mapping: EventMapping, received_at: int
    ) -> None:
        """Rows more than a day after `received_at` (microseconds) are bad."""
        self._stage = stage
        self._rejected = rejected
        self._orders = orders
        self._mapping = mapping
        self._received_at = received_at
        self.unread = UnreadTraits()

    def take(self, row: Row) -> None:
        """Stage a row or put it aside; of an order, only its bad lines are put aside."""
        if row.bad is not None:
            self._rejected.add(row)
            return
        try:
            event = self._event(row)
        except BadEvent as bad:
            self._put_aside(row, bad)
            return
        self.unread.mind(event)
        self._stage.put(event)
        if row.lines:
            self._stage.remember((row.order, *(each.message_id for each in row.lines)))

    def _put_aside(self, row: Row, bad: BadEvent) -> None:
        lines = row.lines or (row,)
        refused = [(line, why) for line in lines if (why := self._trouble(line)) is not None]
        # Where each line is good and the order is not, none of them is to blame.
        for line, why in refused or [(line, bad) for line in lines]:
            self._rejected.add(line._replace(bad=why, text=repr(line.raw)[:_SHOWN]))
        if refused and len(refused) < len(lines):
            blamed = {line.line for line, _ in refused}
            self.take(self._orders.merged([line for line in lines if line.line not in blamed]))

    def _trouble(self, row: Row) -> BadEvent | None:
        try:
            self._event(row)
        except BadEvent as bad:
            return bad
        return None

    def _event(self, row: Row) -> Event:
        return normalise(
            row.raw, received_at=self._received_at, mapping=self._mapping, history=True, message_id=row.message_id
        )
