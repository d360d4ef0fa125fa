"""`python -m serving`: start the server."""

import logging
import os
import sys


def main() -> None:
    """Read the settings, put the process in order, and serve until told to stop."""
    # Before numba, LightGBM and Feast are imported: they read these once.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TZ", "UTC")
    from serving.settings import Settings

    settings = Settings()
    from features.cache import keep_compiled

    keep_compiled(settings.home)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    import uvicorn

    from serving.app import create_app
    from serving.endpoints import EndpointRefused

    try:
        app = create_app(settings)
    except (OSError, ValueError, EndpointRefused) as error:
        sys.exit(f"opportune: {error}")
    uvicorn.run(
        app, host=settings.host, port=settings.port, access_log=False, log_config=None, loop="uvloop", http="httptools"
    )


if __name__ == "__main__":
    main()
