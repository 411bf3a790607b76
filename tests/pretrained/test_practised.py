import pytest

from forecast.nn import seasonal
from forecast.pretrained.practised import (
    KINDS,
    enough_rows,
    is_practised,
    longest_horizon,
    scale_rows,
    with_seasons,
)
from forecast.pretrained.pretraining import pretraining_config


def test_the_kinds_share_all_batches():
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)
    for kind in KINDS:
        assert 0 < kind.rows[0] < kind.rows[1]
        assert 0 < kind.horizon[0] < kind.horizon[1]
        assert kind.seasons == (0, 0) or kind.seasons[0] >= 1
        assert not kind.seasons[1] % max(kind.seasons[0], 1)  # whole shorter seasons
        assert kind.rows[0] > kind.seasons[1]  # a longer season is there to be seen


def test_a_scale_is_that_of_three_seasons_or_of_a_dozen_rows():
    assert [scale_rows(season) for season in (1, 4, 5, 12)] == [12, 12, 15, 36]


def test_the_longest_horizon_is_that_of_all_kinds_with_the_season():
    of_season = {season: longest_horizon(season) for season in (1, 7, 12, 24, 10)}

    assert of_season == {1: 12, 7: 60, 12: 36, 24: 168, 10: 60}  # 10: any of the last kind


def test_a_forecast_is_made_from_a_dozen_seasons_or_two_long_ones_or_a_longer_and_a_shorter_one():
    seasons = [(1, 0), (4, 0), (12, 0), (52, 0), (300, 0), (24, 168), (7, 364)]

    assert [enough_rows(pair) for pair in seasons] == [40, 48, 144, 500, 601, 192, 371]
    for pair in seasons:
        assert enough_rows(pair) >= max(seasonal.lags(pair))


def test_a_season_is_practised_by_a_kind_of_its_own_or_among_any():
    seasons = (1, 2, 12, 24, 96, 300, 301, 364)

    assert [season for season in seasons if is_practised(season)] == [1, 2, 12, 24, 96, 300]


def test_another_season_changes_what_follows_from_it_and_nothing_else():
    monthly = pretraining_config(units=8, layers=2, cell="lstm")

    hourly = with_seasons(monthly, (24, 168))

    assert (hourly.season, hourly.seasons) == (24, (24, 168))
    assert (hourly.context, hourly.horizon) == (72, 168)
    assert hourly.lags == seasonal.lags((24, 168))
    assert hourly.blueprint.sizes.inputs == monthly.blueprint.sizes.inputs  # one set of weights
    assert with_seasons(hourly, monthly.seasons) == monthly
