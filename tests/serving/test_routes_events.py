import asyncio
import gzip
import json

import pytest

from features.kinds import Kind
from serving.api import Limits
from serving.errors import Overloaded
from tests.serving.asking import Site, reply, site_with_keys
from tests.serving.databases import a_database
from tests.serving.test_edge import is_problem

TRACK = {"type": "track", "userId": "u-1", "event": "Product Viewed"}


@pytest.fixture
def site(tmp_path):
    with a_database(tmp_path) as database:
        yield Site(database, open_without_keys=True, limits=Limits(batch_events=10))


@pytest.mark.parametrize(
    ("call", "kind", "more"),
    [
        ("track", Kind.PRODUCT_ADDED, {"event": "Product Added"}),
        ("identify", Kind.IDENTIFIED, {"traits": {"email": "a@example.org"}}),
        ("page", Kind.PAGE_VIEWED, {"name": "Home"}),
        ("screen", Kind.SCREEN_VIEWED, {"name": "Home"}),
        ("group", Kind.GROUPED, {"groupId": "g-1"}),
        ("alias", Kind.LINKED, {"previousId": "a-1"}),
    ],
)
def test_each_call_is_an_event_of_its_kind(site, call, kind, more):
    replied = site.ask("POST", f"/v1/{call}", {"userId": "u-1", **more})

    assert (replied.status, replied.body) == (200, b'{"success":true}')
    assert [(event.kind, event.user_id) for event in site.engine.events] == [(kind, "u-1")]


def test_the_address_says_which_call_it_is_whatever_the_body_says(site):
    site.ask("POST", "/v1/page", {"type": "track", "event": "Order Completed", "userId": "u-1"})

    assert site.engine.events[0].kind is Kind.PAGE_VIEWED


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"userId": "u-1"}, "event"),
        ({"event": "Product Viewed"}, "userId"),
        ({"event": "Product Viewed", "userId": None, "anonymousId": None}, "userId"),
        ({"event": "Product Viewed", "userId": {"id": 1}}, "userId"),
        ({"event": "Product Viewed", "user_id": "x" * 300}, "user_id"),
        ({**TRACK, "messageId": "m" * 101}, "messageId"),
        ({**TRACK, "timestamp": "2999-01-01T00:00:00Z"}, "timestamp"),
        ({**TRACK, "properties": []}, "properties"),
    ],
)
def test_a_single_event_that_cannot_be_used_is_refused_by_field_and_set_aside(site, body, field):
    replied = site.ask("POST", "/v1/track", body)

    assert is_problem(replied, 400, replied.json["code"], field)
    [reject] = site.engine.rejects
    assert (reject.place, reject.field, json.loads(reject.body)) == ("track", field, body)
    assert site.metrics.events["rejected"] == 1
    assert site.engine.events == []


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"1", b"\xff", b'{"a":"\xff"}', b"[" * 30_000, b"{}x"], ids=str
)
def test_no_body_whatsoever_breaks_the_server(site, path, body):
    replied = site.ask("POST", path, body)

    assert replied.status == 400
    assert {"code", "message"} <= set(replied.json)


def test_a_good_batch_is_answered_like_a_single_event(site):
    replied = site.ask("POST", "/v1/batch", {"batch": [TRACK, {**TRACK, "type": "page"}]})

    assert (replied.status, replied.body) == (200, b'{"success":true}')
    assert [event.kind for event in site.engine.events] == [Kind.PRODUCT_VIEWED, Kind.PAGE_VIEWED]


def test_a_large_batch_lets_others_have_their_turn(tmp_path):
    with a_database(tmp_path) as database:
        site = Site(database, open_without_keys=True)
        body = json.dumps({"batch": [TRACK] * 2000}).encode()
        answered = []

        async def ask(path, sent):
            await reply(site.edge, "POST", path, {}, [sent])
            answered.append(path)

        async def both():
            await asyncio.gather(ask("/v1/batch", body), ask("/v1/score", b'{"user_id": "u"}'))

        asyncio.run(both())

        assert answered == ["/v1/score", "/v1/batch"]
        assert len(site.engine.events) == 2000


def test_an_empty_batch_is_nothing_to_do(site):
    assert site.ask("POST", "/v1/batch", {"batch": []}).body == b'{"success":true}'


def test_bad_events_of_a_batch_are_set_aside_and_named_and_the_good_ones_kept(site):
    deep = json.dumps(TRACK)[:-1] + ', "properties": {"a": ' + "[" * 90 + "]" * 90 + "}}"
    large = json.dumps({**TRACK, "properties": {"note": "x" * 40_000}})
    infinite = json.dumps({**TRACK, "properties": {"price": 0}}).replace('"price": 0', '"price": 1e999')
    good = json.dumps({**TRACK, "userId": "u-2"})
    items = ['{"type": "track"}', good, "7", "null", deep, large, infinite, good]
    body = ('{"batch": [' + ",".join(items) + "]}").encode()

    replied = site.ask("POST", "/v1/batch", body)

    assert replied.status == 200
    assert replied.json["success"] is True
    assert replied.json["accepted"] == 2
    assert [each["index"] for each in replied.json["rejected"]] == [0, 2, 3, 4, 5, 6]
    assert all(each["reason"] for each in replied.json["rejected"])
    assert [event.user_id for event in site.engine.events] == ["u-2", "u-2"]
    assert [each.place for each in site.engine.rejects] == [f"batch[{i}]" for i in (0, 2, 3, 4, 5, 6)]
    assert site.metrics.events == {
        "accepted": 2,
        "duplicate": 0,
        "rejected": 6,
        "erased": 0,
        "untracked": 0,
        "outdated": 0,
        "unknown": 0,
    }


def test_half_a_character_in_one_event_costs_the_others_nothing(site):
    broken = json.dumps(TRACK).replace("Viewed", "Viewed \\ud83d")
    good = json.dumps({**TRACK, "userId": "u-2"})

    replied = site.ask("POST", "/v1/batch", f'{{"batch": [{broken}, {good}]}}'.encode())

    assert replied.json["accepted"] == 1
    assert [each["index"] for each in replied.json["rejected"]] == [0]
    assert [event.user_id for event in site.engine.events] == ["u-2"]


@pytest.mark.parametrize("text", ["a\x01b", "\n", "\\\x02", "\\\\\x1f", "\\ud83d\x00"])
def test_a_control_character_that_nobody_escaped_costs_the_others_nothing(site, text):
    broken = json.dumps({**TRACK, "properties": {"note": "text"}}).replace('"text"', f'"{text}"')
    good = json.dumps({**TRACK, "properties": {"note": "a\nb"}}, indent=2)

    body = f'{{"batch": [{broken},\r\n\t{good}], "writeKey": null}}'.encode()
    replied = site.ask("POST", "/v1/batch", body)

    assert replied.json["accepted"] == 1
    assert [(each["index"], each["field"]) for each in replied.json["rejected"]] == [(0, "properties.note")]
    assert replied.json["rejected"][0]["reason"] == "holds a control character that is not escaped"
    assert [event.properties["note"] for event in site.engine.events] == ["a\nb"]


@pytest.mark.parametrize("other", ["a\x01b", "\\ud83d"])
def test_bytes_that_are_no_utf_8_cost_the_others_nothing_whatever_else_the_batch_holds(site, other):
    noted = json.dumps({**TRACK, "properties": {"note": "text"}}).encode()
    latin, damaged = noted.replace(b"text", "café".encode("latin-1")), noted.replace(b"text", other.encode())

    replied = site.ask("POST", "/v1/batch", b'{"batch": [%s, %s, %s]}' % (latin, noted, damaged))

    assert replied.json["accepted"] == 1
    assert [(each["index"], each["field"]) for each in replied.json["rejected"]] == [
        (0, "properties.note"),
        (2, "properties.note"),
    ]
    assert replied.json["rejected"][0]["reason"] == "is not valid Unicode"


def test_what_a_batch_says_of_all_its_events_in_another_encoding_is_named(site):
    body = json.dumps({"batch": [TRACK], "context": {"campaign": {"name": "spring"}}}).encode()

    replied = site.ask("POST", "/v1/batch", body.replace(b"spring", "café".encode("latin-1")))

    assert replied.status == 400
    assert replied.json["field"] == "context.campaign.name"


@pytest.mark.parametrize("levels", [90, 900, 9000])
def test_an_event_that_is_nested_however_deeply_costs_the_others_nothing(site, levels):
    deep = json.dumps({**TRACK, "properties": {"note": "]]"}})[:-2] + ', "a": ' + "[" * levels + "]" * levels + "}}"
    good = json.dumps({**TRACK, "properties": {"note": '\\"[{'}})

    replied = site.ask("POST", "/v1/batch", f'{{"batch": [{good}, {deep}, {good}], "sentAt": null}}'.encode())

    assert replied.json["accepted"] == 2
    assert replied.json["rejected"] == [{"index": 1, "field": "", "reason": "is nested deeper than 64 levels"}]
    assert [event.properties["note"] for event in site.engine.events] == ['\\"[{', '\\"[{']


def test_several_damaged_events_of_a_batch_cost_the_others_nothing(site):
    many, half, deep = "9" * 5000, '"\\ud83d"', "[" * 5000 + "]" * 5000
    items = [json.dumps({**TRACK, "properties": {"a": "x"}}).replace('"x"', each) for each in (many, half, deep, "1")]

    replied = site.ask("POST", "/v1/batch", f'{{"batch": [{",".join(items)}]}}'.encode())

    assert replied.json["accepted"] == 1
    assert [(each["index"], each["field"]) for each in replied.json["rejected"]] == [
        (0, "properties.a"),
        (1, "properties.a"),
        (2, ""),
    ]


@pytest.mark.parametrize("value", ["NaN", '"caf\\ud83d"', "9" * 5000], ids=["nan", "half a character", "digits"])
@pytest.mark.parametrize("section", ["context", "integrations"])
def test_what_a_batch_says_of_all_and_cannot_be_kept_is_named(site, section, value):
    body = f'{{"batch": [{json.dumps(TRACK)}], "{section}": {{"page": {{"title": {value}}}}}}}'

    assert is_problem(site.ask("POST", "/v1/batch", body.encode()), 400, "invalid_field", f"{section}.page.title")
    assert site.engine.events == []


@pytest.mark.parametrize("value", ["NaN", "1e400", '"caf\\ud83d"'])
def test_a_value_that_cannot_be_kept_is_told_by_its_field(site, value):
    broken = json.dumps({**TRACK, "properties": {"products": [{"price": 1}, {"price": "value"}]}})
    broken = broken.replace('"value"', value)

    alone = site.ask("POST", "/v1/track", broken.encode())
    among = site.ask("POST", "/v1/batch", f'{{"batch": [{broken}]}}'.encode())

    assert is_problem(alone, 400, "invalid_field", "properties.products[1].price")
    assert among.json["rejected"][0]["field"] == "properties.products[1].price"


def test_what_a_batch_says_of_all_holds_for_each(site):
    context = {"timezone": "Europe/Berlin"}
    site.ask(
        "POST", "/v1/batch", {"batch": [TRACK, {**TRACK, "context": {"timezone": "Asia/Tokyo"}}], "context": context}
    )

    assert [event.timezone for event in site.engine.events] == ["Europe/Berlin", "Asia/Tokyo"]


def test_what_a_batch_says_of_all_counts_for_the_size_of_each(site):
    context = {"page": {"title": "x" * 32_000}}
    large = {**TRACK, "properties": {"note": "x" * 1000}}

    replied = site.ask("POST", "/v1/batch", {"batch": [TRACK, large], "context": context})

    assert replied.json["accepted"] == 1
    assert [each["index"] for each in replied.json["rejected"]] == [1]
    assert "with what its batch says of all is larger" in replied.json["rejected"][0]["reason"]


@pytest.mark.parametrize("section", ["context", "integrations"])
def test_a_small_request_is_not_kept_as_a_hundred_times_its_size(tmp_path, section):
    with a_database(tmp_path) as database:
        site = Site(database, open_without_keys=True)
        of_30_kb = {"page": "é" * 14_994}  # in JSON 11 bytes more

        # 133 times 30 KB is the most within 8 times 500 KB.
        fitting = site.ask("POST", "/v1/batch", {"batch": [TRACK] * 133, section: of_30_kb})
        beyond = site.ask("POST", "/v1/batch", {"batch": [TRACK] * 134, section: of_30_kb})

        assert fitting.body == b'{"success":true}'
        assert is_problem(beyond, 413, "too_large", "batch")
        assert f"come to {134 * (2 * 14_994 + 11):,} bytes; at most 4,000,000" in beyond.json["detail"]
        assert len(site.engine.events) == 133


def test_what_an_sdk_says_of_all_fits_a_full_batch(tmp_path):
    with a_database(tmp_path) as database:
        site = Site(database, open_without_keys=True)
        context = {"library": {"name": "analytics-go", "version": "3.0.0"}, "timezone": "Europe/Berlin", "ip": "::1"}
        context["userAgent"] = "Mozilla/5.0 " + "x" * 1000

        replied = site.ask("POST", "/v1/batch", {"batch": [TRACK] * 2500, "context": context})

        assert replied.body == b'{"success":true}'
        assert {event.timezone for event in site.engine.events} == {"Europe/Berlin"}


@pytest.mark.parametrize("section", ["context", "integrations"])
@pytest.mark.parametrize("levels", [65, 800])
def test_what_a_batch_says_of_all_is_kept_no_deeper_than_an_event_may_be(site, section, levels):
    fitting, deep = ('{"page": ' * each + "1" + "}" * each for each in (64, levels))

    def told(said):
        return site.ask("POST", "/v1/batch", f'{{"batch": [{json.dumps(TRACK)}], "{section}": {said}}}'.encode())

    assert told(fitting).status == 200
    assert is_problem(told(deep), 400, "unreadable_body", section)
    assert len(site.engine.events) == 1


def test_a_senders_clock_is_corrected_by_what_the_batch_says_of_it(site):
    site.ask(
        "POST",
        "/v1/batch",
        {"batch": [{**TRACK, "timestamp": "2001-01-01T00:00:00Z"}], "sentAt": "2001-01-01T00:00:10Z"},
    )
    site.ask("POST", "/v1/batch", {"batch": [{**TRACK, "messageId": "now"}]})

    corrected, now = (event.occurred_at for event in site.engine.events)
    assert 10_000_000 <= now - corrected < 40_000_000


def test_a_batch_has_its_limits(site):
    assert is_problem(site.ask("POST", "/v1/batch", {"batch": [TRACK] * 11}), 413, "too_large", "batch")
    assert is_problem(site.ask("POST", "/v1/batch", {"batch": "x" * 500_001}), 413, "too_large", "body")
    assert is_problem(site.ask("POST", "/v1/batch", {"batch": 7}), 400, "invalid_field", "batch")
    assert is_problem(site.ask("POST", "/v1/batch", {}), 400, "invalid_field", "batch")
    assert is_problem(site.ask("POST", "/v1/batch", {"batch": [], "context": 7}), 400, "invalid_field", "context")


def test_a_gzipped_batch_is_a_batch(site):
    packed = gzip.compress(json.dumps({"batch": [TRACK]}).encode())

    assert site.ask("POST", "/v1/batch", packed, headers={"Content-Encoding": "gzip"}).status == 200
    assert len(site.engine.events) == 1


def test_nothing_is_acknowledged_that_was_not_taken(site):
    site.engine.failure = Overloaded()

    assert site.ask("POST", "/v1/track", TRACK).status == 503
    assert site.ask("POST", "/v1/batch", {"batch": [TRACK]}).status == 503
    assert site.metrics.events["accepted"] == 0


def test_events_that_nobody_knows_are_kept_and_counted(site):
    site.ask("POST", "/v1/track", {**TRACK, "event": "Wheel Spun"})

    assert site.engine.events[0].name == "Wheel Spun"
    assert site.metrics.events["unknown"] == 1


def test_what_is_set_aside_says_whose_key_it_came_with(tmp_path):
    with a_database(tmp_path) as database:
        site, keys = site_with_keys(database)

        site.ask("POST", "/v1/track", {}, key=keys["ingest"])

        assert [each.source for each in site.engine.rejects] == ["ingest"]
