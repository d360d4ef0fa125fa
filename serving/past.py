"""What was known of somebody at a past moment: the log, folded up to it."""

from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from features.fold import LogArrays, fold
from features.habits import read_hours
from features.layout import Floats
from features.moments import iso
from features.state import empty, position, read
from serving.driver import driver, scalar
from serving.errors import InvalidField
from serving.log import LOG_BEGINS_AT, component_rows
from serving.people import People


class Found(NamedTuple):
    """Features as of a moment, whose they are (None for nobody's), up to which position of the log, and their hours."""

    features: Floats
    user_no: int | None
    seq: int
    hours: Floats


_OWN_NUMBER = "SELECT user_no FROM users WHERE user_key = ?"


def state_at(connection: Connection, key: str, at: int) -> Found:
    """Return what the person behind a key looked like at `at` (µs); an id not yet linked is read by itself.

    Raises:
        InvalidField: The log has forgotten what was known then.
    """
    refuse_forgotten(connection, at)
    people = People(connection)
    people.find([key])
    person = people.get(key)
    if person is None:
        return _found(empty(), at, None)
    log, index = component_rows(connection, [person.no])
    numbers = {i: no for no, i in index.items()}
    own = index.get(connection.exec_driver_sql(_OWN_NUMBER, (key,)).scalar_one(), -1)
    owner = _owner(log, own, at)
    rows = np.flatnonzero((log.user == owner) & (log.known_at <= at))
    if not rows.size:
        return _found(empty(), at, numbers.get(owner))
    return _found(fold(log, rows[-1:])[0], at, numbers[owner])


def _found(state: Floats, at: int, user_no: int | None) -> Found:
    return Found(read(state, at), user_no, position(state), read_hours(state[None, :], np.array([at]))[0])


def refuse_forgotten(connection: Connection, at: int) -> None:
    """Raise InvalidField where a moment (µs) is before what the log still holds."""
    begins_at = int(scalar(driver(connection), LOG_BEGINS_AT) or 0)
    if at < begins_at:
        raise InvalidField(f"at: the log has forgotten what was before {iso(begins_at)}.", field="at")


def _owner(log: LogArrays, user: int, at: int) -> int:
    """Follow the links of an id that were known at `at`."""
    links = {int(log.linked[row]): row for row in np.flatnonzero((log.linked >= 0) & (log.known_at <= at))}
    while user in links:
        user = int(log.user[links.pop(user)])
    return user
