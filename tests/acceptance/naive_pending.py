"""What waits for its moment, naively: of every stretch of time that holds a message all others are counted."""

from tests.acceptance.naive_conditions import span


def waiting(naive, run):
    """Return moment, channel and trigger of what was put off for the person of a run, but for what it replaces."""
    found = []
    for each in naive.timers:
        trigger, same = each.trigger, (each.trigger["name"], each.key) == (run.trigger["name"], run.key)
        is_real = trigger.get("mode", "dry_run") == "live" and trigger.get("class") != "transactional"
        if each.root == run.root and each.first_at is not None and is_real and not same:
            found += [(each.due_at, channel, trigger["name"]) for channel in likely_channels(each)]
    return found


def likely_channels(run):
    """Return the channels of a step, all of them if they are used together, else the first."""
    said = run.said("channel", "webhook")
    if isinstance(said, str):
        return [said]
    return said["together"] if "together" in said else said["prefer"][:1]


def fits(cap, others, at):
    """Whether a message fits among others: no stretch as long as the window, that holds it, holds too many."""
    everything, window = [*others, at], span(cap["window"])
    ends = [each for each in everything if at <= each < at + window]
    return all(sum(end - window < each <= end for each in everything) <= int(cap["count"]) for end in ends)
