"""The policies of the demonstrations say what makes them send, and to whom."""

import pytest
import yaml

from policy.doubts import doubts
from policy.source import load
from tests.conftest import ROOT

YEAR, CARTS = ROOT / "demo" / "triggers.yaml", ROOT / "demo" / "carts" / "triggers.yaml"
BASES = {YEAR: {"none"}, CARTS: {"opt_in", "legitimate_interest"}}
TRIGGERS = [
    pytest.param(trigger, BASES[file], id=trigger["name"])
    for file in BASES
    for trigger in yaml.safe_load(file.read_text(encoding="utf-8"))["triggers"]
]


@pytest.mark.parametrize(("trigger", "bases"), TRIGGERS)
def test_each_trigger_says_that_it_is_live_and_why_it_may_write_to_people(trigger, bases):
    assert trigger["mode"] == "live"
    assert trigger["guards"]["consent"] in bases


def test_e_mail_goes_only_to_who_agreed_and_nothing_in_the_policy_of_the_carts_is_doubtful():
    policy = load(CARTS)

    by_mail = {
        (trigger.name, trigger.guards.consent)
        for trigger in policy.triggers
        for plan in trigger.plans
        for route in plan.routes
        if "email" in route.channels
    }
    assert by_mail == {("cart-left", "opt_in")}
    assert doubts(policy) == []
