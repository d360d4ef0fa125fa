"""What every block of a policy file is."""

from pydantic import BaseModel, ConfigDict


class Block(BaseModel):
    """A block of fields of a policy file: none that nobody knows, and none that changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)
