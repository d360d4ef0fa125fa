"""What an operator can set: built once by whoever starts a process, from the environment, and passed on."""

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

from features.home import refuse_closed
from models.horizon import duration
from policy.problems import plain


def _horizon(label: str) -> str:
    duration(label)
    return label


_PREFIX = "OPPORTUNE_"
Horizon = Annotated[str, AfterValidator(_horizon)]
Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")]


class Webhook(BaseModel):
    """Where triggers may send: an address and the secret its messages are signed with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: HttpUrl
    secret: SecretStr


class Settings(BaseSettings):
    """Every setting; each is read from the environment variable OPPORTUNE_ + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    home: Path = Field(default=Path("var"), description="Folder of everything a run leaves behind.")
    host: str = Field(default="127.0.0.1", description="Address to listen on; beyond loopback only with API keys.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    replay: bool = Field(
        default=False, description="Run on the clock of the events instead of the wall's; sends to loopback only."
    )
    triggers: Path = Field(default=Path("triggers.yaml"), description="The policy file.")
    events: Path | None = Field(default=None, description="A mapping file laid over the shipped one.")
    hooks: Path | None = Field(default=None, description="The file that says who may send webhooks.")
    horizons: Annotated[tuple[Horizon, ...], NoDecode] = Field(
        default=("24h", "7d"), min_length=1, description="Horizons of purchase intent, separated by commas."
    )
    score_sample: float = Field(default=0.01, ge=0, le=1, description="Share of plain scores that the ledger keeps.")
    keep_features_days: int = Field(
        default=90, ge=1, description="Days after which the ledger forgets feature vectors; scores and decisions stay."
    )
    keep_events_days: int | None = Field(
        default=None, ge=30, description="Days after which the log forgets events, but for the state they folded to."
    )
    keep_decisions_days: int | None = Field(
        default=None,
        ge=30,
        description="The same for evaluations, decisions and outcomes; `keep_events_days` where that is less.",
    )
    keep_messages_days: int | None = Field(
        default=None, ge=1, description="The same for messages that were sent or given up, and their deliveries."
    )
    keep_rejects_days: int = Field(default=90, ge=1, description="The same for events that could not be used.")
    keep_sends_days: int = Field(
        default=90, ge=1, description="The same for what caps count, but never less than the longest cap."
    )
    tracking_consent: Literal["assumed", "required"] = Field(
        default="assumed", description="Whether nothing is stored of people before they agreed to it: `required`."
    )
    tracking_purpose: str = Field(
        default="tracking", pattern=r"^[^:]{1,80}$", description="The consent purpose, or category, that agrees to it."
    )
    max_event_bytes: int = Field(default=32_768, ge=1024, description="Largest event, in bytes.")
    max_batch_bytes: int = Field(default=512_000, ge=1024, description="Largest batch of events, in bytes.")
    max_batch_events: int = Field(default=2500, ge=1, description="Most events in a batch.")
    rate_limit: int = Field(default=0, ge=0, description="Requests a minute for each API key; 0 for no limit.")
    cors_origins: Annotated[tuple[Origin, ...], NoDecode] = Field(
        default=(), description="Web pages that may send events, such as `https://shop.example`; `*` for all."
    )
    public_url: HttpUrl | None = Field(
        default=None, description="Address under which people reach this server: links of messages begin with it."
    )
    link_secret: SecretStr | None = Field(
        default=None,
        description="What such links are sealed with, older ones after a comma; one is made and kept if not set.",
    )
    webhook_url: HttpUrl | None = Field(default=None, description="Address of the endpoint named `default`.")
    webhook_secret: SecretStr | None = Field(default=None, description="Its signing secret, `whsec_…`.")
    webhooks: dict[str, Webhook] = Field(
        default={}, description='More endpoints, as JSON: `{"name": {"url": …, "secret": …}}`.'
    )
    channels: Path | None = Field(
        default=None, description="A file of endpoints of all types, and of which one each channel uses."
    )
    sends_per_minute: int | None = Field(
        default=None, ge=0, description="Most messages, retries included, that go out in any minute."
    )
    sends_per_day: int | None = Field(default=None, ge=0, description="The same for any 24 hours.")
    registry: str | None = Field(
        default=None, description="MLflow tracking URI of the model registry; the SQLite one in `home` if not set."
    )
    watch_registry: bool = Field(default=True, description="Whether to take new champions as they are promoted.")
    health_every_min: float = Field(
        default=15,
        ge=0,
        le=1440,
        description="Minutes from one look at health to the next, for `/metrics`; 0 for none.",
    )
    log_level: str = Field(
        default="info", pattern="^(?i:debug|info|warning|error)$", description="debug, info, warning or error."
    )

    @field_validator("horizons", "cors_origins", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Take a list as an environment variable has it: separated by commas."""
        return tuple(each.strip() for each in value.split(",") if each.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole_webhook(self) -> Self:
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError("webhook_url and webhook_secret belong together: set both, or neither")
        return self

    @property
    def required_consent(self) -> str | None:
        """The purpose whose consent lets events in; None where consent to tracking is assumed."""
        return self.tracking_purpose if self.tracking_consent == "required" else None

    @property
    def links_base(self) -> str | None:
        """What links of messages begin with, without a slash at its end; None where messages have none."""
        return str(self.public_url).rstrip("/") if self.public_url is not None else None

    @property
    def database(self) -> Path:
        """The SQLite file of log and ledger."""
        return self.home / "opportune.db"


def settings_of_process() -> Settings:
    """Read the settings of a command; what is wrong with them, or with its home, is its last sentence (SystemExit)."""
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = (f"{_variable(each['loc'])}{plain(each['msg'])}" for each in error.errors())
        sys.exit(f"opportune: {'; '.join(wrong)}")
    except SettingsError as error:
        sys.exit(f"opportune: {error}")
    refuse_closed(settings.home)
    return settings


def unknown_settings(variables: Iterable[str]) -> list[str]:
    """Return a sentence about each environment variable that is named as a setting is, and is none."""
    known = {name.upper() for name in Settings.model_fields}
    given = (each.upper().removeprefix(_PREFIX) for each in sorted(variables) if each.upper().startswith(_PREFIX))
    return [f"{_PREFIX}{name} is no setting{_meant(name, known)}" for name in given if name not in known]


def _meant(name: str, known: Iterable[str]) -> str:
    nearest = get_close_matches(name, known, n=1)
    return f"; did you mean {_PREFIX}{nearest[0]}?" if nearest else ""


def _variable(field: tuple[int | str, ...]) -> str:
    """Return the environment variable that a field is set by, and a colon."""
    return f"{_PREFIX}{str(field[0]).upper()}: " if field else ""
