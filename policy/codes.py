"""Discount codes of a trigger: from which pool each message carries one, and what happens once that is empty."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from policy.block import Block
from policy.names import Name
from policy.quantities import Duration, in_words, microseconds


class Codes(Block):
    """From which pool of codes a message carries one."""

    pool: Name = Field(description="Name of the pool, as its codes were imported under.")
    if_empty: Literal["hold", "send_without"] = Field(
        default="hold",
        description="Once no code is left: `hold` sends nothing, reason `no_code`; `send_without` sends without one.",
    )
    valid_for: Duration = Field(
        default=timedelta(days=1), description="How long a code must be good for when it is handed out: `72h`."
    )

    @property
    def holds(self) -> bool:
        """Whether nothing is sent once the pool is empty."""
        return self.if_empty == "hold"

    @property
    def valid_for_us(self) -> int:
        """How long a code must be good for when it is handed out, in microseconds."""
        return microseconds(self.valid_for)

    def sentence(self) -> str:
        """Return what the message carries, in words."""
        otherwise = "not at all once there is none" if self.holds else "without one once there is none"
        good = f", good for {in_words(self.valid_for)} or longer" if self.valid_for else ""
        return f"with a code of the pool {self.pool}{good}, and {otherwise}"
