"""What the links of a message carry is sealed."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.database import for_writing
from serving.driver import driver
from serving.tokens import Clicked, Opened, OptOut, Tokens, kept_secret, tokens_of
from tests.serving.databases import a_database, rows

TOKENS = Tokens("a secret")
TEXT = st.text(st.characters(codec="utf-8"), max_size=80)


@given(TEXT, TEXT)
def test_what_was_sealed_is_read_and_is_always_the_same(key, other):
    contents = [OptOut(key, "email", other, "msg_1"), Opened(key), Clicked(key, other)]
    made = [TOKENS.unsubscribe(key, "email", other, "msg_1"), TOKENS.opened(key), TOKENS.clicked(key, other)]

    assert [TOKENS.read(each) for each in made] == contents
    assert made[0] == TOKENS.unsubscribe(key, "email", other, "msg_1")


def test_nobody_reads_a_person_in_a_token():
    token = TOKENS.unsubscribe("ada@example.org", "email", "marketing", "msg_1")
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))

    for word in (b"ada", b"example", b"email", b"marketing", b"msg_1"):
        assert word not in sealed
        assert base64.b64encode(word).rstrip(b"=")[:-1] not in token.encode()


@given(st.data())
def test_a_token_that_was_changed_is_none(data):
    token = TOKENS.clicked("msg_1", "https://shop.example/cart")
    sealed = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))

    assert TOKENS.read(base64.urlsafe_b64encode(bytes(sealed)).decode()) is None


@pytest.mark.parametrize("text", ["", "=", "a", "é", "\ud800", "%00", "../../etc/passwd", "A" * 9000, "a" * 64])
def test_anything_else_is_no_token(text):
    assert TOKENS.read(text) is None


@given(st.binary(max_size=100))
def test_what_another_secret_sealed_is_no_token(content):
    assert TOKENS.read(base64.urlsafe_b64encode(content).decode()) is None
    assert TOKENS.read(Tokens("another").opened("msg_1")) is None


def test_an_installation_makes_its_secret_once(tmp_path):
    with a_database(tmp_path) as database:
        with for_writing(database).begin() as connection:
            made = [kept_secret(driver(connection)) for _ in range(2)]

        assert made[0] == made[1]
        assert len(made[0]) >= 40
        assert rows(database, "SELECT value FROM facts WHERE name = 'link_secret'") == [(made[0],)]


def test_links_that_went_out_under_an_earlier_secret_are_read(tmp_path):
    with a_database(tmp_path) as database, for_writing(database).begin() as connection:
        of_the_first_day = tokens_of(driver(connection), None).opened("msg_1")
        of_the_second = tokens_of(driver(connection), "second").opened("msg_2")
        now = tokens_of(driver(connection), "third, second")

        assert now.read(of_the_first_day) == Opened("msg_1")
        assert now.read(of_the_second) == Opened("msg_2")
        assert now.opened("msg_3") == Tokens("third").opened("msg_3")
        assert tokens_of(driver(connection), "third").read(of_the_second) is None
