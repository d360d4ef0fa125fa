"""The walk back along the events of several people, under all their ids, as what a statement begins with."""

from typing import Final

# What happened after a moment also became known after it, so the walk may end there. A chain goes on into the past of
# whoever was linked only as far as their own events do, so every id has its own.
BACK: Final = """
WITH RECURSIVE chain (user_no, seq) AS (
    SELECT u.user_no, u.last_seq FROM users u WHERE u.user_no IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT u.merged_into, u.last_seq FROM users u WHERE u.merged_into IN (SELECT value FROM json_each(?1))
    UNION ALL
    SELECT chain.user_no, e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq WHERE e.known_at > ?2
)
"""
"""`chain`: the positions of their events, each with the person's number. ?1 are the people's numbers, as JSON.

?2 is the moment (µs) back to which the walk goes; of each id one event of before it is among them, too.
"""
