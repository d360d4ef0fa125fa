from verification.closed_loop import KINDS, Lived, bars, kinds_table, seeds, table


def world(seed, learned, effect=(0.01, 0.012, 0.002, 0.022)):
    return Lived("default", seed, 250.0, 160.0, learned, 10.0, True, "in words", "ship", effect)


def test_nine_better_worlds_of_ten_keep_the_promise_and_eight_do_not():
    assert bars([world(i, 100.0 if i < 9 else -5.0) for i in range(10)])[0].holds
    assert not bars([world(i, 100.0 if i < 8 else -5.0) for i in range(10)])[0].holds


def test_a_world_where_nothing_was_tried_covers_nothing_and_is_not_counted():
    untried = world(3, 0.0, None)._replace(kind="few people (3,000)", changed=False, ruling=None)

    _, covers = bars([world(1, 5.0), world(2, 5.0, (0.05, 0.012, 0.002, 0.022)), untried])

    assert (covers.hits, covers.runs) == (1, 2)
    assert "**missed**" in table([world(2, 5.0, (0.05, 0.012, 0.002, 0.022))])
    assert "nothing to try" in table([untried])


def test_every_world_has_a_seed_of_its_own():
    found = list(seeds())

    assert len({seed for _, seed in found}) == len(found) == sum(each.seeds for each in KINDS.values())


def test_worlds_of_a_kind_are_told_from_the_least_to_the_most():
    worlds = [world(1, 119.0), world(2, -5.0, (0.05, 0.012, 0.002, 0.022))]
    others = [each for kind in KINDS for each in (worlds if kind == "default" else [worlds[0]._replace(kind=kind)] * 2)]

    first = kinds_table(others).splitlines()[2]

    assert first == "| default | 2 | +250 | +160 | -5 to +119 | 1, kept the rule 0 | 2 ship | 1 of 2 |"
