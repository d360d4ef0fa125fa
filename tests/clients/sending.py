"""Sends the same calls through one of the older Python SDKs: `sending.py segment|rudder HOST KEY USER`.

Runs in the environment of those SDKs, which has nothing of this project. Prints what went wrong as JSON.
"""

import json
import sys

PRODUCT = {"product_id": "p-1", "name": "Ä lamp", "price": 19.9, "quantity": 2}


def main() -> None:
    """Send, wait until everything was taken or given up, and tell."""
    which, host, key, user = sys.argv[1:]
    complaints: list[str] = []

    def complain(error: Exception, _events: object) -> None:
        complaints.append(f"{type(error).__name__}: {error}")

    if which == "segment":
        from segment.analytics.client import Client
        from segment.analytics.version import VERSION

        client = Client(key, host=host, on_error=complain, max_retries=1)
    else:
        from rudderstack.analytics.client import Client
        from rudderstack.analytics.version import VERSION

        client = Client(key, host=host, on_error=complain, max_retries=1)
    client.identify(user, traits={"plan": "gold"})
    client.page(user, name="Home", properties={"url": "https://shop.example"})
    client.track(user, "Product Added", PRODUCT)
    for number in range(250):
        client.track(user, "Product Viewed", {"product_id": f"p-{number}"})
    client.track(user, "Order Completed", {"order_id": f"order-of-{user}", "total": 39.8, "products": [PRODUCT]})
    client.flush()
    client.join()
    print(json.dumps({"version": VERSION, "complaints": complaints}))


if __name__ == "__main__":
    main()
