"""Domains in ASCII, by the examples of the registries that have them."""

import pytest

from serving.domains import in_ascii


@pytest.mark.parametrize(
    ("written", "ascii_form"),
    [
        ("Example.ORG", "example.org"),
        ("müller.de", "xn--mller-kva.de"),
        ("MÜLLER.de", "xn--mller-kva.de"),
        ("mu\u0308ller.de", "xn--mller-kva.de"),
        ("xn--mller-kva.de", "xn--mller-kva.de"),
        # The examples of Unicode Technical Standard 46, section 7, table 3, and of RFC 5894, section 7.2.
        ("faß.de", "xn--fa-hia.de"),
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("Faß.Müller.de", "xn--fa-hia.xn--mller-kva.de"),
        ("bücher。example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_has_one_form_in_ascii(written, ascii_form):
    assert in_ascii(written) == ascii_form


@pytest.mark.parametrize("domain", ["a..de", "ü..de", "ä" * 70 + ".de", "ß" * 70 + ".de", "ä\u200cb.com"])
def test_a_domain_without_such_a_form_is_refused(domain):
    with pytest.raises(ValueError):
        in_ascii(domain)
