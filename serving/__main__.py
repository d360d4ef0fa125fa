"""`python -m serving`: start the server."""

import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.edge import Edge
    from serving.settings import Settings

STOP_WITHIN_S = 10
"""How long what is being answered may take once the server was told to stop."""


def main() -> None:
    """Read the settings, put the process in order, and serve until told to stop."""
    # Before numba, LightGBM and Feast are imported: they read these once.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TZ", "UTC")
    # What is imported stays: looking through it for rubbish every few thousand objects is a tenth of the start.
    gc.set_threshold(10_000, 10, 10)
    from serving.settings import settings_of_process, unknown_settings

    settings = settings_of_process()
    from features.cache import keep_compiled

    keep_compiled(settings.home)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for remark in unknown_settings(os.environ):
        logging.getLogger(__name__).warning("%s", remark)
    import uvicorn

    from features.warm import compile_kernels
    from serving.http1 import Http1

    compile_kernels()
    uvicorn.run(
        _app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        loop="uvloop",
        http=Http1,
        ws="none",
        proxy_headers=False,
        server_header=False,
        # Whoever does not read their answer, or never ends their request, does not keep it from stopping.
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )


def _app(settings: "Settings") -> "Edge":
    """Put the server together; why that cannot be is the last sentence of the process."""
    import sqlite3

    from sqlalchemy.exc import SQLAlchemyError

    from policy.places import FileRefused
    from serving.app import OpenToTheWorld, create_app
    from serving.database import SchemaUnknown, unusable

    try:
        return create_app(settings)
    except (SchemaUnknown, SQLAlchemyError, sqlite3.Error) as error:
        sys.exit(f"opportune: {unusable(settings.database, error)}")
    except (OSError, ValueError, FileRefused, OpenToTheWorld) as error:
        sys.exit(f"opportune: {error}")


if __name__ == "__main__":
    main()
