"""The file of webhooks that come in: who may send some, which environment variables prove it, what they mean."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from policy.places import FileRefused, problem, read, read_yaml
from policy.problems import plain
from policy.quantities import read_duration
from serving import sns
from serving.hook_mailgun import TOLERANCE, Mailgun
from serving.hook_mapped import Mapped
from serving.hook_postmark import Postmark
from serving.hook_sendgrid import SendGrid
from serving.hook_ses import Ses
from serving.hooks import Hook

_log = logging.getLogger(__name__)
PROVIDERS = ("sendgrid", "mailgun", "ses", "postmark")


class HooksRefused(ValueError):
    """The file of webhooks could not be read or understood; the message names file, line and place."""


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of an environment variable.")]
Path_ = Annotated[str, Field(min_length=1, max_length=200)]
Paths = Annotated[tuple[Path_, ...], BeforeValidator(_listed)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class SendGridPart(_Part):
    """SendGrid: where its public key is."""

    public_key_env: Variable


class MailgunPart(_Part):
    """Mailgun: where its signing key is, and how old a signature may be."""

    signing_key_env: Variable
    tolerance: Annotated[timedelta, BeforeValidator(read_duration)] = TOLERANCE


class SesPart(_Part):
    """SES: the topics of SNS that are listened to, and the folder of the certificates they are signed with."""

    topics: Annotated[tuple[str, ...], Field(min_length=1)]
    certificates: Path


class PostmarkPart(_Part):
    """Postmark: the user of HTTP Basic, and where the password is."""

    user: Annotated[str, Field(min_length=1, pattern="^[^:]*$")]
    password_env: Variable


class Products(_Part):
    """The lines of an order or cart: where they are, and our names of what each of them says."""

    each: Path_
    fields: dict[str, Path_]


class EventRule(_Part):
    """What a topic means: our event, and where in the body its parts are found."""

    event: Annotated[str, Field(min_length=1, max_length=200)]
    call: Literal["track", "identify"] = "track"
    user_id: Paths = ()
    anonymous_id: Paths = ()
    email: Paths = ()
    at: Paths = ()
    id: Paths = ()
    only: dict[str, list[Any]] = Field(default={}, description="Only where there is one of these values at the path.")
    properties: dict[str, Path_] = {}
    products: Products | None = None
    traits: dict[str, Path_] = {}

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.user_id or self.anonymous_id or self.email):
            raise ValueError("names nobody: give `user_id`, `anonymous_id` or `email`")
        return self


class Source(_Part):
    """Anybody else who sends webhooks."""

    secret_env: Variable
    signature: Annotated[str, Field(min_length=1, description="The header that carries the HMAC-SHA256 of the body.")]
    encoding: Literal["base64", "hex"] = "base64"
    prefix: str = Field(default="", description="What stands before the signature, such as `sha256=`.")
    topic: str | None = Field(default=None, description="The header that names the event; without one, `*` is it.")
    events: Annotated[dict[str, EventRule], Field(min_length=1)]


class HooksFile(_Part):
    """The whole file."""

    sendgrid: SendGridPart | None = None
    mailgun: MailgunPart | None = None
    ses: SesPart | None = None
    postmark: PostmarkPart | None = None
    sources: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")], Source] = {}

    @model_validator(mode="after")
    def _has_names_of_its_own(self) -> Self:
        taken = sorted(set(PROVIDERS) & set(self.sources))
        if taken:
            raise ValueError(f"sources.{taken[0]}: is the name of a provider")
        return self


def read_hooks(file: Path, environment: Mapping[str, str]) -> dict[str, Hook]:
    """Return who may send webhooks, by name; whoever's secret is not set is left out, and that is logged.

    Raises:
        HooksRefused: The file, or one of the secrets, cannot be understood.
    """
    try:
        data, places = read_yaml(read(file), str(file))
        found = HooksFile.model_validate(data or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise HooksRefused(str(problem(first["loc"], plain(first["msg"]), places, str(file)))) from None
    except FileRefused as refused:
        raise HooksRefused(str(refused)) from None
    hooks: dict[str, Hook] = {}
    for name, variable, make in _makers(found, file.parent):
        secret = environment.get(variable, "")
        if variable and not secret:
            _log.warning("webhooks of %s are off: the environment variable %s is not set", name, variable)
            continue
        try:
            hooks[name] = make(secret)
        except ValueError as error:
            raise HooksRefused(f"{file}: {name}: {error}") from None
    return hooks


def _makers(found: HooksFile, folder: Path) -> Iterator[tuple[str, str, Callable[[str], Hook]]]:
    """Yield name, environment variable of the secret, and what makes the hook of it."""
    if found.sendgrid is not None:
        yield "sendgrid", found.sendgrid.public_key_env, SendGrid
    if (mailgun := found.mailgun) is not None:
        yield "mailgun", mailgun.signing_key_env, lambda secret: Mailgun(secret, mailgun.tolerance)
    if (ses := found.ses) is not None:
        # The signatures of SNS are public: what is configured are topics and certificates.
        yield "ses", "", lambda _: Ses(ses.topics, sns.kept_in(folder / ses.certificates))
    if (postmark := found.postmark) is not None:
        yield "postmark", postmark.password_env, lambda secret: Postmark(postmark.user, secret)
    for name, source in found.sources.items():
        yield name, source.secret_env, _mapped(name, source)


def _mapped(name: str, source: Source) -> Callable[[str], Hook]:
    return lambda secret: Mapped(name, source, secret)
