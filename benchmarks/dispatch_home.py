"""A home whose triggers send for one event in five, and people who can be reached."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from benchmarks.payloads import user_name

SECRET: Final = "whsec_" + "b3Bwb3J0dW5lLWJlbmNobWFyay1zZWNyZXQtMzI="
WEBHOOK, MAIL, DEAD, SLOW = "Product Added", "Products Searched", "Promotion Clicked", "Coupon Entered"
QUIET: Final = "Product Viewed"
CYCLE: Final = (WEBHOOK, QUIET, QUIET, QUIET, QUIET, MAIL, QUIET, QUIET, QUIET, QUIET)
"""Events in turn: one in ten leads to a webhook, one in ten to an e-mail."""
TROUBLED: Final = (*CYCLE, WEBHOOK, DEAD, QUIET, QUIET, QUIET, MAIL, SLOW, QUIET, QUIET, QUIET)
"""The same, and one in twenty each for an endpoint that is dead and one that is slow."""
_TRIGGER: Final = """
  - name: {name}
    on: {on}
    threshold: 0
    cool_down: 1h
    mode: live
    channel: {channel}
    endpoint: {name}
    hold_out: 0
    guards: {{consent: none}}
    content: {{template: basket, discount: 10%}}
"""
_ROUTES: Final = (
    ("crm", WEBHOOK, "webhook"),
    ("mail", MAIL, "email"),
    ("dead", DEAD, "email"),
    ("slow", SLOW, "webhook"),
)
_SUBJECT: Final = "{{ profile.first_name | default('Hello') }}, still thinking about it?"
_TEXT: Final = "You looked for {{ event.properties.query | default('something') }}. {{ unsubscribe_url }}\n"
_PRODUCT: Final = """<tr><td><a href="{{ product.url | default('https://shop.example') }}">
<img src="https://shop.example/{{ product.product_id }}.jpg" width="120" height="120" alt=""></a></td>
<td>{{ product.name | default('A product') }}{% if product.price %}, {{ product.price | money('EUR') }}{% endif %}
</td></tr>
"""
_HTML: Final = (
    "<html><head><style>\n"
    + "td { padding: 4px 8px; font-family: sans-serif }\n" * 60
    + "</style></head><body><table>\n"
    "{% for product in cart.products %}\n"
    + _PRODUCT
    + "{% endfor %}\n{% for product in viewed %}\n"
    + _PRODUCT
    + "{% endfor %}\n"
    "</table>\n"
    + '<p><a href="https://shop.example/about">About the shop</a></p>\n' * 10
    + '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>\n'
)
"""About eight kilobytes, as e-mails of shops have them at least."""


def make(folder: Path, bundles: Path, *, webhook: int, mail: int, dead: int, slow: int) -> None:
    """Fill a folder anew: champions, policy, templates, and the endpoints at these ports of this machine."""
    shutil.rmtree(folder, ignore_errors=True)
    templates = folder / "templates" / "basket"
    templates.mkdir(parents=True)
    if bundles.exists():
        shutil.copytree(bundles, folder / "bundles")
    for name, text in (("subject.txt", _SUBJECT), ("text.txt", _TEXT), ("html.html", _HTML)):
        (templates / name).write_text(text)
    triggers = "".join(_TRIGGER.format(name=name, on=on, channel=channel) for name, on, channel in _ROUTES)
    (folder / "triggers.yaml").write_text(f"format: 1\ntriggers:{triggers}")
    endpoints = {
        "crm": _webhook(webhook),
        "slow": _webhook(slow),
        "mail": _smtp(mail),
        "dead": _smtp(dead),
    }
    (folder / "channels.yaml").write_text(json.dumps({"format": 1, "endpoints": endpoints}))


def _webhook(port: int) -> dict[str, Any]:
    return {"type": "webhook", "url": f"http://127.0.0.1:{port}/", "secret_env": "BENCH_SECRET"}


def _smtp(port: int) -> dict[str, Any]:
    return {"type": "smtp", "host": "127.0.0.1", "port": port, "tls": "none", "from": "Shop <news@shop.example>"}


def environment(folder: Path, port: int) -> dict[str, str]:
    """Return the settings of a server in this home."""
    return {
        "OPPORTUNE_HOME": str(folder),
        "OPPORTUNE_PORT": str(port),
        "OPPORTUNE_TRIGGERS": str(folder / "triggers.yaml"),
        "OPPORTUNE_CHANNELS": str(folder / "channels.yaml"),
        "OPPORTUNE_PUBLIC_URL": "https://shop.example",
        "OPPORTUNE_LOG_LEVEL": "error",
        "BENCH_SECRET": SECRET,
    }


def address_of(number: int) -> str:
    """Return the e-mail address of a person."""
    return f"{user_name(number)}@people.example"


def introduced(first: int, last: int) -> bytes:
    """Return a batch that tells who people are, and what is in their cart."""
    products = [{"product_id": f"p-{n}", "name": f"Product {n}", "price": 19.9, "quantity": 1} for n in range(3)]
    items: list[dict[str, Any]] = []
    for number in range(first, last):
        who = {"userId": user_name(number)}
        traits = {"email": address_of(number), "first_name": "Ada", "timezone": "Europe/Amsterdam"}
        items.append({"type": "identify", "messageId": f"who-{number}", "traits": traits, **who})
        cart = {"event": "Cart Viewed", "properties": {"products": products}}
        items.append({"type": "track", "messageId": f"cart-{number}", **cart, **who})
    return json.dumps({"batch": items}).encode()
