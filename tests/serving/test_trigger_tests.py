"""Tests beside triggers run through the real engine; what they found is told in words."""

import pytest

from serving.trigger_tests import main
from tests.conftest import ROOT

POLICY = """\
triggers:
  - name: cart
    on: Product Added
    after: 30 min
    cancel_on: Order Completed
    threshold: 20%
    cool_down: 1d
    channel: email
    guards: {quiet_hours: {from: "21:00", to: "08:00"}}
    hold_out: 99%
    tests:
"""
SAID_YES = "zone: Europe/Berlin, consents: {marketing: true}"
ADDED = "given: [{event: Product Added, product_id: p, at: 0 min}]"


@pytest.fixture
def told(tmp_path, capsys):
    def run(*tests):
        file = tmp_path / "triggers.yaml"
        file.write_text(POLICY + "".join(f"      - {each}\n" for each in tests))
        code = main([str(file)])
        return code, capsys.readouterr()

    return run


def test_the_tests_of_the_shipped_file_pass_and_every_trigger_has_one(capsys):
    code = main([str(ROOT / "triggers.yaml")])
    said = capsys.readouterr().out

    assert code == 0, said
    assert "0 failed; 0 triggers have none" in said


@pytest.mark.parametrize(
    "test",
    [
        f"{{name: n, {SAID_YES}, {ADDED}, expect: {{at: 30 min, action: send, reason: sent}}}}",
        f"{{name: n, {SAID_YES}, hold_out: true, {ADDED}, expect: {{at: 30 min, action: control}}}}",
        f"{{name: n, {SAID_YES}, intent: 10%, {ADDED}, expect: {{at: 30 min, reason: below_threshold}}}}",
        f"{{name: n, {SAID_YES}, intent: {{7d: 90%}}, {ADDED}, expect: {{at: 30 min, reason: no_score}}}}",
        f"{{name: n, {SAID_YES}, start: 22:00, {ADDED}, expect: {{at: 30 min, reason: quiet_hours}}}}",
        f"{{name: n, {SAID_YES}, start: 22:00, {ADDED}, expect: []}}",
        f"{{name: n, consents: {{marketing: true}}, {ADDED}, expect: {{at: 30 min, reason: unknown_zone}}}}",
        f"{{name: n, zone: Europe/Berlin, {ADDED}, expect: {{at: 30 min, reason: no_consent}}}}",
        f"{{name: years ahead, {SAID_YES}, day: 2099-03-29, {ADDED}, expect: {{at: 30 min, action: send}}}}",
        (
            "{name: n, given: [{event: Product Added, at: 0}, {event: Order Completed, order_id: o, at: 5 min}],"
            " expect: {at: 5 min, reason: cancelled}}"
        ),
        (
            "{name: an anonymous visitor who says who they are and orders,"
            " given: [{event: Product Added, visitor: v, at: 0}, {event: identify, visitor: v, at: 1 min},"
            " {event: Order Completed, order_id: o, at: 5 min}], expect: {at: 5 min, reason: cancelled}}"
        ),
        (
            f"{{name: bounced, {SAID_YES}, traits: {{email: a@example.org}},"
            " given: [{event: Email Bounced, email: a@example.org, at: 0}, {event: Product Added, at: 1 min}],"
            " expect: {at: 31 min, reason: suppressed}}"
        ),
    ],
)
def test_what_is_expected_happens(told, test):
    code, said = told(test)

    assert code == 0, said.out
    assert "  passed  " in said.out


def test_a_failure_says_what_was_expected_and_what_happened(told):
    code, said = told(f"{{name: sent at once, {SAID_YES}, {ADDED}, expect: {{at: 0 min, action: send}}}}")

    assert code == 1
    assert said.out.splitlines()[:7] == [
        "cart",
        "  FAILED  sent at once",
        "          expected send after 0 seconds, but: nothing was decided then",
        "          send, sent, by email after 30 minutes, which nobody expected",
        "          what happened:",
        "            0 seconds: Product Added",
        "            30 minutes: → send, sent, by email",
    ]


def test_another_reason_than_the_expected_one_is_told(told):
    test = f"{{name: n, {SAID_YES}, start: 22:00, {ADDED}, expect: {{at: 30 min, action: hold, reason: capped}}}}"
    code, said = told(test)

    assert code == 1
    assert "expected hold, capped after 30 minutes, but: hold, quiet_hours" in said.out


def test_an_event_that_a_server_would_refuse_fails_its_test(told):
    code, said = told("{name: n, given: [{event: Order Completed, total: much, at: 0 min}], expect: []}")

    assert code == 1
    assert "an event under `given` would be refused: properties.total" in said.out


def test_a_file_that_is_refused_fails(told):
    code, said = told("{name: n}")

    assert code == 1
    assert "tests[0].given: is missing" in said.err


def test_where_triggers_are_tested_pools_are_never_empty(tmp_path, capsys):
    test = f"      - {{name: n, {SAID_YES}, {ADDED}, expect: {{at: 30 min, action: send}}}}\n"
    file = tmp_path / "triggers.yaml"
    file.write_text(POLICY.replace("    hold_out:", "    codes: {pool: spring}\n    hold_out:") + test)

    assert main([str(file)]) == 0
    assert "passed  n" in capsys.readouterr().out
