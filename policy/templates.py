"""Templates of messages: what they are called, what they may look at, and what is wrong with those of a policy."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from policy.block import Block
from policy.names import Name
from policy.problems import Field as Place
from policy.sandbox import Compiled, compiled
from policy.template_syntax import TemplateRefused

if TYPE_CHECKING:
    from policy.policy import Policy
    from policy.steps import Plan
    from policy.triggers import Trigger

LONGEST: Final[Mapping[str, int]] = {
    "subject": 500,
    "preheader": 500,
    "text": 100_000,
    "html": 200_000,
    "sms": 1_600,
    "push": 2_000,
}
"""Characters of what each field of a message may become."""
LONGEST_JSON: Final = 10_000
"""Characters of what a text within `json` may become."""
NEEDED: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "email": (("subject",), ("text", "html")),
    "sms": (("sms",),),
    "push": (("push",),),
}
"""What a message on a channel cannot do without: one of each of these."""
KNOWN: Final = frozenset(
    {
        "cart",
        "channel",
        "code",
        "code_expires_at",
        "content",
        "decision_id",
        "event",
        "features",
        "horizon",
        "message_id",
        "profile",
        "recommendations",
        "score",
        "step",
        "threshold",
        "trigger",
        "unsubscribe_url",
        "user",
        "viewed",
    }
)
"""What templates may look at; docs/content.md says what each is."""
MOST_TEMPLATES: Final = 500


class Template(Block):
    """The parts of a message, each a Jinja2 template."""

    subject: str | None = Field(default=None, description="Of an e-mail; the title of a push message.")
    preheader: str | None = Field(default=None, description="What a mail program shows beside the subject.")
    text: str | None = Field(default=None, description="The plain part of an e-mail.")
    html: str | None = Field(default=None, description="Its other part; what is filled in is escaped.")
    sms: str | None = Field(default=None, description="The text of an SMS.")
    push: str | None = Field(default=None, description="The text of a push message.")

    def parts(self) -> dict[str, str]:
        """Return the templates that there are, by field."""
        return {name: text for name in LONGEST if (text := getattr(self, name)) is not None}


Templates = Annotated[dict[Name, Template], Field(max_length=MOST_TEMPLATES)]


def part(field: str, text: str) -> Compiled:
    """Return a template of a field ready to be filled in (TemplateRefused: it is none)."""
    return compiled(text, html=field == "html", known=KNOWN)


def parts_of(content: Mapping[str, Any], templates: Mapping[str, Template]) -> dict[str, str]:
    """Return the templates of a message by field: those of the template it names, under what it says itself."""
    named = templates.get(str(content.get("template")))
    return {**(named.parts() if named is not None else {}), **_own_parts(content)}


def faults(policy: "Policy") -> Iterator[tuple[Place, TemplateRefused]]:
    """Yield what is wrong with the templates of a policy, and in which field of its file."""
    for name, template in policy.templates.items():
        yield from _faults(("templates", name), template.parts())
    for place, content in contents(policy):
        yield from _faults(place, _own_parts(content))
        yield from _faults_within((*place, "json"), content.get("json"))


def unknown(policy: "Policy") -> Iterator[str]:
    """Yield in words which templates are named that are not there, if any are; a receiver may know them, too."""
    if not policy.templates:
        return
    for place, content in contents(policy):
        name = content.get("template")
        if isinstance(name, str) and name not in policy.templates:
            nearest = get_close_matches(name, policy.templates, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            trigger = policy.triggers[int(place[1])].name
            yield f"trigger {trigger} names the template {name!r}, which is not there{hint}"


def missing(parts: Mapping[str, str], channel: str) -> list[str]:
    """Return in words what a message with these parts lacks for a channel."""
    return [" or ".join(each) for each in NEEDED.get(channel, ()) if not parts.keys() & set(each)]


def incomplete(policy: "Policy") -> Iterator[str]:
    """Yield in words which messages could not be sent on one of their channels; those without any part are data."""
    for trigger in policy.triggers:
        for route in (route for plan in plans_of(trigger) for route in plan.routes):
            parts = parts_of(route.content or {}, policy.templates)
            lacking = {channel: missing(parts, channel) for channel in route.channels} if parts else {}
            for channel, lacks in lacking.items():
                if lacks:
                    yield f"trigger {trigger.name} sends by {channel}, but a message of it has no {lacks[0]}"


def uncoded(policy: "Policy") -> Iterator[str]:
    """Yield in words which messages speak of a code though their trigger has none to hand out."""
    for trigger in policy.triggers:
        for plan in plans_of(trigger):
            parts = [parts_of(route.content or {}, policy.templates) for route in plan.routes if plan.codes is None]
            if any("code" in part(field, text).names for each in parts for field, text in each.items()):
                yield f"trigger {trigger.name} speaks of a code, but says under `codes` no pool to take one of"


def plans_of(trigger: "Trigger") -> Iterator["Plan"]:
    """Yield what a trigger does at each step, in every arm of it."""
    for each in (trigger, *trigger.variants.values()):
        yield from each.plans


def contents(policy: "Policy") -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield what triggers, steps and branches say of their messages, with the field of the file that says so."""
    for number, trigger in enumerate(policy.triggers):
        place: Place = ("triggers", number)
        found: list[tuple[Place, Mapping[str, Any] | None]] = [(place, trigger.content)]
        found += [((*place, "arms", name), arm.content) for name, arm in trigger.arms.items()]
        for position, step in enumerate(trigger.steps):
            found.append(((*place, "steps", position), step.content))
            for way, branch in enumerate(step.branches):
                found.append(((*place, "steps", position, "branches", way), branch.content))
        yield from (((*where, "content"), each) for where, each in found if each is not None)


def _own_parts(content: Mapping[str, Any]) -> dict[str, str]:
    return {field: content[field] for field in LONGEST if isinstance(content.get(field), str)}


def _faults(place: Place, parts: Mapping[str, str]) -> Iterator[tuple[Place, TemplateRefused]]:
    for field, text in parts.items():
        try:
            part(field, text)
        except TemplateRefused as refused:
            yield (*place, field), refused


def _faults_within(place: Place, value: Any) -> Iterator[tuple[Place, TemplateRefused]]:
    if isinstance(value, str):
        yield from ((place, refused) for _, refused in _faults(place, {"json": value}))
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _faults_within((*place, name), each)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _faults_within((*place, position), each)
