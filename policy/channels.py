"""Channels: one, several together, or the first of several on which nothing stands against a message."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Self

from msgspec.structs import replace
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from policy.block import Block
from policy.caps import Sent
from policy.guards import Channel, Guards, Standing, bar, hindrance
from policy.pending import room_from
from policy.reasons import Reason


class Several(Block):
    """Several channels for one message: a block with exactly one of these fields."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    prefer: tuple[Channel, ...] | None = Field(
        default=None, description="Take the first of these that nothing stands against."
    )
    together: tuple[Channel, ...] | None = Field(
        default=None, description="Take each of these that nothing stands against, with a message on each."
    )

    @model_validator(mode="after")
    def _is_one_list(self) -> Self:
        if not self.channels or (self.prefer is not None and self.together is not None):
            raise ValueError("needs either prefer or together, and a list of channels")
        if len(set(self.channels)) < len(self.channels):
            raise ValueError("names a channel twice")
        return self

    @property
    def channels(self) -> tuple[Channel, ...]:
        """All of them, in order."""
        return self.prefer or self.together or ()


def _as_block(value: object) -> object:
    return {"prefer": [value]} if isinstance(value, str) else value


Channels = Annotated[Several, BeforeValidator(_as_block, json_schema_input_type=Channel | Several)]
"""A channel, or several of them."""


class Route(NamedTuple):
    """Where a message goes, and with what.

    Attributes:
        channels: In order of preference.
        together: Whether all of them are used, rather than the first that may be.
        endpoint: Name of the endpoint.
        content: What the receiver is to make the message of; None where the policy says nothing.
    """

    channels: tuple[str, ...]
    together: bool
    endpoint: str
    content: dict[str, Any] | None


def route(channels: Several, endpoint: str, content: dict[str, Any] | None) -> Route:
    """Return the route that a policy file describes."""
    return Route(channels.channels, channels.together is not None, endpoint, content)


def unbarred(
    taken: Route, guards: Guards, standing: Standing, message_class: str
) -> tuple[tuple[str, ...], Reason | None]:
    """Return the channels on which something may be sent at all, and what bars the first of all channels, if it is."""
    if len(taken.channels) == 1:
        barred = bar(guards, standing, channel=taken.channels[0], message_class=message_class)
        return (taken.channels, None) if barred is None else ((), barred)
    bars = [bar(guards, standing, channel=channel, message_class=message_class) for channel in taken.channels]
    return tuple(each for each, barred in zip(taken.channels, bars, strict=True) if barred is None), bars[0]


def unhindered(
    taken: Route,
    free: tuple[str, ...],
    guards: Guards,
    standing: Standing,
    *,
    trigger: str,
    at: int,
    pending: Sequence[Sent] = (),
) -> tuple[str, ...]:
    """Return the channels, of those not barred, that a message goes out on at a moment in microseconds.

    Of several together each counts for the caps of those after it. What is pending keeps what the caps leave it.
    """
    found: list[str] = []
    for channel in free:
        hindered = hindrance(guards, standing, channel=channel, trigger=trigger, at=at) is not None
        if not hindered and pending:
            hindered = room_from(guards, standing, pending, channel=channel, trigger=trigger, at=at) > at
        if not hindered:
            found.append(channel)
            if not taken.together:
                break
            standing = replace(standing, sends=[*standing.sends, Sent(at, channel, trigger)])
    return tuple(found)
