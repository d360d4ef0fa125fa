"""How a statistical promise is tested: a rate over many made-up worlds against its nominal value, exactly."""

from dataclasses import dataclass
from math import exp, lgamma, log, log1p

LEAST_P = 0.001
"""Right code fails a fixed band such as 93–97 % in 8 % of seeds; at this it fails in one of a thousand."""


@dataclass(frozen=True)
class Rate:
    """How often something held in so many runs, and how often it should.

    Attributes:
        name: What held.
        hits: How often.
        runs: Of how many.
        nominal: The rate that is promised.
    """

    name: str
    hits: int
    runs: int
    nominal: float

    @property
    def p(self) -> float:
        """The probability of a count at most as likely as this one, were the promise true (exact, two-sided)."""
        return binomial_p(self.hits, self.runs, self.nominal)

    @property
    def kept(self) -> bool:
        """Whether the promise may be true."""
        return self.p >= LEAST_P

    def __str__(self) -> str:
        """Return it as a line of a table."""
        share = f"{self.hits}/{self.runs} = {self.hits / self.runs:.1%}"
        return f"{self.name}: {share}, nominal {self.nominal:.1%}, p = {self.p:.3f}"


def binomial_p(hits: int, runs: int, rate: float) -> float:
    """Return the exact two-sided p-value of so many hits, `rate` in (0, 1): the sum over all counts no likelier.

    Examples:
        >>> f"{binomial_p(190, 200, 0.95):.3f} {binomial_p(171, 200, 0.95):.5f}"
        '1.000 0.00000'
        >>> binomial_p(0, 2, 0.5) == 2 * 0.25
        True
    """
    logs = [_log_probability(each, runs, rate) for each in range(runs + 1)]
    # Equal ones may differ in the last digit.
    return min(1.0, sum(exp(each) for each in logs if each <= logs[hits] + 1e-7))


def _log_probability(hits: int, runs: int, rate: float) -> float:
    ways = lgamma(runs + 1) - lgamma(hits + 1) - lgamma(runs - hits + 1)
    return ways + hits * log(rate) + (runs - hits) * log1p(-rate)
