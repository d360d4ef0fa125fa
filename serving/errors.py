"""What a caller of the server did not get, and why: one class a case, whose docstring is the sentence they read."""

from __future__ import annotations

from typing import ClassVar


class ServingError(Exception):
    """The request could not be answered."""

    code: ClassVar[str] = "internal_error"

    def __init__(
        self, detail: str | None = None, *, field: str | None = None, retry_after_s: float | None = None
    ) -> None:
        """Keep what the caller needs to mend the request.

        Args:
            detail: What went wrong here; the class's docstring when there is nothing more to say.
            field: The field at fault, as a path in the caller's JSON (`users[3].user_id`), or a header's name.
            retry_after_s: Seconds after which the same request may succeed; None when it never will.
        """
        super().__init__(detail or (self.__doc__ or "").strip())
        self.field = field
        self.retry_after_s = retry_after_s

    @property
    def detail(self) -> str:
        """What to tell the caller."""
        return str(self.args[0])


class KeyMissing(ServingError):
    """An API key is needed: as `Authorization: Bearer`, as user name of HTTP Basic, or as `X-API-Key`."""

    code = "key_missing"


class KeyUnknown(ServingError):
    """The API key is not known here."""

    code = "key_unknown"


class SignatureRefused(ServingError):
    """The request is not proven to come from whom it says: its signature is missing or wrong."""

    code = "signature_refused"


class ScopeMissing(ServingError):
    """The API key does not cover this."""

    code = "scope_missing"


class HostRefused(ServingError):
    """A server without API keys answers under the names of its own machine only; `make key` makes a key."""

    code = "host_refused"


class NoSuchRoute(ServingError):
    """There is nothing at this address."""

    code = "not_found"


class NoSuchUser(ServingError):
    """Nothing is known of this user."""

    code = "unknown_user"


class NoSuchMessage(ServingError):
    """Nothing is known of this message."""

    code = "unknown_message"


class NoSuchSegment(ServingError):
    """The policy in service has no segment of this name."""

    code = "unknown_segment"


class NoSuchProduct(ServingError):
    """Nothing was told of this product."""

    code = "unknown_product"


class MethodRefused(ServingError):
    """This address does not answer that method."""

    code = "method_not_allowed"

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"This address answers {', '.join(allowed)} only.")
        self.allowed = allowed


class TooLarge(ServingError):
    """The request is larger than allowed."""

    code = "too_large"


class UnreadableBody(ServingError):
    """The body could not be read."""

    code = "unreadable_body"


class UnknownEncoding(ServingError):
    """The body's Content-Encoding is not understood here: send it plain or with gzip."""

    code = "unknown_encoding"


class InvalidField(ServingError):
    """A field is missing or cannot be used."""

    code = "invalid_field"


class PolicyFileRefused(ServingError):
    """The policy file is refused as a whole; the policy in service stays."""

    code = "policy_refused"


class TooManyRequests(ServingError):
    """The key's allowance of requests is used up for the moment."""

    code = "too_many_requests"


class Overloaded(ServingError):
    """Too much is waiting already."""

    code = "overloaded"


class WrittenElsewhere(ServingError):
    """Another process has been writing to the database for too long."""

    code = "written_elsewhere"


class NotWritable(ServingError):
    """Nothing can be written at present: the disk is full, or fails; the server's log says which."""

    code = "not_writable"


class DatabaseGone(NotWritable):
    """The database was removed or replaced while the server had it open: nothing is written until it is back."""


class NotReady(ServingError):
    """The server is still starting."""

    code = "not_ready"
