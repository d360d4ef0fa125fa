"""Health beside a whole server: told by `/metrics`, where alerts and the dashboard find all that they ask for."""

import asyncio
import json
import re
import sys
from collections import defaultdict

import psutil
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from features.kinds import Kind
from serving.clock import wall
from tests.acceptance.processes import serving
from tests.conftest import ROOT
from tests.features.histories import DAY, HOUR, MINUTE
from tests.training.healthy import a_healthy_home

POLICY = """
triggers:
  - {name: cart, on: Product Added, threshold: 100%, cool_down: 1d, hold_out: 0, mode: live, guards: {consent: none}}
"""
NOWHERE = "http://127.0.0.1:9/hook"
ALERTS = yaml.safe_load((ROOT / "docs/monitoring/alerts.yaml").read_text())
DASHBOARD = json.loads((ROOT / "docs/monitoring/grafana.json").read_text())
SELECTOR = re.compile(r"\b(opportune_[a-z_]+)(?:\{([^}]*)\})?")
EXACT = re.compile(r'(\w+)="([^"$]*)"')


def write_home(folder):
    """Write a home in which one feature is served otherwise, with messages that were withheld, opened and stuck."""
    now = wall()
    ledger = a_healthy_home(folder, shifted=("cart_items",), now=now)
    for day in range(8, 28):
        ledger.decision(f"v{day}", "cart", now - day * DAY, "send")
    for i in range(100):
        action = "control" if i % 4 == 0 else "send"
        made = ledger.decision(f"w{i}", "cart", now - 5 * DAY + i * MINUTE, action, arm=action, sending=0.75)
        if action == "send":
            ledger.message(made, status="dead" if i % 2 else "delivered")
            ledger.outcome(made, "unsubscribed" if i % 10 == 1 else "opened", now - 4 * DAY)
    ledger.decision("w0", "cart", now - 4 * DAY, "hold", reason="capped")
    ledger.event("w99", Kind.EMAIL_OPENED, now - HOUR, machine=True, decision_id=made)
    ledger.write()


async def scraped(home):
    """Return what `/metrics` tells once health was looked at, and the processes that outlive the server."""
    followed = {"EVENTS": "exclude: {test: {ids: ['test-*']}}\n", "CHANNELS": "channels: {push: default}\n"}
    for name, text in followed.items():
        (home / f"{name.lower()}.yaml").write_text(text)
    files = {name: str(home / f"{name.lower()}.yaml") for name in followed} | {
        "HOOKS": str(ROOT / "examples/hooks.yaml")
    }
    async with serving(home, POLICY, NOWHERE, python=sys.executable, HEALTH_EVERY_MIN="0.01", **files) as server:
        await server.score("ada", "Product Added", "m-1")
        async with asyncio.timeout(90):
            while True:
                async with server.session.get(f"http://127.0.0.1:{server.port}/metrics") as answer:
                    told = await answer.text()
                if "opportune_health_feature_drift{" in told:
                    break
                await asyncio.sleep(0.1)
        beside = psutil.Process(server.process.pid).children(recursive=True)
    assert beside
    return told, psutil.wait_procs(beside, timeout=10)[1]


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    """The samples of a real server by name, each as labels and value; metrics without samples are there, too."""
    home = tmp_path_factory.mktemp("home")
    write_home(home)
    told, left = asyncio.run(scraped(home))
    assert left == []
    found = defaultdict(list)
    for family in text_string_to_metric_families(told):
        for name in {family.name, *(sample.name for sample in family.samples)}:
            found[name] += [(each.labels, each.value) for each in family.samples if each.name == name]
    return found


def test_the_shifted_feature_and_nothing_else_is_told_to_have_changed(metrics):
    bounds = {labels["feature"]: value for labels, value in metrics["opportune_health_feature_drift_bound"]}
    changed = {
        labels["feature"]
        for labels, value in metrics["opportune_health_feature_drift"]
        if value > bounds[labels["feature"]]
    }

    assert len(bounds) == 3
    assert changed == {"cart_items"}
    assert ({"horizon": "24h", "how": "large"}, 1.0) in metrics["opportune_health_features_changed"]


def test_stages_and_rates_are_told_as_they_are_counted(metrics):
    funnel = {labels["stage"]: value for labels, value in metrics["opportune_health_funnel"]}
    rates = {labels["how"]: value for labels, value in metrics["opportune_health_order_rate"]}

    assert (funnel["sent"], funnel["withheld"], funnel["delivered"]) == (75, 25, 25)
    assert metrics["opportune_health_machines"] == [({"trigger": "cart"}, 1.0)]
    assert set(rates) == {"expected", "realised"}
    ((_, checked),) = metrics["opportune_health_checked_timestamp_seconds"]
    assert abs(checked - wall() / 1e6) < 300


RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_what_an_alert_asks_for_is_there(rule, metrics):
    assert set(rule["annotations"]) == {"summary", "description"}
    assert rule["labels"]["severity"] in {"page", "warn"}
    are_there(rule["expr"], metrics)


def test_what_the_dashboard_asks_for_is_there(metrics):
    panels = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
    variables = [each["definition"] for each in DASHBOARD["templating"]["list"] if "definition" in each]

    assert len(panels) >= 20
    for expression in [target["expr"] for panel in panels for target in panel["targets"]] + variables:
        are_there(expression, metrics)


def test_each_alert_has_a_name_of_its_own_and_is_explained():
    names = [rule["alert"] for rule in RULES]
    explained = (ROOT / "docs/monitoring.md").read_text()

    assert len(names) == len(set(names)) >= 14
    assert [name for name in names if f"`{name}`" not in explained] == []


def test_every_gauge_of_health_is_explained(metrics):
    explained = (ROOT / "docs/monitoring.md").read_text()
    told = [name for name in metrics if name.startswith("opportune_health_")]

    assert len(told) >= 20
    assert [name for name in told if f"`{name}" not in explained] == []


def are_there(expression, metrics):
    """Fail unless every metric of an expression is told, with the labels and the values that it is asked for by."""
    asked = SELECTOR.findall(expression)
    assert asked or "up{" in expression
    for name, labels in asked:
        assert name in metrics, f"{name} is not told"
        for label, value in EXACT.findall(labels):
            found = {each.get(label) for each, _ in metrics[name]}
            assert value in found, f"{name} has no {label}={value!r}, only {found}"
