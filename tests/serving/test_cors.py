import pytest

from serving.cors import Origins

ASKS = {b"access-control-request-method": b"POST"}


@pytest.mark.parametrize("origin", [b"https://shop.example", b"null", b""])
def test_where_nobody_is_allowed_nobody_is(origin):
    origins = Origins([])

    assert origins.grant(origin) == []
    assert origins.preflight({b"origin": origin, **ASKS}) == []


def test_an_origin_is_allowed_as_it_is_written():
    origins = Origins(["https://shop.example", "http://localhost:3000"])

    assert (b"access-control-allow-origin", b"http://localhost:3000") in origins.grant(b"http://localhost:3000")
    for other in (b"https://shop.example:444", b"https://a.shop.example", b"https://shop.example.org", b"*"):
        assert origins.grant(other) == []


def test_all_origins_get_one_answer_that_may_be_kept_for_all():
    origins = Origins(["*"])

    assert origins.grant(b"https://a.example") == origins.grant(b"null")
    assert (b"access-control-allow-origin", b"*") in origins.grant(b"https://a.example")


def test_what_asks_for_no_method_is_no_preflight():
    assert Origins(["*"]).preflight({b"origin": b"https://shop.example"}) == []
