"""What a decision asked, in order, and how each question was answered: read from what the ledger keeps of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from policy.arms import CONTROL
from policy.findings import Finding
from policy.findings_in_words import finding_in_words
from policy.quantities import percent
from policy.reasons import Reason


class Recorded(NamedTuple):
    """A decision as the ledger keeps it; the fields are those of `Verdict`, `Run` and `Draws` in this package.

    `measured` is what a trigger that goes by uplift went by, and no other finding is.
    """

    reason: Reason
    findings: Sequence[Finding] = ()
    step: int = 0
    score: float | None = None
    threshold: float | None = None
    horizon: str | None = None
    arm: str | None = None
    explored: bool | None = None
    measured: Finding | None = None


class Answer(NamedTuple):
    """What one guard, or one other question of a decision, came to.

    Attributes:
        guard: Its field in the policy file, or what else it is about.
        channel: On which channel; None where that makes no difference.
        objection: Why it spoke against the message; None where it did not.
        in_words: A clause, without a capital or a full stop.
    """

    guard: str
    channel: str | None
    objection: Reason | None
    in_words: str


_FOR_GOOD: Final = ("suppression", "consent")
_MOMENT: Final = "moment"
_THRESHOLD: Final = "threshold"
_ORDER: Final[dict[str, tuple[frozenset[Reason], str]]] = {
    "exclusion": (frozenset({Reason.EXCLUDED_USER}), "not excluded from messages"),
    "age": (frozenset({Reason.STALE_EVENT, Reason.EXPIRED}), "in time"),
    "exit_when": (frozenset({Reason.EXITED}), "the sequence goes on"),
    "suppression": (frozenset({Reason.SUPPRESSED}), "on one channel at least nothing is suppressed"),
    "consent": (frozenset({Reason.NO_CONSENT}), "on one channel at least consent is given, or not asked for"),
    _THRESHOLD: (frozenset({Reason.NO_SCORE, Reason.BELOW_THRESHOLD}), ""),
    "cool_down": (frozenset({Reason.COOLING_DOWN}), "not cooling down"),
    "when": (frozenset({Reason.CONDITION_NOT_MET}), "what the trigger asks for under when is so"),
    _MOMENT: (
        frozenset(
            {
                Reason.BOUGHT_RECENTLY,
                Reason.STILL_BROWSING,
                Reason.CAPPED,
                Reason.QUIET_HOURS,
                Reason.UNKNOWN_ZONE,
                Reason.PUT_OFF,
            }
        ),
        "",
    ),
    "mode": (frozenset({Reason.DRY_RUN}), "the trigger is live for this user"),
    "hold_out": (frozenset({Reason.CONTROL}), "not in the hold-out"),
    "codes": (frozenset({Reason.NO_CODE}), ""),
}
"""What is asked, in this order: which reasons it gives, and what it says where it does not object."""
_EXPLORING: Final = sorted(_ORDER, key=lambda each: (each in ("mode", "hold_out", "codes"), each == _THRESHOLD))
"""The order where decisions below the threshold are left to chance."""
_WITHOUT_ASKING: Final = {Reason.CANCELLED: "cancel_on", Reason.POLICY_CHANGED: "policy"}


def answers(recorded: Recorded) -> list[Answer]:
    """Return what a decision asked, up to what ended the asking; what its trigger does not have is not among it."""
    reason = recorded.reason
    if reason in _WITHOUT_ASKING:
        return [_objection(_WITHOUT_ASKING[reason], reason)]
    found: list[Answer] = []
    for question in _ORDER if recorded.explored is None else _EXPLORING:
        found += _asked(question, recorded)
        if reason in _ORDER[question][0] and not (question in _FOR_GOOD and _went_on(recorded)):
            break
    return found


def of_findings(found: Iterable[Finding]) -> list[Answer]:
    """Return what guards said, as answers."""
    return [Answer(each.guard, each.channel, each.objection, finding_in_words(each)) for each in found]


def _asked(question: str, recorded: Recorded) -> Iterator[Answer]:
    reasons, fine = _ORDER[question]
    found = [each for each in recorded.findings if _question(each) == question]
    if found:
        yield from of_findings(found)
    elif question == _THRESHOLD:
        yield from _of_threshold(recorded, objects=recorded.reason in reasons)
    elif recorded.reason in reasons:
        yield _objection(question, recorded.reason)
    elif _concerns(question, recorded):
        yield Answer(question, None, None, fine)


def _question(found: Finding) -> str:
    return found.guard if found.guard in _FOR_GOOD else _MOMENT


def _went_on(recorded: Recorded) -> bool:
    """Whether the moment was asked about although the first channel is barred: another one is not."""
    return any(_question(each) == _MOMENT for each in recorded.findings)


def _concerns(question: str, recorded: Recorded) -> bool:
    match question:
        case "exit_when":
            return recorded.step > 0
        case "cool_down":
            return recorded.step == 0
        case "suppression" | "consent":
            return not recorded.findings
        case "hold_out":
            return recorded.arm is not None and recorded.arm != CONTROL
        case "codes":
            return False
    return question != _MOMENT


def _suffices(recorded: Recorded) -> bool:
    """Whether the score spoke for the message; a transactional one does not ask for it."""
    return recorded.score is not None and recorded.threshold is not None and recorded.score >= recorded.threshold


def _of_threshold(recorded: Recorded, *, objects: bool) -> Iterator[Answer]:
    if recorded.explored is not None:
        yield _threshold(recorded)._replace(objection=Reason.BELOW_THRESHOLD)
        drawn, said = recorded.explored, "drawn to fire below its threshold all the same"
        yield Answer("explore", None, None if drawn else Reason.BELOW_THRESHOLD, said if drawn else f"not {said}")
    elif objects or _suffices(recorded):
        yield _threshold(recorded)


def _threshold(recorded: Recorded) -> Answer:
    if recorded.measured is not None:
        return of_findings([recorded.measured])[0]
    score, threshold = recorded.score, recorded.threshold
    if score is None or threshold is None:
        return _objection("threshold", recorded.reason)
    within = f" within {recorded.horizon}" if recorded.horizon else ""
    said = f"the chance of a purchase{within} is {percent(round(score, 3))}, and {percent(threshold)} is needed"
    return Answer("threshold", None, None if _suffices(recorded) else recorded.reason, said)


def _objection(question: str, reason: Reason) -> Answer:
    said = reason.sentence.removesuffix(".")
    return Answer(question, None, reason, said[0].lower() + said[1:])
