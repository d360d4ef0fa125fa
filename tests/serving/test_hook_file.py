"""The file of webhooks: what it may say, and what is on by it."""

import hmac

import pytest

from serving.hook_file import HooksRefused, read_hooks
from serving.hooks import Received
from tests.serving.webhooks import sendgrid_public_key

ALL = """
sendgrid: {public_key_env: SENDGRID_KEY}
mailgun: {signing_key_env: MAILGUN_KEY, tolerance: 1h}
ses: {topics: ["arn:aws:sns:eu-central-1:123456789012:mail"], certificates: certificates}
postmark: {user: opportune, password_env: POSTMARK_PASSWORD}
sources:
  shop:
    secret_env: SHOP_SECRET
    signature: X-Shop-Signature
    events:
      "*": {event: Order Completed, user_id: customer.id, properties: {order_id: id}}
"""
SECRETS = {
    "SENDGRID_KEY": sendgrid_public_key(),
    "MAILGUN_KEY": "key",
    "POSTMARK_PASSWORD": "password",
    "SHOP_SECRET": "secret",
}


@pytest.fixture
def reading(tmp_path):
    def read(text, **environment):
        file = tmp_path / "hooks.yaml"
        file.write_text(text, encoding="utf-8")
        return read_hooks(file, environment)

    return read


def test_whoever_has_a_secret_may_send(reading):
    assert list(reading(ALL, **SECRETS)) == ["sendgrid", "mailgun", "ses", "postmark", "shop"]


@pytest.mark.parametrize("missing", SECRETS)
def test_whoever_has_none_is_off_and_the_log_names_the_variable(reading, caplog, missing):
    found = reading(ALL, **{name: value for name, value in SECRETS.items() if name != missing})

    assert len(found) == 4
    assert missing in caplog.text
    assert len(reading(ALL, **SECRETS | {missing: ""})) == 4


def test_an_empty_file_lets_nobody_send(reading):
    assert reading("") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sendgrid: {}", "sendgrid.public_key_env: Field required"),
        ("sendgrid: {public_key: abc}", "sendgrid"),
        ("mailgun: {signing_key_env: K, tolerance: soon}", "mailgun.tolerance"),
        ("ses: {topics: [], certificates: x}", "ses.topics"),
        ("unheard_of: {}", "unheard_of"),
        ("- a", "hooks.yaml"),
        ("a: [", "hooks.yaml"),
        (
            "sources: {shop: {secret_env: S, signature: X, events: {'*': {event: Order Completed}}}}",
            "names nobody",
        ),
        (
            "sources: {ses: {secret_env: S, signature: X, events: {'*': {event: O, user_id: id}}}}",
            "is the name of a provider",
        ),
        ("sources: {Shop/1: {secret_env: S, signature: X, events: {'*': {event: O, user_id: id}}}}", "sources"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(reading, text, message):
    with pytest.raises(HooksRefused, match=message):
        reading(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# ours\nmailgun:\n  signing_key_env: K\n  tolerance: soon", r"hooks\.yaml:4: mailgun\.tolerance: "),
        ("mailgun:\n  signing_key_env: K\nsendgrid: {}", r"hooks\.yaml:3: sendgrid\.public_key_env: "),
        ("sources:\n  shop:\n    prefix: a\n    prefix: b", r"hooks\.yaml:4: sources\.shop\.prefix: is given twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(reading, text, message):
    with pytest.raises(HooksRefused, match=message):
        reading(text)


def test_a_word_of_a_shop_is_no_boolean(reading):
    rule = "{event: Order Completed, user_id: id, only: {gift: [yes]}}"
    text = f"sources: {{shop: {{secret_env: S, signature: X-S, encoding: hex, events: {{'*': {rule}}}}}}}"
    body = b'{"id": "u-1", "gift": "yes"}'
    hook = reading(text, S="secret")["shop"]
    received = Received(body, {"x-s": hmac.digest(b"secret", body, "sha256").hex()}, at=0)

    ((_, told),) = hook.opened(received)

    assert hook.report(told, received).what == "Order Completed"


def test_a_secret_that_cannot_be_used_is_refused_without_being_told(reading):
    with pytest.raises(HooksRefused, match="sendgrid: the public key") as refused:
        reading("sendgrid: {public_key_env: K}", K="c2VjcmV0")

    assert "c2VjcmV0" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(HooksRefused, match=r"none\.yaml"):
        read_hooks(tmp_path / "none.yaml", {})
