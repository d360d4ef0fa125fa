"""Any policy over any history decides as a naive re-implementation does, to the microsecond, reasons included."""

import asyncio

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.naive_policy import MINUTE, Naive
from tests.serving.engines import SECOND, START, Shop, event

NAMES = ("Product Viewed", "Product Added", "Order Completed", "Page Viewed", "Wheel Spun")
PROBABILITY = 0.3
DECIDED = """
SELECT d.trigger, u.user_key, d.at, d.reason FROM decisions d JOIN users u USING (user_no) ORDER BY d.at, d.rowid
"""

minutes = st.sampled_from([1, 7, 30, 120, 600])
names = st.sampled_from(NAMES)
leaves = st.one_of(
    st.builds(
        lambda event, within, n: {"count": {"event": event, "within": within, "at_least": n}},
        names,
        minutes,
        st.integers(0, 3),
    ),
    st.builds(lambda event: {"not_since": {"event": event}}, names),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=4,
)
at_once = st.just({})
later = st.builds(
    lambda after, cancel_on, key: {"after": after, "cancel_on": cancel_on, "key": key},
    minutes,
    st.lists(names, max_size=2, unique=True),
    st.sampled_from(["user", "product"]),
)
quiet = st.builds(
    lambda quiet, cancel_on: {"inactive_for": quiet, "cancel_on": cancel_on},
    minutes,
    st.lists(names, max_size=2, unique=True),
)
triggers = st.builds(
    lambda on, threshold, cool_down, live, when, waiting: {
        "on": on,
        "threshold": threshold,
        "cool_down": cool_down,
        "live": live,
        **({"when": when} if when else {}),
        **waiting,
    },
    st.lists(names, min_size=1, max_size=2, unique=True),
    st.sampled_from([0.0, 0.2, 0.9]),
    st.sampled_from([0, 5, 60]),
    st.booleans(),
    st.none() | conditions,
    st.one_of(at_once, later, quiet),
)
policies = st.lists(triggers, min_size=1, max_size=4).map(
    lambda found: [{"name": f"t{i}", **each} for i, each in enumerate(found)]
)
histories = st.lists(
    st.tuples(st.sampled_from("uvw"), names, st.integers(0, 900), st.sampled_from(["a", "b", None])),
    min_size=1,
    max_size=25,
)


def as_yaml(policy):
    return yaml.safe_dump({"format": 1, "triggers": [_trigger(each) for each in policy]}, sort_keys=False)


def _trigger(plain):
    durations = {name: f"{plain[name]} min" for name in ("cool_down", "after", "inactive_for") if name in plain}
    found = {**plain, **durations, "hold_out": 0, "mode": "live" if plain["live"] else "dry_run"}
    del found["live"]
    if "when" in found:
        found["when"] = _condition(found["when"])
    return {name: value for name, value in found.items() if value != []}


def _condition(plain):
    [(what, rest)] = plain.items()
    if what in ("all", "any"):
        return {what: [_condition(each) for each in rest]}
    if what == "not":
        return {what: _condition(rest)}
    return {what: {**rest, "within": f"{rest['within']} min"} if "within" in rest else rest}


def as_event(i, step):
    user, name, minute, product = step
    properties = {"product_id": product} if product else {}
    return event(name, user, minute * 60, properties=properties, n=i)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(policy=policies, history=histories, cuts=st.lists(st.integers(1, 5), max_size=25))
async def test_any_policy_over_any_history_decides_as_a_naive_one(tmp_path_factory, policy, history, cuts):
    naive = Naive(policy, PROBABILITY, START)
    for user, name, minute, product in history:
        naive.happens(user, name, START + minute * MINUTE, {"product_id": product} if product else {})
    naive.reach(START + 2000 * MINUTE)

    shop = Shop(tmp_path_factory.mktemp("shop"), policy=as_yaml(policy), probability=PROBABILITY)
    events = [as_event(i, step) for i, step in enumerate(history)]
    while events:
        size = cuts.pop() if cuts else 3
        await asyncio.gather(*(shop.engine.ingest([each]) for each in events[:size]))
        events = events[size:]
    await shop.engine.score([("nobody", None)], at=START + 2000 * 60 * SECOND)
    served = shop.rows(DECIDED)
    shop.close()

    assert served == naive.decisions
