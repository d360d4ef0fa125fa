import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from serving.metrics import Histogram, Metrics, exposition


def samples(metrics):
    text = exposition(metrics)().decode()
    return {
        (s.name, *sorted(s.labels.items())): s.value for f in text_string_to_metric_families(text) for s in f.samples
    }


@given(st.lists(st.floats(0, 10)))
def test_a_histogram_counts_every_value_at_or_below_its_bound(values):
    histogram = Histogram([1.0, 2.5])
    for value in values:
        histogram.observe(value)

    expected = [sum(v <= bound for v in values) for bound in (1.0, 2.5, float("inf"))]
    assert histogram.buckets() == list(zip(["1.0", "2.5", "+Inf"], expected, strict=True))
    assert histogram.count == len(values)
    assert histogram.total == pytest.approx(sum(values))


def test_what_was_counted_is_what_prometheus_reads():
    metrics = Metrics()
    metrics.route("/v1/score").answered(200, 0.002)
    metrics.route("/v1/score").answered(429, 0.0001)
    metrics.events["accepted"] += 3
    metrics.decisions["hold", "below_threshold"] += 2
    metrics.batch_size.observe(17)
    metrics.rebuilt_states = 4
    metrics.gauge("queue_depth", "Waiting.", lambda: 5.0)
    metrics.models = lambda: {"24h": "opportune-intent-24h/3", "7d": "opportune-intent-7d/1"}
    metrics.challengers = lambda: {("24h", "opportune-intent-24h/4"): True, ("7d", "opportune-intent-7d/2"): False}
    metrics.refused = lambda: {"7d": "it is damaged"}

    read = samples(metrics)

    assert read["opportune_requests_total", ("route", "/v1/score"), ("status", "200")] == 1
    assert read["opportune_requests_total", ("route", "/v1/score"), ("status", "429")] == 1
    assert read["opportune_request_seconds_count", ("route", "/v1/score")] == 2
    assert read["opportune_request_seconds_bucket", ("le", "0.0005"), ("route", "/v1/score")] == 1
    assert read["opportune_events_total", ("outcome", "accepted")] == 3
    assert read["opportune_events_total", ("outcome", "rejected")] == 0
    assert read["opportune_decisions_total", ("action", "hold"), ("reason", "below_threshold")] == 2
    assert read["opportune_batch_size_bucket", ("le", "32.0")] == 1
    assert read["opportune_batch_size_sum",] == 17
    assert read["opportune_rebuilt_states_total",] == 4
    assert read["opportune_queue_depth",] == 5
    assert read["opportune_model", ("horizon", "24h"), ("model", "opportune-intent-24h/3")] == 1
    assert read["opportune_challenger", ("horizon", "24h"), ("model", "opportune-intent-24h/4")] == 1
    assert read["opportune_challenger", ("horizon", "7d"), ("model", "opportune-intent-7d/2")] == 0
    assert read["opportune_model_refused", ("horizon", "24h")] == 0
    assert read["opportune_model_refused", ("horizon", "7d")] == 1
    assert read["process_resident_memory_bytes",] > 1e6


def test_a_gauge_is_named_once_however_often_it_is_set():
    metrics = Metrics()
    metrics.gauge("queue_depth", "One meaning.", lambda: 1.0)
    metrics.gauge("queue_depth", "Another meaning.", lambda: 2.0)

    assert samples(metrics)["opportune_queue_depth",] == 2
