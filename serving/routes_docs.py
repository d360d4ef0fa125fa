"""The interactive documentation: Swagger UI, from files of our own, so that the page loads nothing from elsewhere."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

from serving.routes import GuardedRoute

STATIC = Path(__file__).with_name("static")
_LIBRARY = STATIC / "swagger-ui"
# Swagger UI writes style attributes and draws its icons from the style sheet; the rest comes from here or not at all.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"


def docs_routes() -> list[GuardedRoute]:
    """Return the page and its files as declared; like the OpenAPI document that they show, they need no key."""
    files = {
        "/docs": _File((STATIC / "docs.html").read_bytes(), "text/html; charset=utf-8"),
        "/docs/docs.js": _File((STATIC / "docs.js").read_bytes(), _SCRIPT),
        "/docs/swagger-ui-bundle.js": _File((_LIBRARY / "swagger-ui-bundle.js.gz").read_bytes(), _SCRIPT, packed=True),
        "/docs/swagger-ui.css": _File((_LIBRARY / "swagger-ui.css.gz").read_bytes(), _STYLE, packed=True),
    }
    return [GuardedRoute(path, each.answer, needs=None, include_in_schema=False) for path, each in files.items()]


@dataclass(frozen=True, slots=True)
class _File:
    """A file to send; one that is kept packed goes out as it is to whoever can unpack it."""

    content: bytes
    media_type: str
    packed: bool = False

    async def answer(self, request: Request) -> Response:
        """Return the file."""
        headers = {
            "Content-Security-Policy": _POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "max-age=3600",
        }
        content = self.content
        if self.packed:
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in request.headers.get("accept-encoding", ""):
                headers["Content-Encoding"] = "gzip"
            else:
                content = gzip.decompress(content)
        return Response(content, media_type=self.media_type, headers=headers)
