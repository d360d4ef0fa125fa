"""The tables: log, ledger, outbox and what is known of each user; moments are integer microseconds since the epoch.

An index by user would have a page somewhere else rewritten for each event, which costs more than the event itself. So
each event says which one of its user came before it, from `users.last_seq` back to the first, and what was evaluated
for an event is found by its position; only what no event brought, and what fired, is indexed by user.
"""

from serving.schema.codes import code_holders, codes
from serving.schema.definitions import metadata
from serving.schema.delivery import deliveries, outbox, renderings, send_counts
from serving.schema.ledger import cooldowns, decisions, evaluations, outcomes, sends, timers
from serving.schema.log import events, kept_states, rejects, reports, unknown_names, users
from serving.schema.people import addresses, consents, profiles, refusals, suppressions, tombstones
from serving.schema.segments import segment_changes, segment_looks, segment_members
from serving.schema.shop import api_keys, facts, products

__all__ = [
    "addresses",
    "api_keys",
    "code_holders",
    "codes",
    "consents",
    "cooldowns",
    "decisions",
    "deliveries",
    "evaluations",
    "events",
    "facts",
    "kept_states",
    "metadata",
    "outbox",
    "outcomes",
    "products",
    "profiles",
    "refusals",
    "rejects",
    "renderings",
    "reports",
    "segment_changes",
    "segment_looks",
    "segment_members",
    "send_counts",
    "sends",
    "suppressions",
    "timers",
    "tombstones",
    "unknown_names",
    "users",
]
