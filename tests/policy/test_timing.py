"""What follows a decision."""

from features.kinds import Kind
from policy.decide import Verdict
from policy.policy import Policy
from policy.reasons import Action, Reason
from policy.runs import Run, Waiting
from policy.timing import NO_REACTION, follows, run_of, timing
from policy.triggers import Trigger
from policy.view import SentMessage

AT = 1_700_000_000_000_000
HOUR = 3_600_000_000


def a_trigger(**fields):
    basics = {"name": "t", "on": "x", "threshold": 0, "cool_down": 0, "steps": [{"after": "1h"}, {"after": "2h"}]}
    return Trigger.model_validate(basics | fields)


def after(reason, run, due_at=None):
    verdict = Verdict(Action.HOLD, reason, None, 1.0, None, 0.0, due_at=due_at)
    return follows(a_trigger(), run, verdict, at=AT, decision_id="d.t")


def test_a_step_that_fired_lets_the_next_one_wait_with_its_message():
    for reason in (Reason.SENT, Reason.CONTROL, Reason.DRY_RUN):
        expected = Run(1, "", is_due=True, first_at=None, message=SentMessage("d.t", AT))
        assert after(reason, Run()) == Waiting(expected, AT + HOUR)


def test_a_step_whose_condition_did_not_hold_lets_the_next_one_wait_with_the_message_before():
    said = SentMessage("earlier", AT - HOUR)
    run = Run(1, "k", is_due=True, first_at=AT - 1, message=said)

    assert after(Reason.CONDITION_NOT_MET, run) == Waiting(Run(2, "k", True, None, said), AT + 2 * HOUR)
    assert after(Reason.CONDITION_NOT_MET, Run()) is None


def test_anything_else_and_the_last_step_are_the_end():
    assert after(Reason.SENT, Run(2)) is None
    ending = set(Reason) - {Reason.SENT, Reason.CONTROL, Reason.DRY_RUN, Reason.CONDITION_NOT_MET, Reason.PUT_OFF}
    assert all(after(each, Run(1)) is None for each in ending)


def test_what_is_put_off_stays_at_its_step_and_remembers_the_first_time():
    said = SentMessage("earlier", AT - HOUR)
    first = after(Reason.PUT_OFF, Run(1, "k", True, None, said), due_at=AT + 5)
    assert first == Waiting(Run(1, "k", True, AT, said), AT + 5)
    assert after(Reason.PUT_OFF, first.run._replace(first_at=AT - 9), due_at=AT + 6).run.first_at == AT - 9


def test_an_event_lets_a_trigger_run_for_what_it_names():
    by_product = a_trigger(key="product")

    assert run_of(a_trigger(), {}) == Run()
    assert run_of(by_product, {"properties": {"product_id": 7}}) == Run(key="7")
    assert run_of(by_product, {"properties": {}}) is run_of(by_product, {}) is None


def test_a_trigger_that_may_go_on_is_known_and_one_that_never_waits_is_not():
    known = timing(Policy(triggers=(a_trigger(), a_trigger(name="plain", steps=()))))

    assert set(known.by_name) == {"t"}
    assert known.of("t", 2) is known.by_name["t"]
    assert known.of("t", 3) is known.of("plain", 0) is None


def test_an_event_concerns_the_triggers_that_it_asks_lets_wait_and_lets_wait_no_longer():
    at_once = a_trigger(name="at-once", on=["Product Added", "Quiz Done"], steps=())
    waits = a_trigger(name="waits", on="Product Added", after="1h", cancel_on=["Order Completed", "*"], steps=())
    known = timing(Policy(triggers=(at_once, waits)))
    names = {
        (kind, name): [[each.name for each in part] for part in known.reaction_to(kind, name)]
        for kind, name in [(Kind.PRODUCT_ADDED, ""), (Kind.ORDER_COMPLETED, ""), (0, "quiz-done"), (0, "other")]
    }

    assert names == {
        (Kind.PRODUCT_ADDED, ""): [["at-once"], ["waits"], ["waits"]],
        (Kind.ORDER_COMPLETED, ""): [[], [], ["waits"]],
        (0, "quiz-done"): [["at-once"], [], ["waits"]],
        (0, "other"): [[], [], ["waits"]],
    }
    apart = timing(Policy(triggers=(at_once,)))
    assert apart.reaction_to(Kind.ORDER_COMPLETED, "") is apart.reaction_to(0, "other") is NO_REACTION
