import re

from features.catalog import CATALOGUE, DECLARATIONS
from features.declare import Age, AtMoment, Cart, Gap, Ratio, Session, Sum


def test_the_catalogue_is_in_the_order_of_its_declarations():
    assert CATALOGUE.names == tuple(each.name for each in DECLARATIONS)
    assert CATALOGUE.n_features == len(CATALOGUE.names) == len(CATALOGUE.directions) == len(CATALOGUE.meanings)
    assert set(CATALOGUE.fingerprints) == set(CATALOGUE.names)


def test_names_say_their_unit_or_half_life():
    for each in DECLARATIONS:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", each.name)
        if isinstance(each, Age):
            assert each.name.endswith("_d")
        if isinstance(each, Sum) and each.of.half_life is not None:
            hours = each.of.half_life.total_seconds() / 3600
            assert each.name.endswith(f"_hl{hours:g}h" if hours < 24 else f"_hl{hours / 24:g}d")


def test_every_feature_has_a_meaning_and_a_direction():
    for each in DECLARATIONS:
        assert each.meaning
        assert each.meaning[0].isupper()
        assert not each.meaning.endswith(".")
        assert each.direction in (-1, 0, 1)


def test_every_kind_of_feature_is_in_use():
    assert {type(each) for each in DECLARATIONS} == {Sum, Ratio, Age, Cart, Session, Gap, AtMoment}
    assert len(DECLARATIONS) >= 40
