"""A hold-out as a file says it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from policy.holding import HoldOut, ShortHoldOut

read = TypeAdapter(ShortHoldOut).validate_python


@pytest.mark.parametrize("written", ["10%", 0.1, {"share": "10%"}, {}])
def test_a_share_alone_is_a_hold_out_too(written):
    assert read(written) == HoldOut(share=0.1)


@pytest.mark.parametrize("written", ["100%", 1, -0.1, "ten", {"salt": ""}, {"shares": 0.1}])
def test_nobody_left_to_send_to_and_what_is_no_share_are_refused(written):
    with pytest.raises(ValidationError):
        read(written)
