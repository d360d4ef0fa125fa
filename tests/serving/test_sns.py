"""Messages of SNS: signed by a key whose certificate is at hand, and whose address is Amazon's."""

import pytest

from features.events import BadEvent
from serving.errors import SignatureRefused
from serving.sns import check, is_amazons, kept_in
from tests.serving.webhooks import AT, CERTIFICATE, TOPIC, sns, sns_certificate

DAY_US = 86_400_000_000


def at_hand(address):
    return sns_certificate() if address == CERTIFICATE else None


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "Amazon SES"}], ids=["without a subject", "with one"])
def test_what_sns_signed_is_taken(version, more):
    check(sns("told", version=version, **more), at_hand, at=AT)


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn", "Signature", "SignatureVersion"])
def test_nothing_in_it_can_be_changed(name):
    message = sns("told") | {name: "1"}

    with pytest.raises(SignatureRefused):
        check(message, at_hand, at=AT)


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "TopicArn"])
def test_nothing_in_it_can_be_left_out(name):
    message = sns("told")
    del message[name]

    with pytest.raises((SignatureRefused, BadEvent)):
        check(message, at_hand, at=AT)


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
        "https://s3.amazonaws.com/evil/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://sns.eu-central-1.amazonaws.com/../../etc/passwd",
        "https://sns.eu-central-1.amazonaws.com/..%2fkey.pem",
        "https://sns.eu-central-1.amazonaws.com/",
        "https://[",
    ],
)
def test_a_certificate_from_elsewhere_is_never_looked_for(address):
    asked = []

    with pytest.raises(SignatureRefused):
        check(sns("told", certificate=address), asked.append, at=AT)

    assert asked == []


def test_a_certificate_that_is_not_at_hand_is_named():
    with pytest.raises(SignatureRefused, match=r"SimpleNotificationService-9\.pem is not at hand"):
        check(sns("told", certificate=CERTIFICATE.replace("1f2e", "9")), at_hand, at=AT)


def test_a_certificate_counts_while_it_is_in_force():
    with pytest.raises(SignatureRefused, match="not in force"):
        check(sns("told"), lambda _: sns_certificate(until_days=30), at=AT)
    with pytest.raises(SignatureRefused, match="not in force"):
        check(sns("told"), at_hand, at=AT - 365 * DAY_US)
    with pytest.raises(SignatureRefused):
        check(sns("told"), lambda _: b"no certificate", at=AT)


def test_certificates_are_kept_in_a_folder_by_the_last_part_of_their_address(tmp_path):
    (tmp_path / "SimpleNotificationService-1f2e.pem").write_bytes(sns_certificate())
    kept = kept_in(tmp_path)

    check(sns("told"), kept, at=AT)
    assert kept(CERTIFICATE.replace("1f2e", "other")) is None


def test_china_has_a_name_of_its_own():
    assert is_amazons("https://sns.cn-north-1.amazonaws.com.cn/a.pem")
    assert TOPIC.startswith("arn:")
