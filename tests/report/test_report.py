"""The page of a model: what it shows, and that nothing in the data can run in it."""

import html
import itertools
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from forecast import DataError, Forecaster, ForecastError, OptionError, load
from forecast.cli import main
from forecast.evaluation.baselines import BASELINES
from forecast.report import ReportRequest, write_report
from forecast.report import render as render_request
from forecast.report.contents import (
    MAX_CHARTS,
    errors_by_series,
    gather_contents,
    plan_backtest,
)
from forecast.report.curves import digits_for, plain
from forecast.report.markup import escape, number, table
from forecast.report.page import csp_hash, embed_json, read_asset
from forecast.report.reproduce import training_command

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("small_backtests")]

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    '<img src="x" onerror="window.hacked = 2">',
    "\"' onmouseover='window.hacked = 3'",
    "<!--<script>",
    "&lt;b&gt;",
    "\u202eעברית‮ gnp.exe",
    "😀 line\u2028break\nand\ttab \x00\x1b[2J",
]
VOID = {"meta", "input", "br", "img"}


class Elements(HTMLParser):
    """Collects elements with their attributes, the text of scripts, and what is not closed."""

    def __init__(self, page):
        super().__init__()
        self.found, self.open, self.text, self.scripts = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        is_code = self.open and self.open[-1] in ("script", "style")
        (self.scripts if is_code else self.text).append(text)

    def named(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def data_of(page):
    """The data that a page embeds."""
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page)[1])


def render(*options, **named):
    return render_request(ReportRequest(*options, **named))


def text_of(page):
    return " ".join(" ".join(Elements(page).text).split())


@pytest.fixture
def panel(make_random_panel):
    return make_random_panel([40, 40, 40], frequency="D", first=19_000)


@pytest.fixture
def model(make_model, panel):
    return make_model(panel)


# Escaping


@pytest.mark.parametrize("name", HOSTILE)
def test_escaped_text_is_text_again_when_it_is_read(name):
    shown = "".join("\ufffd" if char in "\x00\x1b" else char for char in name)

    assert html.unescape(escape(name)) == shown
    assert not set("<>\"'") & set(escape(name))


def test_an_unpaired_surrogate_is_replaced():
    assert escape("a\ud800b") == "a\ufffdb"


@pytest.mark.parametrize("name", [*HOSTILE, "a\ud800b"])
def test_embedded_data_are_ascii_without_tags_and_read_as_they_were(name):
    text = embed_json({name: [name, 1.5, None]})

    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == {name: [name, 1.5, None]}


def test_the_cells_of_a_table_are_escaped():
    made = table("<c>", ["<h>", "n"], [("<r>", 1234.5678), ("x", float("nan"))])

    assert "<c>" not in made
    assert '<th scope="row"><bdi>&lt;r&gt;</bdi></th><td>1,235</td>' in made
    assert "<td>–</td>" in made


def test_a_page_of_hostile_names_has_the_elements_of_one_of_harmless_names(
    make_model, make_random_panel
):
    pages = []
    for ids in (HOSTILE, [f"{k}" for k in range(len(HOSTILE))]):
        panel = make_random_panel([40] * len(ids), ids=ids)
        names = {"id": ids[0], "time": ids[1], "targets": (ids[2],)}
        panel = replace(panel, schema=replace(panel.schema, **names), source=ids[0])
        panel = replace(panel, notes=(ids[0], ids[1]))
        pages.append(Elements(render(make_model(panel), panel, 4, name=ids[0])))

    hostile, harmless = pages

    assert [tag for tag, _ in hostile.found] == [tag for tag, _ in harmless.found]
    handlers = {
        key for _, attributes in hostile.found for key in attributes if key.startswith("on")
    }
    assert handlers == set()
    assert HOSTILE[0] in " ".join(hostile.text)


# Numbers


def test_numbers_are_rounded_to_five_digits_and_missing_ones_are_null():
    values = [1.23456789, np.nan, 1234567.0, 0.0, -np.inf, 2.0]

    assert json.dumps(plain(values)) == "[1.2346, null, 1234600, 0, null, 2]"


def test_a_series_that_varies_little_around_a_high_level_keeps_enough_digits():
    values = np.array([143_146.0, 143_152.0, np.nan, 143_149.0])

    assert digits_for(values) == 9
    assert plain(values, digits_for(values)) == [143_146, 143_152, None, 143_149]
    assert digits_for(np.array([5.0, 5.0])) == digits_for(np.array([np.nan])) == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.1235"), (12345.6, "12,346"), (5e-7, "5e-07"), (None, "–"), (np.inf, "–")],
)
def test_numbers_for_people_are_short(value, text):
    assert number(value) == text


# Charts


def test_a_chart_has_the_last_rows_the_forecast_and_its_intervals_on_one_axis(make_model, panel):
    model = make_model(panel, head="student_t")
    expected = model.rollout(5, panel, levels=(80, 95)).table

    data = data_of(render(model, panel, 5))

    first, axis = data["series"][0], data["axes"][0]
    begin = first["at"]
    times = axis["text"][begin : begin + 24 + 5]
    assert (first["name"], first["axis"], len(first["past"])) == ("a", 0, 24)
    assert first["past"] == plain(panel.target[16:40, 0])
    assert first["forecast"] == plain(expected["forecast"][:5])
    assert data["levels"] == ["95", "80"]
    assert first["ends"][2] == plain(expected["forecast-lo-80"][:5])
    assert times[-5:] == [str(day.date()) for day in expected["day"][:5]]
    assert axis["x"][begin] == 86_400 * (19_000 + 16)


def test_series_of_different_phases_have_separate_axes(make_panel, make_model):
    rising = np.arange(1.0, 31.0)
    panel = make_panel(rising, rising, rising, frequency="60min")
    panel = replace(panel, start=panel.start + np.array([0, 30, 120]) * 60 * 1_000_000)
    model = make_model(panel)

    data = data_of(render(model, panel, 2))

    assert [chart["axis"] for chart in data["series"]] == [0, 1, 0]
    assert [chart["at"] for chart in data["series"]] == [0, 0, 2]
    assert data["axes"][1]["text"][0] == "1970-01-01 06:30:00"


def test_missing_values_of_the_past_are_null(make_panel, make_model):
    values = np.arange(1.0, 31.0)
    values[-3] = np.nan
    panel = make_panel(values)

    past = data_of(render(make_model(panel), panel, 2))["series"][0]["past"]

    assert past[-4:] == [27, None, 29, 30]


def test_without_a_table_charts_show_the_rows_that_the_state_keeps(make_random_panel, make_model):
    panel = make_random_panel([30, 3])
    model = make_model(panel, lags=(5,))

    data = data_of(render(model, horizon=3))

    kept = [chart["past"] for chart in data["series"]]
    assert kept[0] == pytest.approx(plain(panel.target[25:30, 0]), rel=1e-3)
    assert kept[1] == pytest.approx(plain(panel.target[30:33, 0]), rel=1e-3)


def test_whole_numbers_are_times_as_they_are(make_random_panel, make_model):
    data = data_of(render(make_model(make_random_panel([30])), horizon=3))

    assert data["dated"] is False
    assert data["axes"][0]["x"] == [29, 30, 31, 32]
    assert data["axes"][0]["text"] == ["29", "30", "31", "32"]


def test_each_of_several_targets_has_a_chart(make_random_panel, make_model):
    panel = make_random_panel([30, 30], targets=2)

    data = data_of(render(make_model(panel), panel, 3))

    names = [chart["name"] for chart in data["series"]]
    assert names == ["a: sold", "a: came", "b: sold", "b: came"]


def test_of_many_series_the_worst_are_shown_and_the_page_says_so(make_random_panel, make_model):
    panel = make_random_panel([20] * (MAX_CHARTS + 20))
    model = make_model(panel)
    errors = errors_by_series(model.backtest(panel, 4, 2, stride=4))

    with_table, without = (render(model, *given, horizon=4) for given in ((panel,), ()))

    shown = [chart["name"] for chart in data_of(with_table)["series"]]
    assert shown == errors.index[:MAX_CHARTS].tolist()
    assert (
        f"Charts show {MAX_CHARTS} of {MAX_CHARTS + 20} series, those with the largest errors"
        in with_table
    )
    assert [chart["name"] for chart in data_of(without)["series"]] == panel.ids[
        :MAX_CHARTS
    ].tolist()
    assert f"Charts show {MAX_CHARTS} of {MAX_CHARTS + 20} series, the first." in without


def test_a_backtest_that_would_take_minutes_uses_fewer_series(
    make_random_panel, make_model, monkeypatch
):
    panel = make_random_panel([20] * 29 + [30])
    monkeypatch.setattr("forecast.report.contents.MAX_BACKTEST_STEPS", 150)

    request = ReportRequest(make_model(panel), panel, horizon=4, cutoffs=2, stride=1)

    contents = gather_contents(request)

    assert sorted(contents.series_errors.index) == [
        panel.ids[0],
        panel.ids[10],
        panel.ids[20],
        panel.ids[29],
    ]
    assert contents.notes[0].startswith("The backtest uses 4 of 30 series, evenly chosen")


# Backtest


def test_the_backtest_is_shown_with_its_notes_its_verdict_and_its_worst_series(
    make_model, make_record, panel
):
    model = replace(make_model(panel), record=make_record(last=int(panel.ordinals.max())))
    backtest = model.backtest(panel, 4, 3, stride=4)

    page = render(model, panel, 4, cutoffs=3)

    text, errors = text_of(page), backtest.overall["mase"]
    assert backtest.verdict.sentence() in text
    assert text.count("9 of 9 forecasts begin within the training data") == 2
    assert "9 forecasts of 4 steps, each from the rows up to its cutoff only; 3 cutoffs" in text
    assert f"The model {errors['forecast']:.4g}" in text
    assert "The 3 of 3 series with the largest errors" in text
    assert all(finding.sentence in text for finding in backtest.findings())
    steps = data_of(page)["charts"]["by-step"]
    assert steps["x"] == [1, 2, 3, 4]
    assert steps["lines"][0] == {
        "key": "forecast",
        "name": "The model",
        "values": plain(backtest.by_step["mase"].unstack("model")["forecast"]),
    }


def test_the_page_begins_with_the_held_out_steps_where_the_backtest_is_in_sample(trained, sales):
    model = trained.model_
    compared = model.record.comparison
    unseen = replace(model, record=replace(model.record, last=0))

    in_sample, fair = (text_of(render(shown, sales, 7, cutoffs=2)) for shown in (model, unseen))

    assert f"MASE on held-out steps {compared.mase:.3g}" in in_sample
    assert "MASE in the backtest" in fair
    assert "MASE in the backtest" not in in_sample


def test_the_coverage_of_each_level_is_shown(make_model, panel):
    model = make_model(panel, head="student_t")
    coverage = model.backtest(panel, 4, 3, stride=4).overall.loc["forecast", "coverage-80"]

    text = text_of(render(model, panel, 4, cutoffs=3))

    assert f"80% {coverage:.1f}% {coverage - 80:+.1f} points" in text


def test_cutoffs_lie_after_the_training_rows_where_there_are_enough_rows(
    make_model, make_record, panel
):
    model = make_model(panel)
    trained_to = [
        replace(
            model,
            record=make_record(last=int(panel.ordinals.max()) - later * panel.frequency.step),
        )
        for later in (6, 3)
    ]

    assert plan_backtest(trained_to[0], panel, 4, None, None) == (3, None)
    assert plan_backtest(trained_to[1], panel, 4, None, None) == (5, 4)
    assert plan_backtest(trained_to[1], panel, 4, 20, None) == (20, 1)
    assert plan_backtest(model, panel, 40, None, None) == (0, None)


def test_a_table_too_short_for_any_cutoff_has_a_report_without_a_backtest(make_model, panel):
    page = render(make_model(panel), panel, 40)

    assert "There is no backtest: no series has more rows than the horizon." in text_of(page)
    assert 'id="backtest"' not in page
    with pytest.raises(DataError, match="fewer --cutoffs"):
        render(make_model(panel), panel, 40, cutoffs=1)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_has_a_colour_in_the_light_and_in_the_dark_and_a_dash(name):
    assert read_asset("report.css").count(f"--{name}: #") == 2
    assert f" {name}: [" in read_asset("charts.js")


# The rest of the page


def test_headings_are_nested_and_every_section_is_linked(make_model, panel):
    elements = Elements(render(make_model(panel), panel, 4))

    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch("h[1-6]", tag)]
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    links = [attributes["href"] for attributes in elements.named("a")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    assert len(ids) == len({*ids})
    assert {link.removeprefix("#") for link in links} <= {*ids}
    assert elements.named("html")[0]["lang"] == "en"
    assert elements.open == []


def test_nothing_is_fetched_and_nothing_runs_but_what_the_policy_names(make_model, panel):
    elements = Elements(render(make_model(panel), panel, 4))

    policy = next(a["content"] for a in elements.named("meta") if "http-equiv" in a)
    fetching = {"src", "srcset", "action", "data", "poster"}
    assert not [a for tag, a in elements.found if fetching & a.keys() or tag in ("link", "base")]
    assert all(link["href"].startswith("#") for link in elements.named("a"))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert csp_hash(read_asset("charts.js")) in policy
    assert not [a for _, a in elements.found if "style" in a]
    assert "url(" not in read_asset("report.css") + read_asset("uPlot.min.css")


def test_the_same_model_and_rows_give_the_same_page(make_model, panel):
    assert render(make_model(panel), panel, 4) == render(make_model(panel), panel, 4)


def test_the_licence_of_the_charts_stands_in_the_page(make_model, panel):
    page = render(make_model(panel), horizon=2)

    assert "Copyright (c) 2022 Leon Sorokin" in page
    assert "(v1.6.32)" in page


def test_a_model_without_a_record_of_its_training_has_a_report(make_model, panel):
    assert "The model has no training record." in text_of(render(make_model(panel)))


@pytest.mark.usefixtures("untrained")
def test_future_covariates_are_needed_for_forecasts_only(sales):
    priced = sales.assign(price=1.0 + np.arange(len(sales)) % 3)
    chosen = {"known": ["price"], "target": "sold", "units": 4, "steps": 2, "holdout": 0}
    model = Forecaster(**chosen).fit(priced).model_
    days = pd.date_range("2024-03-01", periods=3)

    without = render(model, priced, 3)
    given = render(model, priced, 3, future=pd.DataFrame({"day": days, "price": 2.0}))

    assert (
        "There are no forecasts: the model needs the future values of the columns 'price'"
        in text_of(without)
    )
    assert data_of(without)["series"] == []
    assert 'id="backtest"' in without
    assert len(data_of(given)["series"]) == 2
    assert "--future FUTURE" in given


def test_the_training_is_shown_with_its_losses_and_its_plan(trained):
    model = trained.model_

    page = render(model)

    text, rounds = text_of(page), model.record.rounds
    assert "Trained lstm (1 layer of 4 LSTM units; teacher forcing): 6 gradient steps" in text
    assert "Frequency: daily, inferred from the timestamps." in text
    loss = data_of(page)["charts"]["loss"]
    assert loss["x"] == [entry.step for entry in rounds]
    assert loss["lines"][0]["values"] == plain([entry.loss for entry in rounds])
    assert model.state.fingerprint in text


def test_the_command_that_the_page_shows_trains_the_same_model(
    trained, sales, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    sales.to_csv("TABLE", index=False)
    model = trained.model_

    command = training_command(model, "again.forecast")
    words = [*command.split()[1:], "--seed", "1"]
    result = CliRunner().invoke(main, words)

    assert result.exit_code == 0, result.output
    again = load("again.forecast")
    assert again.record.plan == model.record.plan
    assert again.config.blueprint == model.config.blueprint
    assert again.record.rounds[-1].loss == pytest.approx(model.record.rounds[-1].loss)


# Writing


def test_a_page_is_written_whole_or_not_at_all(make_model, panel, tmp_path, monkeypatch):
    place = tmp_path / "report.html"
    place.write_text("before")

    def fail(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fail)
        with pytest.raises(ForecastError, match="No space left"):
            write_report(make_model(panel), place)
    assert place.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]

    write_report(make_model(panel), place)
    assert place.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("option", ["horizon", "cutoffs", "stride"])
def test_counts_must_be_whole_and_positive(make_model, panel, option):
    with pytest.raises(OptionError, match=f"{option} is 0"):
        render(make_model(panel), panel, **{option: 0})


@pytest.fixture
def folder(trained, sales, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained.model_.save("model.forecast")
    sales.to_csv("sales.csv", index=False)
    return tmp_path


def run(*words):
    return CliRunner().invoke(main, ["report", *words])


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_the_command_writes_the_page_and_says_how_large_it_is():
    result = run("model.forecast", "sales.csv", "--out", "report.html", "--horizon", "3")

    size = Path("report.html").stat().st_size
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith(f"Wrote report.html: {size / 1000:,.0f} kB.")
    shown = [chart["name"] for chart in data_of(Path("report.html").read_text())["series"]]
    assert shown == ["north", "south"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (["--out", "report.txt"], 2, "a page's name must end in .html or .htm"),
        (["--out", "model.forecast"], 2, "would overwrite the model"),
        (["model.forecast", "sales.csv", "--out", "sales.csv"], 2, "overwrite the table itself"),
        (["--out", "nowhere/report.html"], 1, "there is no folder"),
        (["--out", "r.html", "--cutoffs", "3"], 2, "--cutoffs is for the backtest"),
        (["model.forecast", "-", "--out", "r.html", "--future", "-"], 2, "both be standard input"),
        (["other.forecast", "--out", "r.html"], 1, "other.forecast"),
        (["model.forecast", "sales.csv", "--out", "r.html", "--future", "sales.csv"], 2, "--known"),
        (["model.forecast", "sales.csv", "-o", "r.html", "--cutoffs", "90"], 1, "fewer --cutoffs"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_done_is_refused_in_one_line(words, status, line):
    result = run(*words)

    assert result.exit_code == status, result.output
    assert line in result.stderr
    assert result.stderr.count("Error") == 1
    assert not Path("r.html").exists()


def test_a_damaged_training_record_is_one_line(folder, trained):
    broken = replace(trained.model_, record=replace(trained.model_.record, rounds=()))
    broken.save(folder / "broken.forecast")

    result = run("broken.forecast", "--out", "r.html")

    assert result.exit_code == 1
    assert "broken.forecast: its training record is damaged; train again" in result.stderr
