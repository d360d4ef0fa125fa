"""What some people did, found without a look at the others: each event names the one of its user before it."""

from typing import Final

CHAIN: Final = """
WITH RECURSIVE chain (seq) AS (
    SELECT last_seq FROM users WHERE user_no IN (SELECT value FROM json_each(:users))
    UNION ALL
    SELECT e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq
    WHERE e.known_at >= :since AND e.prev_seq IS NOT NULL
)
"""
"""Positions of the events of `:users`, a JSON list of their numbers, back to the last one before `:since` (µs)."""
