"""From the log to a judged model of send hours: fit on what came first, choose by what came next, judge by the last."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from models.send_hour import SendHourModel
from training.dataset import DAY_US
from training.evaluate import upper_bound
from training.gate import Verdict
from training.habits import Habits, events_per_visit, habits
from training.log import Floats, Log
from training.send_hour_fit import choose, fit
from training.send_hour_judge import HoursJudged, baselines, by_history, calibration, judge, losses
from training.windows import TooLittleHistory

CHOSEN_FROM, JUDGED_FROM = 0.6, 0.8
"""Where in the log the time begins by which strength and cohorts are chosen, and that by which all is judged."""
LEAST_DAYS: Final = 14.0
LEAST_PEOPLE: Final = 50
"""Who came back in each of these times; hours of fewer people are anecdotes."""
FEW_EVENTS: Final = 3
WORSE_THAN_CHAMPION: Final = 0.005
"""How much worse a refresh may be at worst, as a share of the champion's log-loss."""


@dataclass(frozen=True)
class HoursLearned:
    """What training came to.

    Attributes:
        model: What goes into service: learned from the whole log.
        judged_by: Those who came back in the last part of the log, as they were known before it.
        scores: Of these people by name of the rule: `model`, which learned from nothing of that time, and simpler ones.
        cohorts: How many there are.
    """

    model: SendHourModel
    judged_by: Habits
    scores: dict[str, Floats]
    cohorts: int

    @property
    def judgements(self) -> dict[str, HoursJudged]:
        """How good each rule was."""
        return {name: judge(each, self.judged_by.later) for name, each in self.scores.items()}


def learn(log: Log, lineage: dict[str, Any], *, champion: SendHourModel | None = None) -> HoursLearned:
    """Return the model of a log, judged beside simpler rules and the champion on what none of them learned from.

    Raises:
        TooLittleHistory: The log is too short, too few people came back, or nothing is new to the champion.
    """
    refuse_short(log)
    first, last = log.span
    chosen_from, judged_from = (first + round(share * (last - first)) for share in (CHOSEN_FROM, JUDGED_FROM))
    per_visit = max(1.0, events_per_visit(log))
    learned = _enough(habits(log, chosen_from, judged_from), "to choose by")
    count, strength = choose(learned, per_visit)
    known = habits(log, judged_from, last)
    challenger = fit(known.histories, count, strength, per_visit, {})
    seen_until = 0 if champion is None else int(champion.lineage["log"]["until_us"])
    later = known if seen_until <= judged_from else habits(log, min(seen_until, last), last)
    people = _enough(later, "to judge by").came_back
    scores = {"model": challenger.predict(people.histories), **baselines(known.histories, people)}
    if champion is not None:
        scores["champion"] = champion.predict(people.histories)
    whole = habits(log, last, last).histories
    return HoursLearned(fit(whole, count, strength, per_visit, lineage), people, scores, count)


def refuse_short(log: Log) -> None:
    """Raise TooLittleHistory where a log is too short to tell hours from, or what is in it of too few people."""
    first, last = log.span
    if last - first < LEAST_DAYS * DAY_US:
        days = (last - first) / DAY_US
        raise TooLittleHistory(f"the history is {days:.1f} days long, and hours need {LEAST_DAYS:g} at least")
    if len(log.user_keys) < LEAST_PEOPLE:
        raise TooLittleHistory(f"{len(log.user_keys)} people are in the log, and hours need {LEAST_PEOPLE} at least")


def _enough(found: Habits, what_for: str) -> Habits:
    back = len(found.came_back)
    if back < LEAST_PEOPLE:
        raise TooLittleHistory(f"too few people came back {what_for}: {back}, and {LEAST_PEOPLE} are needed")
    return found


def decide(learned: HoursLearned) -> Verdict:
    """Return whether the model goes into service, and by which rule; people count alike."""
    people = learned.judged_by
    loss = {name: losses(each, people.later) for name, each in learned.scores.items()}
    found = {name: float(each.mean()) for name, each in loss.items()}
    beside = f"log-loss {found['model']:.4f}"
    if upper_bound(loss["model"] - loss["global"], people.user) >= 0.0:
        return Verdict(False, f"no better than everybody's hours: {beside}, and {found['global']:.4f} for these")
    few = people.events <= FEW_EVENTS
    if few.any() and -upper_bound((loss["global"] - loss["model"])[few], people.user[few]) > 0.0:
        return Verdict(False, f"worse than everybody's hours for people with {FEW_EVENTS} events or fewer")
    if "champion" not in loss:
        return Verdict(True, f"first model of send hours: {beside} against {found['global']:.4f} for everybody's hours")
    worst = upper_bound(loss["model"] - loss["champion"], people.user)
    if worst >= WORSE_THAN_CHAMPION * found["champion"]:
        return Verdict(
            False, f"not proven: {beside} against the champion's {found['champion']:.4f}, at worst {worst:+.4f}"
        )
    return Verdict(True, f"{beside} against the champion's {found['champion']:.4f} on {len(people)} people")


def figures(learned: HoursLearned, verdict: Verdict, model_version: str, run_id: str) -> dict[str, Any]:
    """Return what the summary says."""
    found = {name: asdict(each) for name, each in learned.judgements.items()}
    return {
        **found.pop("model"),
        **found,
        "calibration_error": calibration(learned.scores["model"], learned.judged_by.later),
        "people": len(learned.judged_by),
        "by_history": by_history(learned.scores, learned.judged_by),
        "strength": learned.model.strength,
        "cohorts": learned.cohorts,
        "events_per_visit": learned.model.events_per_visit,
        "learned_from": "activity, not response: when people are there, not what they answer to",
        "promoted": verdict.promoted,
        "reason": verdict.reason,
        "model_version": model_version,
        "mlflow_run_id": run_id,
    }


def figures_of_nothing(reason: str) -> dict[str, Any]:
    """Return what the summary says where nothing could be learned."""
    numbers = dict.fromkeys(("hit_at_1", "hit_at_3", "mrr", "log_loss", "global"))
    return {**numbers, "promoted": False, "reason": reason, "model_version": None, "mlflow_run_id": None}


def lines(found: dict[str, Any]) -> list[str]:
    """Return what to print."""
    if found["model_version"] is None:
        return [f"send hour: no model. {found['reason']}. The prior, whose best hour is ten o'clock, answers instead."]
    rules = {"model": found, **{each: found[each] for each in ("global", "histogram", "median")}}
    return [
        f"send hour: {found['model_version']} {'PROMOTED' if found['promoted'] else 'not promoted'}: {found['reason']}",
        f"  judged by when {found['people']:,} people were active later; that is activity, not response",
        f"  {'':18}{'hit@1':>9}{'hit@3':>9}{'MRR':>10}{'log-loss':>10}",
        *(
            f"  {name:18}{its['hit_at_1']:>9.4f}{its['hit_at_3']:>9.4f}{its['mrr']:>10.4f}{its['log_loss']:>10.4f}"
            for name, its in rules.items()
        ),
    ]
