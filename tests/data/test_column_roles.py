"""Which column is what: read as it was meant, or refused, whatever the table is called and like."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.data.origin import SourceFile, TableOrigin
from forecast.data.to_panel import to_panel
from forecast.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=40)
WEATHER = ["rain", "sun", "fog", "sun", "snow"]


def one_series(**columns):
    return pd.DataFrame({"date": DAYS, **columns, "sales": np.arange(40.0)})


def stores(*names, days=DAYS, column="Filiale"):
    """A row for each store and day, those of one day below each other."""
    return pd.DataFrame(
        {
            "date": np.repeat(days, len(names)),
            column: [*names] * len(days),
            "sales": np.arange(float(len(names) * len(days))),
        }
    )


def roles_of(table, **named):
    schema = to_panel(table, **named).schema
    return schema.id, schema.time, *schema.targets


def error_of(table, **named):
    with pytest.raises(DataError) as error:
        to_panel(table, **named)
    return str(error.value)


# Text beside one series


@pytest.mark.parametrize(
    "text",
    [
        WEATHER * 8,
        ["first day", *[None] * 39],
        ["first day", *[""] * 39],
        [*map(str, DAYS.day_name())],
    ],
    ids=["weather", "remarks", "empty remarks", "weekdays"],
)
def test_text_beside_one_series_is_not_an_id(text):
    panel = to_panel(one_series(extra=text))

    assert panel.lengths.tolist() == [40]
    assert (panel.schema.layout, panel.schema.unused) == ("series", ("extra",))
    assert "columns not used: 'extra'" in panel.notes


def test_remarks_named_like_an_id_are_none():
    assert roles_of(one_series(customer=["Ann", *[None] * 39])) == (None, "date", "sales")


def test_measured_values_named_like_an_id_are_none():
    table = one_series(meter=np.arange(40) * 1.25).drop(columns="sales")

    assert roles_of(table) == (None, "date", "meter")


def test_a_date_that_is_there_twice_does_not_make_the_weather_an_id():
    table = one_series(weather=WEATHER * 8)
    table.loc[7, "date"] = table.loc[5, "date"]

    assert error_of(table) == (
        "the table, row 7, column 'date': 2024-01-06 is in row 5 already; keep one row per time; "
        "if a column names several series, give it with --id (id= in Python)"
    )


@pytest.mark.parametrize("name", ["year", "Jahr", "Step", " t "])
def test_whole_numbers_are_times_in_a_column_whose_name_says_so(name):
    years = pd.DataFrame({name: np.arange(2012, 2024), "Umsatz (TEUR)": np.arange(12.0) ** 2})

    assert roles_of(years) == (None, name, "Umsatz (TEUR)")


def test_a_name_that_says_so_makes_an_id_of_one_series():
    assert roles_of(one_series(store="Bonn")) == ("store", "date", "sales")


# Ids where times repeat


@pytest.mark.parametrize("names", [("Bonn", "Ulm"), (7, 12, 3), ("007", "012")])
def test_the_column_that_tells_rows_of_one_time_apart_is_the_id(names):
    panel = to_panel(stores(*names).assign(weather=(WEATHER * 24)[: 40 * len(names)]))

    assert panel.schema.id == "Filiale"
    assert panel.ids.tolist() == sorted(names)
    assert panel.lengths.tolist() == [40] * len(names)


def test_counts_that_happen_to_tell_rows_apart_are_no_id():
    table = stores("Bonn", "Ulm").drop(columns="Filiale").assign(visits=np.arange(80) % 13)

    assert "keep one row per time" in error_of(table, target="sales")


def test_a_remark_that_differs_in_every_row_is_no_id():
    table = stores("Bonn", "Ulm").assign(remark=[f"note {n}" for n in range(80)])

    assert roles_of(table) == ("Filiale", "date", "sales")
    assert "keep one row per time" in error_of(table.drop(columns="Filiale"))


def test_evidence_comes_before_a_name_that_says_id():
    table = stores("Bonn", "Ulm", "Köln", "Jena").assign(
        region=["West", "South", "West", "East"] * 40
    )

    assert roles_of(table) == ("Filiale", "date", "sales")


def test_one_of_several_names_that_say_id_is_the_finest():
    table = stores("a", "b", "c", column="sku").assign(item_id=["x", "y", "y"] * 40, store="Bonn")

    assert roles_of(table) == ("sku", "date", "sales")


def test_a_row_that_is_there_twice_leaves_the_id_what_it_is():
    table = stores("Bonn", "Ulm")
    table = pd.concat([table, table.iloc[[20]]], ignore_index=True)

    assert error_of(table) == (
        "the table, row 80, column 'date': 2024-01-11 of series 'Bonn' is in row 20 already; keep "
        "one row per time"
    )


def test_an_id_with_an_empty_cell_is_not_taken_for_one_that_nobody_named():
    table = stores("Bonn", "Ulm")
    table.loc[3, "Filiale"] = None

    assert "keep one row per time; if a column names several series, give" in error_of(table)
    assert error_of(table, id="Filiale").endswith("'Filiale': no id; every row needs one")


def test_sparse_series_have_an_id_too():
    table = stores(*"abcdefgh").sample(frac=0.3, random_state=1)

    assert roles_of(table, frequency="D") == ("Filiale", "date", "sales")


def test_several_columns_that_may_be_the_id_are_refused():
    table = stores("Bonn", "Ulm").assign(code=["bn", "ul"] * 40)

    line = error_of(table)

    assert line.startswith("the table: the id column may be any of 'Filiale', 'code'; say which")
    assert roles_of(table, id="code") == ("code", "date", "sales")


def test_columns_that_name_the_series_only_together_are_to_be_joined():
    table = stores("Bonn", "Ulm", "Bonn", "Ulm").assign(ware=["tea", "tea", "rye", "rye"] * 40)

    line = error_of(table)
    joined = table.assign(both=table["Filiale"] + " " + table["ware"])

    assert line == (
        "the table: no column alone names the series, but 'Filiale' and 'ware' do together; join "
        "them into one column and name it with --id (id= in Python)"
    )
    assert to_panel(joined, id="both").lengths.tolist() == [40] * 4


def test_a_column_whose_values_come_in_blocks_that_begin_in_time_anew_is_the_id():
    old, new = stores("Bonn", days=DAYS[:20]), stores("Ulm", days=DAYS[20:])
    table = pd.concat([new, old], ignore_index=True)

    assert roles_of(table) == ("Filiale", "date", "sales")
    assert roles_of(table[::-1]) == ("Filiale", "date", "sales")
    assert roles_of(pd.concat([new[::-1], old[::-1]])) == (None, "date", "sales")  # one long fall
    assert roles_of(table.sort_values("date")) == (None, "date", "sales")
    assert roles_of(table.assign(Filiale=["a", "b"] * 20)) == (None, "date", "sales")


def test_files_that_tell_rows_apart_come_before_a_column_that_does_so_too():
    table = pd.concat([one_series(sky=["wet", "dry"] * 20), one_series(sky=["dry", "wet"] * 20)])
    files = (SourceFile("Bonn.csv", 2, 40), SourceFile("Ulm.csv", 2, 40))

    panel = to_panel(table, TableOrigin("*.csv", None, files))

    assert (panel.schema.id, panel.ids.tolist()) == ("file", ["Bonn", "Ulm"])


# No id


def test_none_says_that_no_column_is_the_id():
    panel = to_panel(one_series(store=[*"ab"] * 20), id="none")

    assert (panel.schema.id, panel.lengths.tolist()) == (None, [40])
    assert panel.schema.unused == ("store",)


def test_a_column_called_none_is_a_column():
    table = stores("Bonn", "Ulm", column="none")

    assert roles_of(table, id="none") == ("none", "date", "sales")


def test_times_that_repeat_without_an_id_are_refused():
    assert error_of(stores("Bonn", "Ulm"), id="none") == (
        "the table, row 1, column 'date': 2024-01-01 is in row 0 already; keep one row per time; "
        "if a column names several series, give it with --id (id= in Python)"
    )


def test_none_also_leaves_the_names_of_files_and_columns_of_numbers():
    files = (SourceFile("Bonn.csv", 2, 20), SourceFile("Ulm.csv", 2, 20))
    table = one_series(price=1.0)

    panel = to_panel(table, TableOrigin("*.csv", None, files), id="none")
    doubled = TableOrigin("*.csv", None, (files[0], SourceFile("Ulm.csv", 2, 20)))

    assert panel.schema.layout == "series"
    assert "is in line" in error_of(pd.concat([table[:20], table[:20]]), origin=doubled, id="none")
    with pytest.raises(DataError, match="the target column may be any of 'left', 'right'"):
        to_panel(pd.DataFrame({"date": DAYS, "left": 1.0, "right": 2.0}), id="none")


# Any table

NAMES = st.text("abcxyzÄé _-", min_size=1, max_size=8).map(lambda text: f"c{text}c")
IDS = st.sampled_from(
    [["Bonn", "Ulm", "Köln"], [1, 2, 3], [40, 7, 512], ["007", "x", "-"], ["a b", "a,b", "Ä"]]
)


@st.composite
def known_tables(draw):
    """A table of known roles: its id, time and target, and what each series holds."""
    names = draw(st.lists(NAMES, min_size=6, max_size=6, unique_by=str.strip))
    id, time, target, *extra = names
    ids = draw(IDS)
    ids = ids[: draw(st.integers(2 if isinstance(ids[0], int) else 1, 3))]
    length = draw(st.integers(8, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = [(name, n) for name in ids for n in range(length)]
    table = pd.DataFrame({id: [name for name, _ in rows], time: [DAYS[n] for _, n in rows]})
    table[target] = rng.normal(0, 1, len(rows)).round(3)
    kinds = {
        "weather": lambda: rng.choice(WEATHER, len(rows)),
        "remark": lambda: np.where(rng.random(len(rows)) < 0.9, None, "sold out"),
        "constant": lambda: "EUR",
        "note": lambda: [f"note {n}" for n in rng.permutation(len(rows))],
    }
    for name in extra:
        table[name] = kinds[draw(st.sampled_from(sorted(kinds)))]()
    held = {name: part[target].tolist() for name, part in table.groupby(id)}
    order = draw(st.permutations([*table.columns]))
    return id, time, target, held, table.sample(frac=1, random_state=0)[order]


def read(table):
    """The panel of a table of days, or the message that refuses it."""
    try:
        return to_panel(table, frequency="D"), ""
    except DataError as error:
        return None, str(error)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(known_tables())
def test_roles_are_found_or_refused_and_never_wrong(example):
    id, time, target, held, table = example

    panel, refusal = read(table)
    if panel is None:
        assert re.search("may be any of|do together|keep one row per time", refusal)
        return

    assert (panel.schema.time, panel.schema.targets) == (time, (target,))
    is_one = panel.schema.id is None
    assert is_one == (len(held) == 1)
    assert panel.schema.id in (None, id)
    parts = np.split(panel.target[:, 0], panel.indptr[1:-1])
    found = {name: part.tolist() for name, part in zip(panel.ids.tolist(), parts, strict=True)}
    assert list(found.values()) == list(held.values()) if is_one else found == held


# Tables for a model that is trained already


def test_a_model_of_one_series_reads_later_tables_as_one_series(make_model):
    model = make_model(to_panel(one_series(shop="Bonn", kind="A"), id="none"))

    panel = model.panel(one_series(store="Ulm", weather=WEATHER * 8))

    assert panel.ids.tolist() == ["sales"]
    assert "columns not used: 'store', 'weather'" in panel.notes


def test_columns_that_the_training_did_not_use_may_be_there_or_not_and_are_not_noted_again(
    make_model,
):
    model = make_model(to_panel(stores("Bonn", "Ulm").assign(weather="sun")))

    assert model.config.schema.unused == ("weather",)
    for table in (stores("Bonn", "Ulm"), stores("Bonn", "Ulm").assign(weather="fog")):
        assert not [note for note in model.panel(table).notes if "not used" in note]
    assert "columns not used: 'price'" in model.panel(stores("Bonn").assign(price=1.0)).notes


def test_a_column_that_a_wide_table_did_not_use_does_not_become_a_series(make_model):
    wide = pd.DataFrame({"date": DAYS, "a": range(40), "b": range(40), "remark": [None, "x"] * 20})
    model = make_model(to_panel(wide))

    panel = model.panel(wide.assign(remark=np.nan))

    assert panel.ids.tolist() == ["a", "b"]


def test_several_series_for_a_model_of_one_are_refused_by_the_name_of_their_column(make_model):
    model = make_model(to_panel(one_series(Filiale="Bonn")))

    with pytest.raises(DataError, match="2 series, distinguished by 'Filiale', but the model was"):
        model.panel(stores("Bonn", "Ulm"))


def test_parts_of_a_time_are_no_ids():
    days, hours = np.repeat(np.arange(18), 2), [0, 12] * 18
    table = pd.DataFrame({"day": days, "hr": hours, "riders": range(36)})

    with pytest.raises(DataError, match="0 is in row 0 already; keep one row per time"):
        to_panel(table, target="riders")
    assert to_panel(table.rename(columns={"hr": "bus"}), target="riders").ids.tolist() == [0, 12]
