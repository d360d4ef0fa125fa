"""What guards said, written down and read again."""

from hypothesis import given
from hypothesis import strategies as st

from policy.findings import Finding
from policy.reasons import Reason
from serving.findings import pack, unpack

facts = st.lists(st.none() | st.booleans() | st.integers(0, 2**53) | st.text(), max_size=4).map(tuple)
found = st.builds(
    Finding, st.sampled_from(["cap", "consent"]), st.none() | st.text(), st.none() | st.sampled_from(Reason), facts
)


@given(st.lists(found).map(tuple))
def test_what_was_packed_is_what_is_unpacked(findings):
    assert unpack(pack(findings)) == findings


def test_nothing_takes_no_room():
    assert pack(()) is None
    assert unpack(None) == ()


def test_it_is_a_short_list():
    assert pack([Finding("cap", None, Reason.CAPPED, (2, 2, 60))]) == '[["cap",null,"capped",2,2,60]]'
