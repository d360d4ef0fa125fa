"""Amazon SES: what happened to a mail, told through a topic of SNS.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from features.events import BadEvent
from features.kinds import NAMES, Kind
from features.values import section
from serving import sns
from serving.errors import SignatureRefused, UnreadableBody
from serving.hooks import Received, an_object, mail_address, moment, read_object, some, word
from serving.reports import PERMANENT, TRANSIENT, Report, stable_id

_log = logging.getLogger(__name__)
_KINDS: Final = {
    "Delivery": Kind.EMAIL_DELIVERED,
    "Open": Kind.EMAIL_OPENED,
    "Click": Kind.EMAIL_CLICKED,
    "Bounce": Kind.EMAIL_BOUNCED,
    "Complaint": Kind.EMAIL_SPAM,
    "Subscription": Kind.UNSUBSCRIBED,
}
_SET_UP: Final = "Successfully validated SNS topic"
"""What SES says, in words, to a topic that was chosen for a configuration set."""
_SUBSCRIBED: Final = "AmazonSnsSubscriptionSucceeded"
"""Its type of notification, of no mail, to a topic that was chosen for an identity."""
_RECIPIENTS: Final = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}


class _Told(NamedTuple):
    """An event of SES, about one of its recipients."""

    message_id: str
    event: str
    mail: Mapping[str, Any]
    details: Mapping[str, Any]
    recipient: Mapping[str, Any]
    place: str


class Ses:
    """SES, with the topics that we listen to: anybody may have a topic of their own, signed as well."""

    name = "ses"

    def __init__(self, topics: Sequence[str], certificates: sns.Certificates) -> None:
        """Take the ARNs of the topics, and where certificates are found."""
        self._topics = frozenset(topics)
        self._certificates = certificates

    def opened(self, received: Received) -> Sequence[tuple[str, object]]:
        """Return the event of a notification that SNS signed, once for each of its recipients."""
        message = read_object(received.body)
        sns.check(message, self._certificates, at=received.at)
        if message["TopicArn"] not in self._topics:
            raise SignatureRefused("The topic is not one that is listened to.", field="TopicArn")
        if message["Type"] != sns.NOTIFICATION:
            self._confirm(message)
            return []
        return [("", each) for each in _told(message)]

    def report(self, item: object, received: Received) -> Report | None:
        """Return what the event says of one recipient."""
        del received
        if not isinstance(item, _Told):
            raise TypeError(f"{item!r} is no event of SES")
        kind = _KINDS.get(item.event)
        if kind is None or (kind is Kind.UNSUBSCRIBED and not _left(item.details)):
            return None
        within = f"Message.{item.place}."
        said = {
            "provider": self.name,
            "provider_message_id": some(item.mail, "messageId", within="Message.mail."),
            "url": some(item.details, "link", within=within, most=8192),
            "reason": some(item.recipient, "diagnosticCode", within=within),
            "bounce_type": _bounce_type(item.details) if kind is Kind.EMAIL_BOUNCED else None,
        }
        tags = section(item.mail.get("tags"), "Message.mail.tags")
        return Report(
            source=self.name,
            what=NAMES[kind],
            message_id=stable_id(self.name, item.message_id, some(item.recipient, "emailAddress")),
            at=moment(item.details, "timestamp", within=within),
            decision_id=_tag(tags, "decision_id"),
            sent_id=_tag(tags, "message_id"),
            address=mail_address(item.recipient, "emailAddress", within=within),
            properties=said,
            user_agent=some(item.details, "userAgent", within=within, most=4096),
        )

    def _confirm(self, message: Mapping[str, Any]) -> None:
        """Say where a subscription is confirmed: whoever runs the server opens that address, or does not."""
        address = message.get("SubscribeURL")
        if message["Type"] == "SubscriptionConfirmation" and isinstance(address, str) and sns.is_amazons(address):
            _log.warning("SNS asks to confirm the subscription to %s: open %s", message["TopicArn"], address)
        else:
            _log.warning("SNS ended the subscription to %s", message["TopicArn"])


def _told(message: Mapping[str, Any]) -> Iterator[_Told]:
    said = word(message, "Message", most=300_000)
    if said.startswith(_SET_UP):
        return
    try:
        fields = read_object(said.encode())
    except UnreadableBody as error:
        raise BadEvent("Message", error.detail, "not_json") from None
    # Feedback of an identity calls it a type of notification, a configuration set one of event.
    event = word(fields, "eventType" if "eventType" in fields else "notificationType", within="Message.")
    if event == _SUBSCRIBED:
        return
    mail = an_object(fields.get("mail"), "Message.mail")
    place = event[:1].lower() + event[1:]
    details = section(fields.get(place), f"Message.{place}")
    for recipient in _recipients(event, place, details, mail):
        yield _Told(word(message, "MessageId"), event, mail, details, recipient, place)


def _recipients(
    event: str, place: str, details: Mapping[str, Any], mail: Mapping[str, Any]
) -> Sequence[Mapping[str, Any]]:
    named = _RECIPIENTS.get(event)
    if named is not None:
        return [
            an_object(each, f"Message.{place}.{named}[{i}]")
            for i, each in enumerate(_list(details.get(named), f"Message.{place}.{named}"))
        ]
    found = _list(mail.get("destination"), "Message.mail.destination")
    # An open or a click does not say whose it is where there are several.
    return [{"emailAddress": each} for each in found] if event == "Delivery" or len(found) == 1 else [{}]


def _list(value: object, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadEvent(place, "must be a list", "not_a_list")
    return value


def _left(details: Mapping[str, Any]) -> bool:
    preferences = section(details.get("newTopicPreferences"), "Message.subscription.newTopicPreferences")
    return preferences.get("unsubscribeAll") is True


def _bounce_type(details: Mapping[str, Any]) -> str:
    return PERMANENT if details.get("bounceType") == "Permanent" else TRANSIENT


def _tag(tags: Mapping[str, Any], name: str) -> str | None:
    found = tags.get(name)
    return some({name: found[0] if isinstance(found, list) and found else found}, name, within="Message.mail.tags.")
