"""Which channels a message takes."""

import pytest

from policy.caps import Sent
from policy.channels import Route, unbarred, unhindered
from policy.guards import Guards, Standing
from policy.reasons import Reason
from policy.source import PolicyRefused, parse
from tests.policy.persons import words

AT = 1_700_000_000_000_000
GIVEN = "triggers:\n- {name: a, on: x, threshold: 0.5, cool_down: 1d, channel: CHANNEL}\n"


def chosen(text):
    return parse(GIVEN.replace("CHANNEL", text)).triggers[0].plans[0].route


def taken(way, guards, **standing):
    free, _ = unbarred(way, guards, Standing(**standing), "marketing")
    return unhindered(way, free, guards, Standing(**standing), trigger="t", at=AT)


def test_a_channel_by_itself_is_a_list_of_one():
    assert (
        chosen("sms") == chosen("{prefer: [sms]}") == Route(("sms",), together=False, endpoint="default", content=None)
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{prefer: [email], together: [sms]}", "needs either prefer or together, and a list of channels"),
        ("{}", "needs either prefer or together"),
        ("{prefer: [email, email]}", "names a channel twice"),
        ("{prefer: [pigeon]}", "must be"),
        ("{perfer: [email]}", "is not a field we know; did you mean prefer?"),
        ("pigeon", "must be"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_place(text, why):
    with pytest.raises(PolicyRefused) as refused:
        chosen(text)

    assert str(refused.value).startswith("triggers.yaml:2: triggers[0].channel")
    assert why in str(refused.value)
    assert len(refused.value.problems) == 1


def test_preferred_channels_are_asked_in_order_and_only_one_is_taken():
    way, free = chosen("{prefer: [email, sms]}"), Guards(consent="none")

    assert taken(way, free) == ("email",)
    assert taken(way, free, suppressed={"email": "bounced"}) == ("sms",)
    assert taken(way, free, suppressed={"*": "manual"}) == ()


def test_what_bars_the_first_channel_is_told():
    way = chosen("{prefer: [email, sms]}")

    assert unbarred(way, Guards(), Standing(), "marketing") == ((), Reason.NO_CONSENT)
    assert unbarred(way, Guards(), Standing(consents=words({("marketing", "sms"): True})), "marketing") == (
        ("sms",),
        Reason.NO_CONSENT,
    )


def test_together_all_free_channels_are_taken_as_far_as_the_caps_go():
    way = chosen("{together: [email, sms, push]}")
    two = Guards.model_validate({"consent": "none", "cap": {"count": 2, "window": "1d"}})
    each = Guards.model_validate({"consent": "none", "cap_per_channel": {"count": 1, "window": "1d"}})

    assert taken(way, two) == ("email", "sms")
    assert taken(way, each) == ("email", "sms", "push")
    assert taken(way, each, sends=[Sent(AT - 1, "sms", "x")]) == ("email", "push")
