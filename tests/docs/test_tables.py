import pytest

from tests.docs.tables import TABLES, written


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_code_says(name):
    _, table = TABLES[name]

    assert written(name) == table(), "run `make docs`"
