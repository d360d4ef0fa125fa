import gzip
import hashlib
import re

import pytest

from serving.routes_docs import STATIC
from tests.serving.asking import Site, site_with_keys
from tests.serving.databases import database

__all__ = ["database"]


def addresses(page):
    """What a page loads, as seen from /docs."""
    return ["/" + found for found in re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page)]


def test_the_page_loads_only_what_this_server_has(database):
    site, _ = site_with_keys(database)
    page = site.ask("GET", "/docs")
    loaded = addresses(page.body.decode())

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert sorted(loaded) == ["/docs/docs.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"]
    assert [site.ask("GET", each).status for each in loaded] == [200, 200, 200]
    assert not re.search(rb"(?:src|href|url)\s*[=:(]\s*[\"']?(?:https?:)?//", page.body)


def test_a_browser_is_told_to_load_nothing_from_elsewhere(database):
    policy = Site(database).ask("GET", "/docs").headers["content-security-policy"]

    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(policy.split("; "))
    assert "http" not in policy


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css"])
def test_a_file_goes_out_packed_to_whoever_can_unpack_it(database, name):
    site = Site(database)
    plain = site.ask("GET", f"/docs/{name}")
    packed = site.ask("GET", f"/docs/{name}", headers={"Accept-Encoding": "gzip, br"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 3


def test_the_files_are_those_whose_sums_are_written_down():
    folder = STATIC / "swagger-ui"
    written = dict(re.findall(r"\| `([\w.-]+)` \| `([0-9a-f]{64})` \|", (folder / "README.md").read_text()))

    packed = sorted(folder.glob("*.gz"))
    assert sorted(written) == [each.stem for each in packed]
    assert [hashlib.sha256(gzip.decompress(each.read_bytes())).hexdigest() for each in packed] == [
        written[each.stem] for each in packed
    ]


def test_the_licences_stand_beside_the_files():
    folder = STATIC / "swagger-ui"

    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "SmartBear" in (folder / "NOTICE").read_text()
    assert "DOMPurify" in (folder / "swagger-ui-bundle.js.LICENSE.txt").read_text()
