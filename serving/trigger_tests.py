"""The tests beside the triggers of a policy file, rehearsed and reported: `make test-triggers`."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from features.events import BadEvent
from features.mapping import EventMapping
from features.moments import HOUR_US, SECOND_US
from policy.policy import Policy
from policy.quantities import in_words, microseconds
from policy.source import PolicyRefused, load
from policy.trigger_tests import Expectation, Happening, TriggerTest
from policy.triggers import Trigger
from policy.variants import alone, live
from serving.mapping_file import MappingRefused, read_mapping
from serving.rehearsal import Rehearsed, constants, rehearsal

_IDENTIFY = "identify"


@dataclass
class Outcome:
    """What a test found: why it failed, if it did, and what was decided."""

    test: TriggerTest
    problems: list[str] = field(default_factory=list)
    decided: list[Rehearsed] = field(default_factory=list)


async def outcome(policy: Policy, trigger: Trigger, test: TriggerTest, mapping: EventMapping) -> Outcome:
    """Rehearse a test of a trigger, alone and as if it were live; never raises for what the test says."""
    rehearsed = alone(policy, live(trigger, hold_out=test.hold_out))
    models = constants(test.probabilities(rehearsed.horizons))
    found = Outcome(test)
    with rehearsal(rehearsed, models, mapping=mapping, start=test.starts_at - HOUR_US) as shop:
        try:
            await shop.tell(*_messages(test))
        except BadEvent as bad:
            found.problems.append(f"an event under `given` would be refused: {bad}")
        await shop.end()
        found.decided = [each for each in shop.decisions() if each.trigger == trigger.name]
    found.problems += _problems(test, found.decided)
    return found


def _messages(test: TriggerTest) -> Iterator[dict[str, Any]]:
    """Yield what is sent to the server: what was known before, then what happens."""
    traits = {**test.traits, **({"consents": test.consents} if test.consents else {})}
    if traits:
        yield _message(test, Happening(event=_IDENTIFY, at=timedelta(0), **traits), test.starts_at - HOUR_US, "before")
    for number, each in enumerate(test.given):
        yield _message(test, each, test.starts_at + microseconds(each.at), str(number))


def _message(test: TriggerTest, happening: Happening, at: int, number: str) -> dict[str, Any]:
    is_call = happening.event == _IDENTIFY
    message: dict[str, Any] = {
        "type": "identify" if is_call else "track",
        "event": happening.event,
        "messageId": f"test-{number}",
        "timestamp": at / 1e6,
        "traits" if is_call else "properties": happening.properties,
    }
    if happening.visitor is not None:
        message["anonymousId"] = happening.visitor
    if is_call or happening.visitor is None:
        message["userId"] = test.user
    if test.zone is not None:
        message["context"] = {"timezone": test.zone}
    return message


def _problems(test: TriggerTest, decided: list[Rehearsed]) -> Iterator[str]:
    """Yield what is not as expected: a decision that was not taken, and a message that nobody expected."""
    left = list(decided)
    for expected in test.expect:
        then = [each for each in left if _is_then(test, expected, each)]
        met = next((each for each in then if _is_met(expected, each)), None)
        if met is not None:
            left.remove(met)
        else:
            really = " and ".join(map(_words, then)) or "nothing was decided then"
            yield f"expected {expected.words()} after {in_words(expected.at)}, but: {really}"
    for each in left:
        if each.action != "hold":
            yield f"{_words(each)} after {_after(test, each)}, which nobody expected"


def _is_met(expected: Expectation, decision: Rehearsed) -> bool:
    return expected.is_met_by(decision.action, decision.reason, decision.step, decision.channels)


def _words(decision: Rehearsed) -> str:
    said = f"{decision.action}, {decision.reason}"
    said += f", at step {decision.step}" if decision.step else ""
    return said + (f", by {' and '.join(decision.channels)}" if decision.channels else "")


def _is_then(test: TriggerTest, expected: Expectation, decision: Rehearsed) -> bool:
    # What happens in the same instant is told apart by microseconds.
    return abs(decision.at - test.starts_at - microseconds(expected.at)) < SECOND_US


def _after(test: TriggerTest, decision: Rehearsed) -> str:
    return in_words(timedelta(seconds=(decision.at - test.starts_at) // SECOND_US))


def report(trigger: Trigger, outcomes: list[Outcome]) -> Iterator[str]:
    """Yield lines on the tests of one trigger; what really happened, where one failed."""
    yield trigger.name
    for each in outcomes:
        yield f"  {'FAILED' if each.problems else 'passed'}  {each.test.name}"
        yield from (f"          {problem}" for problem in each.problems)
        if each.problems:
            yield "          what happened:"
            yield from (f"            {line}" for line in _story(each))


def _story(found: Outcome) -> Iterator[str]:
    test = found.test
    told = [(microseconds(each.at), 0, each.event) for each in test.given]
    told += [(each.at - test.starts_at, 1, f"→ {_words(each)}") for each in found.decided]
    for at, _, line in sorted(told, key=lambda each: (each[0] // SECOND_US, each[1])):
        yield f"{in_words(timedelta(seconds=at // SECOND_US))}: {line}"


async def run(policy: Policy, mapping: EventMapping) -> list[tuple[Trigger, list[Outcome]]]:
    """Run the tests of all triggers that have some."""
    tested = [each for each in policy.triggers if each.tests]
    return [(each, [await outcome(policy, each, test, mapping) for test in each.tests]) for each in tested]


def main(arguments: list[str] | None = None) -> int:
    """Run the tests of a policy file and print what they found; 0 all passed, 1 one failed or the file is refused."""
    parser = argparse.ArgumentParser(prog="python -m serving.trigger_tests", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=Path("triggers.yaml"))
    parser.add_argument("--map", type=Path, help="the shop's mapping file, whose names of events a test may use")
    given = parser.parse_args(arguments)
    try:
        mapping = read_mapping(given.map)
        policy = load(given.file, kind_of=mapping.kind_of)
    except (PolicyRefused, MappingRefused) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    found = asyncio.run(run(policy, mapping))
    lines = [line for trigger, outcomes in found for line in report(trigger, outcomes)]
    failed = sum(bool(each.problems) for _, outcomes in found for each in outcomes)
    tests = sum(len(outcomes) for _, outcomes in found)
    untested = len(policy.triggers) - len(found)
    told = f"{tests} tests of {len(found)} triggers, {failed} failed; {untested} triggers have none"
    lines.append(f"{given.file}: {told}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
