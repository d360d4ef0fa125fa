"""The OpenAPI document: what FastAPI makes of the declared routes, and how a key may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from serving.contract import SECURITY_SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable

DESCRIPTION = """Events come in, purchase intent comes out, triggers fire.

Errors are `application/problem+json` with a `code` for programs, a `message` for people, and the `field` at fault.
`429` and `503` carry `Retry-After`. Bodies may be gzipped.
"""


def document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what makes the document of an application, once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
            made.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
            _tell_problems_apart(made)
            app.openapi_schema = made
        return app.openapi_schema

    return openapi


def _tell_problems_apart(made: dict[str, Any]) -> None:
    """Give the answers that are no success their own media type."""
    for methods in made["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status in ("4XX", "5XX"):
                    response["content"] = {"application/problem+json": response["content"].pop("application/json")}
