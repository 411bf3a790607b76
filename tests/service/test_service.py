"""The addresses of a service, asked within this process."""

import asyncio
import time
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from forecast import ForecastWarning, Model
from forecast.data.covariates import CovariateColumns, learn
from forecast.data.to_panel import to_panel
from forecast.data.to_table import to_table
from forecast.engines.state_store import StateStore
from forecast.service.app import create_app
from forecast.service.settings import Limits, Settings

SMALL = Limits(body=3_000, horizon=50, series=4, values=2_000)
ROW = b'{"rows": [{"store": "a", "day": "1970-01-13", "sold": %s}]}'
NEW = {"store": "a", "day": "1970-01-13", "sold": 7.0}


@pytest.fixture(scope="module")
def panel(make_random_panel):
    return make_random_panel([12, 9, 15, 8, 30], frequency="D")


@pytest.fixture(scope="module")
def model(make_model, panel):
    return make_model(panel, lags=(1, 3), head="student_t")


@pytest.fixture
def serve(tmp_path):
    """Starts a service of models, saved under their names, and ends it."""
    begun = []

    def begin(*, token=None, limits=Limits(), states=None, monitors=False, **models):  # noqa: B008 - a constant
        for name, one in models.items():
            one.save(tmp_path / f"{name}.forecast")
        paths = tuple(str(tmp_path / f"{name}.forecast") for name in models)
        app = create_app(Settings.of(paths, states, token, limits, monitors))
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        begun.append(client)
        return client

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ForecastWarning)  # forecasts of random weights
        yield begin
        for client in begun:
            client.__exit__(None, None, None)


def problem(answer, status):
    """The detail of a problem, whose form and status are checked."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    detail = answer.json()["detail"]
    assert detail
    assert "\n" not in detail
    return detail


def test_a_forecast_is_that_of_the_library_to_the_bit(serve, model):
    asked = {"horizon": 5, "series": ["b", "a"], "levels": [80], "paths": 3, "seed": 4}

    answer = serve(stores=model).post("/predict", json=asked).json()

    expected = model.rollout(5, series=["b", "a"], levels=80, paths=3, seed=4)
    table = pd.DataFrame(answer["forecast"])
    assert answer["model"] == "stores"
    assert table["day"].tolist() == expected.table["day"].astype(str).tolist()
    pd.testing.assert_frame_equal(
        table.drop(columns="day"), expected.table.drop(columns="day"), check_exact=True
    )
    paths = pd.DataFrame(answer["paths"])
    pd.testing.assert_frame_equal(
        paths.drop(columns="day"), expected.path_table.drop(columns="day"), check_exact=True
    )


def test_without_names_all_series_are_forecast_in_the_order_of_their_ids(serve, model):
    rows = serve(stores=model).post("/predict", json={"horizon": 1}).json()["forecast"]

    assert [row["store"] for row in rows] == ["a", "b", "c", "d", "e"]
    assert [row["forecast"] for row in rows] == model.predict(1)["forecast"].tolist()


def test_new_rows_move_the_forecast_as_in_the_library(serve, model):
    client = serve(stores=model)

    answer = client.post("/observe", json={"rows": [NEW]})
    after = client.post("/predict", json={"horizon": 3, "series": ["a"]}).json()["forecast"]

    state = model.observe(model.state.select(["a"]), [7.0])
    counts = {"rows": 1, "seen": 0, "series": 1, "new": 0}
    assert answer.json() == {"model": "stores", **counts, "notes": []}
    assert [row["forecast"] for row in after] == model.predict(3, state=state)["forecast"].tolist()
    assert after[0]["day"] == "1970-01-14"


def test_rows_that_are_sent_again_are_passed_over(serve, model):
    client = serve(stores=model)
    client.post("/observe", json={"rows": [NEW]})

    again = client.post("/observe", json={"rows": [NEW]}).json()

    assert (again["rows"], again["seen"]) == (0, 1)


def test_what_was_acknowledged_outlives_the_service(serve, model, tmp_path):
    client = serve(stores=model)
    client.post("/observe", json={"rows": [NEW]})
    with StateStore(tmp_path / "stores.states", model) as store:
        kept = store.states(["a"])

    again = serve(stores=model)

    assert kept.time[0] == model.state.select(["a"]).time[0] + model.config.frequency.step
    assert again.post("/observe", json={"rows": [NEW]}).json()["seen"] == 1


def test_a_refused_row_takes_the_others_of_its_request_with_it(serve, model):
    client = serve(stores=model)
    late = {"store": "b", "day": "1970-01-20", "sold": 1.0}

    detail = problem(client.post("/observe", json={"rows": [NEW, late]}), 422)

    assert "series 'b'" in detail
    assert "1970-01-10" in detail
    assert client.post("/observe", json={"rows": [NEW]}).json()["rows"] == 1
    filled = client.post("/observe", json={"rows": [late], "fill_gaps": True})
    assert filled.json()["rows"] == 1


def test_a_series_with_its_history_is_forecast_and_not_kept(serve, model, panel):
    table = to_table(panel.select(["e"])).assign(store="new")
    rows = table.astype({"day": str}).to_dict("records")
    client = serve(stores=model)

    answer = client.post("/predict", json={"horizon": 4, "history": rows}).json()

    assert [row["store"] for row in answer["forecast"]] == ["new"] * 4
    expected = model.predict(4, table)["forecast"]
    assert [row["forecast"] for row in answer["forecast"]] == expected.tolist()
    assert client.get("/series", params={"search": "new"}).json()["series"] == []


def test_any_table_is_forecast_without_a_model_of_it(serve, model):
    months = [f"{2020 + k // 12}-{1 + k % 12:02}" for k in range(40)]
    rows = [{"when": month, "visits": 20 + k % 12} for k, month in enumerate(months)]
    asked = {"horizon": 3, "history": rows, "levels": [80]}

    answer = serve(stores=model).post("/untrained", json=asked).json()

    panel = to_panel(pd.DataFrame(rows))
    expected = Model.untrained(panel).predict(3, levels=80)
    assert pd.DataFrame(answer["forecast"]).equals(expected)
    assert expected["when"].tolist() == ["2023-05", "2023-06", "2023-07"]
    assert answer["model"] == "pretrained"
    assert "frequency: monthly, inferred from the timestamps" in answer["notes"]


def test_columns_of_such_a_table_may_be_named(serve, model):
    rows = [{"a": k, "b": 3.0 * k, "c": 7.0} for k in range(9)]
    asked = {"horizon": 1, "history": rows, "time": "a", "target": "c"}
    client = serve(stores=model, limits=SMALL)

    row = client.post("/untrained", json=asked).json()["forecast"][0]

    assert row["a"] == 9
    assert row["forecast"] == pytest.approx(7.0)
    wrong = client.post("/untrained", json={**asked, "target": "d"})
    assert "no column 'd'" in problem(wrong, 422)
    assert "at most 50 steps" in problem(
        client.post("/untrained", json={**asked, "horizon": 51}), 422
    )


def test_a_series_that_nobody_knows_is_refused_unless_it_is_said_to_be_new(serve, model):
    client = serve(stores=model)

    detail = problem(client.post("/predict", json={"horizon": 2, "series": ["x"]}), 404)
    answer = client.post(
        "/predict", json={"horizon": 2, "levels": [80], "new_series": [{"store": "x"}]}
    ).json()

    assert "no series 'x' has a state" in detail
    latest = model.state.select(["e"])  # alone ends last
    latest = replace(latest, ids=np.array(["x"], dtype=object))  # by which paths are drawn
    expected = model.predict(2, state=latest, levels=80)
    found = pd.DataFrame(answer["forecast"])
    assert found["store"].tolist() == ["x", "x"]
    assert found["forecast"].tolist() == expected["forecast"].tolist()
    assert found["forecast-lo-80"].tolist() == expected["forecast-lo-80"].tolist()
    assert answer["notes"][0].startswith("series 'x' has no history")


def test_series_are_listed_some_at_a_time(serve, model):
    client = serve(stores=model)

    first = client.get("/series", params={"limit": 2}).json()
    second = client.get("/series", params={"limit": 3, "after": first["next"]}).json()
    found = client.get("/series", params={"search": "D"}).json()

    assert first["series"][0] == {"id": "a", "last_time": "1970-01-12"}
    assert [entry["id"] for entry in first["series"] + second["series"]] == list("abcde")
    assert first["total"] == 5
    assert [entry["id"] for entry in found["series"]] == ["d"]
    assert found["next"] is None


def test_several_models_are_told_apart_by_the_names_of_their_files(serve, model, make_model, panel):
    client = serve(stores=model, others=make_model(panel, seed=1))

    detail = problem(client.post("/predict", json={"horizon": 1}), 422)
    unknown = problem(client.post("/predict", json={"horizon": 1, "model": "x"}), 404)
    answer = client.post("/predict", json={"horizon": 1, "model": "others"}).json()

    assert detail == "say which model is meant; there are 'stores', 'others'"
    assert unknown == "no model 'x'; there are 'stores', 'others'"
    assert answer["model"] == "others"
    assert [one["name"] for one in client.get("/models").json()] == ["stores", "others"]


def test_numbers_that_are_ids_may_be_written_as_text(serve, make_model, make_random_panel):
    panel = make_random_panel([9, 9], ids=[3, 12], frequency="D")
    numbered = replace(panel, schema=replace(panel.schema, id_dtype="int64"))
    client = serve(shops=make_model(numbered))

    rows = client.post("/predict", json={"horizon": 1, "series": ["12", 3]}).json()["forecast"]

    assert [row["store"] for row in rows] == [12, 3]
    assert [entry["id"] for entry in client.get("/series").json()["series"]] == [3, 12]


def test_a_token_guards_what_changes_and_nothing_else(serve, model):
    client = serve(stores=model, token="secret")
    rows = {"rows": [NEW]}

    problem(client.post("/observe", json=rows), 401)
    wrong = client.post("/observe", json=rows, headers={"Authorization": "Bearer guess"})
    right = client.post("/observe", json=rows, headers={"Authorization": "Bearer secret"})

    assert "Authorization: Bearer TOKEN" in problem(wrong, 401)
    assert wrong.headers["www-authenticate"] == "Bearer"
    assert right.json()["rows"] == 1
    assert client.post("/predict", json={"horizon": 1}).status_code == 200
    assert client.get("/models").json()[0]["needs_token"]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({}, 422, "horizon: field required"),
        ({"horizon": 0}, 422, "horizon: input should be greater than or equal to 1"),
        ({"horizon": 2.5}, 422, "horizon: input should be a valid integer"),
        ({"horizon": 51, "series": ["a"]}, 422, "horizon is 51; at most 50 steps"),
        ({"horizon": 1}, 413, "5 series; at most 4 in a request"),
        ({"horizon": 50, "series": ["a"], "levels": [80]}, 413, "are 10,000 values; at most 2,000"),
        ({"horizon": 1, "levels": [100]}, 422, "levels.0: input should be less than 100"),
        ({"horizon": 1, "series": []}, 422, "series: list should have at least 1 item"),
        ({"horizon": 1, "series": ["a"], "future": [{"day": 1}]}, 422, "no future covariates"),
        ({"horizon": 1, "history": [{"day": "1970-01-01"}]}, 422, "history"),
        ({"horizon": 1, "new_series": [{"store": "x", "size": 3}]}, 422, "no static covariates"),
        ({"horizon": 1, "new_series": [{}]}, 422, "needs an id in the column 'store'"),
        ({"horizon": 1, "hello": 1}, 422, "hello: extra inputs are not permitted"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(serve, model, asked, status, words):
    answer = serve(stores=model, limits=SMALL).post("/predict", json=asked)

    assert words in problem(answer, status)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b"[" * 100_000, "application/json", 413),
        (b"[" * 2_500, "application/json", 400),
        (b"store,day,sold\n", "text/csv", 415),
        (b"", "application/json", 422),
        (
            b'{"rows": [{"store": "a", "day": "1970-01-13", "sold": Infinity}]}',
            "application/json",
            422,
        ),
        (
            b'{"rows": [{"store": "a", "day": "1970-01-13", "sold": "\\ud800"}]}',
            "application/json",
            422,
        ),
    ],
)
def test_bodies_that_are_no_rows_are_refused(serve, model, content, kind, status):
    client = serve(stores=model, limits=SMALL)

    problem(client.post("/observe", content=content, headers={"Content-Type": kind}), status)

    assert client.post("/observe", json={"rows": [NEW]}).json()["rows"] == 1


def test_other_addresses_and_methods_are_problems_too(serve, model):
    client = serve(stores=model)

    problem(client.get("/nothing"), 404)
    problem(client.get("/predict"), 405)


def test_a_chart_has_the_values_that_the_state_keeps_and_the_forecast(serve, model, panel):
    chart = serve(stores=model).post("/chart", json={"series": "e", "horizon": 6}).json()

    (series,) = chart["series"]
    last = panel.select(["e"]).target[-3:, 0]
    np.testing.assert_allclose(series["past"], last, rtol=1e-4)
    np.testing.assert_allclose(
        series["forecast"], model.predict(6, series=["e"])["forecast"], rtol=1e-4
    )
    assert chart["next"] == "1970-01-31"
    assert chart["axes"][0]["text"][-1] == "1970-02-05"


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"series": "e", "horizon": 10**14}, 422, "at most 10,000 steps"),
        ({"series": "x"}, 404, "no series 'x' has a state"),
        ({"series": "e", "horizon": 0}, 422, "horizon: input should be greater"),
        ({}, 422, "series: field required"),
    ],
)
def test_a_chart_that_cannot_be_is_said_in_one_line(serve, model, asked, status, words):
    assert words in problem(serve(stores=model).post("/chart", json=asked), status)


def test_metrics_count_requests_rows_and_series(serve, model):
    client = serve(stores=model)
    client.post("/observe", json={"rows": [NEW]})
    client.get("/nothing")

    text = client.get("/metrics").text

    assert 'forecast_requests_total{path="/observe",status="200"} 1.0' in text
    assert 'forecast_requests_total{path="other",status="404"} 1.0' in text
    assert 'forecast_rows_observed_total{model="stores"} 1.0' in text
    assert 'forecast_series{model="stores"} 5.0' in text
    assert 'forecast_request_seconds_count{path="/observe"} 1.0' in text


def test_states_may_lie_in_a_folder_of_their_own(serve, model, tmp_path):
    (tmp_path / "kept").mkdir()

    serve(stores=model, states=str(tmp_path / "kept"))

    assert (tmp_path / "kept" / "stores.states").exists()


def test_a_later_model_file_brings_its_states_along(serve, model):
    client = serve(stores=model)
    client.post("/observe", json={"rows": [{"store": "b", "day": "1970-01-10", "sold": 3.0}]})
    later = model.update(pd.DataFrame([NEW]).assign(day=lambda t: pd.to_datetime(t["day"])))

    again = serve(stores=later)

    ends = {one["id"]: one["last_time"] for one in again.get("/series").json()["series"]}
    assert (ends["a"], ends["b"]) == ("1970-01-13", "1970-01-10")


def test_a_monitor_tells_prometheus_how_well_a_model_still_fits(serve, model):
    client = serve(stores=model, monitors=True)
    client.post("/observe", json={"rows": [NEW]})
    client.post("/observe", json={"rows": [{**NEW, "day": "1970-01-19"}]})  # is refused

    text = client.get("/metrics").text

    assert 'forecast_monitor_series{model="stores"} 5.0' in text
    assert 'forecast_monitor_rows{model="stores"} 1.0' in text
    assert 'forecast_monitor_alarms{model="stores",test="level up"} 0.0' in text
    assert "forecast_monitor" not in serve(stores=model).get("/metrics").text


def test_new_rows_are_answered_with_what_is_remarkable_about_them(serve, model):
    client = serve(stores=model)
    odd = [{**NEW, "sold": 1e6}, {**NEW, "store": "b", "day": "1970-01-12"}, {**NEW, "store": "x"}]

    notes = client.post("/observe", json={"rows": odd, "fill_gaps": True}).json()["notes"]

    assert notes == [
        "missing rows inserted before the new ones: 2 ('b')",
        "unusually large values, please check: 'a'",
        "new series: 1 ('x')",
    ]


def test_forecasts_that_begin_at_different_times_say_so(serve, model):
    notes = serve(stores=model).post("/predict", json={"horizon": 1}).json()["notes"]

    assert notes[0] == "4 of 5 series end before 1970-01-30: their forecasts begin earlier"


def test_messages_name_the_fields_of_requests_not_options_of_commands(
    serve, make_model, make_random_panel
):
    known = CovariateColumns(("price",), np.arange(9.0)[:, None] % 3, ((),), (False,))
    panel = replace(make_random_panel([9], frequency="D"), known=known)
    model = make_model(panel, known=learn(known, "the table"))
    client = serve(priced=model)
    row = {"store": "a", "day": "1970-01-13", "sold": 1.0, "price": 2}

    needs = problem(client.post("/predict", json={"horizon": 1}), 422)
    gap = problem(client.post("/observe", json={"rows": [row]}), 422)
    chart = client.post("/chart", json={"series": "a", "horizon": 2, "known": {"price": 2}}).json()

    assert needs == "the model takes the future covariates ['price']; give them with \"future\""
    assert gap.endswith('or take them as missing with "fill_gaps"')
    future = pd.DataFrame({"day": pd.date_range("1970-01-10", periods=2), "price": 2})
    expected = model.predict(2, future=future)["forecast"]
    np.testing.assert_allclose(chart["series"][0]["forecast"], expected, rtol=1e-4)


def test_a_request_that_takes_too_long_is_ended(serve, model, monkeypatch):
    monkeypatch.setattr("forecast.service.app.predict", lambda *_: time.sleep(0.3) or {})
    client = serve(stores=model, limits=Limits(seconds=0.1))

    detail = problem(client.post("/predict", json={"horizon": 1, "series": ["a"]}), 503)

    assert detail.startswith("not done within 0.1 seconds")


def test_a_body_that_comes_too_slowly_is_refused(model, tmp_path):
    model.save(tmp_path / "stores.forecast")
    settings = Settings.of((str(tmp_path / "stores.forecast"),), limits=Limits(seconds=0.1))
    sent = []

    async def never():
        await asyncio.sleep(10)

    async def send(message):
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
    scope |= {"query_string": b"", "http_version": "1.1", "scheme": "http"}
    asyncio.run(create_app(settings)(scope, never, send))

    assert sent[0]["status"] == 408
    assert b"has not arrived within 0.1 seconds" in sent[1]["body"]


def test_programmers_find_every_address_and_field_without_a_network(serve, model):
    page = serve(stores=model).get("/docs")

    description = serve(stores=model).get("/openapi.json").json()
    fields = description["components"]["schemas"]["PredictRequest"]["properties"]
    assert all(f"<bdi>{name}</bdi>" in page.text for name in fields)
    assert all(f" {path}</h2>" in page.text for path in description["paths"])
    assert "https:" not in page.text


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"store": "a"}, "series 'a' has a state; name it in series"),
        ({"store": 2.5}, "the id 2.5 is not of the kind"),
        ({"store": True}, "the id True is not of the kind"),
    ],
)
def test_series_that_are_not_new_are_refused_as_such(serve, model, row, words):
    answer = serve(stores=model).post("/predict", json={"horizon": 1, "new_series": [row]})

    assert words in problem(answer, 422)


@pytest.mark.parametrize("cell", ["units", "time", "id"])
def test_numbers_that_no_table_holds_are_refused(serve, model, cell):
    huge = 10**400
    row = {**NEW, {"units": "sold", "time": "day", "id": "store"}[cell]: huge}

    answer = serve(stores=model).post("/observe", json={"rows": [row]})

    assert len(problem(answer, 422)) < 700


def test_rows_are_not_written_to_a_file_that_was_removed(serve, model, tmp_path):
    client = serve(stores=model)
    client.post("/observe", json={"rows": [NEW]})
    for path in tmp_path.glob("stores.states*"):
        path.unlink()

    answer = client.post("/observe", json={"rows": [{**NEW, "day": "1970-01-14"}]})

    assert "was removed or replaced while it was open" in problem(answer, 503)


def test_a_season_beyond_all_tables_is_refused(serve, model):
    asked = {"horizon": 1, "history": [{"t": k, "v": k} for k in range(3)], "season": 10**9}

    assert "season: input should be less than" in problem(
        serve(stores=model).post("/untrained", json=asked), 422
    )


def test_ids_beyond_what_a_browser_counts_are_text_and_are_found_by_it(
    serve, make_model, make_random_panel
):
    ids = [2**62 + 1, 2**62 + 3, 2**62 + 5]
    panel = make_random_panel([9] * 3, ids=ids, frequency="D")
    numbered = replace(panel, schema=replace(panel.schema, id_dtype="int64"))
    client = serve(shops=make_model(numbered))

    first = client.get("/series", params={"limit": 2}).json()
    second = client.get("/series", params={"limit": 2, "after": first["next"]}).json()
    row = {"store": str(ids[1]), "day": "1970-01-10", "sold": 1.0}
    done = client.post("/observe", json={"rows": [row]}).json()

    listed = [entry["id"] for entry in first["series"] + second["series"]]
    assert listed == [str(name) for name in ids]
    assert second["next"] is None
    assert (done["rows"], done["new"]) == (1, 0)
    assert client.post("/chart", json={"series": str(ids[1])}).json()["next"] == "1970-01-11"


def test_a_new_series_is_named_once(serve, model):
    asked = {"horizon": 1, "new_series": [{"store": "x"}, {"store": "x"}]}

    assert "comes twice" in problem(serve(stores=model).post("/predict", json=asked), 422)
