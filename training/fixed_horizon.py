"""What is said once, at the end: tea-tasting's numbers with less noise, of revenue, of rates per message, corrected."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import tea_tasting as tt
from tea_tasting.metrics import Mean, Proportion, RatioOfMeans
from tea_tasting.metrics.mean import MeanResult
from tea_tasting.metrics.proportion import ProportionResult

from training.experiment import Floats, Plan, Units

ENOUGH_BUYERS = 200
"""In the smaller arm; below, intervals of mean revenue cover the truth in 87 % instead of 95 %."""
CAP_QUANTILE = 0.99
_ARM = "arm"


class Estimate(NamedTuple):
    """One number at the end, two-sided 95 %.

    Attributes:
        name: What was measured.
        control: Its mean in control.
        treatment: Its mean in the treatment.
        effect: The difference, with covariates where there are any.
        low: Lower end of its interval, not corrected for the other numbers; None where all users of each arm are alike.
        high: Its upper end; None likewise.
        p_value: Not corrected; None likewise.
        adjusted: The p-value corrected for the false discovery rate among secondary numbers; None for the primary one,
            and likewise.
        method: How it was calculated.
    """

    name: str
    control: float
    treatment: float
    effect: float
    low: float | None
    high: float | None
    p_value: float | None
    adjusted: float | None
    method: str


class Ending(NamedTuple):
    """All that is said at the end.

    Attributes:
        primary: The conversion rate: plain, and with less noise where something was known of users before.
        secondary: Other numbers, corrected together.
        revenue: What is said of it where its numbers would not be reliable; None where they are among the secondary.
    """

    primary: tuple[Estimate, ...]
    secondary: tuple[Estimate, ...]
    revenue: str | None


def ending(units: Units, arm: int, plan: Plan) -> Ending:
    """Return the numbers of the last look at matured users of control and one treatment."""
    pair = units.take((units.arm == 0) | (units.arm == arm))
    level = 1.0 - plan.alpha
    columns: dict[str, Any] = {_ARM: (pair.arm == arm).astype(np.int64), "converted": pair.converted.astype(np.int64)}
    primary = [
        _of(
            "converted",
            Proportion("converted", method="norm", correction=False, equal_var=False, confidence_level=level),
            columns,
            "two proportions",
        )
    ]
    known = prediction(pair)
    if known is not None:
        columns["expected"] = known
        metric = Mean("converted", covariate="expected", confidence_level=level)
        share = 1.0 - _unexplained(pair.converted.astype(np.float64), known)
        primary.append(_of("converted", metric, columns, f"CUPAC: {share:.0%} of the noise was known before"))
    others, unsaid = _secondary(pair, plan, columns, level)
    return Ending(tuple(primary), _corrected(others, columns), unsaid)


def prediction(units: Units) -> Floats | None:
    """Return what the covariates said of each unit's conversion beforehand, of shape (n,); None if they said nothing.

    A linear prediction from all covariates together, the same for every arm, which serves as the covariate of CUPED
    (Deng, Xu, Kohavi and Walker, WSDM 2013; with a prediction it is called CUPAC). Unknown values count as the mean.
    """
    values = [np.where(np.isnan(each), np.nanmean(each), each) for each in _informative(units)]
    if not values or len(units) <= len(values) + 1:
        return None
    design = np.column_stack([np.ones(len(units)), *((each - each.mean()) / each.std() for each in values)])
    fitted, *_ = np.linalg.lstsq(design, units.converted.astype(np.float64), rcond=None)
    return np.asarray(design @ fitted)


def _informative(units: Units) -> list[Floats]:
    return [each for each in units.covariates.values() if np.isfinite(each).any() and np.nanstd(each) > 0]


def _unexplained(values: Floats, predicted: Floats) -> float:
    return float(np.var(values - predicted) / np.var(values)) if np.var(values) > 0 else 1.0


def winsorised(revenue: Floats, cap: float | None) -> tuple[Floats, float]:
    """Return revenue with a cap on what one user counts, and that cap.

    Args:
        revenue: Of each user, of shape (n,); below 0 where more was taken back than bought, which is capped as well.
        cap: As planned; None for the 99th percentile of all buyers, of all arms together.
    """
    bought = revenue[revenue > 0]
    most = float(np.quantile(bought, CAP_QUANTILE)) if cap is None else cap
    return np.clip(revenue, -most, most), most


def _secondary(
    pair: Units, plan: Plan, columns: dict[str, Any], level: float
) -> tuple[dict[str, tuple[Any, str]], str | None]:
    """Return metrics by name, each with its method, and what is said of revenue instead."""
    found: dict[str, tuple[Any, str]] = {}
    if "orders" in pair.measures:
        columns["orders"] = pair.measures["orders"]
        found["orders per user"] = (Mean("orders", confidence_level=level), "two means")
    if "decisions" in pair.measures and pair.measures["decisions"].sum() > 0:
        columns |= {each: pair.measures[each] for each in ("decisions", "ordered_decisions")}
        metric = RatioOfMeans("ordered_decisions", "decisions", confidence_level=level)
        found["orders per message, sent or withheld"] = (metric, "ratio of means by the delta method")
    revenue = pair.measures.get("revenue")
    if revenue is None:
        return found, None
    buyers = [int(np.sum((revenue > 0) & (columns[_ARM] == each))) for each in (0, 1)]
    if min(buyers) < ENOUGH_BUYERS:
        return found, f"Not yet reliable: {min(buyers)} buyers in the smaller arm, and {ENOUGH_BUYERS} are needed."
    columns["revenue"], cap = winsorised(revenue, plan.cap)
    unpriced = int(np.count_nonzero(pair.measures.get("unpriced", 0)))
    method = f"two means, one user counts {cap:,.2f} at most"
    if unpriced:
        method += f"; orders without an amount, of {unpriced:,} users, count nothing"
    found["revenue per user"] = (Mean("revenue", confidence_level=level), method)
    return found, None


def _of(name: str, metric: Any, columns: dict[str, Any], method: str) -> Estimate:
    return _estimate(name, _analysed(metric, columns), None, method)


def _analysed(metric: Any, columns: dict[str, Any]) -> MeanResult | ProportionResult:
    found: MeanResult | ProportionResult = metric.analyze(pa.table(columns), 0, 1, _ARM)
    return found


def _corrected(metrics: dict[str, tuple[Any, str]], columns: dict[str, Any]) -> tuple[Estimate, ...]:
    """Analyse metrics and correct their p-values together (Benjamini and Hochberg, JRSS B 57 (1995), 289–300)."""
    if not metrics:
        return ()
    results = {name: _analysed(metric, columns) for name, (metric, _) in metrics.items()}
    told = {name: each for name, each in results.items() if np.isfinite(each.pvalue)}
    adjusted = tt.adjust_fdr(tt.experiment.ExperimentResult(told)).to_dicts() if told else ()
    p_values = {str(each["metric"]): float(each["pvalue_adj"]) for each in adjusted}
    return tuple(_estimate(name, results[name], p_values.get(name), method) for name, (_, method) in metrics.items())


def _estimate(name: str, found: MeanResult | ProportionResult, adjusted: float | None, method: str) -> Estimate:
    return Estimate(
        name=name,
        control=float(found.control),
        treatment=float(found.treatment),
        effect=float(found.effect_size),
        low=_known(found.effect_size_ci_lower),
        high=_known(found.effect_size_ci_upper),
        p_value=_known(found.pvalue),
        adjusted=adjusted,
        method=method,
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
