"""Whether hours are told by what people answered or by when they are there: the better of both on later sends."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from models.response import LEAST_SENDS, Response
from models.send_hour import SendHourModel
from training.evaluate import calibration_by_chance, calibration_error, losses, upper_bound
from training.hour_value import HourValue, hour_values
from training.log import Floats
from training.send_response import Sends, activity_only, fit, with_trees

LEAST: Final = 2_000
"""Messages, with fewer of which no hour is told from another."""
LEAST_ANSWERS: Final = 200
LEAST_HOURS: Final = 8
"""Hours of the day with as many sends around them as are needed to know one."""
LEAST_JUDGED: Final = 300
BY_DAY: Final = "by_day"
NAMES: Final = {
    "activity": "when they are there",
    "response": "when they answered",
    "trees": "when they answered, with LightGBM on top",
    "by_day": "when they answered, by kind of day",
    "constant": "every hour alike",
    "champion": "the champion, which may know some of these messages",
}


@dataclass(frozen=True)
class Chosen:
    """What sends came to.

    Attributes:
        reason: Why the hours are told by what they are.
        sends: How many messages there were.
        answers: To how many of them somebody answered.
        hours: Around how many hours of the day enough was sent.
        response: When people answer; None where the hours of activity stay.
        by_day: Whether that is told by the kind of day.
        log_loss: Of each way to tell, on the messages of later; empty where there were too few to judge.
        calibration_error: Of what was learned from sends; None as above.
        calibration_by_chance: Up to which a perfect model comes; None as above.
        values: What a message would be answered at the hours of each rule; empty where no hour was drawn.
    """

    reason: str
    sends: int
    answers: int
    hours: int
    response: Response | None = None
    by_day: bool = False
    log_loss: dict[str, float] | None = None
    calibration_error: float | None = None
    calibration_by_chance: float | None = None
    values: tuple[HourValue, ...] = ()

    @property
    def figures(self) -> dict[str, Any]:
        """What the summary says."""
        named = ("sends", "answers", "hours", "reason", "calibration_error", "calibration_by_chance")
        found = {each: getattr(self, each) for each in named}
        chosen = "activity" if self.response is None else "sends"
        return {**found, "chosen": chosen, "log_loss": self.log_loss or {}, "values": [*map(asdict, self.values)]}


def choose(
    sends: Sends, judged_from: int, before: SendHourModel, model: SendHourModel, champion: SendHourModel | None = None
) -> Chosen:
    """Return what is to tell hours: what was learned from sends, only if it was surely better on later ones.

    Args:
        sends: All of them.
        judged_from: Messages after this moment (µs) are judged by, those before learned from.
        before: When people are there, learned from nothing after that moment.
        model: The same from all of the log; what goes into service learns on top of it.
        champion: The model in service; it is judged where it tells answers, on what it has not seen.
    """
    counted = len(sends), int(sends.answered.sum()), _hours(sends)
    if why := _too_few(*counted):
        return Chosen(why, *counted)
    earlier, later = sends.where(sends.at <= judged_from), sends.where(sends.at > judged_from)
    answers = int(later.answered.sum())
    if (why := _too_few(len(earlier), int(earlier.answered.sum()), _hours(earlier))) or len(later) < LEAST_JUDGED:
        said = why or f"{len(later):,} of them to judge by, and {LEAST_JUDGED} are needed"
        return Chosen(f"activity: {said}", *counted)
    if not answers:
        return Chosen("activity: nobody answered the messages to judge by", *counted)
    rules = _rules(earlier, before)
    told = {name: _told(each, later) for name, each in rules.items()}
    told["constant"] = np.full(len(later), earlier.answered.mean())
    if champion is not None and champion.response is not None:
        told["champion"] = _told(champion, later)
    loss = {name: losses(each, later.answered) for name, each in told.items()}
    best = _best(loss, later)
    better = _surely(loss[best], loss["activity"], later)
    response = _again(best, sends, model) if better else None
    mean = {name: float(each.mean()) for name, each in loss.items()}
    words = f"log-loss {mean[best]:.4f} against {mean['activity']:.4f} by activity on {len(later):,} later messages"
    reason = f"sends: surely better, {words}" if better else f"activity: sends are not surely better, {words}"
    values = hour_values(later, {name: _hours_of(rules[name], later) for name in ("activity", best)})
    error = calibration_error(told[best], later.answered)
    chance = calibration_by_chance(told[best], later.answered, later.user)
    return Chosen(reason, *counted, response, better and best == BY_DAY, mean, error, chance, values)


def _rules(earlier: Sends, before: SendHourModel) -> dict[str, SendHourModel]:
    """Return what may tell hours, learned from earlier sends."""
    alike = replace(before, by_day=None)
    learned = fit(earlier, alike)
    rules = {
        "activity": replace(before, response=activity_only(earlier, before)),
        "response": replace(alike, response=learned),
        "trees": replace(alike, response=with_trees(learned, earlier, alike)),
    }
    if before.by_day is not None:
        rules[BY_DAY] = replace(before, response=fit(earlier, before))
    return rules


def _best(loss: dict[str, Floats], later: Sends) -> str:
    """Return which way to tell answers is the best, of which a plainer one is taken unless another is surely better."""
    best = "response"
    for each in ("trees", BY_DAY):
        if each in loss and _surely(loss[each], loss[best], later):
            best = each
    return best


def _again(best: str, sends: Sends, model: SendHourModel) -> Response:
    """Return the same learned from all sends."""
    model = model if best == BY_DAY else replace(model, by_day=None)
    found = fit(sends, model)
    return with_trees(found, sends, model) if best == "trees" else found


def _too_few(sends: int, answers: int, hours: int) -> str | None:
    """Return what is missing to learn from, or None."""
    for found, least, what in (
        (sends, LEAST, "messages"),
        (answers, LEAST_ANSWERS, "answers"),
        (hours, LEAST_HOURS, "hours of the day with enough messages"),
    ):
        if found < least:
            return f"activity: {found:,} {what} to learn from, and {least:,} are needed"
    return None


def _hours(sends: Sends) -> int:
    """Return at how many hours of the day enough was sent to know them; neighbours do not make up for it."""
    return int((np.bincount(sends.hour, minlength=24) >= LEAST_SENDS).sum())


def _told(model: SendHourModel, sends: Sends) -> Floats:
    return np.asarray(_hours_of(model, sends)[np.arange(len(sends)), sends.hour], dtype=np.float64)


def _hours_of(model: SendHourModel, sends: Sends) -> Floats:
    """Return how likely each message would be answered at each hour of the day on which it went out."""
    return model.scores(sends.histories, sends.weekend[:, None])


def _surely(one: Floats, other: Floats, sends: Sends) -> bool:
    return upper_bound(one - other, sends.user) < 0.0
