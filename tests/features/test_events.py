import math
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.events import (
    AMOUNT,
    FLAGS,
    KIND,
    OCCURRED_AT,
    PLUS_MINUS,
    RECORD_WIDTH,
    UTC_OFFSET_S,
    BadEvent,
    pack_record,
    product_hash,
    unpack_record,
    user_key,
)
from features.kinds import Kind


def test_a_record_gives_back_its_numbers_at_their_places():
    record = pack_record(1_501_583_974_000_001, Kind.ORDER_REFUNDED, flags=2, amount=9.99, plus_minus=-1)
    numbers = unpack_record(record)

    assert len(numbers) == RECORD_WIDTH
    assert len(record) == 8 * RECORD_WIDTH
    assert numbers[OCCURRED_AT] == 1_501_583_974_000_001
    assert (numbers[KIND], numbers[FLAGS], numbers[AMOUNT], numbers[PLUS_MINUS]) == (19, 2, 9.99, -1)
    assert math.isnan(numbers[UTC_OFFSET_S])


@given(st.integers(0, 7_258_118_400_000_000))
def test_a_moment_survives_a_record_to_the_microsecond(moment):
    assert unpack_record(pack_record(moment, Kind.OTHER))[OCCURRED_AT] == moment


@given(st.text(min_size=1).filter(lambda text: max(text) <= "\ud7ff"))
def test_a_product_hash_is_a_float_without_loss_and_never_zero(product_id):
    found = product_hash(product_id)

    assert 0 < found < 2**52
    assert int(float(found)) == found


def test_a_product_hash_is_the_same_in_another_process():
    script = "from features.events import product_hash; print(product_hash('P-1'))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert int(found.stdout) == product_hash("P-1")


def test_a_user_is_known_by_user_id_else_by_anonymous_id():
    assert user_key("u1", "a1") == "u1"
    assert user_key(None, "a1") == "anonymous:a1"


def test_nobody_and_a_feigned_anonymous_key_are_refused():
    with pytest.raises(BadEvent, match="required"):
        user_key(None, None)
    with pytest.raises(BadEvent, match="must not start with"):
        user_key("anonymous:a1", None)


def test_a_refusal_names_the_field_and_survives_pickling():
    refusal = pickle.loads(pickle.dumps(BadEvent("properties.price", "must not be negative", "negative")))

    assert str(refusal) == "properties.price: must not be negative"
    assert (refusal.field, refusal.code) == ("properties.price", "negative")
