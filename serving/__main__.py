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

    from features.warm import compile_kernels
    from policy.source import PolicyRefused
    from serving.app import OpenToTheWorld, create_app

    compile_kernels()
    try:
        app = create_app(settings)
    except (OSError, ValueError, PolicyRefused, OpenToTheWorld) as error:
        sys.exit(f"opportune: {error}")
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        loop="uvloop",
        http="httptools",
        ws="none",
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
