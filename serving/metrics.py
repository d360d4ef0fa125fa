"""What happened, as plain numbers that cost nanoseconds to count and become Prometheus text only when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from prometheus_client.core import Metric

    from serving.health import Gauge
    from serving.items import Ingested

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCY_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_DELAY_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 86400.0)


class Histogram:
    """Counts of values by upper bound, and their sum."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, once or as often as it occurred."""
        self._counts[bisect_left(self._bounds, value)] += times
        self._total += value * times

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    @property
    def total(self) -> float:
        """Their sum."""
        return self._total

    def buckets(self) -> list[tuple[str, float]]:
        """Return upper bound and how many values were at most that, as Prometheus wants them."""
        names = [*(repr(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(names, accumulate(map(float, self._counts)), strict=True))


class RouteCounts:
    """What one route answered."""

    __slots__ = ("latency_s", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        self.latency_s = Histogram(_LATENCY_S)

    def answered(self, status: int, latency_s: float) -> None:
        """Count one answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latency_s.observe(latency_s)


class Metrics:
    """Everything that is counted; whoever sees something happen adds to it, from the event loop's thread."""

    def __init__(self) -> None:
        self.routes: dict[str, RouteCounts] = {}
        self.events: Counter[str] = Counter(
            {"accepted": 0, "duplicate": 0, "rejected": 0, "erased": 0, "untracked": 0, "outdated": 0, "unknown": 0}
        )
        """By outcome: accepted, duplicate, rejected, erased (dropped: their user was erased after they happened),
        untracked (dropped: their user did not agree to be tracked), outdated (dropped: from before what the log
        holds); `unknown` counts those accepted under a name that nobody knows."""
        self.reports: Counter[tuple[str, str]] = Counter()
        """What others reported, by source and by what became of it."""
        self.decisions: Counter[tuple[str, str]] = Counter()
        """By action and reason."""
        self.unread_traits: Counter[str] = Counter()
        """Traits that features are made of, by how often they were told as what cannot be read."""
        self.batch_size = Histogram(_BATCH)
        self.event_to_decision_s = Histogram(_DELAY_S)
        self.decision_to_dispatch_s = Histogram(_DELAY_S)
        self.rebuilt_states = 0
        """States that had to be folded again from the log: behind it, ahead of it, missing or malformed."""
        self.gauges: dict[tuple[str, str], Callable[[], float]] = {
            ("queue_depth", "Requests that wait for the next batch."): lambda: 0.0,
        }
        """Name and meaning of what is measured at the moment of asking."""
        self.models: Callable[[], Mapping[str, str]] = dict
        """Model in service by horizon, as name/version."""
        self.challengers: Callable[[], Mapping[tuple[str, str], bool]] = dict
        """Whether a challenger scores in shadow, by horizon and name/version."""
        self.refused: Callable[[], Container[str]] = tuple
        """Horizons whose newest champion was refused, so that an older model stays in service."""
        self.policy: Callable[[], str] = str
        """Version of the policy in service; empty where there is none."""
        self.health: Callable[[], Iterable[Gauge]] = tuple
        """What was last found of the health of models, triggers and the log."""

    def route(self, path: str) -> RouteCounts:
        """Return the counts of a route, by its path as declared."""
        return self.routes.setdefault(path, RouteCounts())

    def follow_policy(self, version: Callable[[], str], is_refused: Callable[[], bool]) -> None:
        """Tell which policy is in service, and whether its file was refused."""
        self.policy = version
        self.gauge("policy_refused", "Whether the policy file was refused.", lambda: float(is_refused()))

    def took_in(self, ingested: Ingested) -> None:
        """Count events that came in, by what became of them."""
        counted = self.events
        counted["accepted"] += ingested.accepted
        counted["duplicate"] += ingested.duplicates
        counted["erased"] += ingested.erased
        counted["untracked"] += ingested.untracked
        counted["outdated"] += ingested.outdated
        counted["unknown"] += ingested.unknown

    def gauge(self, name: str, meaning: str, measure: Callable[[], float]) -> None:
        """Measure something whenever somebody asks."""
        for key in [key for key in self.gauges if key[0] == name]:
            del self.gauges[key]
        self.gauges[name, meaning] = measure


class _Families(Collector):
    """Our numbers in the words of Prometheus."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        yield from self._routes()
        yield self._counter(
            "events", "Events by outcome.", ["outcome"], {(k,): v for k, v in self._metrics.events.items()}
        )
        yield self._counter(
            "decisions", "Decisions by action and reason.", ["action", "reason"], self._metrics.decisions
        )
        yield self._counter(
            "reports",
            "Reports of providers and shops by what became of them.",
            ["source", "outcome"],
            self._metrics.reports,
        )
        yield self._counter(
            "unread_traits",
            "Traits told as what the catalogue's features cannot read.",
            ["trait"],
            {(trait,): times for trait, times in self._metrics.unread_traits.items()},
        )
        yield self._counter(
            "rebuilt_states", "States folded again from the log.", [], {(): self._metrics.rebuilt_states}
        )
        yield _histogram("batch_size", "Requests answered by one batch.", self._metrics.batch_size)
        yield _histogram(
            "event_to_decision_seconds", "From an event to its decision.", self._metrics.event_to_decision_s
        )
        yield _histogram(
            "decision_to_dispatch_seconds",
            "From a decision to its message's delivery.",
            self._metrics.decision_to_dispatch_s,
        )
        for (name, meaning), measure in self._metrics.gauges.items():
            yield GaugeMetricFamily(f"opportune_{name}", meaning, value=measure())
        yield from self._models()
        policy = GaugeMetricFamily("opportune_policy", "The policy in service.", labels=["version"])
        policy.add_metric([self._metrics.policy()], 1)
        yield policy
        yield from self._health()

    def _health(self) -> Iterable[Metric]:
        for each in self._metrics.health():
            family = GaugeMetricFamily(f"opportune_{each.name}", each.meaning, labels=each.labels)
            for sample in each.samples:
                family.add_metric([sample.labels.get(label, "") for label in each.labels], sample.value)
            yield family

    def _models(self) -> Iterable[Metric]:
        models = GaugeMetricFamily("opportune_model", "The model in service.", labels=["horizon", "model"])
        refused = GaugeMetricFamily(
            "opportune_model_refused", "Whether the newest champion was refused.", labels=["horizon"]
        )
        refusals = self._metrics.refused()
        for horizon, model in self._metrics.models().items():
            models.add_metric([horizon, model], 1)
            refused.add_metric([horizon], horizon in refusals)
        yield models
        yield refused
        challengers = GaugeMetricFamily(
            "opportune_challenger", "Whether a challenger scores in shadow, or failed to.", labels=["horizon", "model"]
        )
        for (horizon, model), scores in self._metrics.challengers().items():
            challengers.add_metric([horizon, model], scores)
        yield challengers

    def _routes(self) -> Iterable[Metric]:
        requests = CounterMetricFamily("opportune_requests", "Requests answered.", labels=["route", "status"])
        latency = HistogramMetricFamily("opportune_request_seconds", "Until the answer was sent.", labels=["route"])
        for path, counts in self._metrics.routes.items():
            for status, answered in counts.statuses.items():
                requests.add_metric([path, str(status)], answered)
            latency.add_metric([path], counts.latency_s.buckets(), counts.latency_s.total)
        yield requests
        yield latency

    @staticmethod
    def _counter(name: str, meaning: str, labels: list[str], values: Mapping[Any, int]) -> Metric:
        family = CounterMetricFamily(f"opportune_{name}", meaning, labels=labels)
        for key, value in values.items():
            family.add_metric(list(key), value)
        return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(
        f"opportune_{name}",
        meaning,
        buckets=histogram.buckets(),
        sum_value=histogram.total,
    )


def exposition(metrics: Metrics) -> Callable[[], bytes]:
    """Return what writes the numbers of this process, the interpreter's own among them, as Prometheus text."""
    registry = CollectorRegistry()
    registry.register(_Families(metrics))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return lambda: generate_latest(registry)
