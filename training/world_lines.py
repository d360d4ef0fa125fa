"""What happened in a made-up world as lines of JSON, shaped as Segment's events are: late ones and duplicates too."""

import json
from collections.abc import Callable, Iterator

import numpy as np

from features.kinds import NAMES, Kind
from training.world import ZONES, Ints, People, World
from training.world_days import A_MAIL_PROGRAM, A_SCANNER, Happenings, Present
from training.world_messages import CAMPAIGNS

LATEST_DAYS = 3
AGENTS = {A_MAIL_PROGRAM: "Mozilla/5.0", A_SCANNER: "Mozilla/5.0 (compatible; Proofpoint)"}
"""By these the shipped mapping tells that no person did it."""
CATEGORIES = ("mugs", "lamps", "chairs", "rugs", "plants", "books", "toys")
MAIL = frozenset({Kind.EMAIL_DELIVERED, Kind.EMAIL_OPENED, Kind.EMAIL_CLICKED, Kind.UNSUBSCRIBED})


class Lines:
    """Writes days as lines, each event once or twice, some of them days late."""

    def __init__(self, world: World, who: People) -> None:
        """Nothing was written so far."""
        self._world, self._zone = world, who.zone.tolist()
        self._written = self._days = 0
        self._introduced = np.zeros(world.users, dtype=np.bool_)
        self._late: list[list[str]] = [[] for _ in range(LATEST_DAYS + 1)]

    def of_day(self, happenings: Happenings, now: Present) -> Iterator[str]:
        """Yield the lines that arrive on a day: what happened, what was late until now, what is sent again."""
        drawn, n = self._world.random(7, self._days), len(happenings)
        late, twice = drawn.random(n) < self._world.late, drawn.random(n) < self._world.duplicates
        delay = drawn.integers(1, LATEST_DAYS + 1, n).tolist()
        arrived, self._late = self._late[0], [*self._late[1:], []]
        yield from self._introductions(happenings, now)
        for line, waits, again, days in zip(
            self._written_down(happenings, now), late.tolist(), twice.tolist(), delay, strict=True
        ):
            if waits:
                self._late[days - 1].append(line)
            else:
                yield line
            if again:
                yield line
        yield from arrived
        self._days += 1

    def rest(self) -> Iterator[str]:
        """Yield what is late beyond the last day."""
        for each in self._late:
            yield from each
        self._late = [[] for _ in self._late]

    def _written_down(self, happenings: Happenings, now: Present) -> Iterator[str]:
        anonymous = happenings.at < now.known_from[happenings.user]
        numbers = (happenings.kind, happenings.user, happenings.product, happenings.amount, happenings.about)
        columns = [each.tolist() for each in (*numbers, happenings.machine, anonymous)]
        rows = zip(*columns, moments(happenings.at), strict=True)
        for number, (kind, user, product, amount, about, machine, unknown, moment) in enumerate(rows, self._written):
            who = f'"anonymousId":"sim-a{user}"' if unknown else f'"userId":"sim-{user}"'
            agent = f',"userAgent":"{AGENTS[machine]}"' if machine else ""
            yield (
                f'{{"type":"track","event":"{NAMES[Kind(kind)]}",{who},"messageId":"sim-{self._world.seed}-{number}",'
                f'"timestamp":"{moment}Z","context":{{"timezone":"{ZONES[self._zone[user]]}"{agent}}},'
                f'"properties":{{{PROPERTIES[Kind(kind)](product, amount, about)}}}}}\n'
            )
        self._written += len(happenings)

    def _introductions(self, happenings: Happenings, now: Present) -> Iterator[str]:
        """Yield an `identify` for each who told today, or was a customer before, who they are."""
        there = np.unique(happenings.user)
        fresh = there[(now.known_from[there] <= int(happenings.at.max(initial=0))) & ~self._introduced[there]]
        self._introduced[fresh] = True
        first = np.full(self._world.users, np.iinfo(np.int64).max)
        np.minimum.at(first, happenings.user, happenings.at)
        known_from = np.where(now.known_from[fresh] > 0, now.known_from[fresh], first[fresh] - 1_000_000)
        for user, moment in zip(fresh.tolist(), moments(known_from), strict=True):
            traits = {"email": f"sim-{user}@example.org", "timezone": ZONES[self._zone[user]]}
            was = {"anonymousId": f"sim-a{user}"} if now.known_from[user] > 0 else {}
            yield (
                json.dumps(
                    {
                        "type": "identify",
                        "userId": f"sim-{user}",
                        **was,
                        "messageId": f"sim-{self._world.seed}-i{user}",
                        "timestamp": f"{moment}Z",
                        "traits": traits,
                    },
                    separators=(",", ":"),
                )
                + "\n"
            )


def moments(at: Ints) -> list[str]:
    """Return microseconds as ISO 8601 in UTC, without the zone."""
    return [str(each) for each in np.datetime_as_string(at.astype("datetime64[us]"), unit="ms").tolist()]


def _product(product: int, amount: float, about: int) -> str:
    cart = f',"cart_id":"sim-c{about}"' if about else ""
    return (
        f'"product_id":"sim-p{product}","category":"{CATEGORIES[product % len(CATEGORIES)]}",'
        f'"price":{amount:.2f},"quantity":1{cart}'
    )


def _order(product: int, amount: float, about: int) -> str:
    content = f'{{"product_id":"sim-p{product}","price":{amount:.2f},"quantity":1}}'
    return f'"order_id":"sim-o{about}","total":{amount:.2f},"products":[{content}]'


def _mail(_product: int, _amount: float, about: int) -> str:
    campaign = CAMPAIGNS[about % len(CAMPAIGNS) + 1]
    return f'"email_id":"sim-m{about}","campaign_id":"{campaign}"'


PROPERTIES: dict[Kind, Callable[[int, float, int], str]] = {
    Kind.PRODUCT_VIEWED: _product,
    Kind.PRODUCT_ADDED: _product,
    Kind.CHECKOUT_STARTED: _order,
    Kind.ORDER_COMPLETED: _order,
    **dict.fromkeys(MAIL, _mail),
}
