import asyncio
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.bodies import ClientGone, decoded, gunzip, read_body
from serving.errors import TooLarge, UnknownEncoding, UnreadableBody

LIMIT = 200
Chunks = st.lists(st.binary(max_size=120), min_size=1, max_size=6)


def receiver(chunks, *, breaks_off=False):
    """Return what gives these chunks, and then the end or a hang-up."""
    messages = [{"type": "http.request", "body": each, "more_body": True} for each in chunks]
    if breaks_off:
        messages.append({"type": "http.disconnect"})
    else:
        messages[-1]["more_body"] = False
    given_out = iter(messages)

    async def receive():
        return next(given_out)

    return receive


@given(Chunks)
def test_a_body_is_its_chunks_or_too_large(chunks):
    whole = b"".join(chunks)

    if len(whole) <= LIMIT:
        assert asyncio.run(read_body(receiver(chunks), LIMIT)) == whole
    else:
        with pytest.raises(TooLarge, match="200 bytes"):
            asyncio.run(read_body(receiver(chunks), LIMIT))


@given(Chunks)
def test_a_body_that_breaks_off_is_no_body(chunks):
    with pytest.raises((ClientGone, TooLarge)):
        asyncio.run(read_body(receiver(chunks, breaks_off=True), LIMIT))


@given(st.lists(st.binary(max_size=150), min_size=1, max_size=3))
def test_unpacking_undoes_packing_within_the_limit_and_refuses_beyond_it(members):
    packed = b"".join(gzip.compress(each) for each in members)
    whole = b"".join(members)

    if len(whole) <= LIMIT:
        assert gunzip(packed, LIMIT) == whole
    else:
        with pytest.raises(TooLarge):
            gunzip(packed, LIMIT)


def test_a_body_of_very_many_empty_members_is_refused():
    assert gunzip(gzip.compress(b"") * 64, LIMIT) == b""
    with pytest.raises(UnreadableBody, match="64 members"):
        gunzip(gzip.compress(b"") * 65, LIMIT)


@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b"x-gzip", b" gzip "])
def test_gzip_goes_by_several_spellings(encoding):
    assert decoded(gzip.compress(b"{}"), {b"content-encoding": encoding}, LIMIT) == b"{}"


@pytest.mark.parametrize(
    "headers", [{}, {b"content-encoding": b"identity"}, {b"content-encoding": b"Identity "}, {b"content-encoding": b""}]
)
def test_a_plain_body_stays_as_it_is(headers):
    assert decoded(b"{}", headers, LIMIT) == b"{}"


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, gzip", b"\xff"])
def test_any_other_encoding_is_refused(encoding):
    with pytest.raises(UnknownEncoding):
        decoded(b"{}", {b"content-encoding": encoding}, LIMIT)
