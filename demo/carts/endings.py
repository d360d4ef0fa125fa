"""Which carts got what, and why no more: what was decided and received, by the cart that it was about."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from demo.carts.carts import Cart
from demo.carts.tally import Arrived, Decision, Ledger

_PASSING: Final = frozenset({"put_off", "sent"})
"""Reasons after which something else is decided, or that say no reason against a message."""


class Ending(NamedTuple):
    """What a cart came to: the messages about it (trigger, step and channel), and why there were no more."""

    got: tuple[tuple[str, int, str], ...]
    why: tuple[str, ...]


def endings(
    found: Sequence[Cart], ledger: Ledger, arrived: Iterable[Arrived], trigger: str, addressed: Container[str]
) -> Counter[Ending]:
    """Return how many carts came to what.

    Args:
        found: The carts.
        ledger: What was decided.
        arrived: What was received.
        trigger: The one whose reasons say why there was no more.
        addressed: The visitors of whom an address is known.
    """
    channels: dict[str, list[str]] = defaultdict(list)
    for each in arrived:
        channels[ledger.messages[each.message_id][0]].append(each.channel)
    of_cart: dict[int, list[Decision]] = defaultdict(list)
    for decision in ledger.decisions:
        opened = (n for n, cart in enumerate(found) if _is_about(decision, cart))
        # Of several carts of one person it is about the last.
        of_cart[max(opened, default=-1)].append(decision)
    return Counter(
        Ending(
            _got(of_cart[number], channels),
            _why([each for each in of_cart[number] if each.trigger == trigger], cart.visitor in addressed),
        )
        for number, cart in enumerate(found)
    )


def _is_about(decision: Decision, cart: Cart) -> bool:
    return decision.visitor == cart.visitor and cart.opened_at <= decision.at


def _got(decisions: Sequence[Decision], channels: Mapping[str, list[str]]) -> tuple[tuple[str, int, str], ...]:
    return tuple((each.trigger, each.step, channel) for each in decisions for channel in channels[each.decision_id])


def _why(decisions: Sequence[Decision], has_address: bool) -> tuple[str, ...]:
    """Return the reasons, in their order; that of a step that asks for an account is told by what we know of it."""
    said = (
        "no_address" if each.step and each.reason == "condition_not_met" and not has_address else each.reason
        for each in decisions
        if each.reason not in _PASSING
    )
    return tuple(dict.fromkeys(said))
