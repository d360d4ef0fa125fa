"""Thresholds that a policy file leaves to reports, `threshold: auto`, and the file beside it with those accepted."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
)

from policy import places
from policy.block import Block
from policy.names import Name
from policy.places import FileRefused
from policy.quantities import Horizon, Share, WrittenShare, percent

FILE: Final = "thresholds.json"
AUTO: Final = "auto"


class Accepted(Block):
    """A threshold that a report of policy value recommended, and somebody accepted."""

    threshold: Share = Field(description="The probability that is needed.")
    horizon: Horizon = Field(description="Of the probability: the number means nothing for another one.")
    present: Share = Field(description="The threshold that it was compared with.")
    gain_at_least: float | None = Field(
        description="Lower end, at 95 %, of what it earns a decision more than that; none where it is the same."
    )
    reported_at: AwareDatetime = Field(description="When the report was made.")
    accepted_at: AwareDatetime = Field(description="When somebody accepted it.")
    run: str = Field(description="The report's run in MLflow.")
    policy_version: str = Field(description="The policy of the newest decision that the report looked at.")


class AcceptedFile(Block):
    """What stands in the file, beside the policy file, of the thresholds accepted so far."""

    format: Literal[1] = 1
    triggers: dict[Name, Accepted] = Field(default={}, description="By the trigger's name.")


class AutoFrom(Block):
    """A threshold that a report may choose, once one is accepted."""

    auto_from: Share = Field(description="The probability that is needed until a report is accepted: `25%`.")


Thresholds = Mapping[str, Accepted]
"""What was accepted last, by trigger."""
NONE_ACCEPTED: Final[Thresholds] = MappingProxyType({})


def read_accepted(policy_file: Path) -> Thresholds:
    """Return what is accepted beside a policy file, be it nothing (FileRefused: it cannot be read)."""
    path = policy_file.parent / FILE
    if not path.exists():
        return NONE_ACCEPTED
    data, lines = places.read_yaml(places.read(path), str(path))
    try:
        return AcceptedFile.model_validate(data).triggers
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        raise FileRefused([places.place(each, lines, str(path), AcceptedFile) for each in wrong]) from error


def _read(said: object, info: ValidationInfo) -> object:
    """Return the number that a threshold stands for: what is written, what was accepted, or what counts until then."""
    if said != AUTO and not isinstance(said, dict):
        return said
    until_then = _start(said) if isinstance(said, dict) else None
    name, horizon = str(info.data.get("name")), info.data.get("horizon")
    accepted = (info.context or {}).get("thresholds", NONE_ACCEPTED).get(name)
    if accepted is not None and accepted.horizon == horizon:
        return accepted.threshold
    if until_then is not None:
        return until_then
    why = "none is accepted" if accepted is None else f"the one accepted is for {accepted.horizon}, not {horizon}"
    raise ValueError(
        f"is left to a report, and {why}: run `make policy-value`, then `make accept-threshold TRIGGER={name}`, "
        "or say what counts until then, as in {auto_from: 25%}"
    )


def _start(said: dict[str, Any]) -> float:
    try:
        return AutoFrom.model_validate(said).auto_from
    except ValidationError as error:
        raise ValueError("must be a percentage such as 10%, `auto`, or {auto_from: 10%} and nothing else") from error


Threshold = Annotated[Share, BeforeValidator(_read, json_schema_input_type=WrittenShare | Literal["auto"] | AutoFrom)]
"""A probability that is needed, or that a report says which."""


def in_force(said: object, accepted: Accepted | None, horizon: str) -> str:
    """Return in words what a threshold that is written as `said` stands for; empty where it is simply a number."""
    if said != AUTO and not isinstance(said, dict):
        return ""
    if accepted is not None and accepted.horizon == horizon:
        return _in_words(accepted)
    return f"threshold {percent(_start(said))} until a report is accepted" if isinstance(said, dict) else ""


def _in_words(found: Accepted) -> str:
    told = f"threshold {percent(found.threshold)}, accepted on {found.accepted_at:%d %B %Y}"
    if found.gain_at_least is None:
        return f"{told}: the report found nothing that surely earns more"
    return f"{told}: surely {found.gain_at_least:+.4f} or more a decision than {percent(found.present)} earns"
