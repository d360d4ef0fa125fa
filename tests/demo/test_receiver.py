"""The receiver of the demonstration believes only what is signed."""

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from standardwebhooks import Webhook

from demo.receiver import Receiver

SECRET = f"whsec_{b64encode(b'k' * 32).decode()}"
OTHER = f"whsec_{b64encode(b'o' * 32).decode()}"
BODY = json.dumps({"type": "trigger.fired", "data": {"user_id": "u"}})


@pytest.fixture
def receiver():
    with Receiver(SECRET) as opened:
        yield opened


def signed(message_id="msg_1", *, body=BODY, secret=SECRET, at=None):
    at = at or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }


def post(receiver, headers, body=BODY):
    return httpx.post(receiver.url, content=body, headers=headers).status_code


def test_a_right_signature_is_believed_and_a_repeated_message_counts_once(receiver):
    headers = signed()

    assert [post(receiver, headers) for _ in range(3)] == [204] * 3
    assert (receiver.verified, receiver.forged) == ({"msg_1"}, 0)


FORGED = {
    "another secret": signed(secret=OTHER),
    "another body": signed(body=BODY.replace("u", "w")),
    "another id": signed() | {"webhook-id": "msg_2"},
    "too old": signed(at=datetime.now(UTC) - timedelta(hours=1)),
    "no moment": signed() | {"webhook-timestamp": "now"},
    "no signature": {name: value for name, value in signed().items() if name != "webhook-signature"},
    "a signature of another version": signed() | {"webhook-signature": "v2,AAAA"},
    "no comma": signed() | {"webhook-signature": "AAAA"},
    "not base64": signed() | {"webhook-signature": "v1,=A="},
    "nothing": {},
}


@pytest.mark.parametrize("how", list(FORGED))
def test_anything_else_is_not(receiver, how):
    assert post(receiver, FORGED[how]) == 401
    assert (receiver.verified, receiver.forged) == (set(), 1)


def test_many_at_once_are_all_counted(receiver):
    headers = [signed(f"msg_{n}") if n % 3 else signed(f"msg_{n}", secret=OTHER) for n in range(30)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: post(receiver, each), headers))

    assert (len(receiver.verified), receiver.forged) == (20, 10)
