"""The smallest picture there is, as an answer to a request that is an event."""

from base64 import b64decode
from typing import Any, Final

from starlette.responses import Response

GIF: Final = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent point."""
PICTURED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The point.", "content": {"image/gif": {"schema": {"type": "string", "format": "binary"}}}}
}
"""The answer as it is declared."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Pages of other origins show it, and see nothing in it.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


def picture() -> Response:
    """Return the picture as the answer, which no cache may keep: each request counts."""
    return Response(GIF, 200, dict(_HEADERS), "image/gif")
