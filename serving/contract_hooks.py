"""The declared contract of the routes that others report to: mail providers, shops, and whoever speaks for one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from serving.contract import Declared, Id, Moment
from serving.contract_events import Rejected

OUTCOMES = Literal["delivered", "opened", "clicked", "tapped", "bounced", "failed", "complained", "unsubscribed"]


class Outcome(Declared):
    """What became of one message, in our words; it needs something that tells whose it was."""

    model_config = ConfigDict(extra="forbid")

    outcome: OUTCOMES
    channel: Literal["email", "sms", "push"] = "email"
    at: Moment = Field(description="When it happened.")
    id: str | None = Field(default=None, max_length=200, description="The same each time that it is told.")
    decision_id: str | None = Field(
        default=None, max_length=200, description="The decision, as the message carried it."
    )
    message_id: str | None = Field(default=None, max_length=220, description="Our id of the message.")
    user_id: Id | None = None
    address: str | None = Field(default=None, max_length=320, description="E-mail address or telephone number.")
    url: str | None = Field(default=None, max_length=8192, description="The link that was clicked.")
    bounce_type: Literal["permanent", "transient"] | None = Field(
        default=None, description="`transient` keeps nobody from being written to again; default: `permanent`."
    )
    machine: bool = Field(default=False, description="Whether a machine opened or clicked.")
    user_agent: str | None = Field(default=None, max_length=4096)
    provider: str | None = Field(default=None, max_length=100)


class OutcomesRequest(Declared):
    """Up to 1,000 outcomes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "outcomes": [
                        {
                            "outcome": "clicked",
                            "at": "2026-03-02T17:04:05Z",
                            "decision_id": "0195f3a2b7c40000.warm-cart",
                            "url": "https://shop.example/cart",
                        }
                    ]
                }
            ]
        },
    )

    outcomes: list[Outcome] = Field(max_length=1000)


class SendGridEvents(RootModel[list[dict[str, Any]]]):
    """What SendGrid's event webhook posts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                [
                    {
                        "email": "ann@example.org",
                        "timestamp": 1772471045,
                        "event": "open",
                        "sg_event_id": "c2ctZXZlbnQ",
                        "sg_message_id": "14c5d75ce93.dfd.64b469",
                        "sg_machine_open": False,
                        "decision_id": "0195f3a2b7c40000.warm-cart",
                    }
                ]
            ]
        }
    )


class MailgunEvent(BaseModel):
    """What Mailgun posts."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "signature": {"timestamp": "1772471045", "token": "a8ce0edb", "signature": "d2271d12"},
                    "event-data": {
                        "event": "opened",
                        "id": "Ase7i2zsRYeDXztHGENqRA",
                        "timestamp": 1772471045.12,
                        "recipient": "ann@example.org",
                        "user-variables": {"decision_id": "0195f3a2b7c40000.warm-cart"},
                    },
                }
            ]
        },
    )


class SnsMessage(BaseModel):
    """What SNS posts: an event of SES as text in `Message`, or the question whether to subscribe."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "Type": "Notification",
                    "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
                    "TopicArn": "arn:aws:sns:eu-central-1:123456789012:mail",
                    "Message": '{"eventType": "Open", "mail": {"destination": ["ann@example.org"]}}',
                    "Timestamp": "2026-03-02T17:04:05.000Z",
                    "SignatureVersion": "2",
                    "Signature": "EXAMPLEw6JRN",
                    "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
                }
            ]
        },
    )


class PostmarkEvent(BaseModel):
    """What Postmark posts."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "RecordType": "Open",
                    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
                    "Recipient": "ann@example.org",
                    "ReceivedAt": "2026-03-02T17:04:05Z",
                    "Metadata": {"decision_id": "0195f3a2b7c40000.warm-cart"},
                }
            ]
        },
    )


class MappedEvent(BaseModel):
    """What a source posts that `hooks.yaml` maps: any object."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={"examples": [{"id": 450789469, "total_price": "409.94", "customer": {"id": 207119551}}]},
    )


class ReportsAnswer(Declared):
    """What became of what was told; numbers that are 0 are left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"success": True, "accepted": 1}]})

    success: Literal[True]
    accepted: int = Field(default=0, description="Events that were written down.")
    duplicates: int = Field(default=0, description="Events that had been told before.")
    strangers: int = Field(default=0, description="About nobody who is known here: counted, and heeded if an opt-out.")
    ignored: int = Field(default=0, description="Of a sort that is nothing to us.")
    dropped: int = Field(default=0, description="Not kept: erased, not to be tracked, or too old.")
    rejected: list[Rejected] | None = Field(default=None, description="Set aside, since they cannot be used.")
