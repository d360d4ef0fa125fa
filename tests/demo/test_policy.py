"""The demonstration's policy says what makes it send, and to whom."""

from pathlib import Path

import pytest
import yaml

POLICY = Path(__file__).parents[2] / "demo" / "triggers.yaml"


@pytest.mark.parametrize(
    "trigger", yaml.safe_load(POLICY.read_text(encoding="utf-8"))["triggers"], ids=lambda t: t["name"]
)
def test_each_trigger_says_that_it_is_live_and_why_it_may_write_to_people(trigger):
    assert trigger["mode"] == "live"
    assert trigger["guards"]["consent"] == "none"
