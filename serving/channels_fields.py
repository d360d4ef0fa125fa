"""The fields of the file of channels and endpoints, as pydantic checks them."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from policy.guards import Channel
from policy.names import Name

Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=100)]
Concurrency = Annotated[int, Field(ge=1, le=1000)]
Path = Annotated[str, StringConstraints(pattern=r"^[^\s.]+(\.[^\s.]+)*$", max_length=200)]


class Block(BaseModel):
    """A block of the file: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class _Addressed(Block):
    url: str | None = Field(
        default=None, min_length=1, description="Its address, `https://…`; `http://…` is for networks that are trusted."
    )
    url_env: Variable | None = Field(
        default=None, description="The environment variable that holds it instead, since it is a secret itself."
    )

    @model_validator(mode="after")
    def _has_one_address(self) -> Self:
        if (self.url is None) == (self.url_env is None):
            raise ValueError("needs either url or url_env")
        return self


class WebhookBlock(_Addressed):
    """A receiver of signed webhooks."""

    type: Literal["webhook"] = Field(description="`webhook`: the decision as JSON, signed by Standard Webhooks.")
    secret_env: Variable | Annotated[tuple[Variable, ...], Field(min_length=1, max_length=5)] = Field(
        description="The environment variable of its secret `whsec_…`; a list of them while it is being changed."
    )
    concurrency: Concurrency | None = Field(default=None, description="Most requests at the same time; default: 32.")


class SmtpBlock(Block):
    """A mail server."""

    type: Literal["smtp"] = Field(description="`smtp`: an e-mail with text, HTML or both.")
    host: str = Field(min_length=1, max_length=255, description="The mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="Its port.")
    tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`tls` from the first byte (port 465), or `none` on a network that is trusted."
    )
    from_: str = Field(alias="from", max_length=320, description="Whom e-mails are from: `Shop <news@shop.example>`.")
    reply_to: str | None = Field(default=None, max_length=320, description="Where answers go; default: there.")
    username: str | None = Field(default=None, description="Who logs in; default: nobody does.")
    username_env: Variable | None = Field(default=None, description="The environment variable that holds it instead.")
    password_env: Variable | None = Field(default=None, description="The environment variable of the password.")
    concurrency: Concurrency = Field(default=16, description="Most connections at the same time.")

    @model_validator(mode="after")
    def _logs_in_or_not(self) -> Self:
        if self.username is not None and self.username_env is not None:
            raise ValueError("needs either username or username_env")
        if (self.username is None and self.username_env is None) != (self.password_env is None):
            raise ValueError("username and password_env belong together: set both, or neither")
        if self.tls == "none" and self.password_env is not None and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("a password needs tls: without it, everybody on the way could read it")
        return self


class SecretHeader(Block):
    """A header that holds a secret."""

    secret_env: Variable = Field(description="The environment variable of the secret.")
    before: str | None = Field(default=None, pattern=r"^[\x20-\x7e]*$", description="What stands before it: `Bearer `.")


class BasicBlock(Block):
    """A user name and a password that go along with each request."""

    username: str | None = Field(default=None, description="Who asks; some providers want their key here.")
    username_env: Variable | None = Field(default=None, description="The environment variable that holds it instead.")
    password_env: Variable | None = Field(
        default=None, description="The environment variable of the password; default: an empty one."
    )

    @model_validator(mode="after")
    def _has_one_name(self) -> Self:
        if (self.username is None) == (self.username_env is None):
            raise ValueError("needs either username or username_env")
        return self


class OAuthBlock(Block):
    """Where a token is fetched that goes along with each request, and by whom (OAuth 2.0, client credentials)."""

    token_url: str = Field(min_length=1, description="Where tokens are fetched: `https://…`.")
    client_id: str | None = Field(default=None, min_length=1, description="Who fetches them.")
    client_id_env: Variable | None = Field(default=None, description="The environment variable that holds it instead.")
    client_secret_env: Variable = Field(description="The environment variable of the client's secret.")
    scope: str | None = Field(
        default=None, min_length=1, max_length=1000, description="What tokens are for, if the provider wants to know."
    )
    parameters: dict[Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,100}$")], str] = Field(
        default={}, description="What else the token server wants to know: `{audience: …}`."
    )
    send_as: Literal["basic", "body"] = Field(
        default="basic", description="Whether id and secret go as Basic authentication or in the `body`."
    )

    @model_validator(mode="after")
    def _has_one_id(self) -> Self:
        if (self.client_id is None) == (self.client_id_env is None):
            raise ValueError("needs either client_id or client_id_env")
        return self


class MessageIdBlock(Block):
    """Where a provider's answer says what it calls the message."""

    header: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]+$", description="In this header of the answer,")
    json_: Path | None = Field(default=None, alias="json", description="or here in its JSON: `data.id`.")

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if (self.header is None) == (self.json_ is None):
            raise ValueError("needs either header or json")
        return self


HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+$", max_length=100)]


class ApiBlock(_Addressed):
    """A provider's HTTP interface."""

    type: Literal["http"] = Field(description="`http`: any provider's interface that takes JSON or forms.")
    method: Literal["POST", "PUT"] = Field(default="POST", description="How it is asked.")
    headers: dict[HeaderName, SecretHeader | str] = Field(
        default={}, description="Headers by name: a text, which is a template, or a block with `secret_env`."
    )
    basic: BasicBlock | None = Field(default=None, description="User name and password of each request.")
    oauth: OAuthBlock | None = Field(default=None, description="Where a token for each request is fetched instead.")
    encoding: Literal["json", "form"] = Field(
        default="json", description="How `body` is sent: `form` for interfaces that take HTML forms."
    )
    body: dict[str, Any] | list[Any] = Field(description="What is sent; each text in it is a template.")
    message_id: MessageIdBlock | None = Field(default=None, description="Where the answer has the provider's own id.")
    error_at: Path | None = Field(
        default=None, description="Where the JSON of a 2xx holds something if the message was refused after all."
    )
    refusals: tuple[Annotated[int, Field(ge=400, le=599)], ...] = Field(
        default=(400, 404, 410, 413, 422), description="Statuses that refuse the message for good; others are retried."
    )
    concurrency: Concurrency | None = Field(default=None, description="Most requests at the same time; default: 32.")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.encoding == "form" and not isinstance(self.body, dict):
            raise ValueError("a form has fields: write body as a block")
        by_header = any(name.lower() == "authorization" for name in self.headers)
        if (self.basic is not None) + (self.oauth is not None) + by_header > 1:
            raise ValueError("says twice who asks: take one of basic, oauth and a header Authorization")
        return self


class FileBlock(Block):
    """A file that takes messages while things are tried out."""

    type: Literal["file"] = Field(description="`file`: a line of JSON for each message, and nobody gets anything.")
    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+\.jsonl$")] = Field(
        description="Its name, in the folder `sent` below `OPPORTUNE_HOME`: `messages.jsonl`."
    )


BLOCKS: Final[dict[str, type[BaseModel]]] = {
    "webhook": WebhookBlock,
    "smtp": SmtpBlock,
    "http": ApiBlock,
    "file": FileBlock,
}


class ChannelsBlock(Block):
    """The whole file."""

    format: Literal[1] = Field(default=1, description="Version of this file's format.")
    endpoints: dict[Name, Any] = Field(default={}, description="Where messages may go, by name.")
    channels: dict[Channel, Name] = Field(
        default={}, description="The endpoint of each channel, for triggers that name none but `default`."
    )
