"""What is said of a challenger by what it and the champion said of the same rows: a verdict, figures, lines."""

from collections.abc import Iterator
from typing import Any

from training import gate
from training.drift import stability_index
from training.exposure import Influenced
from training.shadow_rows import Pair, Shadowed
from training.summary import rule_lines


def judge(found: Shadowed, *, same_features: bool) -> gate.Verdict:
    """Return what the gate says; without any row that can be judged, that."""
    if not found.judged.ordered.size:
        return gate.Verdict(False, "nothing to judge by yet: no row that both scored is matured")
    return gate.decide(found.judged, same_features=same_features)


def figures(pair: Pair, found: Shadowed, verdict: gate.Verdict) -> dict[str, Any]:
    """Return what the JSON holds."""
    judged, both = found.judged, found.challenger.size
    rows, positives = int(judged.ordered.size), int(judged.ordered.sum())
    losses = {"challenger": judged.challenger, "champion": judged.champion}
    return {
        "challenger": pair.challenger,
        "champion": pair.champion,
        "horizon": pair.horizon,
        "may_be_promoted": verdict.promoted,
        "reason": verdict.reason,
        "rules": [each._asdict() for each in verdict.rules],
        "rows": {
            "in_the_ledger": found.ledger,
            "scored_by_both": both,
            "only_by_the_challenger": found.only_challenger,
            "not_usable": found.unusable,
            "not_matured": found.immature,
            "judged": rows,
            "positive": positives,
        },
        "messages": found.messages._asdict(),
        "log_loss": {name: judged.loss(each) if rows and each is not None else None for name, each in losses.items()},
        "scores": {
            "mean_of_challenger": float(found.challenger.mean()) if both else None,
            "mean_of_champion": float(found.champion.mean()) if both else None,
            "stability_index": stability_index(found.champion, found.challenger) if both else None,
        },
    }


def lines(told: dict[str, Any]) -> Iterator[str]:
    """Yield what to print."""
    rows, scores, beside = told["rows"], told["scores"], told["champion"] or "the rule"
    yield (
        f"{told['challenger']} in shadow beside {beside}: "
        f"{'MAY BE PROMOTED' if told['may_be_promoted'] else 'not to be promoted'}: {told['reason']}"
    )
    yield from rule_lines(told["rules"])
    share = rows["scored_by_both"] / rows["in_the_ledger"] if rows["in_the_ledger"] else 0.0
    yield (
        f"  both scored {rows['scored_by_both']:,} of {rows['in_the_ledger']:,} rows of the ledger since it began "
        f"({share:.1%}); judged on {rows['judged']:,}, {rows['positive']:,} followed by an order"
    )
    yield (
        f"  {rows['not_matured']:,} not matured, {rows['not_usable']:,} not usable, "
        f"{rows['only_by_the_challenger']:,} more beside another champion"
    )
    yield f"  {Influenced(**told['messages']).words}"
    if scores["stability_index"] is not None:
        yield (
            f"  mean score {scores['mean_of_challenger']:.4f} against {scores['mean_of_champion']:.4f}, "
            f"population stability index {scores['stability_index']:.3f}"
        )
