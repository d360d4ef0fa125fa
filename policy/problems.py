"""What is wrong in a policy file, in words: the place, the field, and the known field that is nearest."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

from policy.quantities import in_words

Field = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file; `line` counts from 1."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.field}: {self.message}"
            if self.field
            else f"{self.file}:{self.line}: {self.message}"
        )


def message(error: Mapping[str, Any], root: type[BaseModel]) -> str:
    """Return what a validation error of `root` says, for somebody who writes the file."""
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"is not a field we know{_suggestion(error['loc'], root)}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a block of fields, not {error['input']!r}"
        case "string_pattern_mismatch":
            return f"must be made of lower-case letters, digits, - and _ (is {error['input']!r})"
        case "tuple_type":
            return f"must be a list (is {error['input']!r})"
        case "too_short":
            return "must hold one at least"
        case "value_error":
            is_whole = not error["loc"] or isinstance(error["input"], (dict, list))
            return str(error["ctx"]["error"]) if is_whole else f"{error['ctx']['error']} (is {error['input']!r})"
        case "invalid_key":
            return "is not a field we know: those have names"
        case "int_type" | "int_parsing" | "int_from_float":
            return f"must be a whole number (is {error['input']!r})"
        case _:
            said = re.sub("^(Input|String) should", "must", error["msg"])
            return f"{said} (is {_shown(error['input'])})"


def plain(said: str) -> str:
    """Return what pydantic says of a value without its "Value error, " before the words of our own checks."""
    return said.removeprefix("Value error, ")


def _shown(value: object) -> str:
    return in_words(value) if isinstance(value, timedelta) else repr(value)


def _suggestion(field: Field, root: type[BaseModel]) -> str:
    known = [each.alias or name for name, each in _model_at(field[:-1], root).model_fields.items()]
    nearest = get_close_matches(str(field[-1]), known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; it can be one of {', '.join(known)}"


def _model_at(place: Field, model: type[BaseModel]) -> type[BaseModel]:
    """Return the model of the block at a place: the one below `root` whose fields are known there."""
    for step in place:
        found = next((each for name, each in model.model_fields.items() if step in (name, each.alias)), None)
        if found is not None:
            model = next(_models(found.annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)
