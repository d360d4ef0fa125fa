import numpy as np
import pandas as pd
import pytest

from training.experiment import NoExperiment
from training.experiment_table import Columns, read_table, units_of


def a_table(**more):
    return pd.DataFrame({"arm": ["control", "b", "b", "control"], "outcome": [0, 1, 0, 1], **more})


def test_arms_and_outcomes_are_read_and_control_comes_first():
    found = units_of(a_table(), Columns())

    assert found.arms == ("control", "b")
    assert found.arm.tolist() == [0, 1, 1, 0]
    assert found.converted.tolist() == [False, True, False, True]
    assert found.matured.all()


def test_numbers_are_covariates_and_words_are_groups_unless_they_say_what_came_after():
    table = a_table(age=[30, 40, np.nan, 20], plan=["x", "y", None, "x"], later=[1, 2, 3, 4])
    found = units_of(table, Columns(ignored=("later",)))

    assert list(found.covariates) == ["age"]
    assert np.isnan(found.covariates["age"][2])
    assert found.groups["plan"].tolist() == ["x", "y", "", "x"]


def test_a_column_of_names_splits_nobody():
    many = pd.concat([a_table()] * 10, ignore_index=True).assign(
        user=lambda each: each.index.map(lambda i: f"user-{i}")
    )

    assert units_of(many, Columns()).groups == {}


def test_moments_put_users_in_order():
    at = ["2026-01-03T00:00:00Z", "2026-01-01T02:00:00+02:00", "2026-01-02T00:00:00Z", "2026-01-04T00:00:00Z"]
    found = units_of(a_table(drawn=at), Columns(at="drawn"))

    assert found.at.tolist() == [1_767_225_600_000_000 + i * 86_400_000_000 for i in range(4)]
    assert found.arm.tolist() == [1, 1, 0, 0]
    # The midnight that ends the last day, at which the last look is due.
    assert found.until == int(found.at[-1]) + 86_400_000_000


def test_the_control_can_be_named():
    assert units_of(a_table(), Columns(control="b")).arms == ("b", "control")


@pytest.mark.parametrize(
    ("table", "columns", "said"),
    [
        (a_table().drop(columns="outcome"), Columns(), "the table has no column outcome; it has arm"),
        (a_table(outcome=[0, 1, 2, 1]), Columns(), "row 3: outcome is 2, and must be 0 or 1"),
        (a_table(outcome=[0, None, 1, 1]), Columns(), "row 2: outcome is nan, and must be a number"),
        (a_table(arm=["a", None, "b", "a"]), Columns(), "row 2: arm is empty"),
        (a_table(arm="a"), Columns(), "arm has 1 values"),
        (a_table().iloc[:0], Columns(), "the table has no rows"),
        (a_table(drawn=[1_700_000_000] * 4), Columns(at="drawn"), "row 1: drawn is 1700000000, and must be an ISO"),
        (a_table(), Columns(control="c"), "arm is never c; it is b, control"),
        (a_table(spent=["1", "2", "three", "4"]), Columns(revenue="spent"), "row 3: spent is three"),
        (a_table(when=["2026-01-01", "soon", "2026-01-01", ""]), Columns(at="when"), "row 2: when is soon"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(table, columns, said):
    with pytest.raises(NoExperiment, match=said):
        units_of(table, columns)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_csv_and_parquet_say_the_same(tmp_path, suffix):
    path = tmp_path / f"table.{suffix}"
    write = a_table().to_parquet if suffix == "parquet" else a_table().to_csv
    write(path, index=False)

    pd.testing.assert_frame_equal(read_table(path), a_table())


def test_a_file_that_is_no_table_is_refused(tmp_path):
    (tmp_path / "not.parquet").write_text("a,b\n1,2\n")

    with pytest.raises(NoExperiment, match="cannot be read as a table"):
        read_table(tmp_path / "not.parquet")
    with pytest.raises(NoExperiment, match="there is no such file"):
        read_table(tmp_path / "none.csv")
