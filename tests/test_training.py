from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import DataError
from forecast.cell import Cell, Memory
from forecast.network import HEADS, NETWORKS
from forecast.training.plan import SHORTEST, Plan, make_plan, typical_length
from forecast.windows import KINDS, Windows

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
    assert plan.length == plan.context + plan.holdout
    assert max(lengths) - 2 * plan.holdout >= plan.least_rows


@pytest.mark.parametrize(("context", "rows"), [(10, 6), (2, 3), (40, 20)])
def test_a_window_covers_at_least_half_a_context_and_one_row_more(context, rows):
    fields = dict.fromkeys(Plan.__dataclass_fields__, 0)

    assert Plan(**{**fields, "context": context, "length": 20}).least_rows == rows


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
    from forecast.training.callbacks import Budget, Cosine

    clock = Clock()
    cosine = Cosine(0.5, steps)
    budget = Budget(seconds, cosine, clock)
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
    from forecast.training.callbacks import Cosine, Progress, Report

    heard = []
    cosine = Cosine(0.1, 40)
    report = Report(cosine, heard.append)
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


# The Keras models


@pytest.mark.parametrize("layers", [1, 2])
def test_exported_weights_have_the_names_and_numbers_of_the_networks_step(
    make_panel, make_config, layers
):
    from forecast.training.networks import Carried, export, from_empty, lstm

    config = make_config(make_panel([1.0, 2.0]), head="student_t", layers=layers, units=3)
    network = lstm(config, dropout=0.5, seed=1)
    model = from_empty(network)
    weights = export(Carried(network, lanes=7))

    shapes = NETWORKS["lstm"].shapes(config.inputs, 3, layers, 3)
    assert {name: array.shape for name, array in weights.items()} == shapes
    x = np.random.default_rng(0).normal(size=(4, 1, config.inputs)).astype(np.float32)
    network = NETWORKS["lstm"].of(np, weights)
    params, _ = network.observe(x[:, 0], network.initial_state(4))
    np.testing.assert_allclose(model(x)[:, 0], params, rtol=1e-5, atol=1e-6)


def test_forget_gates_begin_open_and_recurrent_weights_orthogonal(make_panel, make_config):
    from forecast.training.networks import export, lstm

    weights = export(lstm(make_config(make_panel([1.0, 2.0])), dropout=0.0, seed=1))

    assert weights["lstm_0.bias"].tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
    recurrent = weights["lstm_0.recurrent"]  # (U, 4U)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(4), atol=1e-6)


def test_the_loss_is_the_mean_over_the_observed_targets():
    from forecast.training.networks import masked_loss

    targets = np.array([[[1.0], [NAN]], [[NAN], [3.0]]], np.float32)
    params = np.array([[[2.0], [9.0]], [[NAN], [6.0]]], np.float32)

    assert float(masked_loss("point")(targets, params)) == (1.0 + 3.0) / 2


def test_a_window_without_any_observed_target_costs_nothing():
    from forecast.training.networks import masked_loss

    targets = np.full((2, 3, 1), NAN, np.float32)

    assert float(masked_loss("point")(targets, np.ones((2, 3, 1), np.float32))) == 0.0


# The memory carried from batch to batch


@pytest.fixture
def carried(make_panel, make_config, make_weights):
    """A carried network of two layers with random weights, three lanes and windows for them."""
    from forecast.training.networks import Carried, lstm

    config = make_config(make_panel([1.0, 2.0]), layers=2, units=3)
    model = Carried(lstm(config, dropout=0.0, seed=0), lanes=3)
    model.network.set_weights(list(make_weights(config).values()))
    x = np.random.default_rng(0).normal(size=(3, 12, config.inputs)).astype(np.float32)
    return model, x


def pieces_of(x, begins):
    """What the model is given in batches of four steps."""
    return [(x[:, 4 * k : 4 * k + 4], np.array(row)) for k, row in enumerate(begins)]


ALL, NONE = [True] * 3, [False] * 3


def test_pieces_one_after_another_equal_one_long_pass_of_plain_keras_layers(carried):
    import keras

    model, x = carried
    layers = [keras.layers.LSTM(3, return_sequences=True) for _ in range(2)]
    plain = keras.Sequential([keras.Input(x.shape[1:]), *layers, keras.layers.Dense(1)])
    plain.set_weights(model.network.get_weights())

    pieces = [model(piece, training=True) for piece in pieces_of(x, [ALL, NONE, NONE])]

    np.testing.assert_allclose(np.concatenate(pieces, 1), plain(x), rtol=1e-5, atol=1e-6)


def test_a_lane_that_begins_anew_forgets_and_the_others_remember(carried):
    model, x = carried
    begins = [[True] * 3, [False, True, False], [False, False, True]]

    pieces = np.concatenate([model(piece, training=True) for piece in pieces_of(x, begins)], 1)

    for lane, (start, end) in [(0, (0, 12)), (1, (0, 4)), (1, (4, 12)), (2, (0, 8)), (2, (8, 12))]:
        alone = model.from_empty(x[lane : lane + 1, start:end])
        np.testing.assert_allclose(pieces[lane, start:end], alone[0], rtol=1e-5, atol=1e-6)


def test_back_propagation_ends_where_a_piece_begins(carried):
    import tensorflow as tf

    model, x = carried
    pieces = [(tf.constant(piece), begins) for piece, begins in pieces_of(x, [ALL, NONE])]
    with tf.GradientTape() as tape:
        tape.watch([piece for piece, _ in pieces])
        _, second = (tf.reduce_sum(model(piece, training=True)) for piece in pieces)

    before, within = tape.gradient(second, [piece for piece, _ in pieces])

    assert before is None
    assert (np.abs(within).max(axis=(0, 2)) > 0).all()


def test_outside_training_any_batch_starts_empty_and_the_lanes_keep_their_memory(carried):
    model, x = carried
    model((x, np.array(ALL)), training=True)
    before = [part.numpy() for part in model.memory]

    outputs = model((x[[0, 0, 1, 2, 2]], np.array([False] * 5)))

    expected = model.from_empty(x).numpy()[[0, 0, 1, 2, 2]]
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-6)
    assert all(np.abs(part).min() > 0 for part in before)
    for part, kept in zip(model.memory, before, strict=True):
        np.testing.assert_array_equal(part, kept)


# Invariant 2


def teacher_forced(panel, config, first):
    """A window of a one-series panel, and the values and calendar that its steps are made of.

    Returns:
        The batch as the fused pass takes it; scaled values from `lead` rows before the window
        to its end, and the calendar of its steps.
    """
    calendar = panel.frequency.calendar(panel.ordinals, config.cycles)
    windows = Windows(panel.target, calendar, panel.indptr, config.lags, config.context, 7)
    batch = windows.gather(np.array([0]), np.array([first]))
    values = panel.target[:, 0]
    context = values[first : first + config.context]
    scaled = ((values - np.nanmean(context)) / np.nanstd(context)).astype(np.float32)
    return batch, scaled, calendar[first : first + 7]


def empty_memory(config, network, scaled, first):
    """The memory before a window: nothing in the network, past values for the lags."""
    length = max(config.lags, default=1) - 1
    before = [scaled[row] if row >= 0 else NAN for row in range(first - 1 - length, first - 1)]
    recent = np.array(before, np.float32).reshape(1, length, 1)
    return Memory(recent, network.initial_state(1))


@pytest.fixture(scope="module")
def losses(keras_network, tensors):
    """Loss and gradients of a window in three ways, each a dict of arrays by name."""
    import tensorflow as tf

    from forecast.training.networks import masked_loss

    def with_gradients(variables, compute):
        with tf.GradientTape() as tape:
            value = compute()
        gradients = tape.gradient(value, list(variables.values()))
        named = zip(variables, gradients, strict=True)
        return {"loss": value.numpy(), **{name: g.numpy() for name, g in named}}

    def fused(config, weights, batch):
        model = keras_network(config, weights)
        variables = dict(zip(weights, (v.value for v in model.trainable_variables), strict=True))
        loss = masked_loss(config.head)
        return with_gradients(variables, lambda: loss(batch.targets, model(batch.inputs)))

    def prefixes(config, weights, batch):
        model = keras_network(config, weights)
        variables = dict(zip(weights, (v.value for v in model.trainable_variables), strict=True))
        loss = masked_loss(config.head)

        def compute():  # [a] -> b, then [a, b] -> c, and so on, each from an empty memory
            lengths = range(1, batch.inputs.shape[1] + 1)
            last = [model(batch.inputs[:, :length])[:, -1] for length in lengths]
            return loss(batch.targets, tf.stack(last, 1))

        return with_gradients(variables, compute)

    def stepwise(config, weights, batch, scaled, calendar, first):
        variables = {name: tf.Variable(array) for name, array in weights.items()}
        loss = masked_loss(config.head)

        def compute():
            network = NETWORKS["lstm"].of(tensors, variables)
            cell = Cell(tensors, network, HEADS[config.head], config.lags)
            memory = empty_memory(config, network, scaled, first)
            outputs = []
            for t in range(7):
                before = scaled[first + t - 1] if first + t else NAN
                value = tf.constant([[before]], tf.float32)
                params, memory = cell.observe(value, memory, calendar[t : t + 1])
                outputs.append(params)
            return loss(batch.targets, tf.stack(outputs, 1))

        return with_gradients(variables, compute)

    return SimpleNamespace(fused=fused, prefixes=prefixes, stepwise=stepwise)


def assert_same_gradients(found, expected):
    assert found.keys() == expected.keys()
    largest = max(np.abs(array).max() for array in expected.values())
    assert largest > 0
    for name, array in expected.items():  # the signs of absolute errors may cancel in a bias
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5 * largest, err_msg=name)


@pytest.mark.parametrize("head", ["point", "student_t"])
@given(
    seed=st.integers(0, 2**16),
    first=st.sampled_from([0, 1, 4, 9]),
    missing=st.sampled_from([0.0, 0.3]),
)
@settings(deadline=None, max_examples=6)
def test_loop_equals_one_shot_in_loss_and_gradients_step_by_step_and_by_growing_prefixes(
    make_random_panel, make_config, make_weights, losses, head, seed, first, missing
):
    panel = make_random_panel([16], seed, missing, frequency="D")
    panel.target[first : first + 2] = [[3.0], [5.0]]  # the context always has a scale
    config = make_config(
        panel, head=head, layers=2, units=3, lags=(2, 5), cycles=("week",), context=4
    )
    weights = make_weights(config, seed)
    batch, scaled, calendar = teacher_forced(panel, config, first)

    fused = losses.fused(config, weights, batch)

    assert_same_gradients(losses.prefixes(config, weights, batch), fused)
    assert_same_gradients(losses.stepwise(config, weights, batch, scaled, calendar, first), fused)


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


@pytest.mark.parametrize("kind", KINDS)
def test_the_batches_are_those_of_the_kind_and_the_least_rows_that_are_planned(
    make_random_panel, kind
):
    from forecast.training.fit import batches

    panel = make_random_panel([40, 60])
    plan = make_plan(panel, 1, {**SMALL, "windows": kind})
    windows = windows_of(panel, plan)

    found = take(batches(windows, panel.lengths, plan, 1), 3)

    expected = KINDS[kind](windows, plan.least_rows, panel.lengths, plan.batch, 1)
    assert_same_batches(found, take(expected, 3))
    assert not np.array_equal(found[0].targets, found[1].targets, equal_nan=True)


def test_validation_windows_end_at_the_given_rows_and_only_their_tail_counts(make_panel):
    from forecast.training.fit import validation_batch

    panel = make_panel(np.arange(30.0), np.arange(8.0), np.arange(20.0))
    plan = make_plan(panel, 1, {"context": 4, "holdout": 3})
    windows = replace(windows_of(panel, plan), length=7)

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


@given(seed=st.integers(0, 2**16), holdout=st.integers(1, 8), kind=st.sampled_from(sorted(KINDS)))
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

    def train(seed=0, budget=1e9, listener=None, **given):
        plan = make_plan(wave, 1, {**SMALL, **given})
        config = make_config(wave, context=plan.context, units=4, layers=plan.layers, lags=(2,))
        windows = windows_of(wave, plan)
        fitted = fit(config, plan, windows, wave.lengths, seed, budget, listener)
        batch = validation_batch(windows, wave.lengths - plan.holdout, plan.holdout, seed)
        return fitted, batch and validation_loss(fitted.weights, batch)

    return train


def validation_loss(weights, batch):
    network = NETWORKS["lstm"].of(np, weights)
    state, errors = network.initial_state(len(batch.inputs)), []
    for t in range(batch.inputs.shape[1]):
        params, state = network.observe(batch.inputs[:, t], state)
        errors.append(np.abs(params - batch.targets[:, t]))
    return np.nanmean(errors)


def test_a_planned_run_reports_every_round_and_keeps_the_best_weights(run):
    fitted, loss = run()

    assert fitted.ended == "planned"
    assert [(r["step"], r["steps"]) for r in fitted.rounds] == [(2, 8), (4, 8), (6, 8), (8, 8)]
    best = min(r["validation_loss"] for r in fitted.rounds)
    assert loss == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_training_brings_the_loss_down(run, kind):
    fitted, _ = run(steps=60, windows=kind)

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


def test_an_interrupt_in_the_first_round_keeps_the_weights_as_they_are(run):
    def control_c(_):
        raise KeyboardInterrupt

    fitted, loss = run(listener=control_c)

    assert (fitted.ended, len(fitted.rounds)) == ("interrupted", 1)
    assert loss == pytest.approx(fitted.rounds[0]["validation_loss"], rel=1e-5)


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
    monkeypatch.setattr(fit, "_pair", lambda b: pair(b._replace(begins=np.ones_like(b.begins))))
    forgotten, _ = run(windows="contiguous")

    losses = [[r["loss"] for r in fitted.rounds] for fitted in (carried, forgotten)]
    assert not np.allclose(*losses, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(run, kind):
    choices = {"layers": 2, "dropout": 0.3, "steps": 2, "holdout": 0, "windows": kind}

    (first, _), (again, _), (other, _) = (run(seed, **choices) for seed in (3, 3, 4))

    for name, array in first.weights.items():
        assert array.tobytes() == again.weights[name].tobytes(), name
        assert array.tobytes() != other.weights[name].tobytes(), name
    assert [r["loss"] for r in first.rounds] == [r["loss"] for r in again.rounds]
