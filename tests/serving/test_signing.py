"""Signatures, held against the specification's own library."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from serving.message import message_id_of
from serving.signing import SecretRefused, signed_headers, signing_key

keys = st.binary(min_size=24, max_size=64)


def secret_of(key):
    return "whsec_" + base64.b64encode(key).decode()


@given(keys, st.text(), st.integers(0, 4_000_000_000))
def test_a_signature_is_the_library_s(key, body, at_s):
    message_id = message_id_of("some.decision")
    headers = signed_headers(message_id, body.encode(), keys=[signing_key(secret_of(key))], at_s=at_s)

    theirs = Webhook(secret_of(key)).sign(message_id, datetime.fromtimestamp(at_s, UTC), body)
    assert headers["webhook-signature"] == theirs
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (message_id, str(at_s))


@given(keys, keys, st.text(alphabet="{}ab:1"))
def test_while_a_secret_is_changed_both_verify(old, new, body):
    at_s = int(datetime.now(UTC).timestamp())
    headers = signed_headers("msg_1", body.encode(), keys=[old, new], at_s=at_s)

    for key in (old, new):
        Webhook(secret_of(key)).verify(body, headers, json_parse=False)


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_may_come_without_padding(key):
    assert signing_key(secret_of(key).rstrip("=")) == key


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_not base64!",
        secret_of(b"x" * 23),
        secret_of(b"x" * 65),
        "whsec_é",
    ],
)
def test_a_malformed_secret_is_refused_without_being_repeated(secret):
    with pytest.raises(SecretRefused) as refused:
        signing_key(secret)
    assert str(refused.value) == SecretRefused.__doc__
    assert refused.value.__cause__ is None
