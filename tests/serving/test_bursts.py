"""A person follows one link of a message at a time."""

import asyncio

import pytest

from serving.bursts import Bursts

BURST_S = 0.1


async def followed(*links):
    """Follow links, each (seconds after the first, message, URL), and return which of them were alone."""
    bursts = Bursts(BURST_S)

    async def follow(after_s, message_id, url):
        await asyncio.sleep(after_s)
        return await bursts.is_alone(message_id, url)

    found = await asyncio.gather(*(follow(*each) for each in links))
    assert bursts.messages == 0
    return found


@pytest.mark.parametrize(
    ("links", "alone"),
    [
        ([(0, "m", "a")], [True]),
        ([(0, "m", "a"), (0, "m", "a")], [True, True]),
        ([(0, "m", "a"), (0, "n", "b")], [True, True]),
        ([(0, "m", "a"), (0, "m", "b")], [False, False]),
        ([(0, "m", "a"), (0.06, "m", "b"), (0.12, "m", "c")], [False, False, False]),
        ([(0, "m", "a"), (0.3, "m", "b")], [True, True]),
    ],
    ids=["one", "twice the same", "of two messages", "two at once", "one after the other", "later"],
)
async def test_links_of_one_message_that_are_followed_together_are_followed_by_a_machine(links, alone):
    assert await followed(*links) == alone
