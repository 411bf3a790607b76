"""The plan of a training, chosen by the data and by what is given."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError
from forecast.data.scaling import UsualSpread
from forecast.inference.config import Config
from forecast.training.options import TrainingOptions
from forecast.training.plan import MIN_ROWS, Plan, choose, make_plan, typical_length


def plan_of(panel, season=1, **options):
    """The plan of a training under teacher forcing, if nothing else is given."""
    return make_plan(TrainingOptions(**{"feedback": "teacher", **options}), panel, season)


def test_contexts_and_tails_are_whole_seasons(make_panel):
    plan = plan_of(make_panel(np.arange(144.0), frequency="MS"), season=12)

    # a quarter of 144 months is three years; an eighth is a year and a half, so one year
    assert (plan.context, plan.holdout, plan.window_length) == (36, 12, 48)


def test_a_context_spans_the_longest_affordable_season(make_panel):
    plan = plan_of(make_panel(np.arange(4000.0), frequency="h"), season=24)

    # a week, and two days
    assert (plan.context, plan.holdout, plan.window_length) == (168, 48, 216)


def test_a_season_longer_than_the_series_is_no_obstacle(make_panel):
    plan = plan_of(make_panel(np.arange(40.0), frequency="D"), season=365)

    assert (plan.context, plan.holdout) == (7, 5)


def test_a_small_panel_gets_a_small_network_and_a_large_one_a_large(make_panel):
    small = plan_of(make_panel(np.arange(4_999.0)), season=1)
    large = plan_of(make_panel(np.arange(5_000.0)), season=1)

    assert (small.layers, small.units) == (1, 32)
    assert (large.layers, large.units) == (2, 64)
    assert large.steps > small.steps


def test_what_is_given_is_taken_as_it_is(make_panel):
    given = {
        "holdout": 0,
        "dropout": 0.0,
        "units": 7,
        "context": 10,
        "steps": 3,
        "learning_rate": None,
    }

    plan = plan_of(make_panel(np.arange(100.0)), season=1, **given)

    assert (plan.holdout, plan.dropout, plan.units, plan.context, plan.steps) == (0, 0, 7, 10, 3)
    assert plan.learning_rate > 0  # None leaves the choice to the plan


def test_a_window_shows_a_context_before_a_holdout_of_any_length(make_panel):
    plan = plan_of(make_panel(np.arange(100.0)), season=1, **{"context": 8, "holdout": 30})

    assert plan.window_length == 38  # no value held out sets the scale that it is judged under


def test_the_typical_length_is_that_of_the_series_long_enough_to_train_on(make_panel):
    panel = make_panel(*(np.ones(n) for n in (3, 5, MIN_ROWS, 20, 30)))

    assert typical_length(panel) == 20


def test_too_short_a_panel_says_how_many_rows_it_takes(make_panel):
    plan_of(make_panel(np.ones(MIN_ROWS)), season=1)

    with pytest.raises(DataError, match=r"the longest series has 11 rows; .* at least 12"):
        plan_of(make_panel(np.ones(MIN_ROWS - 1), np.ones(4)), season=1)


@given(
    lengths=st.lists(st.integers(1, 700), min_size=1, max_size=5).filter(
        lambda lengths: max(lengths) >= MIN_ROWS
    ),
    frequency=st.sampled_from(["1", "h", "D", "B", "W", "MS", "QS", "15min"]),
)
@settings(deadline=None, max_examples=100)
def test_any_panel_long_enough_leaves_windows_to_train_on_and_to_validate_with(
    make_panel, lengths, frequency
):
    panel = make_panel(*(np.ones(n) for n in lengths), frequency=frequency)
    plan = plan_of(panel, panel.frequency.season_length)

    assert plan.context >= 2
    assert plan.holdout <= plan.train_horizon <= max(plan.holdout, 8)
    assert max(lengths) >= plan.min_series_rows


def test_windows_of_short_series_ask_for_eight_steps_as_far_as_there_are_rows(make_panel):
    plans = [plan_of(make_panel(np.arange(rows))) for rows in (12.0, 17.0, 40.0, 200.0)]

    # 12 rows: two are held out, three are context; 200: an eighth is held out
    assert [(plan.holdout, plan.context, plan.train_horizon) for plan in plans] == [
        (1, 3, 7),
        (2, 4, 8),
        (5, 10, 8),
        (6, 50, 8),
    ]


@pytest.mark.parametrize(
    ("context", "rows", "needed"), [(10, 6, 15), (2, 3, 20), (3, 3, 19), (20, 11, 10)]
)
def test_a_window_covers_half_a_context_and_a_series_a_horizon_behind_one(context, rows, needed):
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)
    plan = Plan(**{**fields, "context": context, "train_horizon": 20 - context})

    assert plan.min_window_rows == rows
    assert plan.min_series_rows == needed
    assert Plan(**{**vars(plan), "holdout": 4}).min_series_rows == needed + 8


@pytest.mark.parametrize(("steps", "rounds", "each"), [(400, 20, 20), (50, 20, 2), (3, 20, 1)])
def test_a_round_is_a_whole_number_of_steps(steps, rounds, each):
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)

    assert Plan(**{**fields, "steps": steps, "rounds": rounds}).steps_per_round == each


# Feedback phases


@pytest.mark.parametrize(
    ("feedback", "phases"),
    [
        (("free",), [0, 0, 0, 0, 0]),
        (("teacher", "free"), [0, 0, 0, 1, 1]),
        (("teacher", "scheduled", "free"), [0, 0, 1, 2, 2]),
    ],
)
def test_the_last_regime_has_the_last_quarter_and_the_others_share_the_rest(feedback, phases):
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)
    plan = Plan(**{**fields, "feedback": feedback})

    assert [plan.phase(done)[0] for done in (0.0, 0.25, 0.5, 0.75, 1.0)] == phases
    assert plan.phase(1.0)[1] == 1.0


def test_each_regime_has_a_clock_of_its_own():
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)
    plan = Plan(**{**fields, "feedback": ("teacher", "scheduled", "free")})

    turns = [plan.phase(done) for done in (0.0, 0.1875, 0.375, 0.5625, 0.75, 0.875)]

    assert turns == [(0, 0.0), (0, 0.5), (1, 0.0), (1, 0.5), (2, 0.0), (2, 0.5)]
    assert Plan(**{**fields, "feedback": ("scheduled",)}).phase(0.3) == (0, 0.3)


def test_a_regime_of_own_values_has_at_least_one_to_feed(make_panel):
    series = make_panel(np.arange(60.0))
    given = {"holdout": 1, "context": 60}  # no row is free to ask for more steps

    horizons = [
        plan_of(series, **given, feedback=feedback).train_horizon
        for feedback in ("teacher", "free", "teacher,scheduled")
    ]

    assert horizons == [1, 2, 2]


def test_the_config_knows_what_is_usual_in_the_rows_that_are_trained_on(make_panel):
    season = np.tile([9.0, 11.0], 32)  # spreads a tenth of its level
    loud = np.append(season[:48], np.tile([-90.0, 110.0], 8))  # in what is held out
    options = TrainingOptions(context=8, holdout=8, transform="none")

    config, _ = choose(options, make_panel(season, loud, 1e6 + np.zeros(64), [788.0]))
    counts, _ = choose(replace(options, head="negative_binomial"), make_panel(season))

    (usual,) = config.usual_spreads
    assert usual == UsualSpread(1.0, pytest.approx(0.1))
    assert counts.usual_spreads == ()
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config
