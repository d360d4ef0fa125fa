"""Who is in which segment: what is stored is what a naive reading of the whole history says, at any time."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.segments import tend_all
from tests.serving.engines import Shop, at_once, event

MINUTE = 60
DAY = 24 * 3600
POLICY = """
segments:
  - name: repeat-buyers
    when:
      count: {event: Order Completed, within: 30d, at_least: 2}
  - name: browsers
    when:
      all:
        - visits: {within: 10d, at_least: 2}
        - count: {event: Order Completed, within: 10d, exactly: 0}
  - name: lapsed
    notify: crm
    when:
      all:
        - count: {event: Order Completed, at_least: 1}
        - not: {segment: repeat-buyers}
        - count: {event: Order Completed, within: 7d, exactly: 0}
  - name: here-now
    when:
      session: {events: {at_least: 2}}
  - name: regretful
    when:
      not_since: {event: Order Completed, since: Product Added, within: 5d}
"""
ORDER = "Order Completed"
names = st.sampled_from([ORDER, "Page Viewed", "Product Added", "Email Delivered"])
steps = st.lists(
    st.tuples(st.sampled_from("uvw"), names, st.sampled_from([1, 20, 40, 600, 2880, 9000, 20000])),
    min_size=1,
    max_size=20,
)
links = st.lists(st.tuples(st.integers(0, 19), st.sampled_from(["uv", "vw", "uw"])), max_size=2)


class Naive:
    """The same segments, from lists and loops."""

    def __init__(self):
        self.log = []
        self.owner = {each: each for each in "uvw"}

    def happens(self, user, name, at):
        self.log.append((user, name, at))

    def link(self, user, other):
        for each, owner in self.owner.items():
            if owner == other:
                self.owner[each] = user

    def segments_of(self, owner, now):
        mine = sorted((at, name) for user, name, at in self.log if self.owner[user] == owner and at <= now)
        orders = [at for at, name in mine if name == ORDER]
        within = lambda days: [at for at in orders if at > now - days * DAY]  # noqa: E731 - shorter than a function
        visits = []
        for at, name in mine:
            if name in ("Email Delivered", "link"):
                continue
            if not visits or at - visits[-1][-1] > 30 * MINUTE:
                visits.append([])
            visits[-1].append(at)
        added = [at for at, name in mine if name == "Product Added" and at > now - 5 * DAY]
        since = max(added, default=now - 5 * DAY)
        found = {
            "repeat-buyers": len(within(30)) >= 2,
            "browsers": sum(visit[-1] > now - 10 * DAY for visit in visits) >= 2 and not within(10),
            "lapsed": bool(orders) and len(within(30)) < 2 and not within(7),
            "here-now": bool(visits) and now - visits[-1][-1] <= 30 * MINUTE and len(visits[-1]) >= 2,
            "regretful": not [at for at in orders if at > since],
        }
        return {name for name, holds in found.items() if holds and mine}


STORED = "SELECT u.user_key, m.segment FROM segment_members m JOIN users u USING (user_no)"


def stored(shop):
    return {tuple(row) for row in shop.rows(STORED)}


@settings(max_examples=90, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=steps, links=links, cuts=st.lists(st.integers(1, 6), max_size=20), wait=st.integers(0, 40 * DAY))
async def test_what_is_stored_is_what_the_whole_history_says(tmp_path_factory, steps, links, cuts, wait):
    naive, events, minute = Naive(), [], 0
    for i, (user, name, pause) in enumerate(steps):
        minute += pause
        owner = naive.owner[user]
        naive.happens(owner, name, minute * MINUTE)
        events.append(event(name, owner, minute * MINUTE, n=i))
        for _, (one, other) in (each for each in links if each[0] == i):
            mine, theirs = naive.owner[one], naive.owner[other]
            known = {each for each, _, _ in naive.log}
            if mine != theirs and {mine, theirs} <= known:
                minute += 1
                naive.happens(mine, "link", minute * MINUTE)
                naive.link(mine, theirs)
                raw = {"type": "alias", "previousId": theirs, "n": i}
                events.append(event("", mine, minute * MINUTE, **raw))
    now = minute * MINUTE + wait
    shop = Shop(tmp_path_factory.mktemp("shop"), policy=POLICY)
    while events:
        size = cuts.pop() if cuts else 3
        await at_once(shop, *events[:size])
        if cuts and cuts[-1] % 2:
            await tend_all(shop.engine, shop.database)
        events = events[size:]
    await shop.until(now)
    await tend_all(shop.engine, shop.database)

    found = stored(shop)
    owners = {naive.owner[user] for user, _, _ in naive.log}
    shop.close()

    assert found == {(owner, segment) for owner in owners for segment in naive.segments_of(owner, now)}
