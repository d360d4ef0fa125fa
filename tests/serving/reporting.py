"""A server to whom everybody may report, and what it has of people and decisions."""

import json
from contextlib import contextmanager

import pytest
from sqlalchemy import insert

from serving.schema import decisions, outbox
from tests.contract.running import opened, running
from tests.serving.webhooks import (
    CERTIFICATE,
    MAILGUN_KEY,
    TOPIC,
    sendgrid_headers,
    sendgrid_public_key,
    sns_certificate,
)

NOW_S = 1_772_471_100
HOOKS = f"""
sendgrid: {{public_key_env: T_SENDGRID}}
mailgun: {{signing_key_env: T_MAILGUN, tolerance: 3000d}}
ses: {{topics: ["{TOPIC}"], certificates: certificates}}
postmark: {{user: opportune, password_env: T_POSTMARK}}
sources:
  shop:
    secret_env: T_SHOP
    signature: X-Shop-Signature
    events:
      "*":
        event: completed_order
        user_id: customer.id
        email: email
        at: created_at
        id: id
        properties: {{order_id: id, total: total_price}}
        products: {{each: line_items, fields: {{product_id: product_id, price: price, quantity: quantity}}}}
"""
SECRETS = {
    "T_SENDGRID": sendgrid_public_key(),
    "T_MAILGUN": MAILGUN_KEY,
    "T_POSTMARK": "password",
    "T_SHOP": "hush",
}
PROVIDERS = ("sendgrid", "mailgun", "ses", "postmark", "shop")


@contextmanager
def reporting(home):
    """Run a server on a home, to whom every provider and a shop may report."""
    file = home / "hooks.yaml"
    file.write_text(HOOKS, encoding="utf-8")
    (home / "certificates").mkdir()
    (home / "certificates" / CERTIFICATE.rpartition("/")[2]).write_bytes(sns_certificate())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SECRETS.items():
            patch.setenv(name, value)
        with running(home, hooks=file) as up:
            yield up


def rows(server, query, *values):
    with opened(server.home) as database, database.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query, values)]


def somebody(server, name, *, delivered_at=None):
    """Make somebody with an address and a decision whose message went out; return the decision's id."""
    user = {"userId": name, "traits": {"email": f"{name}@example.org"}, "timestamp": "2026-03-01T00:00:00Z"}
    assert server.ask("POST", "/v1/identify", user).status == 200
    [(number,)] = rows(server, "SELECT user_no FROM users WHERE user_key = ?", name)
    decision = f"{name}0000.cart"
    with opened(server.home) as database, database.begin() as connection:
        connection.execute(
            insert(decisions),
            {
                "trigger_decision_id": decision,
                "decision_id": f"{name}0000",
                "user_no": number,
                "trigger": "cart",
                "at": 1_772_000_000_000_000,
                "event_seq": 1,
                "action": "send",
                "reason": "sent",
                "propensity": 0.9,
                "policy_version": "p1",
            },
        )
        connection.execute(
            insert(outbox),
            {
                "message_id": f"msg_{name}",
                "trigger_decision_id": decision,
                "endpoint": "default",
                "body": "{}",
                "due_at": 1,
                "status": "delivered",
                "attempts": 1,
                "next_attempt_at": 1,
                "lease_until": 0,
                "created_at": 1,
                "delivered_at": delivered_at,
                "channel": "email",
            },
        )
    return decision


def sendgrid(server, *events):
    body = json.dumps(events).encode()
    return server.ask("POST", "/v1/hooks/sendgrid", body, **sendgrid_headers(body))


def told(server, name, kind):
    """The properties of what the log has of somebody."""
    query = (
        "SELECT e.payload FROM events e JOIN users u USING (user_no) WHERE u.user_key = ? AND kind = ? ORDER BY e.seq"
    )
    return [json.loads(payload).get("properties", {}) for (payload,) in rows(server, query, name, int(kind))]


def outcomes_of(server, decision):
    query = "SELECT kind FROM outcomes WHERE trigger_decision_id = ? ORDER BY event_seq"
    return [kind for (kind,) in rows(server, query, decision)]


def people(server):
    return rows(server, "SELECT count(*) FROM users")[0][0]
