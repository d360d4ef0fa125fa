import os

import pytest

from features.kinds import Kind
from serving.mapping_file import MappingRefused, read_mapping


def write(tmp_path, text):
    path = tmp_path / "events.yaml"
    path.write_text(text)
    return path


def test_a_line_of_the_shop_is_laid_over_what_we_ship(tmp_path):
    mapping = read_mapping(write(tmp_path, "events: {gekauft: Order Completed}\nfields: {kunde: user_id}\n"))

    assert mapping.kind_of("Gekauft") is Kind.ORDER_COMPLETED
    assert mapping.kind_of("cart_added") is Kind.PRODUCT_ADDED
    assert mapping.fields["Kunde"] == "userId"


def test_an_empty_file_changes_nothing(tmp_path):
    assert read_mapping(write(tmp_path, "")).kind_of("productView") is Kind.PRODUCT_VIEWED


def test_a_pipe_is_refused_before_anybody_waits_for_its_end(tmp_path):
    os.mkfifo(tmp_path / "events.yaml")

    with pytest.raises(MappingRefused, match=r"events\.yaml: .*Is not a regular file"):
        read_mapping(tmp_path / "events.yaml")


@pytest.mark.parametrize(
    ("text", "line", "place", "hint"),
    [
        ("events:\n  gekauft: Order Compleeted\n", 2, "events.gekauft", "did you mean 'Order Completed'"),
        ("\nevent:\n  a: b\n", 2, "event", "did you mean 'events'"),
        ("events: 5\n", 1, "events", "must be a mapping"),
        ("fields:\n  a: [1]\n", 2, "fields.a", "must be a name"),
        ("currency:\n  shop: EUR\n  rates:\n    USD: -1\n", 4, "currency.rates.USD", "above zero"),
        ("currency: {rates: {USD: .nan}}\n", 1, "currency.rates.USD", "above zero"),
        ("exclude:\n  bots:\n    - fine\n    - (\n", 4, "exclude.bots[1]", "regular expression"),
        ("exclude:\n  staff: {id: []}\n", 2, "exclude.staff.id", "did you mean 'ids'"),
        ("file:\n  zone: Mars/Base\n", 2, "file.zone", "not a time zone"),
        ("file:\n  time_unit: minutes\n", 2, "file.time_unit", "one of s, ms, us, ns"),
        ("file:\n  columns: [a, b, a]\n", 2, "file.columns", "named twice"),
        ("file: {delimiter: ';;'}\n", 1, "file.delimiter", "one character"),
        ("machine: [a]\n", 1, "machine", "must be a mapping"),
        ("context: timezone\n", 1, "context", "must be a list"),
    ],
)
def test_what_is_not_understood_is_refused_by_file_line_and_place(tmp_path, text, line, place, hint):
    path = write(tmp_path, text)

    with pytest.raises(MappingRefused) as refused:
        read_mapping(path)

    assert str(refused.value).startswith(f"{path}:{line}: {place}")
    assert hint in str(refused.value)


@pytest.mark.parametrize("text", ["events: [", "- a\n", "\x00"])
def test_what_is_not_yaml_or_no_mapping_is_refused(tmp_path, text):
    with pytest.raises(MappingRefused, match=r"events\.yaml"):
        read_mapping(write(tmp_path, text))


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(MappingRefused, match=r"nowhere\.yaml"):
        read_mapping(tmp_path / "nowhere.yaml")


LAUGHS = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'ha'}]\n" for n in range(12))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{LAUGHS}events: *a11\n", "has more than 200,000 fields, those of its aliases counted each time"),
        ("events: &a [*a]\n", "is not YAML: maximum recursion depth"),
        ("events: {a: 2020-13-45}\n", "is not YAML: month must be in 1..12"),
        ("events: {a: !!timestamp x}\n", "is not YAML: "),
        ("events: {a: !!bool x}\n", "is not YAML: "),
    ],
    ids=["a billion laughs", "itself within itself", "no date", "no timestamp", "no boolean"],
)
def test_what_would_fill_the_memory_or_break_the_reader_is_refused(tmp_path, text, reason):
    path = write(tmp_path, text)

    with pytest.raises(MappingRefused) as refused:
        read_mapping(path)

    assert str(refused.value).startswith(f"{path}:")
    assert reason in str(refused.value)


def test_aliases_that_say_little_are_read(tmp_path):
    mapping = read_mapping(write(tmp_path, "events: {gekauft: &o Order Completed, bezahlt: *o}\n"))

    assert mapping.kind_of("bezahlt") is Kind.ORDER_COMPLETED
