"""A call that is to come."""

import asyncio

from serving.later import Later


async def test_it_calls_once_however_often_it_is_asked_meanwhile():
    calls = []
    later = Later(lambda: calls.append("called"))

    later.within(0.01)
    later.within(0.0)
    await asyncio.sleep(0.005)
    before = list(calls)
    await asyncio.sleep(0.05)

    assert before == []
    assert calls == ["called"]


async def test_it_can_be_asked_again_from_within_its_own_call():
    calls = []

    def call():
        calls.append("called")
        if len(calls) < 3:
            later.within(0.0)

    later = Later(call)
    later.within(0.0)
    await asyncio.sleep(0.05)

    assert calls == ["called"] * 3


async def test_what_is_cancelled_is_not_called_and_may_be_asked_anew():
    calls = []
    later = Later(lambda: calls.append("called"))

    later.cancel()
    later.within(0.0)
    later.cancel()
    await asyncio.sleep(0.02)
    before = list(calls)
    later.within(0.0)
    await asyncio.sleep(0.02)

    assert before == []
    assert calls == ["called"]
