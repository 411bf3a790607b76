"""The page of a service in a real browser: a person finds a series and sees its forecast move."""

import threading
import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import expect

from forecast import ForecastWarning
from forecast.data.covariates import CovariateColumns, learn
from forecast.service.app import create_app
from forecast.service.server import listening
from forecast.service.settings import Settings

pytestmark = pytest.mark.slow

HOSTILE = '<img src="x" onerror="window.hacked = 1">'
PRICES = CovariateColumns(("price",), np.arange(40.0)[:, None] % 3, ((),), (False,))
NAMES = [HOSTILE, "Zürich/1", *(f"store {k:03}" for k in range(118))]


@pytest.fixture
def address(make_model, make_random_panel, tmp_path):
    """A service of three models, in a thread; one forecasts from future values."""
    panel = make_random_panel([40] * len(NAMES), ids=NAMES, frequency="D", first=19_000)
    two = make_random_panel([40, 40], targets=2, frequency="h", first=400_000)
    make_model(panel, lags=(1, 7, 14), head="student_t").save(tmp_path / "stores.forecast")
    make_model(two, lags=(1, 24)).save(tmp_path / "rooms.forecast")
    priced = replace(make_random_panel([40], frequency="D"), known=PRICES)
    make_model(priced, known=learn(PRICES, "the table")).save(tmp_path / "priced.forecast")
    paths = [str(tmp_path / f"{name}.forecast") for name in ("stores", "rooms", "priced")]
    app = create_app(Settings.of(tuple(paths), token="secret"))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    with listening("127.0.0.1", 0) as taken, warnings.catch_warnings():
        warnings.simplefilter("ignore", ForecastWarning)  # forecasts of random weights
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@pytest.fixture
def page(watched_page, address):
    """The page; afterwards there may be no error, foreign request or scrolling sideways."""
    page = watched_page.page
    page.goto(address)
    page.wait_for_selector("canvas")
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= watched_page.width
    assert [text for _, text in watched_page.messages if "status of 4" not in text] == []
    assert [url for url in watched_page.requests if not url.startswith(address)] == []


def listed(page):
    return page.locator("#matches button").all_text_contents()


def search(page, text):
    with page.expect_response(lambda answer: "/series?" in answer.url):
        page.fill("#search", text)
    page.wait_for_timeout(50)


def observe(page, *values):
    page.fill("#token", "secret")
    for place, value in enumerate(values):
        page.fill(f"#value-{place}", value)
    page.click("#observe button")


def test_a_series_is_found_among_many_and_its_forecast_is_shown(page):
    assert page.locator("#count").text_content().startswith("100 of 120 series")
    expect(page.locator("#series-name")).to_have_text(HOSTILE)

    search(page, "zürich")
    page.click("#matches button")
    expect(page.locator("#series-name")).to_have_text("Zürich/1")

    assert listed(page) == ["Zürich/1"]
    assert page.locator("canvas").count() == 1
    assert "The forecast of" in page.locator("figcaption").text_content()
    assert page.locator("#matches button").get_attribute("aria-current") == "true"
    search(page, "nothing like it")
    assert listed(page) == []


def test_a_new_value_moves_the_forecast_and_the_one_before_stays_in_sight(page):
    search(page, "store 007")
    page.click("#matches button")
    expect(page.locator("#series-name")).to_have_text("store 007")
    before = page.locator("figcaption").text_content()
    time = page.locator("#next").text_content()

    observe(page, "43.5")
    expect(page.locator("#done")).not_to_be_empty()

    assert page.locator("#done").text_content().startswith(f"Observed 43.5 at {time}.")
    assert page.locator("#next").text_content() > time
    after = page.locator("figcaption").text_content()
    assert after.startswith("The last observed value is 43.5.")
    assert after != before
    assert "Forecast before" in page.locator(".legend").text_content()
    assert page.locator("#value-0").input_value() == ""


@pytest.mark.parametrize(
    ("value", "token", "problem"),
    [
        ("many", "secret", "Rows, row 0, column 'sold': "),
        ("3", "guess", "New rows need the service's token"),
    ],
)
def test_what_is_refused_is_said_and_nothing_moves(page, value, token, problem):
    time = page.locator("#next").text_content()

    page.fill("#token", token)
    page.fill("#value-0", value)
    page.click("#observe button")
    expect(page.locator("#refused")).not_to_be_empty()

    assert page.locator("#refused").text_content().startswith(problem)
    assert page.locator("#next").text_content() == time
    assert page.locator("#value-0").input_value() == value


def test_another_model_with_two_targets_has_a_field_for_each(page):
    page.select_option("#model", "rooms")
    expect(page.locator("#fields label")).to_have_text(["sold", "came"])
    time = page.locator("#next").text_content()

    observe(page, "1", "2")
    expect(page.locator("#done")).not_to_be_empty()

    assert page.locator("#done").text_content().startswith(f"Observed 1, 2 at {time}.")


def test_a_model_with_future_covariates_asks_what_to_assume(page):
    page.select_option("#model", "priced")
    expect(page.locator("#known label")).to_have_text(["price"])
    expect(page.locator("#assumed")).to_have_text("Type them to see the forecast of a.")
    assert page.locator("#observe").is_hidden()

    page.fill("#known-0", "2")
    page.click("#assume button")
    expect(page.locator("#series-name")).to_have_text("a")
    before = page.locator("figcaption").text_content()
    page.fill("#known-0", "1")
    page.click("#assume button")
    expect(page.locator("figcaption")).not_to_have_text(before)
    observe(page, "12")

    expect(page.locator("#done")).to_contain_text("Observed 12 at 1970-02-10.")


def test_a_value_that_somebody_else_has_sent_is_not_said_to_be_observed(page, address):
    search(page, "store 003")
    page.click("#matches button")
    expect(page.locator("#series-name")).to_have_text("store 003")
    time = page.locator("#next").text_content()
    row = {"store": "store 003", "day": time, "sold": 4.0}
    headers = {"Authorization": "Bearer secret"}
    page.request.post(f"{address}observe", data={"model": "stores", "rows": [row]}, headers=headers)

    observe(page, "77")

    expect(page.locator("#refused")).to_contain_text(f"has a value at {time} already")
    assert page.locator("figcaption").text_content().startswith("The last observed value is 4.")
