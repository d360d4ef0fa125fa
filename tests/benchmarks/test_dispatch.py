"""The way from an event to its message is measured on a real server; here on few events."""

import asyncio
import json

from benchmarks import dispatch_home as home
from benchmarks.dispatch import measure, requests
from benchmarks.machine import Cores


def test_every_event_is_of_a_person_of_its_own_and_one_in_five_leads_to_a_message() -> None:
    following = requests(home.CYCLE, 7)
    bodies = [json.loads(following().partition(b"\r\n\r\n")[2]) for _ in range(100)]

    assert [each["userId"] for each in bodies] == [f"u{number:07d}" for number in range(7, 107)]
    assert len({each["messageId"] for each in bodies}) == 100
    assert sum(each["event"] in (home.WEBHOOK, home.MAIL) for each in bodies) == 20


async def test_messages_are_waited_for_from_the_moment_their_event_was_due(tmp_path) -> None:
    async with asyncio.timeout(120):
        found = await measure(
            tmp_path / "no bundles", tmp_path / "work", Cores(None, None), rate_per_s=40, measured_s=1.0
        )

    assert (found["alone"]["missing"], found["beside"]["missing"], found["again"]) == (0, 0, 0)
    assert min(found["alone"]["messages"], found["beside"]["messages"]) > 0
    for turn in (found["alone"], found["beside"]):
        assert 0 < turn["p50_s"] <= turn["p99_s"] <= turn["max_s"]
        assert turn["errors"] == 0
    assert list(tmp_path.iterdir()) == []
