"""What every guard of a trigger says of a message, naively: each is asked by itself, of the whole history."""

from tests.acceptance.naive_conditions import MINUTE, span
from tests.acceptance.naive_moment import CAPS
from tests.acceptance.naive_standing import Standing, basis_of, is_quiet
from tests.acceptance.naive_uplift import finding

ELSEWHERE = {
    *("excluded_user", "stale_event", "expired", "exited", "no_score", "below_threshold", "cooling_down"),
    *("condition_not_met", "cancelled"),
}
"""Where something before the guards decided."""


def findings(look, channels, reason):
    """Return what was said: guard, channel, objection and facts of each; what was compared with what before all."""
    return finding(look.naive, look.run, look.who) + of_guards(look, channels, reason)


def of_guards(look, channels, reason):
    """Return what the guards said."""
    if reason in ELSEWHERE:
        return ()
    trigger, used, found, free = look.run.trigger, (), [], ()
    alone = len(channels) == 1 or not look.together
    for channel in channels:
        said = barring(look, channel)
        if all(objection is None for _, _, objection, _ in said):
            free += (channel,)
            if not is_transactional(trigger):
                mine = [*hindering(look, channel, used)]
                said += (
                    mine if alone else [each if each[0] not in CAPS else (each[0], channel, *each[2:]) for each in mine]
                )
            if look.together and all(objection is None for _, _, objection, _ in said):
                used += (channel,)
        found += [each for each in said if each not in found]
    if not is_transactional(trigger):
        found += of_later(look, free, reason)
    is_plain = all(guard == "suppression" and objection is None for guard, _, objection, _ in found)
    return () if is_plain else tuple(found)


def of_later(look, free, reason):
    """Yield whether there is no room beside what waits, and whether only a better hour was waited for."""
    now = [each for each in free if look.is_allowed_on(each)]
    fitting = [each for each in now if look.fits(each, look.who.at)]
    if now and not fitting and reason in ("put_off", "capped", "suppressed", "no_consent"):
        yield "pending", None, "capped", ()
    if look.run.trigger.get("send") == "best_hour" and look.run.first_at is None and free:
        yield "best_hour", None, "put_off" if reason == "put_off" and fitting else None, ()


def is_transactional(trigger):
    return trigger.get("class") == "transactional"


def barring(look, channel):
    """Return what bars a message on a channel altogether, and what does not."""
    standing = Standing(look.naive.told, look.run.root, len(look.naive.log))
    transactional, guards = is_transactional(look.run.trigger), look.guards
    why = standing.suppression(channel, transactional=transactional)
    found = [("suppression", channel, "suppressed" if why else None, (why,) if why else ())]
    if not transactional and basis_of(guards, channel) != "none":
        lacks = standing.lacks_consent(guards, channel)
        facts = guards.get("purpose", "marketing"), basis_of(guards, channel), *standing.word(guards, channel)
        found.append(("consent", channel, "no_consent" if lacks else None, facts))
    return found


def hindering(look, channel, used):
    """Yield what makes the moment a wrong one, and what does not; `used` are channels used at the same moment."""
    guards, at, seen = look.guards, look.who.at, look.seen
    if span(guards.get("gap_after_purchase", "0")):
        gap = span(guards["gap_after_purchase"])
        recent = [each for each in look.orders if at - each < gap]
        facts = (gap, max(recent)) if recent else (gap,)
        yield "gap_after_purchase", None, "bought_recently" if recent else None, facts
    if guards.get("not_while_browsing") == "true":
        there = at - seen < 30 * MINUTE
        yield "not_while_browsing", None, "still_browsing" if there else None, (seen,) if there else ()
    for cap in CAPS:
        if cap in guards:
            most, window, count = (
                int(guards[cap]["count"]),
                span(guards[cap]["window"]),
                look.used(cap, channel, at, used),
            )
            of = channel if cap == "cap_per_channel" else None
            yield cap, of, "capped" if count >= most else None, (count, most, window)
    if "quiet_hours" in guards:
        quiet, zone = guards["quiet_hours"], look.zone
        hours = quiet["from"], quiet["to"], zone
        reason = "unknown_zone" if zone is None else "quiet_hours" if is_quiet(quiet, zone, at) else None
        yield "quiet_hours", None, reason, hours
