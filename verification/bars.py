"""A promise about a rate, and whether a simulation is compatible with it."""

from typing import Literal, NamedTuple

from scipy.stats import binomtest

LEVEL = 0.001
"""A sound implementation fails a bar with this probability; "within 93 to 97 % in 300 runs" it would fail in 8 %."""


class Bar(NamedTuple):
    """A rate that is promised to be at most, or at least, a nominal one.

    Attributes:
        name: What happened.
        hits: In how many runs it did.
        runs: How many there were.
        nominal: What is promised.
        side: `most` or `least`.
        counted: Whether the rate itself has to be met, where runs are too few for a test to refuse anything.
    """

    name: str
    hits: int
    runs: int
    nominal: float
    side: Literal["most", "least"]
    counted: bool = False

    @property
    def p_value(self) -> float:
        """Return how likely so bad a figure, or a worse one, is where the nominal rate is just kept: exact binomial."""
        alternative = "greater" if self.side == "most" else "less"
        return float(binomtest(self.hits, self.runs, self.nominal, alternative=alternative).pvalue)

    @property
    def holds(self) -> bool:
        """Whether the simulation is compatible with the promise."""
        if self.counted:
            return self.rate <= self.nominal if self.side == "most" else self.rate >= self.nominal
        return self.p_value >= LEVEL

    @property
    def rate(self) -> float:
        """The share of runs."""
        return self.hits / self.runs
