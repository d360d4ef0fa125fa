"""Where a user is drawn to: held out of everything, out of this experiment for another of its layer, or into an arm."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Final, NamedTuple, Self

from pydantic import BeforeValidator, Field, model_validator

from policy.arms import CONTROL, Split, hold_out, split
from policy.block import Block
from policy.holding import HoldOut
from policy.names import Name
from policy.quantities import Share

EVERYBODY: Final = "everybody"
"""The experiment whose control is held out of everything."""
_IN_NONE: Final = ""


def _as_shares(value: object) -> object:
    return dict.fromkeys(value, 1 / len(value)) if isinstance(value, list) and value else value


class Layer(Block):
    """Experiments that share the users among them: nobody is in two of one layer."""

    name: Name = Field(description="By which users are drawn; another name draws anew.")
    experiments: Annotated[
        dict[Name, Share],
        BeforeValidator(_as_shares, json_schema_input_type=dict[Name, Share] | tuple[Name, ...]),
    ] = Field(
        min_length=1, description="The experiments, each with its share of the users; as a list: in equal shares."
    )

    @model_validator(mode="after")
    def _is_divided(self) -> Self:
        if sum(self.experiments.values()) > 1 + 1e-9:
            raise ValueError("gives away more than all users")
        return self

    @property
    def split(self) -> Split:
        """The division of all users among the experiments, and none."""
        rest = max(0.0, 1.0 - sum(self.experiments.values()))
        return split(f"layer {self.name}", {**self.experiments, _IN_NONE: rest if rest > 1e-9 else 0.0})


class Shared(NamedTuple):
    """The draws that a trigger shares with others.

    Attributes:
        everybody: Who is held out of everything; None where nobody is.
        layer: Who is in which experiment of its layer; None where it is in none.
        share: Of the layer that its experiment has.
    """

    everybody: Split | None = None
    layer: Split | None = None
    share: float = 1.0

    @property
    def reached(self) -> float:
        """The share of users who are not held out of everything."""
        return 1.0 if self.everybody is None else 1.0 - self.everybody.share(CONTROL)


class Place(NamedTuple):
    """Where a user was drawn to.

    Attributes:
        arm: Of the experiment; None for whoever is in another one of its layer.
        probability: Of the arm within its experiment; None likewise.
        of_everybody: Probability of being held out of everything, or of not being it; None where nobody is.
        is_out: Whether the arm is that of the experiment with everybody.
    """

    arm: str | None
    probability: float | None
    of_everybody: float | None = None
    is_out: bool = False


ALONE: Final = Shared()


def place(unit: str, experiment: str, own: Split, shared: Shared = ALONE) -> Place:
    """Return where a unit is drawn to; always the same place, whatever else happens.

    Args:
        unit: What arms are drawn for.
        experiment: The trigger's.
        own: Its division into arms.
        shared: What it shares with other triggers.
    """
    of_everybody = None
    if shared.everybody is not None:
        arm, of_everybody = shared.everybody.assign(unit)
        if arm == CONTROL:
            return Place(arm, of_everybody, of_everybody, is_out=True)
    if shared.layer is not None and shared.layer.assign(unit).arm != experiment:
        return Place(None, None, of_everybody)
    arm, probability = own.assign(unit)
    return Place(arm, probability, of_everybody)


def landing(shared: Shared, where: Place) -> float:
    """Return the probability of being drawn to a place, under all draws together."""
    if where.is_out:
        return 1.0 - shared.reached
    return shared.reached * (1.0 - shared.share if where.probability is None else shared.share * where.probability)


def shared_by(experiment: str, held_out: HoldOut | None, layers: Iterable[Layer]) -> Shared:
    """Return what a marketing trigger of an experiment shares with others."""
    everybody = hold_out(held_out.salt or EVERYBODY, held_out.share) if held_out and held_out.share else None
    layer = next((each for each in layers if experiment in each.experiments), None)
    return Shared(everybody) if layer is None else Shared(everybody, layer.split, layer.experiments[experiment])


def check_layers(layers: Iterable[Layer], held_out: HoldOut | None, known: Mapping[str, object]) -> None:
    """Refuse layers of experiments that no trigger is part of, or that are in two, and a name that stands for another.

    Raises:
        ValueError: One of these is there.
    """
    seen: set[str] = set()
    for layer in layers:
        for each in layer.experiments:
            if each not in known:
                raise ValueError(f"layers: no trigger is part of {each}, which is in {layer.name}")
            if each in seen:
                raise ValueError(f"layers: {each} is in two of them")
            seen.add(each)
    if held_out is not None and EVERYBODY in known:
        raise ValueError(f"hold_out: with it {EVERYBODY!r} is the experiment with everybody; call yours another name")
