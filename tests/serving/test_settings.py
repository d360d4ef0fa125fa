"""Settings come from the environment, are checked, and cannot change."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import HttpUrl, SecretStr, ValidationError

from serving.settings import Settings, settings_of_process, unknown_settings

GIVEN = {
    "home": ("elsewhere", Path("elsewhere")),
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("9000", 9000),
    "replay": ("true", True),
    "triggers": ("other.yaml", Path("other.yaml")),
    "events": ("names.yaml", Path("names.yaml")),
    "horizons": (" 12h, 3d,", ("12h", "3d")),
    "score_sample": ("1", 1.0),
    "keep_features_days": ("7", 7),
    "keep_events_days": ("400", 400),
    "keep_decisions_days": ("400", 400),
    "keep_messages_days": ("30", 30),
    "keep_rejects_days": ("7", 7),
    "keep_sends_days": ("30", 30),
    "tracking_consent": ("required", "required"),
    "tracking_purpose": ("analytics", "analytics"),
    "max_event_bytes": ("2048", 2048),
    "max_batch_bytes": ("4096", 4096),
    "max_batch_events": ("10", 10),
    "rate_limit": ("60", 60),
    "sends_per_minute": ("0", 0),
    "sends_per_day": ("5000", 5000),
    "cors_origins": ("https://a.example,http://b.example:8080", ("https://a.example", "http://b.example:8080")),
    "public_url": ("https://links.example/mail/", HttpUrl("https://links.example/mail/")),
    "link_secret": ("new, old", SecretStr("new, old")),
    "channels": ("channels.yaml", Path("channels.yaml")),
    "hooks": ("hooks.yaml", Path("hooks.yaml")),
    "registry": ("http://mlflow.example", "http://mlflow.example"),
    "watch_registry": ("no", False),
    "health_every_min": ("0.5", 0.5),
    "log_level": ("DEBUG", "DEBUG"),
}
WEBHOOKS = {"webhook_url", "webhook_secret", "webhooks"}


@pytest.fixture
def bare(monkeypatch):
    """An environment that sets nothing of ours; answers a function that sets."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"OPPORTUNE_{name.upper()}", raising=False)
    return lambda name, value: monkeypatch.setenv(f"OPPORTUNE_{name.upper()}", value)


@pytest.mark.parametrize("name", list(GIVEN))
def test_each_setting_is_read_from_the_environment(bare, name):
    text, value = GIVEN[name]
    before = getattr(Settings(), name)
    bare(name, text)

    assert getattr(Settings(), name) == value != before


def test_every_setting_is_tried_here_and_described():
    assert set(Settings.model_fields) == set(GIVEN) | WEBHOOKS
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())


def test_endpoints_come_as_one_pair_and_as_json_and_keep_their_secrets_to_themselves(bare):
    bare("webhook_url", "https://hooks.example/in")
    bare("webhook_secret", "whsec_AAAA")
    bare("webhooks", '{"sms": {"url": "https://sms.example", "secret": "whsec_BBBB"}}')
    settings = Settings()

    assert str(settings.webhook_url) == "https://hooks.example/in"
    assert settings.webhook_secret.get_secret_value() == "whsec_AAAA"
    assert settings.webhooks["sms"].secret.get_secret_value() == "whsec_BBBB"
    assert "AAAA" not in repr(settings)
    assert "BBBB" not in repr(settings)


def test_links_of_messages_begin_with_the_public_address(bare):
    assert Settings().links_base is None
    for given, base in {
        "https://a.example": "https://a.example",
        "https://a.example/mail/": "https://a.example/mail",
    }.items():
        bare("public_url", given)
        assert Settings().links_base == base


def test_an_empty_variable_is_one_that_is_not_set(bare):
    bare("port", "")
    bare("horizons", "")

    assert (Settings().port, Settings().horizons) == (8000, ("24h", "7d"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "65536"),
        ("port", "http"),
        ("score_sample", "1.1"),
        ("keep_features_days", "0"),
        ("keep_events_days", "29"),
        ("keep_decisions_days", "0"),
        ("keep_rejects_days", "0"),
        ("tracking_consent", "perhaps"),
        ("tracking_purpose", "a:b"),
        ("max_event_bytes", "10"),
        ("rate_limit", "-1"),
        ("sends_per_minute", "-1"),
        ("sends_per_day", "many"),
        ("horizons", "tomorrow"),
        ("horizons", ","),
        ("horizons", "0h"),
        ("cors_origins", "shop.example"),
        ("public_url", "links.example"),
        ("webhook_url", "hooks.example"),
        ("webhook_url", "https://hooks.example"),
        ("webhook_secret", "whsec_AAAA"),
        ("webhooks", '{"sms": {"url": "https://sms.example"}}'),
        ("log_level", "chatty"),
    ],
)
def test_what_cannot_be_meant_is_refused(bare, name, text):
    bare(name, text)

    with pytest.raises(ValidationError):
        Settings()


def test_a_name_that_is_no_setting_is_told_with_the_nearest_that_is_one():
    given = {"OPPORTUNE_TRACKING_CONSENTS": "required", "opportune_home": "x", "OPPORTUNE_QQ": "hush", "HOME": "/"}

    assert unknown_settings(given) == [
        "OPPORTUNE_QQ is no setting",
        "OPPORTUNE_TRACKING_CONSENTS is no setting; did you mean OPPORTUNE_TRACKING_CONSENT?",
    ]
    assert unknown_settings(f"OPPORTUNE_{name.upper()}" for name in Settings.model_fields) == []


def test_settings_cannot_change(bare):
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


def test_the_database_is_below_the_home_folder(bare):
    bare("home", "elsewhere")

    assert Settings().database == Path("elsewhere/opportune.db")


@pytest.mark.parametrize(
    "command",
    [
        ["serving"],
        ["serving.keys", "list"],
        ["serving.history", "history.csv"],
        ["serving.pause", "status"],
        ["serving.rebuild"],
        ["serving.registry", "--once"],
        ["serving.tail", "--once"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_names_a_setting_that_cannot_be_meant_and_makes_nothing(command, tmp_path, root):
    home = tmp_path / "home"
    environment = {**os.environ, "OPPORTUNE_HOME": str(home), "OPPORTUNE_PORT": "http", "OPPORTUNE_RATE_LIMIT": "-1"}
    done = subprocess.run(
        [sys.executable, "-m", *command], env=environment, cwd=root, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("opportune: OPPORTUNE_PORT: Input should be a valid integer")
    assert "; OPPORTUNE_RATE_LIMIT: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert not home.exists()


def test_a_command_ends_where_its_home_is_a_file(bare, tmp_path):
    (tmp_path / "home").touch()
    bare("home", str(tmp_path / "home"))

    with pytest.raises(SystemExit, match="home cannot be used: Not a directory"):
        settings_of_process()
