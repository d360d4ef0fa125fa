import json

import pytest
from sqlalchemy import insert, select, update

from serving.decisions import decisions_of
from serving.errors import InvalidField, NoSuchUser
from serving.schema import decisions, evaluations, events, outbox, users
from tests.serving.databases import NOW, SECOND, connection

__all__ = ["connection"]


def a_user(connection, number, key, *, merged_into=None):
    row = {
        "user_no": number,
        "user_key": key,
        "unit": key,
        "last_seq": 0,
        "last_known_at": 0,
        "merged_into": merged_into,
    }
    connection.execute(insert(users).values(row))


def an_event(connection, seq, name, user_no=1):
    row = {"seq": seq, "user_no": user_no, "message_id": f"m{seq}", "kind": 9, "name": name, "origin": "live"}
    moments = {"known_at": NOW, "occurred_at": NOW, "received_at": NOW}
    last = connection.execute(select(users.c.last_seq).where(users.c.user_no == user_no)).scalar_one()
    connection.execute(
        insert(events).values(row | moments | {"record": b"", "payload": "{}", "prev_seq": last or None})
    )
    connection.execute(update(users).where(users.c.user_no == user_no).values(last_seq=seq))


def an_evaluation(connection, decision_id, *, at=NOW, user_no=1, event_seq=None):
    row = {"decision_id": decision_id, "user_no": user_no, "seq": 1, "at": at, "event_seq": event_seq}
    texts = {"catalogue": "c", "scores": json.dumps({"24h": 0.2}), "models": json.dumps({"24h": "intent/1"})}
    connection.execute(insert(evaluations).values(row | texts | {"answered_at": at}))


def a_decision(connection, decision_id, trigger, action, reason, *, message=None):
    key = f"{decision_id}.{trigger}"
    row = {"trigger_decision_id": key, "decision_id": decision_id, "user_no": 1, "trigger": trigger, "at": NOW}
    said = {"action": action, "reason": reason, "score": 0.2, "threshold": 0.25, "horizon": "24h", "arm": None}
    versions = {"propensity": 1.0, "model_version": "intent/1", "policy_version": "p", "event_seq": 1}
    connection.execute(insert(decisions).values(row | said | versions))
    if message:
        state = {"status": message, "attempts": 1, "next_attempt_at": 0, "lease_until": 0, "created_at": 0, "due_at": 0}
        connection.execute(
            insert(outbox).values(message_id=key, trigger_decision_id=key, endpoint="default", body="{}", **state)
        )


def asked(connection, key="u-1", limit=50, before=None):
    return decisions_of(connection, key, limit=limit, before=before)


def test_a_user_who_got_nothing_is_told_why_in_words(connection):
    a_user(connection, 1, "u-1")
    an_event(connection, 1, "Product Added")
    an_evaluation(connection, "d1", event_seq=1)
    a_decision(connection, "d1", "cart", "hold", "below_threshold")

    [evaluation] = asked(connection).evaluations

    assert evaluation.in_words == "cart: The score was below the trigger's threshold."
    assert (evaluation.event, evaluation.intent, evaluation.models) == (
        "Product Added",
        {"24h": 0.2},
        {"24h": "intent/1"},
    )
    [decision] = evaluation.decisions
    assert (decision.decision_id, decision.reason, decision.score, decision.threshold) == (
        "d1.cart",
        "below_threshold",
        0.2,
        0.25,
    )
    assert decision.messages == []


def test_what_became_of_a_message_is_told_with_its_decision(connection):
    a_user(connection, 1, "u-1")
    an_event(connection, 1, "Product Added")
    an_evaluation(connection, "d1", event_seq=1)
    a_decision(connection, "d1", "a", "send", "sent", message="delivered")
    a_decision(connection, "d1", "b", "send", "sent", message="dead")
    a_decision(connection, "d1", "c", "hold", "capped")

    [evaluation] = asked(connection).evaluations

    assert [[each.status for each in made.messages] for made in evaluation.decisions] == [["delivered"], ["dead"], []]
    assert "a: The score reached the threshold" in evaluation.in_words
    assert "The message was delivered, with 1 attempt. b:" in evaluation.in_words


def test_step_channels_and_the_moment_of_what_was_put_off_are_told(connection):
    a_user(connection, 1, "u-1")
    an_event(connection, 1, "Product Added")
    an_evaluation(connection, "d1", event_seq=1)
    a_decision(connection, "d1", "a", "hold", "put_off")
    a_decision(connection, "d1", "b", "send", "sent")
    connection.execute(update(decisions).where(decisions.c.trigger == "a").values(due_at=NOW + SECOND))
    connection.execute(update(decisions).where(decisions.c.trigger == "b").values(step=2, channels="email,push"))

    [later, sent] = asked(connection).evaluations[0].decisions

    assert (later.step, later.channels, later.due_at.timestamp() - NOW / 1e6) == (0, [], 1.0)
    assert (sent.step, sent.channels, sent.due_at) == (2, ["email", "push"], None)


def test_an_event_that_no_trigger_waits_for_and_a_plain_question_say_so(connection):
    a_user(connection, 1, "u-1")
    an_event(connection, 1, "Wheel Spun")
    an_evaluation(connection, "d1", event_seq=1)
    an_evaluation(connection, "d2", at=NOW + 1)

    plain, event = asked(connection).evaluations

    assert event.in_words == "No trigger waits for Wheel Spun."
    assert plain.in_words.startswith("A plain question")


def test_pages_follow_each_other_newest_first_and_miss_nothing(connection):
    a_user(connection, 1, "u-1")
    # Two of them at the same moment: they are told apart by their ids.
    moments = [NOW, NOW + SECOND, NOW + SECOND, NOW + 2 * SECOND, NOW + 3 * SECOND]
    for number, at in enumerate(moments):
        an_evaluation(connection, f"d{number}", at=at)

    pages, before = [], None
    while True:
        page = asked(connection, limit=2, before=before)
        pages.append([each.decision_id for each in page.evaluations])
        before = page.next
        if before is None:
            break

    assert pages == [["d4", "d3"], ["d2", "d1"], ["d0"]]


def test_all_ids_of_a_person_tell_the_same_story(connection):
    a_user(connection, 1, "u-1")
    a_user(connection, 2, "anonymous:a-1", merged_into=1)
    an_evaluation(connection, "before-the-link", user_no=2)
    an_evaluation(connection, "after", at=NOW + 1, user_no=1)
    a_user(connection, 3, "u-3")
    an_evaluation(connection, "of-somebody-else", user_no=3)

    told = [[each.decision_id for each in asked(connection, key).evaluations] for key in ("u-1", "anonymous:a-1")]

    assert told == [["after", "before-the-link"]] * 2


def test_nobody_is_not_somebody_without_decisions(connection):
    a_user(connection, 1, "u-1")

    assert asked(connection).evaluations == []
    with pytest.raises(NoSuchUser):
        asked(connection, "u-2")


@pytest.mark.parametrize("before", ["", "x", "12", "-1.d", "9" * 19 + ".d", "1.5e3.d"])
def test_a_page_that_was_never_offered_is_refused(connection, before):
    a_user(connection, 1, "u-1")

    if before == "1.5e3.d":
        assert asked(connection, before=before).evaluations == []
        return
    with pytest.raises(InvalidField):
        asked(connection, before=before)


def test_what_a_timer_decided_is_told_without_an_event(connection):
    a_user(connection, 1, "u-1")
    an_event(connection, 1, "Product Added")
    an_evaluation(connection, "d1", at=NOW + 1)
    a_decision(connection, "d1", "cart", "hold", "below_threshold")

    [evaluation] = asked(connection).evaluations

    assert evaluation.event is None
    assert evaluation.in_words == "cart: The score was below the trigger's threshold."
