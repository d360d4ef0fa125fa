"""The stand-in for curl, where a machine has none, against the server that it is made for."""

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

CURL = Path(__file__).parent / "bin" / "curl"


class Echo(http.server.BaseHTTPRequestHandler):
    def _answer(self):
        length = int(self.headers.get("Content-Length", 0))
        body = json.dumps(
            {
                "method": self.command,
                "authorization": self.headers["Authorization"],
                "type": self.headers["Content-Type"],
                "body": self.rfile.read(length).decode(),
            }
        ).encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def curl(*arguments):
    return subprocess.run([sys.executable, CURL, *arguments], capture_output=True, text=True, check=False)


def test_json_is_posted_with_its_type_and_key(url):
    answered = json.loads(curl("-s", f"{url}/x", "-u", "key:", "--json", '{"a": 1}').stdout)

    assert answered == {
        "method": "POST",
        "authorization": "Basic a2V5Og==",
        "type": "application/json",
        "body": '{"a": 1}',
    }


def test_headers_and_method_are_sent_as_asked(url):
    answered = json.loads(curl("-X", "DELETE", "-H", "Authorization: Bearer k", f"{url}/x").stdout)

    assert (answered["method"], answered["authorization"]) == ("DELETE", "Bearer k")


def test_an_error_fails_only_where_asked(url):
    assert curl(f"{url}/missing").returncode == 0
    assert curl("-sf", f"{url}/missing").returncode == 22
