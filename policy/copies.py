"""A checked block of a policy file with something changed."""

from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def changed(model: Model, **fields: Any) -> Model:
    """Return a copy with other fields; what was derived from the old ones is derived anew."""
    copied = model.model_copy(update=fields)
    for name in copied.__dict__.keys() - type(model).model_fields.keys():
        del copied.__dict__[name]
    return copied
