"""What somebody is excluded for counts from the event that shows it, and for nothing before it."""

from tests.serving.engines import WAYS, event, shop

__all__ = ["shop"]
CART = {"properties": {"product_id": "p", "price": 2, "quantity": 3}}
REASONS = "SELECT reason FROM decisions WHERE trigger = 'warm-cart' ORDER BY at"


@WAYS
async def test_a_burst_is_noticed_at_the_event_that_shows_it_however_events_are_cut_into_batches(shop, arrive):
    added = [event("Product Added", "bot", at, **CART) for at in (0, 2 * 86_400, 20 * 86_400)]
    clicks = [event("Product Viewed", "bot", 86_400 + i * 0.01) for i in range(300)]
    await arrive(shop, added[0], *clicks, *added[1:])

    [first, *rest] = [reason for (reason,) in shop.rows(REASONS)]
    assert first != "excluded_user"
    assert rest == ["excluded_user"] * 2


@WAYS
async def test_whoever_turns_out_to_be_staff_was_decided_about_as_anybody_before(shop, arrive):
    crawling = {"context": {"userAgent": "Googlebot/2.1"}}
    await arrive(shop, *(event("Product Added", "u", at, **CART | more) for at, more in enumerate([{}, crawling, {}])))

    [first, *rest] = [reason for (reason,) in shop.rows(REASONS)]
    assert first != "excluded_user"
    assert rest == ["excluded_user"] * 2
