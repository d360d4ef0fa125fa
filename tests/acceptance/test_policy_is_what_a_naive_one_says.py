"""Any policy over any history decides as a naive one does, to the microsecond, with each reason and guard's word."""

import asyncio
from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.normalise import normalise
from models.forest import sound
from models.uplift import UpliftModel
from policy.source import parse
from serving.message import message_id_of
from serving.rehearsal import Constant, rehearsal
from serving.scorer import MEANINGS, scorer
from tests.acceptance.drawn import conversations, crowds, histories, policies, talks
from tests.acceptance.naive_conditions import MINUTE
from tests.acceptance.naive_policy import FIRED, Naive, certain
from tests.serving.engines import MAPPING, START

PROBABILITY = 0.3
THE_END = START + 5000 * MINUTE


TENTHS = (
    (),
    (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5),
    (0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.31, 0.32),
    (0.31, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9),
)


UPLIFTS = ({}, {"t0": (0.015, 0.01), "t1": (0.02, 0.03), "t2": (-0.01, 0.0)})
"""What messages add by which models are in service, and how much pays, by trigger."""


@dataclass
class Measured(Constant):
    """A model that says the same of everybody, and knows in which tenth of what it was tested on that is."""

    deciles: tuple = ()


def events_of(history, naive):
    """Yield the events of messages, each so many minutes after the one before; answers name what was decided so far."""
    at = START
    for number, (message, pause) in enumerate(history):
        at += pause * MINUTE
        sent = message | {"messageId": f"m{number}", "timestamp": at / 1e6}
        properties = {**message.get("properties", {})}
        for by in {"decision_id", "message_id"} & properties.keys():
            properties[by] = named(naive, message, by, properties[by])
        if properties:
            sent["properties"] = properties
        yield normalise(sent, received_at=at, mapping=MAPPING)


def named(naive, message, by, back):
    """Return what a message of a person is called that was decided on so many decisions ago."""
    key = message.get("userId") or f"anonymous:{message['anonymousId']}"
    fired = [each for each in naive.of_root.get(naive.ids.get(key), []) if each.reason in FIRED]
    if len(fired) < back:
        return "none"
    found = fired[-back]
    return found.decision_id if by == "decision_id" else message_id_of(found.decision_id)


def law(examples):
    """Return the settings of a law, without shrinking: it takes minutes, and short histories decide little."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def adding(adds, pays, trigger):
    """Return a model that says of everybody that the message adds the same."""
    one_leaf = f"tree\n\nTree=0\nnum_leaves=1\nnum_cat=0\nleaf_value={adds!r}\nis_linear=0\n"
    columns = np.array([], dtype=np.intp)
    return UpliftModel("uplift", "1", trigger, "24h", "DR-learner", (sound(one_leaf, 1),), columns, pays, {})


async def decided_by_both(policy, history, cuts, deciles, uplifts):
    """Return what is decided of a history that arrives in batches, and what the naive policy decides of it."""
    naive, events = Naive(policy, certain(PROBABILITY), START, deciles=deciles, uplifts=uplifts), []
    for each in events_of(history, naive):
        events.append(each)
        naive.happens(each)
    naive.reach(THE_END)

    added = {name: adding(*each, name) for name, each in uplifts.items()}
    models = scorer({"24h": Measured(PROBABILITY, deciles=deciles)}, MEANINGS, uplifts=added)
    with rehearsal(parse(policy), models, mapping=MAPPING, start=START) as shop:
        while events:
            size = cuts.pop() if cuts else 3
            await asyncio.gather(*(shop.tell(each) for each in events[:size]))
            events = events[size:]
        await shop.reach(THE_END)
        served = [(*each[:8], each.findings) for each in shop.decisions()]
    return served, [each.told for each in naive.decisions]


batches = st.lists(st.integers(1, 5), max_size=25)


@law(120)
@given(policies, histories, batches, st.sampled_from(TENTHS), st.sampled_from(UPLIFTS))
async def test_any_policy_over_any_history_decides_as_a_naive_one(policy, history, cuts, deciles, uplifts):
    served, naive = await decided_by_both(policy, history, cuts, deciles, uplifts)

    assert served == naive


@law(60)
@given(crowds, histories, batches)
async def test_any_messages_that_wait_leave_each_other_room_as_naive_ones_do(policy, history, cuts):
    served, naive = await decided_by_both(policy, history, cuts, (), {})

    assert served == naive


@law(60)
@given(conversations, talks, batches)
async def test_any_sequence_heeds_any_answers_as_a_naive_one(policy, history, cuts):
    served, naive = await decided_by_both(policy, history, cuts, (), {})

    assert served == naive
