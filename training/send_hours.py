"""From the log to a judged model of send hours: fit on what came first, choose by what came next, judge by the last."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from features.moments import DAY_US
from models.send_hour import SendHourModel
from training.activity_trees import TreesTried, grow, try_trees
from training.days import DaysChosen
from training.days import by_day as day_factors
from training.days import choose as choose_days
from training.evaluate import upper_bound
from training.gate import Rule, Verdict
from training.habits import Habits, events_per_visit, habits
from training.log import Floats, Ints, Log
from training.response_choice import Chosen
from training.response_choice import choose as choose_response
from training.send_hour_fit import choose, fit
from training.send_hour_judge import HoursJudged, baselines, judge, losses
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
        trees: What LightGBM on top of the profile came to.
        days: Whether hours are told by the kind of day.
        chosen: What sends came to; None until they were looked at.
    """

    model: SendHourModel
    judged_by: Habits
    scores: dict[str, Floats]
    cohorts: int
    before: SendHourModel
    judged_from: int
    trees: TreesTried
    days: DaysChosen
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
    plain = fit(known.histories, count, strength, per_visit, {})
    seen_until = 0 if champion is None else int(champion.lineage["log"]["until_us"])
    later = known if seen_until <= judged_from else habits(log, min(seen_until, last), last)
    people = _enough(later, "to judge by").came_back
    trees = try_trees(plain, learned.came_back, people)
    challenger = trees.model if trees.model is not None and trees.kept else plain
    by_day = choose_days(challenger.predict(people.histories), known.before, people)
    scores = {**_scores(challenger, trees, plain, people), **baselines(known.histories, people)}
    if champion is not None:
        scores["champion"] = champion.predict(people.histories)
    whole = habits(log, last, last)
    model = fit(whole.histories, count, strength, per_visit, lineage)
    model = grow(model, known.came_back) if trees.kept else model
    model = replace(model, by_day=None if by_day.by_day is None else day_factors(whole.before))
    before = replace(challenger, by_day=by_day.by_day)
    return HoursLearned(model, people, scores, count, before, judged_from, trees, by_day)


def _scores(model: SendHourModel, trees: TreesTried, plain: SendHourModel, people: Habits) -> dict[str, Floats]:
    """Return the scores of the model, and of what it was chosen from: the profile alone or that with trees."""
    other = {"profile": plain} if trees.kept else {"trees": trees.model}
    rules = {"model": model, **other}
    return {name: each.predict(people.histories) for name, each in rules.items() if each is not None}


def with_sends(learned: HoursLearned, sends: Sends, *, champion: SendHourModel | None = None) -> HoursLearned:
    """Return the same, whose model tells when people answer if that was surely better on later messages."""
    chosen = choose_response(sends, learned.judged_from, learned.before, learned.model, champion)
    by_day = learned.model.by_day if chosen.response is None or chosen.by_day else None
    return replace(learned, model=replace(learned.model, response=chosen.response, by_day=by_day), chosen=chosen)


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
