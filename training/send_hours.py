"""From the log to a judged model of send hours: fit on what came first, choose by what came next, judge by the last."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from models.send_hour import SendHourModel
from training.dataset import DAY_US
from training.evaluate import upper_bound
from training.gate import Rule, Verdict
from training.habits import Habits, events_per_visit, habits
from training.log import Floats, Ints, Log
from training.response_choice import Chosen
from training.response_choice import choose as choose_response
from training.send_hour_fit import choose, fit
from training.send_hour_judge import HoursJudged, baselines, by_history, calibration, judge, losses
from training.send_response import Sends
from training.windows import TooLittleHistory

CHOSEN_FROM, JUDGED_FROM = 0.6, 0.8
"""Where in the log the time begins by which strength and cohorts are chosen, and that by which all is judged."""
LEAST_DAYS: Final = 14.0
LEAST_PEOPLE: Final = 50
"""Who came back in each of these times; hours of fewer people are anecdotes."""
FEW_EVENTS: Final = 3
WORSE_THAN_CHAMPION: Final = 0.005
"""How much worse a refresh may be at worst, as a share of the champion's log-loss."""


LEARNED_FROM: Final = {
    "activity": "activity, not response: when people are there, not what they answer to",
    "sends": "sends: when people answer to a message, or come back after it",
}


@dataclass(frozen=True)
class HoursLearned:
    """What training came to.

    Attributes:
        model: What goes into service: learned from the whole log.
        judged_by: Those who came back in the last part of the log, as they were known before it.
        scores: Of these people by name of the rule: `model`, which learned from nothing of that time, and simpler ones.
        cohorts: How many there are.
        before: The model that learned from nothing after `judged_from`.
        judged_from: A moment in microseconds.
        chosen: What sends came to; None until they were looked at.
    """

    model: SendHourModel
    judged_by: Habits
    scores: dict[str, Floats]
    cohorts: int
    before: SendHourModel
    judged_from: int
    chosen: Chosen | None = None

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
    model = fit(whole, count, strength, per_visit, lineage)
    return HoursLearned(model, people, scores, count, challenger, judged_from)


def with_sends(learned: HoursLearned, sends: Sends, *, champion: SendHourModel | None = None) -> HoursLearned:
    """Return the same, whose model tells when people answer if that was surely better on later messages."""
    chosen = choose_response(sends, learned.judged_from, learned.before, learned.model, champion)
    return replace(learned, model=replace(learned.model, response=chosen.response), chosen=chosen)


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


def decide(learned: HoursLearned, champion: SendHourModel | None = None) -> Verdict:
    """Return whether the model goes into service, and what each rule says; people count alike."""
    rules = (*_keeps_answers(learned, champion), *_rules(learned))
    broken = next((each for each in rules if not each.holds), None)
    return Verdict(broken is None, (broken or rules[-1]).words, rules)


def _keeps_answers(learned: HoursLearned, champion: SendHourModel | None) -> Iterator[Rule]:
    """Yield whether what was learned from sends is not given up where nothing speaks against it but too few sends."""
    chosen = learned.chosen
    if champion is not None and champion.response is not None and chosen is not None:
        holds = chosen.response is not None or chosen.log_loss is not None
        yield Rule(
            "answers", holds, chosen.reason if holds else f"the champion learned from sends, now {chosen.reason}"
        )


def _rules(learned: HoursLearned) -> Iterator[Rule]:
    people = learned.judged_by
    loss = {name: losses(each, people.later) for name, each in learned.scores.items()}
    mean = {name: float(each.mean()) for name, each in loss.items()}
    few = people.events <= FEW_EVENTS
    if few.any():
        yield _few(loss["model"][few], loss["global"][few], people.user[few])
    beside = f"log-loss {mean['model']:.4f}"
    better = upper_bound(loss["model"] - loss["global"], people.user) < 0.0
    words = "better than everybody's hours" if better else "no better than everybody's hours"
    yield Rule("everybody", better, f"{words}: {beside} against {mean['global']:.4f}")
    if "champion" in loss:
        worst, present = upper_bound(loss["model"] - loss["champion"], people.user), mean["champion"]
        holds = worst < WORSE_THAN_CHAMPION * present
        words = "proven" if holds else "not proven"
        yield Rule("champion", holds, f"{words}: {beside} against the champion's {present:.4f}, at worst {worst:+.4f}")


def _few(model: Floats, everybody: Floats, user: Ints) -> Rule:
    """Whether those of whom little is known are not surely worse off than with everybody's hours."""
    worse = -upper_bound(everybody - model, user) > 0.0
    words = (
        "surely worse than everybody's hours" if worse else "no worse than everybody's hours, as far as one can tell,"
    )
    figures = f"log-loss {model.mean():.4f} against {everybody.mean():.4f}"
    return Rule("newcomers", not worse, f"{words} for {user.size} people with {FEW_EVENTS} events or fewer: {figures}")


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
        "learned_from": LEARNED_FROM[learned.model.learned_from],
        "from_sends": None if learned.chosen is None else learned.chosen.figures,
        "promoted": verdict.promoted,
        "reason": verdict.reason,
        "rules": [each._asdict() for each in verdict.rules],
        "model_version": model_version,
        "mlflow_run_id": run_id,
    }


def figures_of_nothing(reason: str) -> dict[str, Any]:
    """Return what the summary says where nothing could be learned."""
    numbers = dict.fromkeys(("hit_at_1", "hit_at_3", "mrr", "log_loss", "global"))
    return {**numbers, "promoted": False, "reason": reason, "rules": [], "model_version": None, "mlflow_run_id": None}


def lines(found: dict[str, Any]) -> list[str]:
    """Return what to print."""
    if found["model_version"] is None:
        return [f"send hour: no model. {found['reason']}. The prior, whose best hour is ten o'clock, answers instead."]
    rules = {"model": found, **{each: found[each] for each in ("global", "histogram", "median")}}
    return [
        f"send hour: {found['model_version']} {'PROMOTED' if found['promoted'] else 'not promoted'}: {found['reason']}",
        *(f"  {'holds ' if each['holds'] else 'BROKEN'} {each['name']:12}{each['words']}" for each in found["rules"]),
        f"  judged by when {found['people']:,} people were active later; that is activity, not response",
        *(() if found["from_sends"] is None else (f"  learned from {found['from_sends']['reason']}",)),
        f"  {'':18}{'hit@1':>9}{'hit@3':>9}{'MRR':>10}{'log-loss':>10}",
        *(
            f"  {name:18}{its['hit_at_1']:>9.4f}{its['hit_at_3']:>9.4f}{its['mrr']:>10.4f}{its['log_loss']:>10.4f}"
            for name, its in rules.items()
        ),
    ]
