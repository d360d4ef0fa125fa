"""Codes of a trigger in a policy file: what is said of them, what it means, and what can hardly be meant."""

import json

import pytest

from policy.decide import Verdict
from policy.lint import main
from policy.reasons import Action, Reason
from policy.source import PolicyRefused, parse, remarks

TRIGGER = "triggers:\n- {{name: t, on: Product Added, threshold: 0, cool_down: 1h, {}}}\n"


def trigger(said):
    return parse(TRIGGER.format(said)).triggers[0]


def test_nothing_is_sent_without_a_code_unless_the_trigger_says_so():
    codes = trigger("codes: {pool: spring}").codes

    assert (codes.pool, codes.holds, codes.valid_for_us) == ("spring", True, 86_400_000_000)
    assert not trigger("codes: {pool: spring, if_empty: send_without}").codes.holds


def test_steps_carry_the_codes_of_their_trigger_unless_they_name_others():
    steps = "steps: [{after: 1d}, {after: 1d, codes: {pool: last}}]"
    with_codes, without = trigger(f"codes: {{pool: spring}}, {steps}"), trigger(steps)

    assert [each.codes.pool for each in with_codes.plans] == ["spring", "spring", "last"]
    assert [each.codes and each.codes.pool for each in without.plans] == [None, None, "last"]
    assert with_codes.gives_codes
    assert without.gives_codes
    assert not trigger("steps: [{after: 1d}]").gives_codes


def test_a_step_knows_whether_an_earlier_message_carried_a_code_of_its_pool():
    steps = "steps: [{after: 1d}, {after: 1d, codes: {pool: last}}, {after: 1d}]"
    found = trigger(f"codes: {{pool: spring}}, {steps}")

    assert [found.carried_before(step) for step in range(4)] == [False, True, False, True]
    assert not trigger("steps: [{after: 1d}]").carried_before(1)


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("codes: {}", "pool"),
        ("codes: spring", "codes"),
        ("codes: {pool: Spring Sale}", "pool"),
        ("codes: {pool: spring, if_empty: send}", "if_empty"),
        ("codes: {pool: spring, valid_for: soon}", "valid_for"),
        ("codes: {pool: spring, code: X}", "code"),
        ("steps: [{after: 1d, codes: {pool: 3}}]", "pool"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_place(said, place):
    with pytest.raises(PolicyRefused, match=place):
        parse(TRIGGER.format(said))


def test_the_sentence_tells_of_codes(tmp_path, capsys):
    said = "codes: {pool: spring, valid_for: 72h}, steps: [{after: 1d, codes: {pool: last, if_empty: send_without}}]"
    (tmp_path / "triggers.yaml").write_text(TRIGGER.format(said))

    assert main([str(tmp_path / "triggers.yaml")]) == 0
    told = capsys.readouterr().out
    assert "; with a code of the pool spring, good for 3 days or longer, and not at all once there is none;" in told
    assert "; with a code of the pool last, good for 1 day or longer, and without one once there is none." in told


def test_a_message_that_speaks_of_a_code_which_nobody_hands_out_is_remarked():
    speaks = 'channel: sms, content: {sms: "Yours: {{ code }}"}'

    assert remarks(parse(TRIGGER.format(speaks))) == [
        "trigger t speaks of a code, but says under `codes` no pool to take one of"
    ]
    assert remarks(parse(TRIGGER.format(f"{speaks}, codes: {{pool: spring}}"))) == []


def test_a_decision_held_back_after_all_keeps_only_its_score():
    sent = Verdict(Action.SEND, Reason.SENT, "treatment", 0.9, 0.4, 0.25, None, ("email",))

    held = sent.held(Reason.NO_CODE)

    assert held == Verdict(Action.HOLD, Reason.NO_CODE, None, 1.0, 0.4, 0.25)
    assert not held.fired
    assert json.loads(json.dumps(held.reason)) == "no_code"
