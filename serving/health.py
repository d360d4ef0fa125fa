"""The health of models, triggers and the log: another process looks at it, here it becomes gauges of `/metrics`."""

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import msgspec

from serving.children import keep_alive
from serving.settings import Settings

FILE: Final = "health.json"
"""Below the home: what `make health` writes when the server asks for it."""
NEEDED: Final = "scipy"
"""What an image for serving alone does not carry."""
_log = logging.getLogger(__name__)

Name = Annotated[str, msgspec.Meta(pattern=r"^health_[a-z_]+$")]


class Sample(msgspec.Struct, frozen=True):
    """A value, and of what."""

    labels: dict[str, str]
    value: float


class Gauge(msgspec.Struct, frozen=True):
    """One gauge: name, meaning and what was measured; it may have nothing to tell."""

    name: Name
    meaning: str
    samples: tuple[Sample, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names that tell its samples apart."""
        return tuple(self.samples[0].labels) if self.samples else ()


class _Told(msgspec.Struct):
    gauges: tuple[Gauge, ...]


_decode: Final = msgspec.json.Decoder(_Told).decode


class HealthFile:
    """What was last written about the health of a home."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._seen: tuple[int, int] | None = None
        self._gauges: tuple[Gauge, ...] = ()

    def gauges(self) -> tuple[Gauge, ...]:
        """Return the gauges; none before the first look, nor where the file cannot be read, which is said once."""
        try:
            found = self._path.stat()
            stamp = found.st_mtime_ns, found.st_ino
            if stamp != self._seen:
                self._seen = stamp
                self._gauges = _decode(self._path.read_bytes()).gauges
        except FileNotFoundError:
            self._gauges = ()
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("%s cannot be read: %s", FILE, error)
            self._gauges = ()
        return self._gauges


async def keep_looking(settings: Settings) -> None:
    """Let health be looked at as often as the settings say, in a process of its own, for as long as this one lives."""
    if find_spec(NEEDED) is None:
        _log.info("health is not looked at: the extra `training` is not installed")
        return
    arguments = ("-m", "training.health", "--every", f"{settings.health_every_min:g}")
    await keep_alive(arguments, settings, "the process that looks at health")
