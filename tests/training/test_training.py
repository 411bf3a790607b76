import gc
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError
from forecast.inference.loop import rollout
from forecast.inference.rollout import make_cell
from forecast.nn import HEADS, NETWORKS, step_inputs
from forecast.nn.layers import CELLS
from forecast.nn.step import LoopCarry, ModelStep, StepMemory
from forecast.training.feedback.sampling_schedule import SCHEDULES, ratio
from forecast.training.plan import SHORTEST, Plan, make_plan, typical_length
from forecast.training.windows import SAMPLERS, Windows

NAN = np.nan


# The plan


def test_contexts_and_tails_are_whole_seasons(make_panel):
    plan = make_plan(make_panel(np.arange(144.0), frequency="MS"), season=12, given={})

    # a quarter of 144 months is three years; an eighth is a year and a half, so one year
    assert (plan.context, plan.holdout, plan.length) == (36, 12, 48)


def test_a_context_spans_the_longest_affordable_season(make_panel):
    plan = make_plan(make_panel(np.arange(4000.0), frequency="h"), season=24, given={})

    assert (plan.context, plan.holdout, plan.length) == (168, 48, 216)  # a week, and two days


def test_a_season_longer_than_the_series_is_no_obstacle(make_panel):
    plan = make_plan(make_panel(np.arange(40.0), frequency="D"), season=365, given={})

    assert (plan.context, plan.holdout) == (7, 5)


def test_a_small_panel_gets_a_small_network_and_a_large_one_a_large(make_panel):
    small = make_plan(make_panel(np.arange(4_999.0)), season=1, given={})
    large = make_plan(make_panel(np.arange(5_000.0)), season=1, given={})

    assert (small.layers, small.units) == (1, 32)
    assert (large.layers, large.units) == (2, 64)
    assert large.steps > small.steps


def test_what_is_given_is_taken_as_it_is(make_panel):
    given = {"holdout": 0, "dropout": 0.0, "units": 7, "context": 10, "steps": 3, "rate": None}

    plan = make_plan(make_panel(np.arange(100.0)), season=1, given=given)

    assert (plan.holdout, plan.dropout, plan.units, plan.context, plan.steps) == (0, 0, 7, 10, 3)
    assert plan.rate > 0  # None leaves the choice to the plan


def test_a_window_shows_a_context_before_a_holdout_of_any_length(make_panel):
    plan = make_plan(make_panel(np.arange(100.0)), season=1, given={"context": 8, "holdout": 30})

    assert plan.length == 38  # so that no value held out sets the scale that it is judged under


def test_the_typical_length_is_that_of_the_series_long_enough_to_train_on(make_panel):
    panel = make_panel(*(np.ones(n) for n in (3, 5, SHORTEST, 20, 30)))

    assert typical_length(panel) == 20


def test_too_short_a_panel_says_how_many_rows_it_takes(make_panel):
    make_plan(make_panel(np.ones(SHORTEST)), season=1, given={})

    with pytest.raises(DataError, match=r"the longest series has 11 rows; .* at least 12"):
        make_plan(make_panel(np.ones(SHORTEST - 1), np.ones(4)), season=1, given={})


@given(
    lengths=st.lists(st.integers(1, 700), min_size=1, max_size=5).filter(
        lambda lengths: max(lengths) >= SHORTEST
    ),
    frequency=st.sampled_from(["1", "h", "D", "B", "W", "MS", "QS", "15min"]),
)
@settings(deadline=None, max_examples=100)
def test_any_panel_long_enough_leaves_windows_to_train_on_and_to_validate_with(
    make_panel, lengths, frequency
):
    panel = make_panel(*(np.ones(n) for n in lengths), frequency=frequency)
    plan = make_plan(panel, panel.frequency.season_length, {})

    assert plan.context >= 2
    assert plan.holdout <= plan.horizon <= max(plan.holdout, 8)
    assert max(lengths) >= plan.needed


def test_windows_of_short_series_ask_for_eight_steps_as_far_as_there_are_rows(make_panel):
    plans = [make_plan(make_panel(np.arange(rows)), 1, {}) for rows in (12.0, 17.0, 40.0, 200.0)]

    # 12 rows: two are held out, three are context; 200: an eighth is held out
    assert [(plan.holdout, plan.context, plan.horizon) for plan in plans] == [
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
    plan = Plan(**{**fields, "context": context, "horizon": 20 - context})

    assert plan.least_rows == rows
    assert plan.needed == needed
    assert Plan(**{**vars(plan), "holdout": 4}).needed == needed + 8


@pytest.mark.parametrize(("steps", "rounds", "each"), [(400, 20, 20), (50, 20, 2), (3, 20, 1)])
def test_a_round_is_a_whole_number_of_steps(steps, rounds, each):
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)

    assert Plan(**{**fields, "steps": steps, "rounds": rounds}).steps_per_round == each


# Callbacks


class Clock:
    """A clock that is told how late it is."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def training(steps, seconds):
    """The callbacks of a run with a fake model, and a function that does one step."""
    from forecast.training.callbacks import CosineDecay, TimeBudget

    clock = Clock()
    cosine = CosineDecay(0.5, steps)
    budget = TimeBudget(seconds, cosine, clock)
    model = SimpleNamespace(stop_training=False, optimizer=SimpleNamespace(learning_rate=None))
    for callback in (cosine, budget):
        callback.set_model(model)

    def step(duration):
        cosine.on_train_batch_begin(0)
        clock.now += duration
        budget.on_train_batch_end(0)
        return model.optimizer.learning_rate

    return SimpleNamespace(step=step, model=model, cosine=cosine, budget=budget)


def test_the_learning_rate_falls_along_half_a_cosine():
    run = training(steps=4, seconds=1e9)

    rates = [run.step(1) for _ in range(5)]

    root = np.sqrt(0.5)
    assert rates == pytest.approx([0.5, 0.25 * (1 + root), 0.25, 0.25 * (1 - root), 0], abs=1e-12)


def test_a_plan_that_fits_its_budget_is_left_alone():
    run = training(steps=100, seconds=100.5)

    for _ in range(99):
        run.step(1.0)
        assert run.cosine.steps == 100
    assert not run.model.stop_training
    run.step(1.0)

    assert not run.budget.lowered
    assert run.model.stop_training


def test_slow_first_steps_that_compile_do_not_count_for_the_pace():
    run = training(steps=100, seconds=150)

    for duration in [30.0] + [1.0] * 60:
        run.step(duration)
        assert run.cosine.steps == 100


def test_a_plan_that_does_not_fit_is_lowered_to_what_does():
    run = training(steps=100, seconds=50)

    done = 0
    while not run.model.stop_training:
        rate = run.step(2.0)
        done += 1

    assert run.budget.lowered
    assert done == run.cosine.steps == 25
    assert 0 < rate < 0.005  # and the learning rate has still fallen to its end


def test_a_plan_lowered_in_a_slow_moment_rises_again_but_never_above_what_was_planned():
    run = training(steps=30, seconds=60)
    for duration in [1.0] * 9 + [20.0]:
        run.step(duration)
    assert run.cosine.steps < 30

    for _ in range(10):
        run.step(0.1)

    assert run.cosine.steps == 30
    assert not run.budget.lowered


def test_time_that_runs_out_at_once_ends_training_after_one_step():
    run = training(steps=100, seconds=1.0)

    run.step(5.0)

    assert run.model.stop_training
    assert (run.cosine.steps, run.budget.lowered) == (1, True)


def test_the_report_keeps_every_round_and_tells_the_listener():
    from forecast.training.callbacks import CosineDecay, Progress, ProgressLog

    heard = []
    cosine = CosineDecay(0.1, 40)
    report = ProgressLog(cosine, heard.append)
    cosine.step = 20
    report.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    cosine.step = 40
    report.on_epoch_end(1, {"loss": 0.25})

    assert [type(progress) for progress in heard] == [Progress] * 2
    assert [(p.step, p.steps, p.loss, p.validation_loss) for p in heard] == [
        (20, 40, 0.5, 0.75),
        (40, 40, 0.25, None),
    ]
    assert [vars(progress) for progress in heard] == report.rounds


# The network in training


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", NETWORKS)
def test_exported_weights_have_the_names_and_shapes_of_the_networks_step(
    make_panel, make_config, make_learner, name, cell
):
    config = make_config(make_panel([1.0, 2.0]), network=name, cell=cell, layers=2, units=3)

    weights = make_learner(config, lanes=7, dropout=0.5).export()

    shapes = NETWORKS[name].shapes(config.blueprint.sizes)
    assert {part: array.shape for part, array in weights.items()} == shapes
    assert list(weights) == list(shapes)


def test_every_weight_of_a_network_is_trained_and_nothing_else(
    make_panel, make_config, make_learner
):
    config = make_config(make_panel([1.0, 2.0]), network="attention", layers=2)

    learner = make_learner(config, lanes=3)

    named = {id(variable) for variable in learner.variables_by_name().values()}
    assert {id(variable) for variable in learner.trainable_variables} == named


def test_forget_gates_begin_open_and_recurrent_weights_orthogonal(
    make_panel, make_config, make_learner
):
    weights = make_learner(make_config(make_panel([1.0, 2.0])), seed=1).export()

    assert weights["decoder_0.bias"].tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
    recurrent = weights["decoder_0.recurrent"]  # (U, 4U)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-6)
    assert not weights["head.bias"].any()
    assert weights["head.kernel"].all()


def test_the_same_seed_begins_with_the_same_weights_and_another_with_others(
    make_panel, make_config, make_learner
):
    config = make_config(make_panel([1.0, 2.0]), network="attention", layers=2)

    first, again, other = (make_learner(config, seed=seed).export() for seed in (3, 3, 4))

    for name, array in first.items():
        assert array.tobytes() == again[name].tobytes()
        assert name.endswith("bias") or array.tobytes() != other[name].tobytes()
    shapes = {}
    for name, array in first.items():  # no two parts begin alike
        assert name.endswith("bias") or array.tobytes() not in shapes.get(array.shape, ())
        shapes.setdefault(array.shape, set()).add(array.tobytes())


def test_the_loss_is_the_mean_over_the_observed_targets():
    from forecast.training.keras_model import masked_loss

    targets = np.array([[[1.0], [NAN]], [[NAN], [3.0]]], np.float32)
    params = np.array([[[2.0], [9.0]], [[NAN], [6.0]]], np.float32)

    assert float(masked_loss("point")(targets, params)) == (1.0 + 3.0) / 2


def test_where_there_are_parameters_of_the_last_steps_only_their_targets_count():
    from forecast.training.keras_model import masked_loss

    targets = np.array([[[50.0], [1.0], [3.0]]], np.float32)
    params = np.array([[[2.0], [6.0]]], np.float32)

    assert float(masked_loss("point")(targets, params)) == (1.0 + 3.0) / 2


def test_a_window_without_any_observed_target_costs_nothing():
    from forecast.training.keras_model import masked_loss

    targets = np.full((2, 3, 1), NAN, np.float32)

    assert float(masked_loss("point")(targets, np.ones((2, 3, 1), np.float32))) == 0.0


# The memory carried from batch to batch


@pytest.fixture
def carried(make_panel, make_config, make_weights, make_learner):
    """A network of two layers with random weights, three lanes and values for them."""
    config = make_config(make_panel([1.0, 2.0]), layers=2, units=3)
    model = make_learner(config, make_weights(config), lanes=3)
    values = np.random.default_rng(0).normal(size=(3, 1 + 12, 1)).astype(np.float32)
    return model, values


def piece_of(values, first, last, begins):
    """The steps of windows from one on to before another, as the model is given them."""
    steps = np.empty((len(values), last - first, 0), np.float32)
    return values[:, first : last + 1], steps, np.array(begins)


def pieces_of(values, begins):
    """What the model is given in batches of four steps."""
    return [piece_of(values, 4 * k, 4 * k + 4, row) for k, row in enumerate(begins)]


ALL, NONE = [True] * 3, [False] * 3


def inputs_of(values):
    return step_inputs.window_input(np, values, np.empty((len(values), 12, 0), np.float32), ())


def test_pieces_one_after_another_equal_one_long_pass_of_plain_keras_layers(carried):
    import keras

    model, values = carried
    layers = [keras.layers.LSTM(3, return_sequences=True) for _ in range(2)]
    plain = keras.Sequential([keras.Input((12, 2)), *layers, keras.layers.Dense(1)])
    plain.set_weights(list(model.export().values()))

    pieces = [model(piece, training=True) for piece in pieces_of(values, [ALL, NONE, NONE])]

    np.testing.assert_allclose(
        np.concatenate(pieces, 1), plain(inputs_of(values)), rtol=1e-5, atol=1e-6
    )


def test_a_lane_that_begins_anew_forgets_and_the_others_remember(carried):
    model, values = carried
    begins = [[True] * 3, [False, True, False], [False, False, True]]

    pieces = np.concatenate([model(piece, training=True) for piece in pieces_of(values, begins)], 1)

    for lane, (start, end) in [(0, (0, 12)), (1, (0, 4)), (1, (4, 12)), (2, (0, 8)), (2, (8, 12))]:
        alone = model(piece_of(values[lane : lane + 1], start, end, [True]))
        np.testing.assert_allclose(pieces[lane, start:end], alone[0], rtol=1e-5, atol=1e-6)


def test_back_propagation_ends_where_a_piece_begins(carried):
    import tensorflow as tf

    model, values = carried
    pieces = [(tf.constant(piece), *others) for piece, *others in pieces_of(values, [ALL, NONE])]
    with tf.GradientTape() as tape:
        tape.watch([piece for piece, *_ in pieces])
        _, second = (tf.reduce_sum(model(piece, training=True)) for piece in pieces)

    before, within = tape.gradient(second, [piece for piece, *_ in pieces])

    assert before is None
    assert (np.abs(within[:, :-1]).max(axis=(0, 2)) > 0).all()


def test_outside_training_any_batch_starts_empty_and_the_lanes_keep_their_memory(carried):
    model, values = carried
    model(piece_of(values, 0, 12, ALL), training=True)
    before = {name: lane.numpy() for name, lane in model.lanes.items()}

    outputs = model(piece_of(values[[0, 0, 1, 2, 2]], 0, 12, [False] * 5))

    expected = model(piece_of(values, 0, 12, ALL)).numpy()[[0, 0, 1, 2, 2]]
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    assert all(np.abs(part).min() > 0 for part in before.values())
    for name, kept in before.items():
        np.testing.assert_array_equal(model.lanes[name], kept)


# Invariant 2


CONTEXT, HORIZON = 4, 3
STEPS = CONTEXT + HORIZON


def window_of(panel, config, first):
    """A window of seven steps of a one-series panel, as a batch."""
    known = panel.frequency.calendar(panel.ordinals, config.cycles)
    windows = Windows(panel.target, known, panel.indptr, config.lags, CONTEXT, STEPS)
    return windows.gather(np.array([0]), np.array([first]))


def with_gradients(learner, compute):
    """The loss, and its gradients by the names of the weights."""
    import tensorflow as tf

    variables = {name: part.value for name, part in learner.variables_by_name().items()}
    with tf.GradientTape() as tape:
        value = compute()
    gradients = tape.gradient(value, list(variables.values()))
    named = zip(variables, gradients, strict=True)
    return {"loss": value.numpy(), **{name: g.numpy() for name, g in named}}


def fused(learner, loss, batch):
    return with_gradients(
        learner,
        lambda: loss(batch.targets, learner((batch.values, batch.step_features, batch.resets))),
    )


def by_prefixes(learner, loss, batch, first):
    """[a] -> b, then [a, b] -> c, and so on, each from an empty memory; from a step on."""
    import tensorflow as tf

    lead = batch.values.shape[1] - STEPS

    def compute():
        ends = range(first + 1, STEPS + 1)
        cut = [(batch.values[:, : lead + end], batch.step_features[:, :end]) for end in ends]
        last = [learner((*window, batch.resets))[:, -1] for window in cut]
        return loss(batch.targets, tf.stack(last, 1))

    return with_gradients(learner, compute)


def by_steps(learner, loss, batch, first, tensors):
    """A loop over the steps of a cell that carries its memory; parameters from a step on."""
    import tensorflow as tf

    lead = batch.values.shape[1] - STEPS

    def compute():
        weights = {name: part.value for name, part in learner.variables_by_name().items()}
        cell = ModelStep.of(tensors, learner.blueprint, weights)
        memory = StepMemory(batch.values[:, : lead - 1], cell.network.initial_state(1))
        outputs = []
        for t in range(STEPS):
            value, step_features = batch.values[:, lead + t - 1], batch.step_features[:, t]
            if t < first:
                memory = cell.observe(value, memory, step_features)
            else:
                params, memory = cell.advance(value, memory, step_features)
                outputs.append(params)
        return loss(batch.targets, tf.stack(outputs, 1))

    return with_gradients(learner, compute)


def assert_same_gradients(found, expected):
    assert found.keys() == expected.keys()
    largest = max(np.abs(array).max() for array in expected.values())
    assert largest > 0
    for name, array in expected.items():  # the signs of absolute errors may cancel in a bias
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5 * largest, err_msg=name)


@pytest.mark.parametrize("head", ["point", "student_t"])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("cell", CELLS)
@given(
    seed=st.integers(0, 2**16),
    first=st.sampled_from([0, 1, 4, 9]),
    missing=st.sampled_from([0.0, 0.3]),
    residual=st.booleans(),
)
@settings(deadline=None, max_examples=3)
def test_loop_equals_one_shot_in_loss_and_gradients_step_by_step_and_by_growing_prefixes(
    make_random_panel,
    make_config,
    make_weights,
    make_learner,
    tensors,
    name,
    cell,
    head,
    seed,
    first,
    missing,
    residual,
):
    from forecast.training.keras_model import masked_loss

    panel = make_random_panel([16], seed, missing, frequency="D")
    panel.target[first : first + 2] = [[3.0], [5.0]]  # the context always has a scale
    panel.target[first + CONTEXT] = 4.0  # and there is a target in any case
    config = make_config(
        panel,
        **{"network": name, "cell": cell, "head": head, "layers": 2, "units": 3},
        **{"lags": (2, 5), "cycles": ("week",), "context": CONTEXT, "horizon": HORIZON},
        residual=residual,
    )
    learner, loss = make_learner(config, make_weights(config, seed)), masked_loss(head)
    batch = window_of(panel, config, first)
    asked = CONTEXT if NETWORKS[name].ENCODES else 0

    whole = fused(learner, loss, batch)

    assert_same_gradients(by_prefixes(learner, loss, batch, asked), whole)
    assert_same_gradients(by_steps(learner, loss, batch, asked, tensors), whole)


# The feedback regimes


def lesson_for(learner, batch, ratio=1.0, draw=0):
    """What a regime is given for a batch."""
    seen = []
    validated, learner.validation_regime = (
        learner.validation_regime,
        lambda window_batch: (seen.append(window_batch), None),
    )
    learner.ratio.assign(ratio)
    learner.gradient_step.assign(draw)
    learner((batch.values, batch.step_features, batch.resets))
    learner.validation_regime = validated
    return seen[0]


@pytest.fixture
def window_batch(make_random_panel, make_config, make_weights, make_learner):
    """Makes a lesson on six windows of two series, for a network with random weights.

    The same step on NumPy is then `window_batch.cell`.
    """

    def make(ratio=1.0, seed=0, draw=0, missing=0.2, context=CONTEXT, windows=6, **choices):
        panel = make_random_panel([30, 30], seed, missing, frequency="D")
        choices = {"layers": 2, "units": 3, "lags": (2, 5), "cycles": ("week",), **choices}
        config = make_config(panel, context=CONTEXT, horizon=HORIZON, **choices)
        weights = make_weights(config, seed)
        learner = make_learner(config, weights, window_length=STEPS, context=context)
        make.cell = make_cell(config, weights)
        known = panel.frequency.calendar(panel.ordinals, config.cycles)
        data = Windows(panel.target, known, panel.indptr, config.lags, CONTEXT, STEPS)
        series, first = np.arange(windows) % 2, 6 + np.arange(windows) % 15
        return lesson_for(learner, data.gather(series, first), ratio, draw)

    return make


def params_of(outcome):
    return np.asarray(outcome[0])


FED_BACK = [name for name in NETWORKS if NETWORKS[name].FEEDS_BACK]


@pytest.mark.parametrize("name", FED_BACK)
def test_true_values_step_by_step_are_teacher_forcing(window_batch, name):
    import tensorflow as tf

    from forecast.training.feedback import teacher_forcing

    one = window_batch(network=name)

    steps, after = one.stepwise(tf.ones_like(one.horizon_values, tf.bool))
    whole, expected = teacher_forcing.parameters(one)

    np.testing.assert_allclose(steps, whole, rtol=1e-5, atol=1e-6)
    for part, array in expected.items():
        np.testing.assert_allclose(after[part], array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FED_BACK)
@pytest.mark.parametrize("head", ["point", "student_t"])
def test_free_running_feeds_back_what_the_rollout_engine_does(window_batch, name, head):
    from forecast.training.feedback import free_running

    one = window_batch(network=name, head=head)

    params = params_of(free_running.parameters(one))[:, -HORIZON:]

    values, known = np.asarray(one.values), np.asarray(one.step_features).transpose(1, 0, 2)
    lead = values.shape[1] - STEPS
    memory = StepMemory(values[:, : lead - 1], window_batch.cell.network.initial_state(6))
    for t in range(CONTEXT):
        memory = window_batch.cell.observe(values[:, lead + t - 1], memory, known[t])
    far = np.full((6, 1), 1e9, np.float32)
    step = window_batch.cell.rollout_step(known[CONTEXT:], (-far, far), None)
    path, _ = rollout(step, values[:, lead + CONTEXT - 1], LoopCarry(0, memory), HORIZON)
    centre = HEADS[head].center(np, params)
    np.testing.assert_allclose(centre.transpose(1, 0, 2), path, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FED_BACK)
@pytest.mark.parametrize("form", ["exact", "parallel"])
@pytest.mark.parametrize("by", ["step", "sequence"])
def test_a_ratio_of_one_is_teacher_forcing(window_batch, name, form, by):
    from forecast.training.feedback import scheduled_sampling, teacher_forcing

    one = window_batch(ratio=1.0, network=name)

    mixed = params_of(getattr(scheduled_sampling, form)(one, by))

    if form == "parallel":
        assert mixed.tobytes() == params_of(teacher_forcing.parameters(one)).tobytes()
    else:
        np.testing.assert_allclose(
            mixed, params_of(teacher_forcing.parameters(one)), rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("context", [0, CONTEXT])
@pytest.mark.parametrize("by", ["step", "sequence"])
def test_a_ratio_of_zero_in_the_exact_form_is_free_running(window_batch, context, by):
    from forecast.training.feedback import free_running, scheduled_sampling

    one = window_batch(ratio=0.0, context=context)

    assert (
        params_of(scheduled_sampling.exact(one, by)).tobytes()
        == params_of(free_running.parameters(one)).tobytes()
    )


@pytest.mark.parametrize("name", FED_BACK)
@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_as_many_passes_as_steps_make_the_parallel_form_exact(window_batch, name, ratio):
    from forecast.training.feedback import scheduled_sampling

    one = window_batch(ratio=ratio, draw=3, network=name)

    exact, parallel = (
        scheduled_sampling.exact(one, "step"),
        scheduled_sampling.parallel(one, "step", HORIZON),
    )

    np.testing.assert_allclose(params_of(parallel), params_of(exact), rtol=1e-4, atol=1e-5)


def test_one_pass_before_mixes_in_what_the_network_says_to_true_values(window_batch):
    import tensorflow as tf

    from forecast.training.feedback import scheduled_sampling, teacher_forcing

    one = window_batch(ratio=0.0, context=0, missing=0.0)

    params = params_of(scheduled_sampling.parallel(one, "step"))

    own = params_of(teacher_forcing.parameters(one))[..., :1]  # of the point head
    mixed = np.concatenate([np.asarray(one.values)[:, :5], own], 1)
    np.testing.assert_array_equal(params, one.fused(tf.constant(mixed), one.run)[0])


@given(ratio=st.floats(0.0, 1.0), seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=10)
def test_the_share_of_true_values_is_the_ratio(ratio, seed):
    from forecast.training.feedback import scheduled_sampling

    one = SimpleNamespace(
        horizon_values=np.zeros((4000, 5, 2)), seed=[seed, 1], ratio=np.float32(ratio)
    )

    steps, sequences = (
        np.asarray(scheduled_sampling.draw_kept(one, by)) for by in ("step", "sequence")
    )

    assert steps.shape == sequences.shape == (4000, 5, 1)
    assert steps.mean() == pytest.approx(ratio, abs=0.02)
    assert sequences.mean() == pytest.approx(ratio, abs=0.05)
    assert (sequences == sequences[:, :1]).all()
    other = scheduled_sampling.draw_kept(
        SimpleNamespace(horizon_values=one.horizon_values, seed=[seed, 2], ratio=0.5), "step"
    )
    assert not np.array_equal(steps, other)


class Double(NamedTuple):
    """A network without memory whose value is twice the one that it is fed."""

    ENCODES = False

    def initial_state(self, _):
        return {}

    def advance(self, x, state):
        return 2.0 * x[:, :1], state

    def unroll(self, _, x, state):
        return 2.0 * x[..., :1], state


def test_exact_and_parallel_forms_agree_in_expectation_where_it_can_be_worked_out(tensors):
    from forecast.training.feedback import scheduled_sampling
    from forecast.training.window_batch import WindowBatch

    ratio, rows = 0.25, 40_000
    values = np.broadcast_to(np.float32([3.0, 1.0, 5.0])[:, None], (rows, 3, 1))
    one = WindowBatch(
        model_step=ModelStep(tensors, Double(), HEADS["point"], ()),
        run=None,
        run_without_dropout=None,
        values=values,
        step_features=np.empty((rows, 2, 0), np.float32),
        state={},
        context=0,
        window_length=2,
        ratio=np.float32(ratio),
        seed=np.array([5, 7]),
    )

    exact, parallel = (
        params_of(form(one, "step"))
        for form in (scheduled_sampling.exact, scheduled_sampling.parallel)
    )

    # from 3 it says 6; then it is fed the true 1 or its own 6, and says 2 or 12
    for params in (exact, parallel):
        assert (params[:, 0] == 6.0).all()
        assert set(np.unique(params[:, 1])) == {2.0, 12.0}
        expected = ratio * 2.0 + (1 - ratio) * 12.0
        assert params[:, 1].mean() == pytest.approx(expected, abs=0.1)
    np.testing.assert_array_equal(exact, parallel)


def test_a_missing_value_that_is_fed_back_counts_as_observed(tensors):
    from forecast.training.feedback import free_running
    from forecast.training.window_batch import WindowBatch

    class Flag(NamedTuple):
        """A network whose value is 10, or 20 where it is told that the last one was observed."""

        ENCODES = False

        def advance(self, x, state):
            return 10.0 + 10.0 * x[:, 1:2], state

    one = WindowBatch(
        model_step=ModelStep(tensors, Flag(), HEADS["point"], ()),
        run=None,
        run_without_dropout=None,
        values=np.full((1, 4, 1), NAN, np.float32),
        step_features=np.empty((1, 3, 0), np.float32),
        state={},
        context=0,
        window_length=3,
        ratio=0.0,
        seed=np.array([0, 0]),
    )

    assert params_of(free_running.parameters(one)).ravel().tolist() == [10.0, 20.0, 20.0]


@pytest.mark.parametrize("name", FED_BACK)
def test_the_loss_is_back_propagated_through_the_rollout(window_batch, name):
    import tensorflow as tf

    from forecast.training.feedback import free_running

    one = window_batch(network=name, missing=0.0)
    with tf.GradientTape() as tape:
        tape.watch(one.values)
        last = tf.reduce_sum(free_running.parameters(one)[0][:, -1])
    through = np.abs(tape.gradient(last, one.values)).sum(axis=(0, 2))

    lead = 5
    assert through[lead + CONTEXT - 1] > 0  # the last true value, by way of the fed-back ones
    assert not through[lead + CONTEXT :].any()  # no later one is fed


# Schedules


def test_every_schedule_goes_from_the_start_to_the_end_and_never_back():
    for name in SCHEDULES:
        shares = [ratio(name, (0.9, 0.2), done) for done in np.linspace(0, 1, 21)]

        assert shares[-1] == pytest.approx(0.2)
        assert name == "constant" or shares[0] == pytest.approx(0.9)
        assert shares == sorted(shares, reverse=True)


def test_schedules_by_hand():
    assert ratio("constant", (1.0, 0.3), 0.0) == 0.3
    assert ratio("linear", (1.0, 0.0), 0.25) == 0.75
    assert ratio("sigmoid", (1.0, 0.0), 0.5) == pytest.approx(0.5)
    half = (0.01**0.5 - 0.01) / 0.99  # a hundredth is left of an exponential decay at the end
    assert ratio("exponential", (1.0, 0.0), 0.5) == pytest.approx(half)
    assert ratio("linear", (0.2, 0.8), 0.5) == 0.5  # a share may grow too


@pytest.mark.parametrize(
    ("feedback", "phases"),
    [
        ("free", [0, 0, 0, 0, 0]),
        ("teacher>free", [0, 0, 0, 1, 1]),
        ("teacher>scheduled>free", [0, 0, 1, 2, 2]),
    ],
)
def test_the_last_regime_has_the_last_quarter_and_the_others_share_the_rest(feedback, phases):
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)
    plan = Plan(**{**fields, "feedback": feedback})

    assert [plan.phase(done)[0] for done in (0.0, 0.25, 0.5, 0.75, 1.0)] == phases
    assert plan.phase(1.0)[1] == 1.0


def test_each_regime_has_a_clock_of_its_own():
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)
    plan = Plan(**{**fields, "feedback": "teacher>scheduled>free"})

    turns = [plan.phase(done) for done in (0.0, 0.1875, 0.375, 0.5625, 0.75, 0.875)]

    assert turns == [(0, 0.0), (0, 0.5), (1, 0.0), (1, 0.5), (2, 0.0), (2, 0.5)]
    assert Plan(**{**fields, "feedback": "scheduled"}).phase(0.3) == (0, 0.3)


def test_the_learner_is_told_whose_turn_it_is(make_panel):
    from forecast.training.callbacks import CosineDecay, FeedbackPhase

    told = []
    cell = {
        name: SimpleNamespace(assign=told.append) for name in ("phase", "ratio", "gradient_step")
    }
    plan = make_plan(make_panel(np.arange(50.0)), 1, {"feedback": "scheduled>free"})
    cosine = CosineDecay(0.1, 4)
    turns = FeedbackPhase(plan, cosine)
    for callback in (cosine, turns):
        callback.set_model(SimpleNamespace(**cell, optimizer=SimpleNamespace()))
    for _ in range(4):
        cosine.on_train_batch_begin(0)
        turns.on_train_batch_begin(0)

    third = pytest.approx(1 / 3)
    assert told == [0, 1.0, 0, 0, pytest.approx(2 / 3), 1, 0, third, 2, 1, 1.0, 3]


class Weights:
    """A model whose weights are a number."""

    def __init__(self):
        self.number, self.stop_training = 0, False
        part = SimpleNamespace(numpy=lambda: self.number, assign=self.give)
        self.trainable_variables = [part]

    def give(self, number):
        self.number = number


def looked_at(make_panel, losses, **given):
    """The steps after which training ends and whose weights are kept, of ten rounds of one."""
    from forecast.training.callbacks import BestWeights, CosineDecay

    plan = make_plan(make_panel(np.arange(50.0)), 1, {"steps": 10, "rounds": 10, **given})
    cosine, model = CosineDecay(0.1, 10), Weights()
    best = BestWeights(plan, cosine)
    best.set_model(model)
    for step, loss in enumerate(losses, 1):
        cosine.step = step
        best.on_train_batch_begin(step)
        model.number = step
        best.on_epoch_end(step, {"val_loss": loss})
        if model.stop_training:
            break
    ended = model.number
    best.restore()
    return ended, model.number


def test_training_ends_when_the_validation_no_longer_falls_with_the_best_weights(make_panel):
    losses = [5, 3, 4, 4, 4, 1, 1, 1, 1, 1]

    assert looked_at(make_panel, losses, patience=3) == (5, 2)
    assert looked_at(make_panel, losses, patience=9) == (10, 6)
    assert looked_at(make_panel, [np.nan, 2.0, np.nan], patience=9) == (3, 2)


def test_the_last_regime_begins_with_the_best_weights_and_keeps_them_unless_it_finds_better(
    make_panel,
):
    given = {"feedback": "teacher>free", "patience": 1}

    better = [1, 2, 2, 2, 2, 2, 2, 7, 0.5, 2]  # from the eighth step on of the last regime
    assert looked_at(make_panel, better, **given) == (10, 9)
    assert looked_at(make_panel, [1] + [2] * 9, **given) == (9, 1)
    assert looked_at(make_panel, [3, 1, 2, 2], **given) == (4, 2)  # interrupted before its turn


def test_a_turn_begins_with_the_best_weights_of_the_one_before(make_panel):
    from forecast.training.callbacks import BestWeights, CosineDecay

    plan = make_plan(make_panel(np.arange(50.0)), 1, {"feedback": "teacher>free"})
    cosine, model = CosineDecay(0.1, 8), Weights()
    best = BestWeights(plan, cosine)
    best.set_model(model)
    seen = []
    for step, loss in enumerate([3, 1, 2, 2, 2, 2, 2, 2], 1):
        cosine.step = step
        best.on_train_batch_begin(step)
        seen.append(model.number)
        model.number = step
        best.on_epoch_end(step, {"val_loss": loss})

    assert seen == [0, 1, 2, 3, 4, 5, 2, 7]  # the seventh is the first of the last quarter
    assert best.step == 2


def test_going_back_to_the_best_weights_leaves_whose_turn_it_is(
    make_panel, make_config, make_learner
):
    from forecast.training.callbacks import BestWeights, CosineDecay

    learner = make_learner(make_config(make_panel([1.0, 2.0])))
    plan = make_plan(make_panel(np.arange(50.0)), 1, {"feedback": "teacher>free"})
    best = BestWeights(plan, CosineDecay(0.1, 8))
    best.set_model(learner)
    best.on_epoch_end(0, {"val_loss": 1.0})
    before = learner.export()
    learner.phase.assign(1)
    for part in learner.trainable_variables:
        part.assign(part + 1.0)

    best.restore()

    assert int(learner.phase.value) == 1
    assert all((before[name] == array).all() for name, array in learner.export().items())


def test_scheduled_sampling_does_not_end_early_while_its_share_still_falls(make_panel):
    given = {"feedback": "scheduled", "patience": 2}

    assert looked_at(make_panel, [1] + [2] * 9, **given) == (9, 1)


def test_without_a_validation_the_last_weights_stay(make_panel):
    from forecast.training.callbacks import BestWeights, CosineDecay

    best, model = (
        BestWeights(make_plan(make_panel(np.arange(50.0)), 1, {}), CosineDecay(0.1, 9)),
        Weights(),
    )
    best.set_model(model)
    model.number = 7
    best.on_epoch_end(0, {"loss": 1.0})
    best.restore()

    assert (model.number, model.stop_training) == (7, False)


def test_a_regime_of_own_values_has_at_least_one_to_feed(make_panel):
    series = make_panel(np.arange(60.0))
    given = {"holdout": 1, "context": 60}  # no row is free to ask for more steps

    horizons = [
        make_plan(series, 1, {**given, "feedback": feedback}).horizon
        for feedback in ("teacher", "free", "teacher>scheduled")
    ]

    assert horizons == [1, 2, 2]


# Batches


def windows_of(panel, plan, lags=(2,)):
    nothing = np.empty((len(panel.target), 0), np.float32)
    return Windows(panel.target, nothing, panel.indptr, lags, plan.context, plan.length)


SMALL = {"units": 4, "steps": 8, "batch": 4, "rounds": 4}


def take(batches, count):
    return [batch for batch, _ in zip(batches, range(count), strict=False)]


def assert_same_batches(some, others):
    for batch, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(batch.inputs, other.inputs)
        np.testing.assert_array_equal(batch.targets, other.targets)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_the_batches_are_those_of_the_kind_and_the_least_rows_that_are_planned(
    make_random_panel, kind
):
    from forecast.training.fit import batches

    panel = make_random_panel([40, 60])
    plan = make_plan(panel, 1, {**SMALL, "windows": kind})
    windows = windows_of(panel, plan)

    found = take(batches(windows, panel.lengths, plan, 1), 3)

    expected = SAMPLERS[kind](windows, plan.least_rows, panel.lengths, plan.batch, 1)
    assert_same_batches(found, take(expected, 3))
    assert not np.array_equal(found[0].targets, found[1].targets, equal_nan=True)


def test_validation_windows_end_at_the_given_rows_and_only_their_tail_counts(make_panel):
    from forecast.training.fit import validation_batch

    panel = make_panel(np.arange(30.0), np.arange(8.0), np.arange(20.0))
    plan = make_plan(panel, 1, {"context": 4, "holdout": 3})
    windows = replace(windows_of(panel, plan), window_length=7)

    batch = validation_batch(windows, panel.lengths - 5, holdout=3, seed=0)

    # of 25, 3 and 15 rows; three are no more than the tail itself
    assert np.isnan(batch.targets[:, :4]).all()
    step = 1 / np.std([1, 2, 3, 4])  # straight lines, scaled by a context of four rows
    tail = [(2.5 + k) * step for k in range(3)]
    np.testing.assert_allclose(batch.targets[:, 4:, 0], [tail, tail], rtol=1e-6)


def test_without_a_holdout_or_a_long_enough_series_there_is_no_validation(make_panel):
    from forecast.training.fit import validation_batch

    panel = make_panel(np.arange(30.0))
    windows = windows_of(panel, make_plan(panel, 1, {}))

    assert validation_batch(windows, np.array([30]), holdout=0, seed=0) is None
    assert validation_batch(windows, np.array([6]), holdout=6, seed=0) is None


def test_a_large_panel_is_validated_on_a_fixed_sample(monkeypatch, make_random_panel):
    from forecast.training import fit

    monkeypatch.setattr(fit, "VALIDATION_WINDOWS", 3)
    panel = make_random_panel([30] * 10)
    windows = windows_of(panel, make_plan(panel, 1, {}))

    first, again, other = (
        fit.validation_batch(windows, panel.lengths, 3, seed) for seed in (0, 0, 5)
    )

    assert first.targets.shape[0] == 3
    assert_same_batches([first], [again])
    assert not np.array_equal(first.targets, other.targets, equal_nan=True)


@given(
    seed=st.integers(0, 2**16), holdout=st.integers(1, 8), kind=st.sampled_from(sorted(SAMPLERS))
)
@settings(deadline=None, max_examples=30)
def test_no_leak_training_does_not_see_the_validation_tail_nor_validation_the_final_one(
    make_random_panel, make_panel, seed, holdout, kind
):
    from forecast.training.fit import batches, validation_batch

    panel = make_random_panel([40, 30], seed)
    plan = make_plan(panel, 1, {**SMALL, "holdout": holdout, "windows": kind})

    def changed(last):
        series = [panel.target[:40, 0].copy(), panel.target[40:, 0].copy()]
        for values in series:
            values[-last:] = -1e6
        return windows_of(make_panel(*series), plan)

    def trained_on(windows):
        return take(batches(windows, panel.lengths - 2 * holdout, plan, seed), 3)

    def validated_on(windows):
        return [validation_batch(windows, panel.lengths - holdout, holdout, seed)]

    assert_same_batches(trained_on(windows_of(panel, plan)), trained_on(changed(2 * holdout)))
    assert_same_batches(validated_on(windows_of(panel, plan)), validated_on(changed(holdout)))
    tail = validated_on(changed(2 * holdout))[0].targets[:, -holdout:]
    assert (tail < -1e3).all()  # what validation does look at


# Fits


@pytest.fixture(scope="module")
def wave(make_panel):
    """A noisy wave of 80 steps."""
    noise = np.random.default_rng(0).normal(0, 0.3, 80)
    return make_panel(10 + 3 * np.sin(np.arange(80) / 3) + noise)


@pytest.fixture(scope="module")
def run(wave, make_config):
    """Train on the wave; the outcome, and the validation loss of its weights by NumPy."""
    from forecast.training.fit import fit, validation_batch

    def train(seed=0, budget=1e9, listener=None, network="lstm", **given):
        plan = make_plan(wave, 1, {**SMALL, **given})
        config = make_config(
            wave,
            **{"network": network, "units": 4, "layers": plan.layers, "lags": (2,)},
            **{"context": plan.context, "horizon": plan.horizon},
        )
        windows = windows_of(wave, plan)
        fitted = fit(config, plan, windows, wave.lengths, seed, budget, listener)
        batch = validation_batch(windows, wave.lengths - plan.holdout, plan.holdout, seed)
        return fitted, batch and validation_loss(config, fitted.weights, batch)

    return train


def validation_loss(config, weights, batch):
    network = NETWORKS["lstm"].of(np, config.blueprint.sizes, weights)
    state, errors = network.initial_state(len(batch.inputs)), []
    for t in range(batch.inputs.shape[1]):
        params, state = network.advance(batch.inputs[:, t], state)
        errors.append(np.abs(params - batch.targets[:, t]))
    return np.nanmean(errors)


def test_a_planned_run_reports_every_round_and_keeps_the_best_weights(run):
    fitted, loss = run()

    assert fitted.ended == "planned"
    assert [(r["step"], r["steps"]) for r in fitted.rounds] == [(2, 8), (4, 8), (6, 8), (8, 8)]
    best = min(r["validation_loss"] for r in fitted.rounds)
    assert loss == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_training_brings_the_loss_down(run, kind):
    fitted, _ = run(steps=200, batch=8, windows=kind)

    assert fitted.rounds[-1]["loss"] < 0.8 * fitted.rounds[0]["loss"]
    assert fitted.rounds[-1]["validation_loss"] < 0.8 * fitted.rounds[0]["validation_loss"]


def test_a_run_whose_validation_no_longer_improves_ends_early_with_the_best_weights(run):
    fitted, loss = run(steps=400, rounds=200, patience=2, rate=0.3)

    assert fitted.ended == "early"
    losses = [r["validation_loss"] for r in fitted.rounds]
    assert np.argmin(losses) == len(losses) - 3  # then two rounds without anything better
    assert loss == pytest.approx(min(losses), rel=1e-5)


def test_an_interrupt_keeps_the_best_weights_so_far(run):
    losses = []

    def control_c(progress):
        losses.append(progress.validation_loss)
        if losses[-1] > min(losses):  # the present weights are not the best
            raise KeyboardInterrupt

    fitted, loss = run(steps=400, rounds=200, rate=0.3, listener=control_c)

    assert fitted.ended == "interrupted"
    assert len(losses) == len(fitted.rounds) < 200
    assert loss == pytest.approx(min(losses), rel=1e-5)
    assert loss < losses[-1]


def test_control_c_waits_for_the_end_of_a_step_and_pressed_again_does_not():
    from forecast.training.callbacks import Interrupt

    interrupt = Interrupt()
    with interrupt.watching():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.on_train_batch_end(0)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    other = Interrupt()
    with other.watching():
        other.on_train_batch_end(0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_control_c_is_left_to_whoever_waits_for_it_already():
    from forecast.training.callbacks import Interrupt

    pressed = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        with Interrupt().watching():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert pressed == [True]
    with ThreadPoolExecutor(1) as pool:  # where Python allows nobody to wait
        assert pool.submit(lambda: _entered(Interrupt())).result()


def _entered(interrupt):
    with interrupt.watching():
        return True


def test_an_interrupt_in_the_first_round_keeps_the_weights_as_they_are(run):
    def control_c(_):
        raise KeyboardInterrupt

    fitted, loss = run(listener=control_c)

    assert (fitted.ended, len(fitted.rounds)) == ("interrupted", 1)
    assert loss == pytest.approx(fitted.rounds[0]["validation_loss"], rel=1e-5)


def test_an_interrupt_within_the_first_round_keeps_what_was_learned(run, monkeypatch):
    from forecast.training.callbacks import TimeBudget

    def control_c(self, *_, **__):
        if self.decay.step == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(TimeBudget, "on_train_batch_end", control_c)
    fitted, _ = run(rounds=1)
    later, _ = run(rounds=4, holdout=0)
    monkeypatch.undo()
    whole, _ = run(rounds=1)

    assert (fitted.ended, fitted.kept) == ("interrupted", 3)
    assert [(r["step"], r["validation_loss"]) for r in fitted.rounds] == [(3, None)]
    assert ([r["step"] for r in later.rounds], later.kept) == ([2, 3], 3)
    kernel = "decoder_0.kernel"
    assert np.isfinite(fitted.weights[kernel]).all()
    assert not np.array_equal(fitted.weights[kernel], whole.weights[kernel])


def test_a_budget_that_is_spent_ends_the_run(run):
    fitted, loss = run(steps=1000, budget=1e-3)

    assert fitted.ended == "budget"
    assert [r["step"] for r in fitted.rounds] == [1]
    assert loss == pytest.approx(fitted.rounds[0]["validation_loss"], rel=1e-5)


def test_without_a_holdout_there_is_no_validation_and_the_last_weights_stay(run):
    fitted, _ = run(holdout=0)

    assert fitted.ended == "planned"
    assert [r["validation_loss"] for r in fitted.rounds] == [None] * 4


def test_a_look_at_the_validation_loss_does_not_disturb_the_memory_of_the_lanes(run):
    often, seldom = (run(windows="contiguous", rounds=rounds)[0].rounds for rounds in (4, 1))

    assert [len(often), len(seldom)] == [4, 1]
    assert np.mean([r["loss"] for r in often]) == pytest.approx(seldom[0]["loss"], rel=1e-5)
    assert often[-1]["validation_loss"] == pytest.approx(seldom[0]["validation_loss"], rel=1e-5)


def test_the_memory_carried_along_makes_a_difference(run, monkeypatch):
    from forecast.training import fit

    carried, _ = run(windows="contiguous")
    pair = fit._pair
    monkeypatch.setattr(fit, "_pair", lambda b: pair(b._replace(resets=np.ones_like(b.resets))))
    forgotten, _ = run(windows="contiguous")

    losses = [[r["loss"] for r in fitted.rounds] for fitted in (carried, forgotten)]
    assert not np.allclose(*losses, rtol=1e-3)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(run, kind):
    choices = {"layers": 2, "dropout": 0.3, "steps": 2, "holdout": 0, "windows": kind}

    (first, _), (again, _), (other, _) = (run(seed, **choices) for seed in (3, 3, 4))

    for name, array in first.weights.items():
        assert array.tobytes() == again.weights[name].tobytes(), name
        assert array.tobytes() != other.weights[name].tobytes(), name
    assert [r["loss"] for r in first.rounds] == [r["loss"] for r in again.rounds]


def test_the_batches_are_handed_to_keras_as_they_are_and_none_waits_for_a_tuner(wave):
    from forecast.training.fit import batches, stream

    plan = make_plan(wave, 1, SMALL)
    windows = windows_of(wave, plan)

    def make():
        return islice(batches(windows, wave.lengths, plan, seed=1), 3)

    dataset = stream(make)

    assert dataset.options().autotune.enabled is False
    for _ in range(2):  # it begins anew
        for (inputs, targets), batch in zip(dataset.as_numpy_iterator(), make(), strict=True):
            for one, own in zip(
                inputs, (batch.values, batch.step_features, batch.resets), strict=True
            ):
                np.testing.assert_array_equal(one, own)
            np.testing.assert_array_equal(targets, batch.targets)


def test_a_training_leaves_no_graph_behind(run):
    from tensorflow.python.framework.func_graph import FuncGraph

    def graphs():
        gc.collect()
        return sum(isinstance(one, FuncGraph) for one in gc.get_objects())

    run()
    before = graphs()

    run()

    assert graphs() <= before
