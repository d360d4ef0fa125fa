"""A trigger's message as a person of this home would get it, written to files: `make preview TRIGGER=… USER=…`."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from features.cache import keep_compiled
from features.moments import iso
from models.neighbours import Neighbours
from policy.event_names import by_event, of_event
from policy.policy import Policy
from policy.source import PolicyRefused, load
from policy.triggers import Trigger
from serving.codes import PLACEHOLDER
from serving.driver import driver
from serving.erasure_files import PREVIEWS
from serving.errors import ServingError
from serving.people import People, Person
from serving.rendered import Rendered, Unrenderable
from serving.settings import settings_of_process
from serving.user_ids import key_in

MESSAGE_ID: Final = "msg_preview"
DECISION_ID: Final = "preview"
FILES: Final = {"html": "message.html", "text": "message.txt", "sms": "sms.txt", "push": "push.txt"}
_DECIDED: Final = """
SELECT trigger_decision_id, score, threshold, event_seq FROM decisions d
WHERE user_no IN (SELECT user_no FROM users WHERE user_no = ?1 OR merged_into = ?1) AND trigger = ?2
ORDER BY at DESC LIMIT 1
"""
_EVENT: Final = "SELECT name, kind, message_id, occurred_at, payload FROM events WHERE seq = ?"
_EARLIER: Final = """
WITH RECURSIVE chain (seq) AS (
    SELECT ?1 UNION ALL SELECT e.prev_seq FROM chain JOIN events e ON e.seq = chain.seq WHERE e.prev_seq IS NOT NULL
) SELECT e.name, e.kind, e.message_id, e.occurred_at, e.payload FROM chain JOIN events e ON e.seq = chain.seq LIMIT 1000
"""


class NotShown(Exception):
    """There is nothing to preview."""


class Asked(NamedTuple):
    """Which message of a trigger: that of a step, on one of its channels (None for the first)."""

    trigger: str
    user_id: str
    step: int = 0
    channel: str | None = None


def preview(
    connection: Connection,
    policy: Policy,
    asked: Asked,
    neighbours: Callable[[], Neighbours | None] = lambda: None,
) -> Rendered:
    """Return a message in words; of the last decision about this person, or as if one were made now.

    Args:
        connection: Of the home.
        policy: Whose trigger.
        asked: Which message.
        neighbours: Returns what recommendations are made by.

    Raises:
        NotShown: There is no such trigger, step, channel or person, or the message cannot be put into words.
    """
    from serving.rendering import Rendering

    trigger = policy.by_name.get(asked.trigger)
    if trigger is None:
        raise NotShown(f"there is no trigger {asked.trigger}; there are {', '.join(policy.by_name)}")
    key = key_in(asked.user_id)
    people = People(connection)
    people.find([key])
    person = people.get(key)
    if person is None:
        raise NotShown(f"nothing is known of the user {asked.user_id}")
    body = {"data": _data(connection, trigger, person, asked)}
    rendering = Rendering(lambda: policy, neighbours=neighbours)
    found = rendering.render(connection, MESSAGE_ID, body, person, needs_address=False)
    if isinstance(found, Unrenderable):
        raise NotShown(str(found))
    return found


def _data(connection: Connection, trigger: Trigger, person: Person, asked: Asked) -> dict[str, Any]:
    if not 0 <= asked.step < len(trigger.plans):
        raise NotShown(f"the trigger {trigger.name} has the steps 0 to {len(trigger.plans) - 1}")
    plan = trigger.plans[asked.step]
    route = plan.routes[0]
    channel = asked.channel or route.channels[0]
    if channel not in route.channels:
        raise NotShown(f"it goes out by {' or '.join(route.channels)}, not by {channel}")
    decided = driver(connection).execute(_DECIDED, (person.no, trigger.name)).fetchone()
    decision_id, score, threshold, event_seq = decided or (DECISION_ID, None, plan.threshold, None)
    return {
        "user_id": person.key,
        "trigger": trigger.name,
        "step": asked.step,
        "channel": channel,
        "content": route.content,
        "decision_id": decision_id,
        "score": score,
        "threshold": threshold,
        **(PLACEHOLDER.told() if plan.codes is not None else {}),
        "horizon": trigger.horizon,
        "event": _event(connection, trigger, person, event_seq),
    }


def _event(connection: Connection, trigger: Trigger, person: Person, seq: int | None) -> Mapping[str, Any]:
    """Return the event that was decided on; without a decision, the last one that the trigger reacts to."""
    direct = driver(connection)
    if seq is not None:
        rows = direct.execute(_EVENT, (seq,)).fetchall()
    else:
        reacts = by_event((event, trigger) for event in trigger.on)
        rows = direct.execute(_EARLIER, (person.last_seq,)).fetchall()
        rows = [row for row in rows if of_event(reacts, row[1], row[0])][:1]
    for name, _, message_id, occurred_at, payload in rows:
        properties = json.loads(payload).get("properties", {})
        return {"name": name, "message_id": message_id, "occurred_at": iso(occurred_at), "properties": properties}
    return {}


def _in_service(home: Path) -> Neighbours | None:
    from serving.champions import Champions

    champions = Champions(home / "bundles", ())
    champions.load()
    return champions.neighbours


def write(said: Rendered, folder: Path) -> list[Path]:
    """Write each part of a message to a file of its own in a folder; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {file: getattr(said, part) for part, file in FILES.items()}
    if said.json is not None:
        texts["message.json"] = json.dumps(said.json, indent=2, ensure_ascii=False) + "\n"
    written = []
    for name, text in texts.items():
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
            written.append(folder / name)
    return written


def main(arguments: list[str] | None = None) -> int:
    """Write a message of the configured home to files and tell its subject; 1 where it cannot be put into words."""
    parser = argparse.ArgumentParser(prog="python -m serving.preview", description=__doc__)
    parser.add_argument("trigger")
    parser.add_argument("user", help="a user id, or anonymous:<id>")
    parser.add_argument("--step", type=int, default=0, help="of the trigger's sequence; 0 is its first message")
    parser.add_argument("--channel", help="which of its channels; default: the first")
    parser.add_argument("--out", type=Path, help="folder; default: preview/<trigger> in the home")
    given = parser.parse_args(arguments)
    settings = settings_of_process()
    keep_compiled(settings.home)
    from serving.database import database_of_command
    from serving.mapping_file import MappingRefused, read_mapping

    try:
        mapping = read_mapping(settings.events)
        policy = load(settings.triggers, kind_of=mapping.kind_of)
        with database_of_command(settings.database) as database, database.connect() as connection:
            asked = Asked(given.trigger, given.user, given.step, given.channel)
            said = preview(connection, policy, asked, partial(_in_service, settings.home))
        files = write(said, given.out or settings.home / PREVIEWS / given.trigger)
    except (PolicyRefused, MappingRefused, NotShown, ServingError, OSError) as refused:
        sys.stderr.write(f"no preview: {refused}\n")
        return 1
    told = {"to": said.to or "(no address is known)", "subject": said.subject, "preheader": said.preheader}
    lines = [f"{name}: {value}" for name, value in told.items() if value is not None]
    sys.stdout.write("\n".join([*lines, *map(str, files)]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
