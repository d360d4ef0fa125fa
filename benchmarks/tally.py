"""What a load test counts: answers inside a window, errors, and latencies."""

from collections import Counter
from dataclasses import dataclass, field

from benchmarks.latency import Latency, describe

OK = b"200"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back. An error is any status but 200, a lost connection, or no answer in time."""

    answered: int
    errors: int
    per_s: float
    latency: Latency
    statuses: dict[str, int]
    acknowledged: int
    """Answers with 200 over the whole run, warm-up included."""
    send_lag_ms: float | None = None
    """Open loop only: p99 of how much later than due the client itself came to send; not the server's fault."""


@dataclass(slots=True)
class Tally:
    """Counters of one run; the window is in perf_counter seconds."""

    opens_at: float
    closes_at: float
    acknowledged: int = 0
    statuses: Counter[bytes] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    def answer(self, status: bytes, *, since: float, now: float, counted_at: float) -> None:
        """Count one answer; only those whose `counted_at` lies in the window matter to rates and latencies."""
        self.acknowledged += status == OK
        if not self.opens_at <= counted_at < self.closes_at:
            return
        self.statuses[status] += 1
        if status == OK:
            self.latencies_s.append(now - since)

    def miss(self, *, waited_s: float, cause: bytes) -> None:
        """Count a request that was never answered, with the time it had waited when we gave up."""
        self.statuses[cause] += 1
        self.latencies_s.append(waited_s)

    def outcome(self, send_lag_ms: float | None = None) -> Outcome:
        """Sum up."""
        good = self.statuses[OK]
        return Outcome(
            answered=good,
            errors=self.statuses.total() - good,
            per_s=round(good / (self.closes_at - self.opens_at), 1),
            latency=describe(self.latencies_s),
            statuses={key.decode("latin-1"): count for key, count in sorted(self.statuses.items())},
            acknowledged=self.acknowledged,
            send_lag_ms=send_lag_ms,
        )
