"""Charts of text, as a reader sees them."""

import numpy as np

from forecast.plotting.text_chart import Curve, text_chart

NAN = np.nan


def test_a_line_goes_from_its_first_to_its_last_value():
    rows = text_chart([Curve("", np.array([0.0, 1.0]))], ("a", "b"), None, 11, 3)

    assert rows == [
        "1 ┤     ⣀⡴⠋",
        "  │  ⢀⡤⠚⠁",
        "0 ┤⣠⠞⠉",
        "  └────────",
        "   a      b",
    ]


def test_in_ascii_every_line_has_a_mark_of_its_own_and_the_first_is_on_top():
    curves = [Curve("up", np.array([0.0, 2.0])), Curve("down", np.array([2.0, 0.0]))]

    rows = text_chart(curves, ("1", "9"), None, 21, 3, ascii_only=True)

    assert rows == [
        "2 +***     ooo o up",
        "  |   ooooo",
        "0 +ooo     *** * down",
        "  +-----------",
        "   1         9",
    ]


def test_missing_values_interrupt_a_line_and_an_isolated_one_is_a_point():
    rows = text_chart([Curve("", np.array([1.0, NAN, 1.0, NAN, 1.0]))], ("", ""), None, 13, 3, True)

    assert rows[1] == "  |o   o    o"
    assert rows[1].count("o") == 3


def test_the_divider_is_drawn_behind_the_lines():
    rows = text_chart([Curve("", np.array([0.0, 0.0, 1.0]))], ("", ""), 1, 12, 3, ascii_only=True)

    assert [row[7] for row in rows[:3]] == ["|", "|", "o"]


def test_names_of_lines_that_end_together_take_rows_of_their_own():
    curves = [Curve(name, np.array([1.0, 2.0])) for name in ("one", "two", "three", "four")]

    rows = text_chart(curves, ("", ""), None, 40, 3, ascii_only=True)

    assert [row.rpartition(" ")[2] for row in rows[:3]] == ["one", "two", "three"]


def test_a_line_that_ends_early_or_has_no_name_is_not_named():
    curves = [Curve("early", np.array([1.0, NAN])), Curve("", np.array([1.0, 2.0]))]

    assert "early" not in "".join(text_chart(curves, ("", "")))


def test_a_chart_fits_its_width_however_long_the_names():
    curves = [Curve("a name that does not end", np.arange(100.0))]

    for width in (24, 40, 80):
        assert max(map(len, text_chart(curves, ("from", "to"), 50, width))) <= width


def test_equal_or_missing_values_are_drawn_too():
    equal = text_chart([Curve("", np.array([3.0, 3.0]))], ("", ""), None, 12, 3, ascii_only=True)
    missing = text_chart(
        [Curve("x", np.array([NAN, NAN]))], ("a", "b"), None, 12, 3, ascii_only=True
    )
    single = text_chart([Curve("", np.array([3.0]))], ("a", "a"), None, 12, 3, ascii_only=True)

    assert equal[1] == "  |ooooooooo"
    assert missing[-1].split() == ["a", "b"]
    assert single[1] == "  |o"


def test_a_steep_line_has_no_gaps():
    values = np.zeros(50)
    values[25] = 1.0

    rows = text_chart([Curve("", values)], ("", ""), None, 60, 12, ascii_only=True)

    assert all("o" in row for row in rows[:12])
