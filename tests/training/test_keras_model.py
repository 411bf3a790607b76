"""The network in training: its weights, its loss, and the state carried along in lanes."""

import numpy as np
import pytest

from forecast.data.covariates import Covariate
from forecast.nn import NETWORKS, step_inputs
from forecast.nn.layers import CELLS

pytestmark = pytest.mark.slow

NAN = np.nan


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


PRICE = Covariate("price", 0.0, 1.0, (), False)
REGION = Covariate("region", 0.0, 1.0, ("north", "south"), False)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", NETWORKS)
def test_before_the_first_step_covariates_change_nothing(
    make_panel, make_config, make_learner, name, cell
):
    panel = make_panel([1.0, 2.0], frequency="D")
    counts = "point" if name == "seasonal" else "negative_binomial"  # a step feature behind them
    choices = {"network": name, "cell": cell, "head": counts, "cycles": ("week",), "horizon": 4}
    plain = make_config(panel, **choices)
    wider = make_config(panel, **choices, known=(PRICE,), static=(REGION,))
    values, features = inputs_for(wider)
    own = np.delete(features, wider.covariates, axis=-1)

    alone = make_learner(plain, seed=1)((values, own, np.ones(3, bool)))
    learner = make_learner(wider, covariates=wider.covariates, seed=1)
    beside = learner((values, features, np.ones(3, bool)))

    assert own.shape[-1] == plain.step_features
    np.testing.assert_allclose(beside, alone, rtol=1e-5, atol=1e-6)


def inputs_for(config):
    """Values and step features of three windows of a context and a horizon."""
    rng, steps = np.random.default_rng(2), config.context + config.horizon
    values = rng.normal(size=(3, step_inputs.lead(config.lags) + steps, 1)).astype(np.float32)
    return values, rng.normal(size=(3, steps, config.step_features)).astype(np.float32)


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
