"""The law of conditions: they hold when a naive reading of the same text, with loops and nothing else, says so."""

from hypothesis import given, settings
from hypothesis import strategies as st

from features.kinds import ALIASES, NAMES, fold_name
from policy.conditions import Condition
from policy.view import Reads
from tests.policy.persons import HOUR, Person, seen

NOW = 1_000 * HOUR
MINUTE = HOUR // 60
EVENTS = ["Product Viewed", "Order Completed", "Quiz Done", "Email Opened"]
SEGMENTS = {
    "buyers": {"count": {"event": "Order Completed", "within": "4h", "at_least": 1}},
    "idle-buyers": {"all": [{"segment": "buyers"}, {"not": {"session": {"events": {"at_least": 2}}}}]},
}
SUBJECTS = {"product": "product_id", "category": "category", "cart": "cart_id"}


def naive(condition, person):
    """Whether a condition, as YAML gives it, holds."""
    ((word, inner),) = condition.items()
    match word:
        case "all" | "any":
            answers = [naive(each, person) for each in inner]
            return False not in answers if word == "all" else True in answers
        case "not":
            return not naive(inner, person)
        case "segment":
            return naive(SEGMENTS[inner], person)
    return LEAVES[word](inner, person)


def asked(said, person):
    return person.event is not None and compared(said, person.event.properties.get(said["property"]))


def likely(said, person):
    value = person.intents.get(said["horizon"])
    if "decile" in said and not compared(said["decile"], person.deciles.get(said["horizon"])):
        return False
    return value is not None and value == value and compared(said, value) if said.keys() & set(BOUNDS) else True


def visited_often(said, person):
    after = person.at - int(said["within"][:-1]) * HOUR if "within" in said else -1
    return often(said, len(visits(person, after)))


def marked(value):
    return type(value) in (int, float), value


ASKED = {
    "at_least": lambda value, bound: marked(value)[0] and value >= bound,
    "more_than": lambda value, bound: marked(value)[0] and value > bound,
    "at_most": lambda value, bound: marked(value)[0] and value <= bound,
    "less_than": lambda value, bound: marked(value)[0] and value < bound,
    "is": lambda value, bound: marked(value) == marked(bound),
    "is_not": lambda value, bound: marked(value) != marked(bound),
    "in": lambda value, bound: marked(value) in [marked(each) for each in bound],
    "exists": lambda value, bound: (value is not None and value == value) == bound,
    "contains": lambda value, bound: type(value) is str and bound in value,
}


def compared(said, value):
    return all(ASKED[word](value, bound) for word, bound in said.items() if word in ASKED)


def of_name(name, person, after):
    found = [e for e in person.history if fold_name(e.name) == fold_name(name) and after < e.occurred_at <= person.at]
    return sorted(found, key=lambda each: (each.occurred_at, each.known_at))


def named(event, what):
    if event is None:
        return set()
    blocks = [event.properties] + ([] if what == "cart" else event.properties.get("products", []))
    return {block[SUBJECTS[what]] for block in blocks if SUBJECTS[what] in block}


def often(said, found):
    return compared(said, found) and ("exactly" not in said or found == said["exactly"])


def visits(person, after):
    """The moments of each visit, the first visit first."""
    found = []
    for each in sorted(person.history, key=lambda each: each.occurred_at):
        if each.name not in ("Email Opened", "Email Delivered") and after < each.occurred_at <= person.at:
            if not found or each.occurred_at - found[-1][-1].occurred_at > HOUR // 2:
                found.append([])
            found[-1].append(each)
    return found


def visit_of(person):
    for visit in visits(person, -1)[-1:]:
        first, last = visit[0].occurred_at, visit[-1].occurred_at
        if person.at - last <= HOUR // 2 or (person.event and first <= person.event.occurred_at <= last):
            return visit
    return None


def visited(said, person):
    visit = visit_of(person)
    if visit is None:
        return False
    length = (visit[-1].occurred_at - visit[0].occurred_at) // MINUTE
    for bound, text in said.get("length", {}).items():
        if not ASKED[bound](length, int(text.split()[0])):
            return False
    products = {each for event in visit for each in named(event, "product")}
    return often(said.get("events", {}), len(visit)) and often(said.get("products", {}), len(products))


def counted(said, person):
    after = person.at - int(said["within"][:-1]) * HOUR if "within" in said and said["within"] != "session" else -1
    if said.get("within") == "session":
        visit = visit_of(person)
        after = visit[0].occurred_at - 1 if visit else person.at
    found = 0
    for each in of_name(said["event"], person, after):
        if "same" in said and not named(each, said["same"]) & named(person.event, said["same"]):
            continue
        if all(compared(test, each.properties.get(test["property"])) for test in said.get("where", [])):
            found += 1
    if not often(said, found):
        return False
    return "every" not in said or (found != 0 and found / said["every"] == found // said["every"])


def not_since(said, person):
    same = said.get("same")
    mine = named(person.event, same) if same else set()
    if "since" in said:
        start = person.at - int(said["within"][:-1]) * HOUR
        for each in of_name(said["since"], person, start):
            if not same or named(each, same) & mine:
                start = max(start, each.occurred_at)
    elif person.event is None:
        return False
    else:
        start = person.event.occurred_at
    for each in of_name(said["event"], person, start):
        theirs = named(each, same) if same else set()
        if not same or not theirs or not mine or theirs & mine:
            return False
    return True


def unanswered(said, person):
    sent = of_name(said["of"], person, person.at - int(said["within"][:-1]) * HOUR)[-said["n"] :]
    if len(sent) < said["n"]:
        return False
    for answer in of_name(said["none"], person, sent[0].occurred_at):
        if "by" not in said:
            return False
        if said["by"] in answer.properties and answer.properties[said["by"]] in [
            each.properties.get(said["by"]) for each in sent
        ]:
            return False
    return True


LEAVES = {
    "event": asked,
    "feature": lambda said, person: compared(said, person.features.get(said["name"])),
    "profile": lambda said, person: compared(said, person.fields.get(said["field"])),
    "intent": likely,
    "send_hour": lambda said, person: compared(said["confidence"], person.confidence),
    "learned": lambda said, person: any(person.in_learned.get(by) in names for by, names in said.items()),
    "count": counted,
    "not_since": not_since,
    "last": unanswered,
    "visits": visited_often,
    "session": visited,
}
BOUNDS = ("at_least", "more_than", "at_most", "less_than")

numbers = st.integers(-2, 5) | st.sampled_from([0.5, 1.0, 2.5])
plains = numbers | st.sampled_from(["a", "b", "ab", ""]) | st.booleans()
texts = st.sampled_from(["a", "b"])
comparisons = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(BOUNDS, numbers)
    | {"is": plains, "is_not": plains, "in": st.lists(plains, min_size=1, max_size=3)}
    | {"exists": st.booleans(), "contains": st.sampled_from(["a", "b"])},
).filter(bool)
shares = st.sampled_from([0.0, 0.25, 0.5, 1.0])
hours = st.integers(1, 6).map(lambda n: f"{n}h")
windows = hours | st.just("session")
times = st.integers(0, 4)
how_often = dict.fromkeys((*BOUNDS, "exactly"), times)


def says_how_often(said):
    return bool(said.keys() & how_often.keys())


def block(needed, *, optional=None, **fixed):
    return st.fixed_dictionaries(fixed | needed, optional=optional or {})


def with_comparison(field, values):
    return st.builds(lambda value, said: {field: value, **said}, values, comparisons)


property_tests = with_comparison("property", st.sampled_from(["p", "q"]))
events = st.sampled_from(EVENTS)
sames = st.sampled_from(sorted(SUBJECTS))
leaves = (
    block({"event": property_tests})
    | block({"feature": with_comparison("name", st.sampled_from(["orders", "cart_value"]))})
    | block({"profile": with_comparison("field", st.sampled_from(["f", "g"]))})
    | block(
        {
            "intent": st.builds(
                lambda horizon, word, bound: {"horizon": horizon, word: bound},
                st.sampled_from(["24h", "7d"]),
                st.sampled_from(["at_least", "more_than", "at_most", "less_than"]),
                shares,
            )
        }
    )
    | block(
        {
            "send_hour": st.builds(
                lambda word, bound: {"confidence": {word: bound}},
                st.sampled_from(["at_least", "more_than", "at_most", "less_than"]),
                shares,
            )
        }
    )
    | block({"learned": block({"rfm": st.lists(st.sampled_from(["champions", "new"]), min_size=1, max_size=3)})})
    | block({"learned": block({"clusters": st.lists(st.sampled_from(["few-visits", "x"]), min_size=1, max_size=3)})})
    | block(
        {
            "count": block(
                {"event": events},
                optional={"within": windows, "same": sames, "where": st.lists(property_tests, max_size=2)}
                | how_often
                | {"every": st.integers(1, 3)},
            ).filter(lambda said: says_how_often(said) or "every" in said)
        }
    )
    | block({"not_since": block({"event": events, "within": hours}, optional={"since": events, "same": sames})})
    | block(
        {"last": block({"n": st.integers(1, 3), "of": events, "none": events, "within": hours}, optional={"by": texts})}
    )
)
conditions = st.recursive(
    leaves,
    lambda inner: (
        block({"all": st.lists(inner, min_size=1, max_size=3)})
        | block({"any": st.lists(inner, min_size=1, max_size=3)})
        | block({"not": inner})
    ),
    max_leaves=6,
)
properties = st.fixed_dictionaries(
    {},
    optional={"p": plains, "q": plains | st.none(), "a": texts, "b": texts}
    | dict.fromkeys(SUBJECTS.values(), texts)
    | {"products": st.lists(st.fixed_dictionaries({}, optional={"product_id": texts, "category": texts}), max_size=2)},
)
happenings = st.builds(
    lambda name, minutes, said: seen(name, NOW + minutes * MINUTE, **said),
    events,
    st.integers(-7, 1).map(lambda hour: 60 * hour) | st.integers(-24, 1).map(lambda part: 15 * part),
    properties,
)
facts = st.none() | plains | st.just(float("nan"))
SHORT = 8
several = st.lists(happenings, max_size=SHORT)
one_or_none = st.none() | happenings
place_or_none = st.none() | st.integers(0, SHORT - 1)
told_of_a_person = st.fixed_dictionaries(
    {
        "features": st.dictionaries(st.sampled_from(["orders", "cart_value"]), numbers.map(float)),
        "intents": st.dictionaries(st.sampled_from(["24h", "7d"]), st.none() | shares | st.just(float("nan"))),
        "fields": st.dictionaries(st.sampled_from(["f", "g"]), facts),
        "deciles": st.dictionaries(st.sampled_from(["24h", "7d"]), st.integers(1, 10)),
        "confidence": shares,
        "in_learned": st.fixed_dictionaries(
            {},
            optional={
                "rfm": st.none() | st.sampled_from(["champions", "new", "loyal"]),
                "clusters": st.none() | st.sampled_from(["few-visits", "x", "champions"]),
            },
        ),
    }
)
segments = {name: Condition.model_validate(each) for name, each in SEGMENTS.items()}


@st.composite
def persons(draw):
    history = draw(several)
    if history:
        place = draw(place_or_none)
        event = None if place is None else history[place % len(history)]
    else:
        event = draw(one_or_none)
    return Person(at=NOW, history=history, event=event, segments=segments, **draw(told_of_a_person))


@settings(max_examples=600, deadline=None)
@given(conditions, persons())
def test_a_condition_holds_when_a_naive_reading_of_it_does(text, person):
    assert Condition.model_validate(text).holds(person) is naive(text, person)


@given(conditions)
def test_every_condition_can_be_said_and_written_down_and_read_again(text):
    condition = Condition.model_validate(text)

    assert condition.sentence()
    assert Condition.model_validate(condition.model_dump(by_alias=True, exclude_none=True)) == condition


@given(conditions, persons())
def test_nothing_is_asked_that_was_not_announced(text, person):
    condition = Condition.model_validate(text)
    reads = Reads.all_of([condition.reads, *(each.reads for each in person.segments.values())])

    class Asked(Person):
        def recent(self, kind_or_name, since_us):
            assert kind_or_name in reads.keys
            assert since_us >= self.at - reads.window_us or (
                reads.since_event and self.event is not None and since_us >= self.event.occurred_at
            )
            return super().recent(kind_or_name, since_us)

        def everything(self, since_us):
            assert reads.everything or reads.events
            return super().everything(since_us)

        def segment(self, name):
            assert name in reads.segments
            return super().segment(name)

        def send_hour_confidence(self):
            assert reads.send_hour
            return super().send_hour_confidence()

        def learned(self, family):
            assert {each.split("/")[0] for each in reads.learned} >= {family}
            return super().learned(family)

        def decile(self, horizon):
            assert horizon in reads.intents
            return super().decile(horizon)

        def feature(self, name):
            assert name in reads.features
            return super().feature(name)

        def intent(self, horizon):
            assert horizon in reads.intents
            return super().intent(horizon)

        def profile(self, name):
            assert name in reads.profile
            return super().profile(name)

    condition.holds(Asked(**vars(person)))


def test_the_law_speaks_of_events_with_and_without_a_kind():
    assert [fold_name(each) in ALIASES for each in EVENTS] == [True, True, False, True]
    assert set(EVENTS[:2]) < set(NAMES.values())
