"""A headless Chromium, and the pages of a shop that it opens: on another port, and so of another origin."""

import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "--headless",
    "--no-sandbox",  # It runs as root in CI, on pages of its own making.
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=800,600",
)


@contextmanager
def a_browser(profile):
    """Open a browser with an empty profile, and close it and its driver at the end."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for each in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(each)
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_page_load_timeout(30)
        yield driver
    finally:
        driver.quit()


@contextmanager
def pages(contents):
    """Serve pages by their paths; yields the address that they begin with."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = contents.get(self.path.partition("?")[0])
            self.send_response(404 if content is None else 200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((content or "").encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
