"""Where free text speaks of somebody: events that could not be used, and rows of a history that were refused."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from serving.driver import Driver, scalar
from serving.holdings import Trace

ADDRESSES: Final = frozenset({"email", "phone", "mobile"})
_PAYLOADS: Final = "SELECT payload FROM events WHERE seq IN (SELECT value FROM json_each(?))"
_KNOWN: Final = "SELECT address FROM addresses WHERE user_no IN (SELECT value FROM json_each(?))"
_LAST: Final = "SELECT max(reject_id) FROM rejects"
_REJECTS: Final = """
SELECT reject_id, body FROM rejects
WHERE reject_id > ?2 AND (instr(body, ?1) > 0 OR instr(lower(body), lower(?1)) > 0)
"""


class Rejects(NamedTuple):
    """The rejects that speak of somebody, among those up to `until`."""

    ids: Sequence[int] = ()
    until: int = 0


class Mentions:
    """Recognises the ids and addresses of one person in text, as whole words: `u-1` is not in `u-10`."""

    def __init__(self, words: Iterable[str]) -> None:
        """`words` are ids and addresses as they were sent; JSON may have written them with escapes."""
        plain = {each for each in words if each}
        self.words = sorted(plain | {json.dumps(each)[1:-1] for each in plain})
        anywhere = "|".join(re.escape(each) for each in self.words)
        self._found = re.compile(rf"(?<![\w@.+-])(?:{anywhere})(?![\w@+-]|\.\w)", re.IGNORECASE)

    def __call__(self, text: str) -> bool:
        """Whether a text speaks of them."""
        return self._found.search(text) is not None

    def rejects(self, driver: Driver, known: Rejects = Rejects()) -> Rejects:  # noqa: B008 - it cannot be changed
        """Return the rejects that speak of them; looks at all there are that are not among the `known`."""
        until = scalar(driver, _LAST) or 0
        found = [row for word in self.words for row in driver.execute(_REJECTS, (word, known.until)).fetchall()]
        return Rejects(sorted({*known.ids, *(reject_id for reject_id, body in found if self(body))}), until)


def mentions_of(driver: Driver, person: Trace) -> Mentions:
    """Return what recognises a person by their ids and by the addresses that the log tells of them."""
    return Mentions({*person.ids, *addresses(driver, person)})


def addresses(driver: Driver, person: Trace) -> set[str]:
    """Return the e-mail addresses and phone numbers that somebody's events told of them."""
    found = {row[0] for row in driver.execute(_KNOWN, (json.dumps(list(person.numbers)),)).fetchall()}
    for (payload,) in driver.execute(_PAYLOADS, (json.dumps(list(person.values["seq"])),)).fetchall():
        said = json.loads(payload)
        for part in (said.get("traits"), said.get("properties"), (said.get("context") or {}).get("traits")):
            found.update(_addresses(part))
    return found


def _addresses(part: Any) -> list[str]:
    if not isinstance(part, dict):
        return []
    return [value for name, value in part.items() if name.lower() in ADDRESSES and isinstance(value, str)]
