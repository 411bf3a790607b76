"""The page of a report in a real browser: it works, fetches nothing, and runs nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from forecast.report import write_report

pytestmark = pytest.mark.slow

HOSTILE = [
    "</script><script>window.hacked = 1</script>",
    '<img src="x" onerror="window.hacked = 2">',
    "<svg/onload=window.hacked=3>",
]
NAMES = [*HOSTILE, "Zürich", "שלום", "😀 store", *(f"store {k:02}" for k in range(14))]
SHARE = """
(canvas, colour) => {
  const { width, height } = canvas;
  const copy = Object.assign(document.createElement("canvas"), { width, height });
  const surface = copy.getContext("2d", { willReadFrequently: true });
  surface.drawImage(canvas, 0, 0);
  const pixels = surface.getImageData(0, 0, width, height).data;
  const matches = at => colour === null
    ? pixels[at + 3] > 0
    : colour.every((part, k) => Math.abs(pixels[at + k] - part) <= 1);
  let count = 0;
  for (let at = 0; at < pixels.length; at += 4) count += matches(at);
  return count / (width * height);
}
"""


def inked(canvas):
    """The share of a chart's pixels that are not blank."""
    return canvas.evaluate(SHARE, None)


def has(canvas, colour):
    """Whether some pixels of a chart have a colour such as #4d4d4d."""
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return canvas.evaluate(SHARE, [*channels, 255]) > 0


@pytest.fixture(scope="module")
def files(make_random_panel, make_model, make_record, tmp_path_factory):
    """Reports: of many series with hostile names, of one, and of a model that was trained."""
    folder = tmp_path_factory.mktemp("reports")
    many = make_random_panel([60] * len(NAMES), ids=NAMES, frequency="D", first=19_000)
    write_report(make_model(many, head="student_t"), folder / "many.html", many, 7, cutoffs=6)
    one = make_random_panel([60])
    model = make_model(one)
    write_report(model, folder / "one.html", one, 7, cutoffs=1)
    trained = replace(model, record=make_record(last=int(one.ordinals.max())))
    write_report(trained, folder / "trained.html", one, 7, cutoffs=1)
    return folder


@pytest.fixture
def opened(watched_page, files):
    """Opens a report; afterwards there may be no error, and no request but that for its file."""
    page = watched_page.page

    def visit(name):
        address = (files / f"{name}.html").as_uri()
        page.goto(address)
        return SimpleNamespace(page=page, address=address, width=watched_page.width)

    yield visit
    assert watched_page.messages == []
    assert len(watched_page.requests) == 1
    assert watched_page.requests[0].startswith("file:")


def listed(page):
    return page.locator("#matches button").all_text_contents()


@pytest.mark.parametrize("name", ["many", "one", "trained"])
def test_charts_are_drawn_and_nothing_reaches_beyond_the_window(opened, name):
    visit = opened(name)
    page, charts = visit.page, visit.page.locator("canvas").all()

    assert len(charts) == {"many": 2, "one": 2, "trained": 3}[name]
    for chart in charts:
        box = chart.bounding_box()
        assert 0.75 * min(visit.width, 900) < box["width"] + 240 * (visit.width > 400)
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= visit.width
        assert box["height"] >= 200
        assert 0.005 < inked(chart) < 0.9
    assert page.evaluate("document.documentElement.scrollWidth") <= visit.width
    for folded in page.locator("details").all():
        folded.evaluate("details => { details.open = true }")
    assert page.evaluate("document.documentElement.scrollWidth") <= visit.width


def test_a_search_narrows_the_list_and_enter_shows_the_first_match(opened):
    page = opened("many").page
    assert listed(page) == NAMES
    assert page.locator("#count").text_content() == "20 of 20 series"

    page.get_by_label("Search for a series").fill("ORE 1")

    assert listed(page) == ["store 10", "store 11", "store 12", "store 13"]
    assert page.locator("#count").text_content() == "4 of 20 series"
    page.keyboard.press("Enter")
    assert page.locator("#series-name").text_content() == "store 10"
    assert page.locator("#count").text_content() == "Shown: store 10"
    assert page.get_by_role("group", name="Forecast of store 10").is_visible()


def test_accents_need_not_be_typed_and_nothing_may_be_found(opened):
    page = opened("many").page
    search = page.get_by_label("Search for a series")

    search.fill("zurich")
    assert listed(page) == ["Zürich"]
    search.fill("nowhere")
    page.keyboard.press("Enter")

    assert listed(page) == []
    assert page.locator("#count").text_content() == "0 of 20 series"
    assert page.locator("#series-name").text_content() == NAMES[0]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_wherever_it_is_shown(opened, name):
    page = opened("many").page

    page.get_by_label("Search for a series").fill(name)
    page.keyboard.press("Enter")

    assert page.locator("#series-name").text_content() == name
    assert listed(page) == [name]
    assert name in page.locator("#worst").text_content()
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_keys_alone_reach_the_search_a_series_and_the_values_of_its_chart(opened):
    page = opened("many").page
    focused = "document.activeElement.id || document.activeElement.className"

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "search":
            break
    page.keyboard.type("store 0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#series-name").text_content() == "store 01"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(focused) == "plot":
            break
    page.keyboard.press("ArrowRight")
    first = page.locator("#series .readout").text_content()
    page.keyboard.press("ArrowLeft")

    assert first.startswith("2022-03-09: forecast ")
    assert "; 95%: " in first
    assert page.locator("#series .readout").text_content().startswith("2022-03-08: ")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_chart_says_its_numbers_as_text_and_as_a_table(opened):
    page = opened("many").page

    assert "The forecast of 7 steps, 2022-03-09 to 2022-03-15, goes from" in (
        page.locator("#series figcaption").text_content()
    )
    page.get_by_text("Table of this forecast").click()
    rows = page.locator("#series tbody tr")
    assert rows.count() == 7
    assert rows.first.locator("th, td").count() == 6


def test_a_name_among_the_worst_shows_its_chart(opened):
    page = opened("many").page
    button = page.locator("#worst button").nth(2)
    name = button.text_content()

    button.click()

    assert page.locator("#series-name").text_content() == name
    assert page.evaluate("document.activeElement.className") == "plot"


def test_a_single_series_needs_no_search(opened):
    page = opened("one").page

    assert not page.locator("#search").is_visible()
    assert page.locator("#series-name").text_content() == "a"


def test_in_print_charts_are_dark_on_white_and_tables_stay_folded(opened):
    page = opened("many").page
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)
    chart, (light, dark) = page.locator("#series canvas"), ("#4d4d4d", "#c4c9cf")
    assert (has(chart, light), has(chart, dark)) == (False, True)

    page.emulate_media(color_scheme="dark", media="print")
    page.wait_for_timeout(100)

    assert (has(chart, light), has(chart, dark)) == (True, False)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#search").is_visible()
    assert not any(details.is_visible() for details in page.locator("details").all())
    assert page.pdf().startswith(b"%PDF")


def test_text_stands_out_in_the_light_and_in_the_dark(opened):
    page = opened("many").page
    ratios = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours = [
            page.evaluate(f"getComputedStyle(document.querySelector({place!r})).{what}")
            for place, what in (("body", "color"), (".hint", "color"), ("summary", "color"))
        ]
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        ratios += [contrast(colour, paper) for colour in colours]

    assert min(ratios) >= 4.5


def contrast(*colours):
    """The contrast of two colours by WCAG 2."""
    lights = []
    for colour in colours:
        share = np.array([float(part) for part in colour[4:-1].split(",")]) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        lights.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(lights) / min(lights)
