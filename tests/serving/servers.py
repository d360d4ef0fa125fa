"""A server put together on the files of a home, in the process of the test."""

from serving.app import Server
from serving.settings import Settings
from tests.serving.receivers import SECRET

HOOK = "http://127.0.0.1:9/hook"
"""Nobody listens there."""


def a_server(home, **settings):
    """Put a server together whose policy is the triggers.yaml of its home; it sends to HOOK unless told."""
    given = {"triggers": home / "triggers.yaml", "webhook_url": HOOK, "webhook_secret": SECRET}
    given |= {"watch_registry": False, "health_every_min": 0}
    return Server(Settings(home=home, **(given | settings)))
