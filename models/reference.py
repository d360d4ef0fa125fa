"""What a model learned from, as shares of bins: what is served later is compared with it."""

import json
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from models.manifest import BundleRefused, Part

REFERENCE: Final = "reference.json"
Number = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class Binned(Part):
    """Values in bins: below the first edge, from each edge to the next, from the last on, and those without an answer.

    Attributes:
        edges: Ascending; a value that equals one is above it.
        counts: By occasion, then by bin: two more than there are edges.
    """

    edges: tuple[Number, ...]
    counts: tuple[tuple[Count, ...], ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must ascend")
        if any(len(each) != len(self.edges) + 2 for each in self.counts):
            raise ValueError(f"{len(self.edges)} edges part values into {len(self.edges) + 2} bins")
        return self


class Compared(Part):
    """Rows of each occasion: how many there are, and how many independent ones would say as much."""

    rows: tuple[Annotated[int, Field(ge=0)], ...]
    worth: tuple[Count, ...]


class Judged(Part):
    """How good the model was on the window that nothing was learned from, and how good it expected to be there."""

    rows: int = Field(gt=0)
    base_rate: Count
    roc_auc: Number | None
    expected_roc_auc: Number | None
    log_loss: Number
    expected_log_loss: Number


class Reference(Part):
    """All that is compared with.

    Attributes:
        occasions: Why rows were read, such as `product_added`; what differs between them is no change.
        learned: Of the rows that features are compared with.
        features: Of these, by name.
        tested: Of the rows that scores are compared with: those of the window that nothing was learned from.
        scores: Of these.
        judged: On the same window.
    """

    format: Literal[1] = 1
    occasions: tuple[str, ...] = Field(min_length=1)
    learned: Compared
    features: dict[str, Binned]
    tested: Compared
    scores: Binned
    judged: Judged

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        many = len(self.occasions)
        lengths = {len(each.counts) for each in (self.scores, *self.features.values())}
        lengths |= {len(part) for each in (self.learned, self.tested) for part in (each.rows, each.worth)}
        if lengths != {many}:
            raise ValueError(f"each of {many} occasions needs its own numbers")
        return self

    def write(self, directory: Path) -> Path:
        """Write it into a bundle's directory and return the file."""
        path = directory / REFERENCE
        path.write_text(json.dumps(self.model_dump(mode="json"), sort_keys=True) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `write` wrote.

        Raises:
            BundleRefused: It is not there, or is damaged.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleRefused(f"{path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise BundleRefused(f"{path} is damaged: {first['msg']}") from error
