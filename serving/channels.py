"""All endpoints of a server, from its settings and its file of channels, and which of them messages would miss."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pydantic import SecretStr

from policy.policy import Policy
from serving.channels_file import read_endpoints
from serving.endpoints import Endpoint, webhook
from serving.settings import Settings

UNSAID = "default"
"""The endpoint of whoever names none: that of the message's channel, or the one of this name."""


class Channels(NamedTuple):
    """Where messages may go.

    Attributes:
        endpoints: By name.
        by_channel: Name of the endpoint of each channel that has one.
    """

    endpoints: Mapping[str, Endpoint]
    by_channel: Mapping[str, str] = MappingProxyType({})


def configured(settings: Settings, environment: Mapping[str, str]) -> Channels:
    """Return what the settings say, and the file that they name; `environment` holds the secrets that the file names.

    Raises:
        EndpointRefused, SecretRefused: An endpoint of the settings cannot be used.
        ChannelsRefused: The file cannot be used.
    """
    known = _of_settings(settings)
    if settings.channels is None:
        return Channels(known)
    endpoints, by_channel = read_endpoints(
        settings.channels,
        environment=environment,
        home=settings.home,
        loopback_only=settings.replay,
        known=known,
    )
    return Channels(endpoints, by_channel)


def unreachable(policy: Policy, channels: Channels) -> list[str]:
    """Return the endpoints that messages of a policy would go to, if they were configured."""
    return sorted({name for name in _wanted(policy, channels.by_channel) if name not in channels.endpoints})


def _wanted(policy: Policy, by_channel: Mapping[str, str]) -> Iterator[str]:
    for segment in policy.segments:
        if segment.notify is not None:
            yield by_channel.get("webhook", UNSAID) if segment.notify == UNSAID else segment.notify
    sending = (each for each in policy.triggers if each.live or each.rehearses)
    for route in (route for trigger in sending for plan in trigger.plans for route in plan.routes):
        for channel in route.channels:
            yield by_channel.get(channel, UNSAID) if route.endpoint == UNSAID else route.endpoint


def _of_settings(settings: Settings) -> dict[str, Endpoint]:
    given: dict[str, tuple[str, SecretStr]] = {n: (str(w.url), w.secret) for n, w in settings.webhooks.items()}
    if settings.webhook_url is not None and settings.webhook_secret is not None:
        given[UNSAID] = (str(settings.webhook_url), settings.webhook_secret)
    return {
        name: webhook(name, url, secret.get_secret_value(), loopback_only=settings.replay)
        for name, (url, secret) in given.items()
    }
