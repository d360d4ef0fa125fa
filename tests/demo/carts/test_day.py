"""The day as calls of an SDK: in order of time, cut into stretches, with what addresses of pages say of products."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from demo.carts.day import MINUTE_US, Hit, chunks, load, moment, product


@pytest.fixture(scope="module")
def day():
    return load()


def test_the_day_has_all_hits_of_the_file_in_order_of_time(day):
    assert len(day) == 13_233
    assert all(before.at <= after.at for before, after in pairwise(day))
    assert (
        datetime(2017, 8, 1, 7, tzinfo=UTC)
        <= moment(day[0].at)
        < moment(day[-1].at)
        < datetime(2017, 8, 2, 7, 1, tzinfo=UTC)
    )


def test_rows_that_are_the_same_have_one_id(day):
    assert len(day) - len({each.message_id for each in day}) == 5


def test_names_of_events_are_those_of_the_mapping(day):
    counted = {name: sum(each.event == name for each in day) for name in ("Product Added", "Order Completed")}

    assert counted == {"Product Added": 494, "Order Completed": 92}


def hit(at):
    return Hit("v", at, "Page Viewed", {}, str(at), names_itself=False)


def test_stretches_without_a_hit_are_stretches_too():
    hits = [hit(1), hit(5 * MINUTE_US - 1), hit(5 * MINUTE_US), hit(16 * MINUTE_US)]

    cut = [(end // MINUTE_US, [each.at for each in within]) for end, within in chunks(hits, 5 * MINUTE_US)]

    assert cut == [(5, [1, 5 * MINUTE_US - 1]), (10, [5 * MINUTE_US]), (15, []), (20, [16 * MINUTE_US])]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/google+redesign/bags/backpacks/home", {"category": "Backpacks"}),
        ("/google+redesign/electronics/power/google+power+bank+black.axd", {"name": "Google Power Bank Black"}),
        ("/google+redesign/accessories/stickers//quickview", {"category": "Stickers"}),
        ("/store.html", {}),
    ],
)
def test_the_address_of_a_page_tells_a_name_a_category_or_nothing(path, said):
    told = product(path)

    assert {name: told[name] for name in ("name", "category") if name in told} == said


def test_links_lead_to_no_shop_that_there_is():
    assert product("/google+redesign/bags")["url"] == "https://shop.example/google+redesign/bags"
