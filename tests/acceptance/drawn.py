"""Policies and histories that Hypothesis draws: a policy as its file has it, a history as messages."""

import yaml
from hypothesis import strategies as st

NAMES = ("Product Viewed", "Product Added", "Order Completed", "Wheel Spun")
CHANNELS = ("webhook", "email", "sms")
ZONES = (None, None, "America/New_York", "Asia/Tokyo")

durations = st.sampled_from(["1 min", "7 min", "30 min", "2 h", "10 h"])
names = st.sampled_from(NAMES)
some_names = st.lists(names, min_size=1, max_size=3, unique=True)
few_names = st.lists(names, max_size=2, unique=True)
amounts = st.sampled_from(["at_least", "at_most", "exactly", "less_than"])


def blocks(**parts):
    """Draw a block of a policy file, without the fields that were drawn as None."""
    return st.fixed_dictionaries(parts).map(
        lambda block: {name: value for name, value in block.items() if value is not None}
    )


def often(bound, number, **rest):
    return {bound: number} | {name: value for name, value in rest.items() if value is not None}


everywhere = [
    st.builds(
        lambda event, within, bound, n: {"count": often(bound, n, event=event, within=within)},
        names,
        st.none() | durations,
        amounts,
        st.integers(0, 3),
    ),
    st.builds(lambda event, since: {"not_since": {"event": event, "since": since, "within": "5 h"}}, names, names),
    st.builds(
        lambda bound, share: {"intent": {bound: share}}, st.sampled_from(["at_least", "at_most"]), st.just("30%")
    ),
    st.builds(
        lambda bound, share: {"send_hour": {"confidence": {bound: share}}},
        st.sampled_from(["at_least", "at_most", "more_than", "less_than"]),
        st.sampled_from(["0%", "50%"]),
    ),
    st.builds(
        lambda bound, tenth, rest: {"intent": {"decile": {bound: tenth}, **rest}},
        st.sampled_from(["at_least", "at_most", "more_than", "less_than"]),
        st.integers(1, 10),
        st.sampled_from([{}, {}, {"at_most": "30%"}, {"horizon": "7d"}]),
    ),
    st.builds(
        lambda field, exists: {"profile": {"field": field, "exists": exists}},
        st.sampled_from(["timezone", "tier", "points", "address.city"]),
        st.booleans(),
    ),
    st.sampled_from(
        [
            {"profile": {"field": "tier", "is": "gold"}},
            {"profile": {"field": "tier", "is_not": "gold"}},
            {"profile": {"field": "points", "at_least": 10}},
            {"profile": {"field": "points", "less_than": 10}},
            {"profile": {"field": "address.city", "is": "Rome"}},
        ]
    ),
    st.builds(
        lambda n, bound, within: {"visits": often(bound, n, within=within)},
        st.integers(0, 3),
        amounts,
        st.none() | durations,
    ),
    st.builds(lambda n, bound: {"session": {"events": {bound: n}}}, st.integers(0, 3), amounts),
    st.builds(lambda long: {"session": {"length": {"at_least": long}}}, durations),
]
asking = [
    st.builds(
        lambda event, within: {"count": {"event": event, "within": within, "at_least": 2, "same": "product"}},
        names,
        durations,
    ),
    st.builds(
        lambda event, same: {"not_since": often("event", event, same=same)}, names, st.sampled_from([None, "product"])
    ),
    st.builds(lambda value: {"event": {"property": "product_id", "is": value}}, st.sampled_from(["p", "q"])),
    st.builds(lambda n: {"count": {"event": "Product Added", "every": n}}, st.integers(1, 3)),
    st.just({"segment": "some"}),
]
answered = [
    st.builds(
        lambda what: {"response": {"is": what}},
        st.sampled_from([*["delivered", "opened", "clicked"] * 2, "tapped", "bounced"]),
    )
]


following = [*everywhere, *asking, *answered * 4]


def nested(leaves):
    return st.recursive(
        st.one_of(leaves),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=4,
    )


caps = st.none() | blocks(count=st.integers(1, 3), window=st.sampled_from(["30 min", "2 h", "10 h", "2 d"]))
quiet_hours = st.builds(
    lambda start, end, unknown: {"from": start, "to": end, **unknown},
    st.sampled_from(["20:00", "23:30", "06:15"]),
    st.sampled_from(["01:00", "05:45", "22:00"]),
    st.sampled_from([{}, {"unknown_zone": "shop_zone"}, {"unknown_zone": "assume", "zone": "Europe/London"}]),
)
guards = blocks(
    consent=st.sampled_from(["none", "none", "none", None, "opt_in", "legitimate_interest"]),
    cap=caps,
    cap_per_channel=caps,
    cap_per_trigger=caps,
    quiet_hours=st.none() | quiet_hours,
    gap_after_purchase=st.none() | durations,
    not_while_browsing=st.sampled_from([None, None, True]),
)
channels = st.one_of(
    st.sampled_from(CHANNELS),
    st.sampled_from(CHANNELS),
    st.builds(
        lambda how, several: {how: several},
        st.sampled_from(["prefer", "together"]),
        st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3, unique=True),
    ),
)
branches = st.lists(blocks(when=nested(following), channel=st.none() | channels), min_size=1, max_size=2)
steps = st.lists(
    blocks(
        after=durations,
        when=st.none() | st.none() | nested(following),
        threshold=st.sampled_from([None, None, None, "90%"]),
        channel=st.none() | channels,
        branches=st.none() | st.none() | branches,
    ),
    min_size=1,
    max_size=3,
)
going_on = st.one_of(
    st.just({}),
    st.just({}),
    blocks(send_within=durations, send=st.sampled_from([None, None, "best_hour"]), cancel_on=few_names),
    blocks(send_within=durations, send=st.just("best_hour"), half_life=durations, cancel_on=few_names),
    blocks(steps=steps, exit_when=st.none() | st.none() | nested(following), cancel_on=few_names),
    blocks(steps=steps, send_within=durations, send=st.sampled_from([None, "best_hour"]), cancel_on=few_names),
)
waiting = st.one_of(
    st.just({}),
    blocks(after=durations, cancel_on=few_names),
    blocks(inactive_for=durations, cancel_on=few_names),
)
plain = blocks(
    on=some_names,
    threshold=st.sampled_from([0, 0, 0, "20%", "30%", "90%"]),
    uplift=st.sampled_from([None, None, "auto", "2%"]),
    cool_down=st.sampled_from([0, 0, "5 min", "1 h"]),
    mode=st.sampled_from(["live", "live", "dry_run"]),
    channel=channels,
    key=st.sampled_from([None, None, None, "product"]),
    priority=st.sampled_from([None, None, 1, -1]),
    explore=st.sampled_from([None, None, None, {"below_threshold": "50%"}, {"hours": "70%"}]),
    when=st.none() | st.none() | nested(everywhere + asking),
    guards=guards,
    **{"class": st.sampled_from([None, None, None, "transactional"])},
)
held_out = st.sampled_from(
    [
        {"hold_out": 0},
        {"hold_out": "50%"},
        {"hold_out": "50%", "experiment": "e"},
        {"hold_out": {"share": "50%", "salt": "s"}},
    ]
)
triggers = st.builds(lambda one, held, goes_on, waits: one | held | goes_on | waits, plain, held_out, going_on, waiting)


SHARED = [
    *[{}, {}, {"explore": {"below_threshold": "40%", "hours": "60%"}}, {"hold_out": "30%"}],
    {
        "hold_out": {"share": "20%", "salt": "winter"},
        "layers": lambda names: dict(zip(names, ["30%", 0.5], strict=False)),
    },
    {"layers": lambda names: names},
]
"""What a file says for all triggers; a layer has the experiments of two of them."""


def shared_by(triggers, shared):
    names = list(dict.fromkeys(each.get("experiment", f"t{i}") for i, each in enumerate(triggers)))[:2]
    layers = [{"name": "l", "experiments": shared["layers"](names)}] if "layers" in shared else []
    return {**shared, "layers": layers}


def policies_of(one):
    return st.builds(
        lambda found, segment, zone, shared: yaml.dump(
            {
                "shop_zone": zone,
                **shared_by(found, shared),
                "segments": [{"name": "some", "when": segment}],
                "triggers": [{"name": f"t{i}", **_said(each)} for i, each in enumerate(found)],
            },
            Dumper=yaml.CSafeDumper,
            sort_keys=False,
        ),
        st.lists(one, min_size=3, max_size=5),
        nested(everywhere),
        st.sampled_from(["UTC", "Asia/Tokyo"]),
        st.sampled_from(SHARED),
    )


policies = policies_of(triggers)
minding = nested([*answered * 4, *everywhere])
sequences = blocks(
    on=some_names,
    threshold=st.just(0),
    cool_down=st.sampled_from([0, "1 h"]),
    mode=st.sampled_from(["live", "live", "dry_run"]),
    channel=channels,
    key=st.sampled_from([None, None, "product"]),
    guards=st.just({"consent": "none"}),
    after=st.sampled_from([None, None, "7 min"]),
    steps=st.lists(
        blocks(
            after=st.sampled_from(["7 min", "30 min", "2 h", "10 h"]),
            when=st.none() | minding,
            branches=st.none() | st.lists(blocks(when=minding, channel=channels), min_size=1, max_size=2),
        ),
        min_size=1,
        max_size=3,
    ),
    exit_when=st.none() | st.none() | minding,
)
narrow = st.none() | blocks(count=st.integers(1, 2), window=st.sampled_from(["30 min", "2 h", "10 h"]))
crowding = blocks(
    on=some_names,
    threshold=st.just(0),
    cool_down=st.sampled_from([0, "5 min"]),
    mode=st.sampled_from(["live", "live", "live", "dry_run"]),
    channel=channels,
    key=st.sampled_from([None, None, "product"]),
    guards=blocks(
        consent=st.sampled_from(["none", "none", "legitimate_interest"]),
        cap=narrow,
        cap_per_channel=narrow,
        cap_per_trigger=narrow,
        quiet_hours=st.none() | st.none() | quiet_hours,
        not_while_browsing=st.sampled_from([None, None, True]),
    ),
    send_within=st.sampled_from(["30 min", "2 h", "10 h", "20 h"]),
    send=st.sampled_from([None, "best_hour", "best_hour"]),
    explore=st.sampled_from([None, None, {"hours": "70%"}]),
    cancel_on=few_names,
    steps=st.none() | st.none() | steps,
)
crowds = policies_of(st.builds(lambda one, held: one | held, crowding, held_out))
"""Policies whose messages wait for a moment and get in each other's way."""
conversations = policies_of(st.builds(lambda one, held: one | held, sequences, held_out))


def _said(trigger):
    transactional = trigger.get("class") == "transactional"
    unsayable = {"explore", "uplift"} if transactional else {"uplift"} if trigger.get("steps") else set()
    return {name: each for name, each in trigger.items() if each != [] and name not in unsayable}


people = st.sampled_from(
    [{"userId": "u"}, {"userId": "u"}, {"userId": "w"}, {"anonymousId": "a"}, {"anonymousId": "b"}]
)
TRAITS = [
    {"tier": "gold"},
    {"tier": "silver", "points": 5},
    {"tier": None, "points": 12},
    {"address": {"city": "Rome", "zip": "00118"}},
    {"address": "unknown"},
]
deeds = st.builds(
    lambda ids, name, product, zone, traits, agent: {
        **ids,
        "type": "track",
        "event": name,
        "properties": {"product_id": product} if product else {},
        "context": ({"timezone": zone} if zone else {}) | ({"traits": traits} if traits else {}) | agent,
    },
    people,
    names,
    st.sampled_from(["p", "q", None]),
    st.sampled_from(ZONES),
    st.sampled_from([*[None] * 12, *TRAITS]),
    st.sampled_from([*[{}] * 79, {"userAgent": "Googlebot/2.1"}]),
)
links = st.builds(
    lambda user, visitor: {"type": "identify", "userId": user, "anonymousId": visitor, "traits": {}},
    st.sampled_from("uw"),
    st.sampled_from("ab"),
)
told = st.builds(
    lambda ids, traits: {"type": "identify", **ids, "traits": traits},
    people,
    st.sampled_from(
        [
            {"email": "one@example.org"},
            {"email": "two@example.org"},
            {"consents": {"marketing": True}},
            {"consents": {"marketing": False, "marketing:sms": True}},
            {"consents": {"marketing:email": False}},
            *TRAITS,
        ]
    ),
)
opt_outs = st.builds(
    lambda ids, name, named: {"type": "track", **ids, "event": name, "properties": {"email": named} if named else {}},
    people,
    st.sampled_from(["Unsubscribed", "Email Bounced"]),
    st.sampled_from([None, "one@example.org"]),
)
answers = st.builds(
    lambda ids, name, by, back: {"type": "track", **ids, "event": name, "properties": {by: back}},
    people,
    st.sampled_from(
        [
            *["Email Delivered", "Email Opened", "Email Link Clicked"] * 2,
            *("SMS Delivered", "SMS Clicked", "Email Bounced", "Push Notification Tapped"),
        ]
    ),
    st.sampled_from(["decision_id", "message_id"]),
    st.sampled_from([1, 1, 2, 3]),
)
"""What somebody does with a message: the last that was decided on for them, the one before, or that before both."""
messages = st.sampled_from([*[deeds] * 12, *[answers] * 4, links, told, opt_outs]).flatmap(lambda one: one)
pauses = st.sampled_from([0, 1, 1, 4, 4, 12, 29, 31, 90, 400, -3, -70])
"""Minutes since what came before; less than none for what arrives late."""
histories = st.lists(st.tuples(messages, pauses), min_size=15, max_size=30)
talks = st.lists(
    st.tuples(
        st.sampled_from([*[deeds] * 4, *[answers] * 8, links]).flatmap(lambda one: one),
        st.sampled_from([0, 1, 4, 12, 29, 90, -3]),
    ),
    min_size=20,
    max_size=40,
)
"""Histories in which people mostly answer."""
