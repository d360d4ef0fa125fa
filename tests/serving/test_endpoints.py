"""Endpoints come from configuration only, and are checked there."""

import pytest

from serving.endpoints import EndpointRefused, webhook
from serving.signing import SecretRefused
from tests.serving.receivers import SECRET


def test_neither_address_nor_key_is_ever_shown():
    made = webhook("mail", "https://hooks.example/T0K3N", SECRET)

    assert repr(made) == "Webhook(name='mail', concurrency=None)"
    assert "T0K3N" not in made.fingerprint


@pytest.mark.parametrize(
    "url", ["", "hooks.example", "ftp://hooks.example", "https://", "http://[::1", "http://x:y/", "file:///etc"]
)
def test_only_http_addresses_will_do(url):
    with pytest.raises(EndpointRefused, match="endpoint mail"):
        webhook("mail", url, SECRET)


def test_a_secret_is_needed_and_checked():
    with pytest.raises(EndpointRefused, match="no secret"):
        webhook("mail", "https://hooks.example/")
    with pytest.raises(SecretRefused):
        webhook("mail", "https://hooks.example/", "whsec_short")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/x", "http://localhost/", "http://[::1]:1/", "http://127.9.9.9/"]
)
def test_a_replay_may_send_to_this_machine(url):
    assert webhook("mail", url, SECRET, loopback_only=True).url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://localhost.example/",
        "http://127.0.0.1.example/",
        "http://127.0.0.1@hooks.example/",
        "http://2130706433/",
    ],
)
def test_a_replay_writes_to_nobody_else(url):
    with pytest.raises(EndpointRefused, match="this machine only"):
        webhook("mail", url, SECRET, loopback_only=True)
