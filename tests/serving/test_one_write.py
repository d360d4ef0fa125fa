"""What is written twice within a turn of the loop is one write; nothing is lost, late or out of order."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from serving.one_write import OneWrite


class Wire:
    """A transport that remembers what came."""

    def __init__(self):
        self.writes = []
        self.closed = False
        self.limit = None

    def write(self, data):
        assert not self.closed
        self.writes.append(bytes(data))

    def is_closing(self):
        return self.closed

    def close(self):
        self.closed = True

    def set_write_buffer_limits(self, high):
        self.limit = high


def played(turns, *, closes=False):
    """Write the pieces of each turn of a loop, and return the wire and what had come after each turn."""

    async def play():
        wire, after = Wire(), []
        written = OneWrite(wire, asyncio.get_running_loop())
        for pieces in turns:
            for each in pieces:
                written.write(each)
            if closes and pieces is turns[-1]:
                written.close()
            else:
                await asyncio.sleep(0)
            after.append(b"".join(wire.writes))
        return wire, after

    return asyncio.run(play())


def test_head_and_body_are_one_write():
    wire, _ = played([[b"head", b"body"], [b"another head", b"another body"]])

    assert wire.writes == [b"headbody", b"another headanother body"]


def test_a_head_whose_body_takes_its_time_does_not_wait_for_it():
    wire, after = played([[b"head"], [], [b"first"], [b"second"]])

    assert after == [b"head", b"head", b"headfirst", b"headfirstsecond"]
    assert wire.writes == [b"head", b"first", b"second"]


def test_what_is_held_goes_out_before_the_end():
    wire, _ = played([[b"refused"]], closes=True)

    assert (wire.writes, wire.closed) == ([b"refused"], True)


def test_an_empty_body_ends_the_waiting():
    wire, _ = played([[b"head", b""], [b""]])

    assert wire.writes == [b"head"]


def test_it_is_the_transport_in_everything_else():
    async def ask():
        wire = Wire()
        written = OneWrite(wire, asyncio.get_running_loop())
        written.set_write_buffer_limits(high=5)
        before = written.is_closing()
        written.close()
        return wire.limit, before, written.is_closing()

    assert asyncio.run(ask()) == (5, False, True)


@given(st.lists(st.lists(st.binary(max_size=3), max_size=5), min_size=1, max_size=6), st.booleans())
def test_all_of_it_comes_in_its_order_by_the_end_of_its_turn(turns, closes):
    wire, after = played(turns, closes=closes)

    told = b""
    for pieces, had in zip(turns, after, strict=True):
        told += b"".join(pieces)
        assert had == told
    assert wire.closed is closes
