"""Facts of the installation itself, each a text under a name: what whoever comes later has to know."""

from typing import Final

from serving.driver import Driver, scalar

_FACT: Final = "SELECT value FROM facts WHERE name = ?"
_SET: Final = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)"
_SET_ONCE: Final = "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
_FORGET: Final = "DELETE FROM facts WHERE name = ?"


def fact(driver: Driver, name: str) -> str | None:
    """Return what is known under a name."""
    found: str | None = scalar(driver, _FACT, (name,))
    return found


def set_fact(driver: Driver, name: str, value: str) -> None:
    """Let this be known under a name from now on."""
    driver.execute(_SET, (name, value))


def set_fact_once(driver: Driver, name: str, value: str) -> None:
    """Let this be known under a name, if nothing is yet."""
    driver.execute(_SET_ONCE, (name, value))


def forget_fact(driver: Driver, name: str) -> None:
    """Let nothing be known under a name any more."""
    driver.execute(_FORGET, (name,))
