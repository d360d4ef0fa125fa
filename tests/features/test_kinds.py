import pytest

from features.kinds import ALIASES, NAMES, Kind, fold_name


def test_numbers_are_those_already_in_logs_and_fit_six_bits():
    assert [kind.value for kind in Kind] == list(range(len(Kind)))
    assert max(Kind) < 64
    assert (Kind.PRODUCT_VIEWED, Kind.ORDER_COMPLETED, Kind.SIGNED_IN) == (9, 17, 51)


def test_every_kind_has_a_name_of_its_own():
    assert len(set(NAMES.values())) == len(Kind)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Order Completed", Kind.ORDER_COMPLETED),
        ("Completed Order", Kind.ORDER_COMPLETED),
        ("Viewed Product", Kind.PRODUCT_VIEWED),
        ("Added Product", Kind.PRODUCT_ADDED),
        ("Product Added to Wishlist", Kind.WISHLIST_ADDED),
        ("Email Marked as Spam", Kind.EMAIL_SPAM),
        ("Segment Consent Preference Updated", Kind.CONSENT_CHANGED),
    ],
)
def test_segment_names_of_both_versions_are_known(name, kind):
    assert ALIASES[fold_name(name)] is kind


@pytest.mark.parametrize("name", ["product_viewed", "productViewed", "PRODUCT-VIEWED", " product  viewed "])
def test_case_spaces_and_punctuation_do_not_count(name):
    assert ALIASES[fold_name(name)] is Kind.PRODUCT_VIEWED


@pytest.mark.parametrize("name", ["Identified", "Grouped", "Linked", "Other"])
def test_what_only_a_call_can_say_is_no_event_name(name):
    assert fold_name(name) not in ALIASES
