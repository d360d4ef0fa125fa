"""What a trigger compares with what, naively: what its message adds, where it asks for that, or the score."""

from tests.acceptance.naive_conditions import share


def measured(naive, run, who):
    """Return what is compared, None where it is unknown, what is needed of it, and whether it is uplift."""
    trigger, known = run.trigger, who.scores.get(run.trigger.get("horizon", "24h"))
    score = None if known is None or known != known else known
    if "uplift" in trigger and score is not None and trigger["name"] in naive.uplifts:
        adds, pays = naive.uplifts[trigger["name"]]
        return adds, pays if trigger["uplift"] == "auto" else share(trigger["uplift"]), True
    return score, share(run.said("threshold")), False


def finding(naive, run, who):
    """Return what is kept of it: guard, channel, objection and facts; nothing of a trigger that does not ask for it."""
    if "uplift" not in run.trigger:
        return ()
    score, needed, by_uplift = measured(naive, run, who)
    objection = "no_score" if score is None else "below_threshold" if score < needed else None
    return (("uplift", None, objection, (by_uplift, score, needed)),)
