"""Every feature by its definition, from the whole history and without a state: slow, plain, and written apart."""

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from statistics import pstdev

from features.activity import ELSEWHERE, PASSIVE
from features.declare import (
    Age,
    AtMoment,
    Cart,
    CartFact,
    Declaration,
    Gap,
    GapFact,
    Moment,
    Ratio,
    Sender,
    Session,
    SessionFact,
    Source,
    Sum,
    Tally,
    Trait,
)
from features.events import FLAG_SNAPSHOT
from features.kinds import Kind
from tests.features.histories import DAY, HOUR, MINUTE, Happening

NO_ANSWER = math.nan
WORTH: dict[Source, Callable[[Happening], float]] = {
    Source.ONE: lambda each: 1.0,
    Source.AMOUNT: lambda each: each.amount,
    Source.QUANTITY: lambda each: each.quantity,
    Source.DISCOUNT: lambda each: each.discount,
    Source.ITEMS: lambda each: each.items,
}


def formula(declaration: Declaration, history: Sequence[Happening], at: int) -> float:
    """Return one feature as of `at`; the history is in the order of arrival."""
    match declaration:
        case Sum(of=of):
            return total(of, history, at)
        case Ratio(of=of, to=to):
            below = total(to, history, at)
            return total(of, history, at) / below if below > 1e-12 else NO_ANSWER
        case Age(kinds=kinds):
            return since((each.at for each in history if each.kind in kinds and not each.machine), at, DAY)
        case Cart(fact=fact):
            return cart(fact, history, at)
        case Session(fact=fact):
            return session(fact, history, at)
        case Gap(fact=fact):
            return gap(fact, history, at)
        case AtMoment(fact=fact):
            return moment(fact, history, at)
        case Trait():
            return trait(declaration, history)
    raise AssertionError(declaration)


def total(tally: Tally, history: Sequence[Happening], at: int) -> float:
    if tally.sessions:
        counted = [(first, 1.0) for first in sessions(history)[0]]
    else:
        counted = [
            (each.at, each.plus_minus * WORTH[tally.source](each))
            for each in history
            if each.kind in tally.kinds
            and (tally.sender is Sender.ANYBODY or each.machine == (tally.sender is Sender.MACHINE))
        ]
    return math.fsum(value * left(at - when, tally.half_life) for when, value in counted)


def left(age: int, half_life: timedelta | None) -> float:
    return 1.0 if half_life is None else 0.5 ** (age / (half_life.total_seconds() * 1e6))


def since(moments: Iterable[int], at: int, unit: int) -> float:
    return (at - max(moments)) / unit if (moments := list(moments)) else NO_ANSWER


def sessions(history: Sequence[Happening]) -> tuple[list[int], tuple[int, int, list[Happening]] | None]:
    """Return when sessions began, and the first moment, last moment and events of the current one."""
    began: list[int] = []
    current: tuple[int, int, list[Happening]] | None = None
    for each in history:
        if each.machine or each.kind in PASSIVE | ELSEWHERE:
            continue
        if current is None or each.at > current[1] + 30 * MINUTE:
            began.append(each.at)
            current = (each.at, each.at, [each])
        elif each.at >= current[0] - 30 * MINUTE:
            current = (min(current[0], each.at), max(current[1], each.at), [*current[2], each])
    return began, current


def session(fact: SessionFact, history: Sequence[Happening], at: int) -> float:
    _, current = sessions(history)
    if current is None or at > current[1] + 30 * MINUTE:
        return 0.0
    first, last, events = current
    cells = {each.product % 64 for each in events if each.product}
    return {
        SessionFact.LENGTH_MIN: (last - first) / MINUTE,
        SessionFact.DEPTH: float(len(events)),
        SessionFact.PRODUCTS: -64 * math.log(1 - len(cells) / 64),
    }[fact]


def gap(fact: GapFact, history: Sequence[Happening], at: int) -> float:
    orders = sorted(each.at / DAY for each in history if each.kind is Kind.ORDER_COMPLETED)
    if len(orders) < 2:
        return NO_ANSWER
    mean = (orders[-1] - orders[0]) / (len(orders) - 1)
    if fact is GapFact.MEAN_D:
        return mean
    if fact is GapFact.RELATIVE:
        return (at / DAY - orders[-1]) / max(mean, 1 / 24)
    latest = orders[-8:]
    gaps = [after - before for before, after in pairwise(latest)]
    return pstdev(gaps) if len(gaps) > 1 else NO_ANSWER


def cart(fact: CartFact, history: Sequence[Happening], at: int) -> float:
    items = value = 0.0
    opened = touched = emptied = -math.inf
    for each in history:
        snapshot = each.flags & FLAG_SNAPSHOT
        if each.kind is Kind.ORDER_COMPLETED:
            emptied = max(emptied, each.at)
            if touched <= emptied:
                items = value = 0.0
            continue
        if each.at <= emptied or (snapshot and each.at < touched):
            continue
        before = items
        if snapshot:
            items, value = each.quantity, each.amount
        elif each.kind is Kind.PRODUCT_ADDED:
            items, value = items + each.quantity, value + each.amount
        elif each.kind is Kind.PRODUCT_REMOVED:
            price = each.amount or (value * min(1.0, each.quantity / items) if items else 0.0)
            items, value = max(0.0, items - each.quantity), max(0.0, value - price)
        else:
            continue
        value = value if items else 0.0
        opened = at_opening(before, items, opened, each.at)
        touched = max(touched, each.at)
    ages = {CartFact.AGE_H: (at - opened) / HOUR, CartFact.IDLE_H: (at - touched) / HOUR}
    return {CartFact.ITEMS: items, CartFact.VALUE: value}.get(fact, ages[fact] if fact in ages and items else NO_ANSWER)


def trait(declared: Trait, history: Sequence[Happening]) -> float:
    told = [
        (each.at, seq, each.traits)
        for seq, each in enumerate(history)
        if declared.trait in each.traits and each.kind is not Kind.GROUPED
    ]
    value = max(told, key=lambda each: each[:2])[2][declared.trait] if told else None
    if declared.values is not None:
        words = [each.lower() for each in declared.values]
        return words.index(value.lower()) + 1.0 if isinstance(value, str) and value.lower() in words else NO_ANSWER
    return float(value) if isinstance(value, int | float) else NO_ANSWER


def at_opening(before: float, items: float, opened: float, at: int) -> float:
    if not items:
        return opened
    return float(at) if not before else min(opened, at)


def clocks(history: Sequence[Happening]) -> tuple[list[tuple[Happening, float]], float]:
    """Return each deed of a person with the offset it is taken to have, and the offset of the person now."""
    told: list[tuple[int, float]] = []
    deeds = []
    for each in (each for each in history if not each.machine):
        if not math.isnan(each.utc_offset_s):
            told.append((each.at, each.utc_offset_s))
        latest = max(told, default=(0, 0.0))[1]
        if each.kind not in PASSIVE:
            deeds.append((each, latest if math.isnan(each.utc_offset_s) else each.utc_offset_s))
    return deeds, max(told, default=(0, 0.0))[1]


def wall(at: int, offset_s: float) -> datetime:
    zone = timezone(timedelta(seconds=offset_s))
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone)


def moment(fact: Moment, history: Sequence[Happening], at: int) -> float:
    deeds, offset_s = clocks(history)
    now = wall(at, offset_s)
    day = (now - now.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
    match fact:
        case Moment.TENURE_D:
            return (at - min(each.at for each, _ in deeds)) / DAY if deeds else NO_ANSWER
        case Moment.HOUR_SIN | Moment.HOUR_COS:
            return (math.sin if fact is Moment.HOUR_SIN else math.cos)(math.tau * day)
        case Moment.WEEKDAY_SIN | Moment.WEEKDAY_COS:
            return (math.sin if fact is Moment.WEEKDAY_SIN else math.cos)(math.tau * now.weekday() / 7)
    weighed = [(wall(each.at, its), left(at - each.at, timedelta(days=90))) for each, its in deeds]
    everything = math.fsum(weight for _, weight in weighed)
    if fact is Moment.HOUR_SHARE:
        near = math.fsum(weight for then, weight in weighed if (then.hour - now.hour) % 24 in (23, 0, 1))
        return (near + 2 * 3 / 24) / (everything + 2)
    today = math.fsum(weight for then, weight in weighed if then.weekday() == now.weekday())
    tomorrow = math.fsum(weight for then, weight in weighed if then.weekday() == (now.weekday() + 1) % 7)
    return ((1 - day) * today + day * tomorrow + 2 / 7) / (everything + 2)
