"""What was drawn for a decision, as the ledger keeps it: two probabilities and a short JSON text, or nothing."""

from typing import Final, NamedTuple

import msgspec

from policy.arms import CONTROL, TREATMENT
from policy.assignment import EVERYBODY
from policy.draws import Draws
from policy.triggers import Trigger


class Drawn(msgspec.Struct, omit_defaults=True):
    """What is rare of a draw, or only looked up: the text in the ledger.

    Attributes:
        unit: What the draws were for: the earliest id of the person then, which links can change later.
        experiment: What the comparison of the arms is called.
        salt: By which name units are drawn into them.
        timezone: Where the person was then: an IANA name, or None.
        explored: As in `Draws`.
        everybody: Whether the user was held out of everything (`control`) or not (`treatment`); None where nobody is.
        everybody_probability: How likely that was.
        hour_probability: Of the hour at which the message goes out, of those that were `eligible`.
        hour_explored: Whether chance chose it; else it was the best one.
        eligible_hours: On the clock of the person's day, in the order in which they come.
    """

    unit: str
    experiment: str
    salt: str
    timezone: str | None = None
    explored: bool | None = None
    everybody: str | None = None
    everybody_probability: float | None = None
    hour_probability: float | None = None
    hour_explored: bool | None = None
    eligible_hours: tuple[int, ...] = ()


class Columns(NamedTuple):
    """The columns of `decisions` that are about chance; all None where nothing was left to it."""

    arm_probability: float | None = None
    send_probability: float | None = None
    draws: str | None = None


NOTHING: Final = Columns()
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Drawn).decode


def pack(draws: Draws | None, trigger: Trigger, unit: str, timezone: str | None) -> Columns:
    """Return what the ledger keeps of the draws of a decision about a unit, who was in a time zone then."""
    if draws is None:
        return NOTHING
    told = Drawn(unit, trigger.experiment_name, trigger.salt, timezone, draws.explored)
    if draws.of_everybody is not None:
        told.everybody = CONTROL if draws.is_out else TREATMENT
        told.everybody_probability = draws.of_everybody
        told.experiment = EVERYBODY if draws.is_out else told.experiment
    if draws.hour is not None:
        told.hour_probability, told.hour_explored, told.eligible_hours = draws.hour
    return Columns(draws.arm_probability, draws.send, _encode(told).decode())


def unpack(text: str | None) -> Drawn | None:
    """Return what a text that `pack` made says; None where nothing was drawn."""
    return None if text is None else _decode(text)
