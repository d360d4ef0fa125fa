"""Any policy over any history decides as a naive one does, to the microsecond, with each reason and guard's word."""

import asyncio

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.normalise import normalise
from policy.source import parse
from serving.rehearsal import constants, rehearsal
from tests.acceptance.drawn import histories, policies
from tests.acceptance.naive_conditions import MINUTE
from tests.acceptance.naive_policy import Naive, certain
from tests.serving.engines import MAPPING, START

PROBABILITY = 0.3
THE_END = START + 5000 * MINUTE


def events_of(history):
    """Yield the events of messages, each so many minutes after the one before."""
    at = START
    for number, (message, pause) in enumerate(history):
        at += pause * MINUTE
        sent = message | {"messageId": f"m{number}", "timestamp": at / 1e6}
        yield normalise(sent, received_at=at, mapping=MAPPING)


# No shrinking: it takes minutes, and what is long here is long because short histories decide little.
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(policy=policies, history=histories, cuts=st.lists(st.integers(1, 5), max_size=25))
async def test_any_policy_over_any_history_decides_as_a_naive_one(policy, history, cuts):
    events = list(events_of(history))
    naive = Naive(policy, certain(PROBABILITY), START)
    for each in events:
        naive.happens(each)
    naive.reach(THE_END)

    with rehearsal(parse(policy), constants({"24h": PROBABILITY}), mapping=MAPPING, start=START) as shop:
        while events:
            size = cuts.pop() if cuts else 3
            await asyncio.gather(*(shop.tell(each) for each in events[:size]))
            events = events[size:]
        await shop.reach(THE_END)
        served = [(*each[:8], each.findings) for each in shop.decisions()]

    assert served == [each.told for each in naive.decisions]
