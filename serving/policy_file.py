"""The policy file as it stands on disk: what it says, whether that is new, and why it was refused."""

import logging
from pathlib import Path

from policy.event_names import KindOf
from policy.policy import Policy
from policy.problems import Problem
from policy.source import PolicyRefused, Source, checked, read, remarks

Found = Source | tuple[Problem, ...]
"""What the file and the templates beside it hold, or why they cannot be read."""
_log = logging.getLogger(__name__)


class PolicyFile:
    """A policy file that is read again and again; a text that was refused is not tried, nor told, twice."""

    def __init__(self, path: Path, kind_of: KindOf) -> None:
        """Prepare; `kind_of` is the mapping's."""
        self.path = path
        self.problems: tuple[Problem, ...] = ()
        """What is wrong with the file as it was last read; empty if nothing is."""
        self._kind_of = kind_of
        self._accepted: Source | None = None
        self._tried: Found | None = None
        self._seen: Found | None = None

    def changed(self) -> bool:
        """Whether the file says something that was not tried, and said so the last time it was looked at, too.

        The text counts and not its date: two changes may share a tick of the clock. Whoever writes a file is not
        believed before they have finished, since half a policy may well be a policy.
        """
        before, self._seen = self._seen, self._read()
        return self._seen == before and self._seen != self._tried

    def load(self) -> Policy:
        """Read the file now.

        Raises:
            PolicyRefused: Anything in it is wrong; `problems` says so until it is mended.
        """
        found = self._read()
        is_new, self._tried, self._seen = found != self._tried, found, found
        try:
            policy = self._policy(found)
        except PolicyRefused as refused:
            self.problems = refused.problems
            if is_new:
                _log.error("the policy file is refused:\n%s", refused)
            raise
        self.problems = ()
        self._accepted = found if isinstance(found, Source) else None
        if is_new:
            for remark in remarks(policy):
                _log.warning("%s", remark)
        return policy

    def under(self, kind_of: KindOf) -> Policy:
        """Return the policy that was loaded last as another mapping has it, which counts from `keep_to` on.

        Raises:
            PolicyRefused: It says something that this mapping does not allow.
        """
        found = self._accepted
        return self.load() if found is None else checked(found, self.path, kind_of=kind_of)

    def keep_to(self, kind_of: KindOf) -> None:
        """Read the file by another mapping from now on."""
        self._kind_of = kind_of

    def forget(self) -> None:
        """Let the file count as not yet tried, since what it says could not be taken over."""
        self._tried = None

    def in_words(self) -> str:
        """Return the problems by the names of files alone, for those who need not know where they are."""
        found = [str(each).replace(str(self.path), self.path.name) for each in self.problems[:3]]
        found = [each.replace(f"{self.path.parent}/", "") for each in found]
        more = len(self.problems) - len(found)
        return "; ".join(found) + (f"; and {more} more" if more else "")

    def _read(self) -> Found:
        try:
            return read(self.path)
        except PolicyRefused as refused:
            return refused.problems

    def _policy(self, found: Found) -> Policy:
        if not isinstance(found, Source):
            raise PolicyRefused(list(found))
        return checked(found, self.path, kind_of=self._kind_of)
