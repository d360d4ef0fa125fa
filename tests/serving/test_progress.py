from serving.progress import Progress


def test_a_bar_a_step_is_drawn_on_standard_error(capsys):
    with Progress(quiet=False) as progress:
        progress.begin("Reading history.csv", 4)
        progress.reach(4)
        progress.begin("Appending to the log", 2)
        progress.reach(1)
    shown = capsys.readouterr()

    assert shown.out == ""
    assert "Reading history.csv" in shown.err
    assert "100%" in shown.err
    assert "50%" in shown.err


def test_nothing_is_drawn_where_nobody_looks(capsys):
    with Progress(quiet=True) as progress:
        progress.begin("Reading history.csv", 4)
        progress.reach(4)

    assert capsys.readouterr() == ("", "")
