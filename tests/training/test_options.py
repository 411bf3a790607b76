"""The options of a training: what follows from the data, what is taken, what is refused."""

import numpy as np
import pandas as pd
import pytest

from forecast import Forecaster, OptionError
from forecast.data import scaling
from forecast.data.to_panel import to_panel
from forecast.training.options import TrainingOptions, seconds
from forecast.training.plan import choose


def chosen(table, **choices):
    """The configuration and plan that a fit would use."""
    return choose(TrainingOptions(**choices), to_panel(table))


@pytest.fixture(scope="module")
def monthly():
    months = pd.date_range("2015-01-01", periods=60, freq="MS")
    return pd.DataFrame({"ds": months, "y": 10.0 + np.arange(60) % 12})


def test_what_is_left_open_follows_the_data(monthly):
    config, _ = chosen(monthly)

    assert config.frequency.name == "MS"
    assert (config.season, config.lags, config.cycles) == (12, (12, 24), ("year",))


def test_lags_reach_back_at_most_half_a_typical_series(monthly):
    assert chosen(monthly[:47])[0].lags == (12,)


def test_a_cycle_that_the_data_does_not_repeat_is_no_input(monthly):
    assert chosen(monthly[:23])[0].cycles == ()


def test_a_season_that_is_given_is_a_lag_too(monthly):
    config, _ = chosen(monthly, season=5)

    assert (config.season, config.lags) == (5, (5, 10, 12, 24))


def test_what_is_given_is_taken(monthly):
    config, plan = chosen(
        monthly,
        head="student_t",
        layers=3,
        units=5,
        dropout=0.25,
        context=6,
        holdout=4,
        transform="sqrt",
        windows="contiguous",
        batch_size=2,
        steps=7,
        learning_rate=0.5,
        cell="gru",
    )

    assert (config.head, config.layers, config.units, config.context) == ("student_t", 3, 5, 6)
    assert (config.cell, config.horizon, config.powers) == ("gru", plan.window_length - 6, (0.5,))
    assert plan.windows == "contiguous"
    assert (plan.dropout, plan.holdout) == (0.25, 4)
    assert (plan.batch_size, plan.steps, plan.learning_rate) == (2, 7, 0.5)


@pytest.mark.parametrize(
    ("ratio", "ends"), [(0.5, (1.0, 0.5)), ((0.9, 0.25), (0.9, 0.25)), ([0.75], (1.0, 0.75))]
)
def test_the_regimes_and_their_shares_are_taken(monthly, ratio, ends):
    config, plan = chosen(
        monthly,
        **{
            "network": "attention",
            "attention_score": "additive",
            "feedback": "teacher > scheduled",
        },
        **{"teacher_forcing_ratio": ratio, "schedule": "sigmoid"},
        **{"mixing": "parallel", "mix_by": "sequence", "train_horizon": 9},
    )

    assert (config.network, config.score) == ("attention", "additive")
    assert plan.feedback == ("teacher", "scheduled")
    assert plan.teacher_forcing_ratio == ends
    assert (plan.schedule, plan.mixing, plan.mix_by) == ("sigmoid", "parallel", "sequence")
    assert (plan.train_horizon, config.horizon, plan.window_length) == (9, 9, plan.context + 9)


@pytest.mark.parametrize("feedback", ["teacher,free", ["teacher", "free"], "teacher > free"])
def test_regimes_that_follow_one_another_can_be_written_in_several_ways(monthly, feedback):
    _, plan = chosen(monthly, feedback=feedback)

    assert plan.feedback == ("teacher", "free")


@pytest.mark.parametrize(
    ("given", "feedback"),
    [
        ({}, ("teacher", "free")),
        ({"network": "seq2seq"}, ("free",)),
        ({"network": "attention"}, ("free",)),
        ({"network": "repeat"}, ("teacher",)),
        ({"windows": "contiguous"}, ("teacher",)),
        ({"feedback": "teacher"}, ("teacher",)),
        ({"head": "student_t"}, ("teacher",)),
        ({"head": "normal", "network": "seq2seq"}, ("teacher",)),
        ({"head": "normal", "feedback": "free"}, ("free",)),
    ],
)
def test_feedback_follows_from_network_and_head_unless_it_is_given(monthly, given, feedback):
    assert chosen(monthly, **given)[1].feedback == feedback


def test_the_transform_is_chosen_without_the_values_held_out(make_panel):
    season = np.sin(2 * np.pi * np.arange(12) / 12)
    seen = [level + level / 2 * season for level in (10.0, 11.0, 12.0, 13.0, 14.0, 15.0)]
    held_out = [level + 5 * season for level in (1e3, 1e4, 1e5, 1e6)]
    panel = make_panel(np.concatenate(seen + held_out), frequency="MS")

    config, _ = choose(TrainingOptions(holdout=24), panel)

    assert config.powers == (scaling.POWERS["log"],)
    assert scaling.choose_power(panel) == scaling.POWERS["none"]  # as all values would have it


def test_a_transform_that_suits_is_not_taken_where_a_held_out_value_rules_it_out(make_panel):
    season = np.sin(2 * np.pi * np.arange(12) / 12)
    values = np.concatenate([level + level / 2 * season for level in (10.0, 20.0, 40.0, 80.0)])
    spoiled = np.append(values[:-1], 0.0)

    powers = [
        choose(TrainingOptions(holdout=2), make_panel(v, frequency="MS")).config.powers[0]
        for v in (values, spoiled)
    ]

    assert powers == [scaling.POWERS["log"], scaling.POWERS["none"]]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"target": ["load", "promo"]}, "target is ['load', 'promo']; it must be text, or None"),
        (
            {"network": "gru"},
            "network is 'gru'; it must be one of lstm, seq2seq, attention, repeat",
        ),
        ({"head": "cauchy"}, "head is 'cauchy'; it must be one of point, normal"),
        ({"transform": "boxcox"}, "transform is 'boxcox'; it must be one of auto, none, sqrt, log"),
        ({"cell": "rnn"}, "cell is 'rnn'; it must be one of lstm, gru"),
        (
            {"attention_score": "cosine"},
            "attention_score is 'cosine'; it must be one of dot, additive",
        ),
        ({"schedule": "stairs"}, "schedule is 'stairs'; it must be one of constant, linear"),
        (
            {"teacher_forcing_ratio": 0.5, "feedback": "free"},
            "teacher_forcing_ratio is for scheduled sampling, but feedback is 'free'; use",
        ),
        ({"mixing": "exact"}, "mixing is for scheduled sampling, but feedback is 'teacher,free'"),
        (
            {"attention_score": "dot"},
            "attention_score is for attention, but network is 'lstm'; use --network attention",
        ),
        (
            {"feedback": "scheduled", "schedule": "constant"},
            "a constant schedule needs one teacher_forcing_ratio, such as 0.5",
        ),
        ({"feedback": "free", "train_horizon": 1}, "train_horizon is 1, but the first step of a"),
        ({"train_horizon": 0}, "train_horizon is 0; it must be a whole number of at least 1"),
        ({"residual": True, "layers": 1}, "residual is True, but acts between layers, and there"),
        ({"residual": "yes"}, "residual is 'yes'; it must be True or False"),
        ({"dropout": 0.1, "layers": 1}, "dropout is 0.1, but acts between layers, and there is"),
        ({"budget": "1e999"}, "budget is '1e999'; give seconds"),
        ({"learning_rate": np.inf}, "learning_rate is inf; it must be a positive number"),
        ({"mixing": "half"}, "mixing is 'half'; it must be one of exact, parallel"),
        ({"mix_by": "row"}, "mix_by is 'row'; it must be one of step, sequence"),
        ({"feedback": "pupil"}, "feedback is 'pupil'; it must be one of teacher, scheduled, free"),
        ({"feedback": []}, "feedback is []; it must be one of"),
        ({"feedback": 5}, "feedback is 5; it must be one of"),
        ({"teacher_forcing_ratio": 1.5}, "teacher_forcing_ratio is 1.5; give a share from 0 to 1"),
        ({"teacher_forcing_ratio": (1, 0, 0)}, "teacher_forcing_ratio is (1, 0, 0); give a share"),
        ({"teacher_forcing_ratio": ()}, "teacher_forcing_ratio is (); give a share"),
        ({"teacher_forcing_ratio": "1"}, "teacher_forcing_ratio is '1'; give a share"),
        ({"feedback": "free", "network": "repeat"}, "network 'repeat' is not fed its own values"),
        ({"feedback": "free", "windows": "contiguous"}, "contiguous windows carry the state"),
        ({"network": "seq2seq", "windows": "contiguous"}, "contiguous windows carry the state"),
        ({"windows": "sliding"}, "windows is 'sliding'; it must be one of random, contiguous"),
        ({"layers": 0}, "layers is 0; it must be a whole number of at least 1"),
        ({"units": 2.5}, "units is 2.5; it must be a whole number of at least 1"),
        ({"units": "8"}, "units is '8'; it must be a whole number of at least 1"),
        ({"context": 1}, "context is 1; it must be a whole number of at least 2"),
        ({"holdout": -1}, "holdout is -1; it must be a whole number of at least 0"),
        ({"batch_size": 0}, "batch_size is 0; it must be a whole number of at least 1"),
        ({"steps": -1}, "steps is -1; it must be a whole number of at least 0"),
        ({"start": "random"}, "start is 'random'; it must be one of auto, scratch, pretrained"),
        (
            {"start": "pretrained", "network": "seq2seq"},
            "network is 'seq2seq', but a training from the pretrained network has seasonal; leave",
        ),
        (
            {"start": "pretrained", "steps": 9, "transform": "log"},
            "transform is 'log', but a training from the pretrained network keeps its own; leave",
        ),
        ({"start": "pretrained", "units": 8}, "units is 8, but a training from the pretrained"),
        (
            {"start": "pretrained", "head": "negative_binomial"},
            "head is 'negative_binomial', but a training from the pretrained network has quantiles",
        ),
        ({"start": "pretrained", "context": 9}, "context is 9, but a training from the"),
        ({"start": "pretrained", "windows": "contiguous"}, "windows is 'contiguous', but a"),
        ({"start": "pretrained", "residual": True}, "residual is True, but a training from the"),
        ({"start": "scratch", "steps": 0}, "steps is 0, but start is 'scratch'; leave --start out"),
        ({"members": 2, "head": "negative_binomial"}, "members is 2, but a model of counts or of"),
        ({"members": 3, "also": ["came"]}, "members is 3, but a model of counts or of several"),
        ({"steps": 0, "units": 8}, "units is 8, but with 0 steps the pretrained network forecasts"),
        ({"steps": 0, "head": "normal"}, "head is 'normal', but with 0 steps the pretrained"),
        ({"steps": 0, "also": ["came"]}, "also is ['came'], but with 0 steps the pretrained"),
        ({"season": 0}, "season is 0; it must be a whole number of at least 1"),
        ({"layers": True}, "layers is True; it must be a whole number of at least 1"),
        ({"seed": None}, "seed is None; it must be a whole number of at least 0"),
        ({"dropout": "a tenth"}, "dropout is 'a tenth'; it must lie from 0 to below 1"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'; it must be a positive number"),
        ({"bounds": np.array([5.0, 1.0])}, "bounds are (5.0, 1.0); give 'none'"),
        ({"seed": -1}, "seed is -1; it must be a whole number of at least 0"),
        ({"dropout": 1.0}, "dropout is 1.0; it must lie from 0 to below 1"),
        ({"dropout": -0.1}, "dropout is -0.1; it must lie from 0 to below 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be a positive number"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be a positive number"),
        ({"budget": "soon"}, "budget is 'soon'; give seconds, or text such as"),
    ],
)
def test_a_choice_out_of_range_is_named_with_what_would_be_right(sales, choices, message):
    with pytest.raises(OptionError) as error:
        Forecaster(**choices).fit(sales)

    assert str(error.value).startswith(message)


def test_no_steps_begin_from_the_pretrained_network_whatever_the_place_of_the_columns():
    choices = {"id": "store", "time": "day", "target": "sold", "frequency": "D", "season": 7}

    for start in (None, "auto", "pretrained"):
        options = Forecaster(start=start, steps=0, seed=3, budget="9s", bounds="none", **choices)
        options.check()
        assert not options.is_trained
    for start in (None, "auto", "scratch", "pretrained"):
        assert Forecaster(start=start, steps=1).is_trained
    assert Forecaster().is_trained


def test_a_network_that_looks_at_seasons_takes_their_lags(make_panel):
    panel = make_panel(np.arange(200.0), frequency="h")

    config = choose(TrainingOptions(network="seasonal", head="quantiles"), panel).config

    assert config.seasons == (24, 168)
    assert config.lags == (2, 24, 25, 48, 168, 169)
    assert not config.direct  # training makes it no such one
    assert choose(TrainingOptions(), panel).config.seasons == ()


# The budget


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1.5h", 5400),
        ("30", 30),
        (30, 30),
        (0.5, 0.5),
        (" 2 m ", 120),
        ("5min", 300),
        ("1h 30min", 5400),
        ("1e3", 1000),
        (1e-5, 1e-5),
    ],
)
def test_a_budget_is_seconds_or_text_with_a_unit(budget, expected):
    assert seconds(budget) == expected


@pytest.mark.parametrize("budget", ["", "soon", "5 lots", "-5m", 0, -1, "1.2.3", None, "nan", "0s"])
def test_a_budget_that_is_no_length_of_time_is_refused(budget):
    with pytest.raises(OptionError) as error:
        seconds(budget)

    assert str(error.value) == (
        f'budget is {budget!r}; give seconds, or text such as "90s", "5m", "1h"'
    )
