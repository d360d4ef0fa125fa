import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from features.json_text import DEEPEST
from features.moments import to_moment, to_us
from serving import contract, contract_events, wire
from serving.errors import InvalidField, UnreadableBody
from serving.items import Contribution, Decided, ModelUsed

PAIRS = [
    (contract.ScoreRequest, wire.ScoreRequest),
    (contract.ScoreBatchRequest, wire.ScoreBatchRequest),
    (contract.ScoreAnswer, wire.ScoreAnswer),
    (contract.ScoreBatchAnswer, wire.ScoreBatchAnswer),
    (contract_events.EventBatch, wire.EventBatch),
    (contract_events.EventsAnswer, wire.EventsAnswer),
    (contract.ModelUsed, ModelUsed),
    (contract.Contribution, Contribution),
    (contract.DecisionMade, Decided),
]
NAMES = [declared.__name__ for declared, _ in PAIRS]
NULL = ("null", None, None)


def shape(schema, definitions):
    """Return what a JSON schema accepts, without names, titles, texts and defaults."""
    if "$ref" in schema:
        return shape(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in schema:
        return frozenset().union(*(_options(each, definitions) for each in schema["anyOf"]))
    return frozenset(_options(schema, definitions))


def _options(schema, definitions):
    if "$ref" in schema or "anyOf" in schema:
        return shape(schema, definitions)
    kinds = schema.get("type", "anything")
    return {_option(kind, schema, definitions) for kind in (kinds if isinstance(kinds, list) else [kinds])}


def _option(kind, schema, definitions):
    if kind == "object" and "properties" in schema:
        fields = frozenset(fields_of(schema, definitions).items())
        return kind, fields, frozenset(schema.get("required", []))
    if kind == "object":
        extra = schema.get("additionalProperties", {})
        return kind, shape(extra if isinstance(extra, dict) else {}, definitions)
    if kind == "array":
        return kind, shape(schema.get("items", {}), definitions)
    return kind, schema.get("format"), schema.get("maxLength")


def fields_of(schema, definitions):
    fields = {name: shape(each, definitions) for name, each in schema["properties"].items()}
    # The value of a feature that has none is NaN inside, and null for whoever reads it.
    return {name: each - {NULL} if name == "value" else each for name, each in fields.items()}


def declared_fields(model):
    schema = model.model_json_schema(by_alias=True)
    return fields_of(schema, schema.get("$defs", {}))


def wired_fields(struct):
    [schema], definitions = msgspec.json.schema_components([struct], schema_hook=lambda _: {})
    inner = definitions[schema["$ref"].rsplit("/", 1)[1]]
    return fields_of(inner, definitions)


@pytest.mark.parametrize(("declared", "wired"), PAIRS, ids=NAMES)
def test_what_is_declared_and_what_is_decoded_have_the_same_fields_of_the_same_types(declared, wired):
    ours, theirs = wired_fields(wired), declared_fields(declared)

    assert list(ours) == list(theirs)
    assert ours == theirs


TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
)
JSONS = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXTS, each, max_size=3), max_leaves=6
)
IDS = st.none() | st.integers(-(2**60), 2**60) | TEXTS
MOMENTS = (
    st.none() | st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat()) | st.sampled_from(["", "2026", 7])
)


@st.composite
def near(draw, valid):
    """Draw a body of these fields, some of them missing or of any other type."""
    body = {name: draw(strategy) for name, strategy in valid.items() if draw(st.booleans())}
    return {**body, **draw(st.dictionaries(st.sampled_from(sorted(valid)), JSONS, max_size=1))}


def accepted(declared, text):
    try:
        return TypeAdapter(declared).validate_json(text)
    except ValidationError:
        return None


def decoded(wired, text):
    try:
        return msgspec.json.Decoder(wired).decode(text)
    except msgspec.ValidationError:
        return None


@given(near({"user_id": IDS, "anonymous_id": IDS, "event": JSONS, "at": MOMENTS, "explain": st.booleans()}))
def test_every_question_is_read_alike(body):
    text = json.dumps(body).encode()
    ours, theirs = decoded(wire.ScoreRequest, text), accepted(contract.ScoreRequest, text)

    assert (ours is None) == (theirs is None), body
    if ours is not None:
        assert {name: getattr(ours, name) for name in ours.__struct_fields__} == theirs.model_dump()


@given(near({"users": st.lists(near({"user_id": IDS, "anonymous_id": IDS}), max_size=3), "at": MOMENTS}))
def test_every_batch_of_questions_is_read_alike(body):
    text = json.dumps(body).encode()
    ours, theirs = decoded(wire.ScoreBatchRequest, text), accepted(contract.ScoreBatchRequest, text)

    assert (ours is None) == (theirs is None), body
    if ours is not None:
        assert msgspec.to_builtins(ours, builtin_types=[type(ours.at)]) == theirs.model_dump()


@given(
    near({"batch": st.lists(JSONS, max_size=3), "context": st.dictionaries(TEXTS, JSONS, max_size=2), "sentAt": JSONS})
)
def test_every_batch_of_events_is_read_alike(body):
    text = json.dumps(body).encode()
    ours, theirs = decoded(wire.EventBatch, text), accepted(contract_events.EventBatch, text)

    assert (ours is None) == (theirs is None), body
    if ours is not None:
        assert [json.loads(bytes(memoryview(each))) for each in ours.batch] == theirs.batch
        assert (ours.context, ours.integrations, ours.sent_at) == (theirs.context, theirs.integrations, theirs.sentAt)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ANSWERS = st.builds(
    wire.ScoreAnswer,
    user_id=st.none() | TEXTS,
    anonymous_id=st.none() | TEXTS,
    known=st.booleans(),
    at=st.integers(0, 4_000_000_000_000_000).map(to_moment),
    intent=st.dictionaries(st.sampled_from(["24h", "7d"]), st.none() | NUMBERS),
    send_hour=st.none() | st.integers(0, 23),
    send_at=st.none() | st.integers(0, 4_000_000_000_000_000).map(to_moment),
    confidence=st.none() | NUMBERS,
    personal=st.none() | NUMBERS,
    models=st.dictionaries(st.sampled_from(["24h", "7d"]), st.builds(ModelUsed, TEXTS, TEXTS, st.booleans())),
    policy_version=TEXTS,
    decision_id=st.none() | TEXTS,
    duplicate=st.booleans(),
    untracked=st.booleans(),
    decisions=st.lists(
        st.builds(
            Decided,
            TEXTS,
            TEXTS,
            st.sampled_from(["send", "control", "hold"]),
            TEXTS,
            st.none() | NUMBERS,
            NUMBERS,
            TEXTS,
            TEXTS,
        ),
        max_size=2,
    ),
    explain=st.none()
    | st.dictionaries(
        st.just("24h"), st.lists(st.builds(Contribution, TEXTS, TEXTS, st.floats(), NUMBERS), max_size=2)
    ),
)


@given(ANSWERS)
def test_every_answer_is_one_that_is_declared(answer):
    told = TypeAdapter(contract.ScoreAnswer).validate_json(wire.encode(answer))

    assert to_us(told.at) == to_us(answer.at)
    assert told.intent == answer.intent
    for horizon, contributions in (answer.explain or {}).items():
        for ours, theirs in zip(contributions, told.explain[horizon], strict=True):
            assert theirs.value == (ours.value if math.isfinite(ours.value) else None)


@pytest.mark.parametrize(
    "model",
    [
        each
        for module in (contract, contract_events)
        for each in vars(module).values()
        if isinstance(each, type) and hasattr(each, "model_config")
    ],
)
def test_every_example_is_valid(model):
    extra = model.model_config.get("json_schema_extra") or {}
    for example in extra.get("examples", []):
        assert accepted(model, json.dumps(example)) is not None


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b'{"users": [{}, {"user_id": []}]}', "users[1].user_id"),
        (b"{}", "users"),
        (b"[]", "body"),
    ],
)
def test_what_is_wrong_with_a_body_is_told_with_its_place(text, field):
    with pytest.raises(msgspec.ValidationError) as caught:
        wire.read_score_batch(text)

    told = wire.unreadable(caught.value, text)
    assert isinstance(told, InvalidField)
    assert told.field == field


@given(st.integers(1, 200))
def test_what_is_nested_deeper_than_can_be_kept_is_refused(levels):
    text = ("[" * levels + "]" * levels + " " + "{}" * 0).encode()
    value = json.loads(text)

    if levels <= DEEPEST:
        wire.refuse_depth(text, value)
    else:
        with pytest.raises(UnreadableBody):
            wire.refuse_depth(text, value)
