import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats

from forecast.network import HEADS, NETWORKS, point, student_t
from forecast.network.lstm import LSTM, PARTS, LSTMState, layer_weights, lstm_step

# NumPy has no lgamma, which the loss alone needs
numpy_with_lgamma = SimpleNamespace(
    abs=np.abs, exp=np.exp, log=np.log, log1p=np.log1p, maximum=np.maximum, lgamma=special.gammaln
)


def raw(location, scale, freedom):
    """Raw parameters (3,) that stand for a Student-t with the given ones."""
    inverse = [x + math.log(-math.expm1(-x)) for x in (scale - 1e-4, freedom - 2.0)]
    return np.array([location, *inverse])


# One step of one layer


def test_a_step_by_hand():
    weights = layer_weights(
        np,
        kernel=np.array([[1.0, 2.0, 3.0, 4.0]]),  # gates i, f, g, o of one unit
        recurrent=np.array([[0.1, 0.2, 0.3, 0.4]]),
        bias=np.array([0.0, 1.0, 0.0, 0.0]),
    )
    before = LSTMState(hidden=np.array([[0.5]]), cell=np.array([[-1.0]]))

    after = lstm_step(np, weights, np.array([[2.0]]), before)

    i, f, g, o = 2.05, 5.1, 6.15, 8.2
    cell = -1 / (1 + math.exp(-f)) + math.tanh(g) / (1 + math.exp(-i))
    assert after.cell.item() == pytest.approx(cell, rel=1e-14)
    assert after.hidden.item() == pytest.approx(math.tanh(cell) / (1 + math.exp(-o)), rel=1e-14)


@given(batch=st.integers(1, 3), inputs=st.integers(1, 4), units=st.integers(1, 5), data=st.data())
@settings(deadline=None, max_examples=30)
def test_a_step_equals_the_published_equations_gate_by_gate(batch, inputs, units, data):
    def numbers(*shape):
        return data.draw(arrays(np.float64, shape, elements=st.floats(-2, 2)))

    w, r, b = numbers(inputs, 4 * units), numbers(units, 4 * units), numbers(4 * units)
    x, h, c = numbers(batch, inputs), numbers(batch, units), numbers(batch, units)

    after = lstm_step(np, layer_weights(np, w, r, b), x, LSTMState(h, c))

    for row in range(batch):
        for u in range(units):
            i, f, g, o = (
                sum(x[row, k] * w[k, gate * units + u] for k in range(inputs))
                + sum(h[row, k] * r[k, gate * units + u] for k in range(units))
                + b[gate * units + u]
                for gate in range(4)
            )
            cell = special.expit(f) * c[row, u] + special.expit(i) * np.tanh(g)
            assert after.cell[row, u] == pytest.approx(cell, abs=1e-12)
            hidden = special.expit(o) * np.tanh(cell)
            assert after.hidden[row, u] == pytest.approx(hidden, abs=1e-12)


@pytest.mark.parametrize("x", [-1000.0, -30.0, 0.0, 2.0, 1000.0])
def test_gates_neither_overflow_nor_leave_the_logistic_function(x):
    only_forget = layer_weights(np, np.eye(4)[[1]], np.zeros((1, 4)), np.zeros(4))

    after = lstm_step(np, only_forget, np.array([[x]]), LSTMState(np.ones((1, 1)), np.ones((1, 1))))

    assert after.cell.item() == pytest.approx(special.expit(x), rel=1e-12, abs=1e-16)


def test_weights_made_for_the_step_leave_the_given_ones_as_they_were():
    given = [np.ones((3, 8)), np.ones((2, 8)), np.ones(8)]

    made = layer_weights(np, *given)

    assert [(array == 1).all() for array in given] == [True] * 3
    assert made.kernel.shape == (5, 8)
    assert made.bias.tolist() == [0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 0.5, 0.5]  # i, f, g, o


# The network


def test_the_network_is_made_of_named_arrays():
    shapes = NETWORKS["lstm"].shapes(inputs=3, units=2, layers=2, outputs=5)

    assert shapes == {
        "lstm_0.kernel": (3, 8),
        "lstm_0.recurrent": (2, 8),
        "lstm_0.bias": (8,),
        "lstm_1.kernel": (2, 8),
        "lstm_1.recurrent": (2, 8),
        "lstm_1.bias": (8,),
        "head.kernel": (2, 5),
        "head.bias": (5,),
    }


def random_network(xp=np, inputs=3, units=2, layers=2, outputs=5):
    rng = np.random.default_rng(0)
    shapes = LSTM.shapes(inputs, units, layers, outputs)
    drawn = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return LSTM.of(xp, drawn), drawn


def test_an_empty_memory_is_zeros_for_every_layer_of_every_series():
    network, _ = random_network()

    state = network.initial_state(4)

    assert state.hidden.shape == state.cell.shape == (4, 2, 2)  # (B, layers, U)
    assert state.hidden.dtype == np.float32
    assert not state.hidden.any()
    assert not state.cell.any()


def test_a_layer_reads_the_layer_below_and_the_head_reads_the_last():
    network, w = random_network()
    rng = np.random.default_rng(1)
    x, hidden, cell = rng.normal(size=(4, 3)), *rng.normal(size=(2, 4, 2, 2))

    params, after = network.observe(x, LSTMState(hidden, cell))

    low, high = (layer_weights(np, *(w[f"lstm_{k}.{p}"] for p in PARTS)) for k in (0, 1))
    first = lstm_step(np, low, x, LSTMState(hidden[:, 0], cell[:, 0]))
    second = lstm_step(np, high, first.hidden, LSTMState(hidden[:, 1], cell[:, 1]))
    np.testing.assert_array_equal(after.hidden, np.stack([first.hidden, second.hidden], axis=1))
    np.testing.assert_array_equal(after.cell, np.stack([first.cell, second.cell], axis=1))
    np.testing.assert_array_equal(params, second.hidden @ w["head.kernel"] + w["head.bias"])


def test_a_decoder_only_network_forecasts_as_it_observes():
    network, _ = random_network()
    x, state = np.ones((2, 3), np.float32), network.initial_state(2)

    observed, advanced = network.observe(x, state), network.advance(x, state)

    assert observed[0].tolist() == advanced[0].tolist()
    assert observed[1].cell.tolist() == advanced[1].cell.tolist()


def test_a_step_leaves_the_memory_it_was_given_as_it_was():
    network, _ = random_network()
    state = network.initial_state(2)
    for part in state:
        part.setflags(write=False)

    _, after = network.observe(np.ones((2, 3), np.float32), state)

    assert not state.cell.any()
    assert after.cell.all()


# Three evaluations of one network


@pytest.mark.parametrize("layers", [1, 3])
@given(seed=st.integers(0, 2**16))
@settings(deadline=None, max_examples=5)
def test_keras_layer_numpy_step_and_tensor_step_give_the_same_outputs(
    make_panel, make_config, make_weights, keras_network, tensors, layers, seed
):
    config = make_config(make_panel([1.0, 2.0]), head="student_t", layers=layers, lags=(2, 3))
    weights = make_weights(config, seed)
    rng = np.random.default_rng(seed)
    windows = rng.normal(size=(5, 9, config.inputs)).astype(np.float32)  # (B, T, F)

    whole = keras_network(config, weights)(windows).numpy()

    for xp in (np, tensors):
        network = NETWORKS["lstm"].of(xp, weights)
        state = network.initial_state(5)
        for t in range(9):
            params, state = network.observe(windows[:, t], state)
            np.testing.assert_allclose(params, whole[:, t], rtol=1e-5, atol=1e-5)


def test_tensorflow_under_numpys_names_means_what_numpy_means(tensors):
    x = np.array([[0.5, 2.0], [3.0, 0.25]], np.float32)
    gap = np.array([[np.nan, 1.0]], np.float32)

    for name in (
        "abs",
        "cos",
        "exp",
        "expm1",
        "log",
        "log1p",
        "sqrt",
        "tanh",
        "ones_like",
    ):
        ours, theirs = getattr(tensors, name)(-x if name == "abs" else x), getattr(np, name)(x)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=name)
    assert tensors.isnan(gap).numpy().tolist() == [[True, False]]
    assert tensors.maximum(x, 1.0).numpy().tolist() == [[1.0, 2.0], [3.0, 1.0]]
    assert tensors.where(x > 1, x, -x).numpy().tolist() == [[-0.5, 2.0], [3.0, -0.25]]
    assert tensors.concatenate([x, x], -1).numpy().shape == (2, 4)
    assert tensors.zeros((2, 1), "float32").numpy().tolist() == [[0.0], [0.0]]
    np.testing.assert_allclose(tensors.lgamma(x), special.gammaln(x), rtol=1e-5, atol=1e-6)


# The heads


@pytest.mark.parametrize("name", list(HEADS))
def test_every_head_answers_to_the_same_contract(name):
    head = HEADS[name]
    params = np.zeros((4, head.PARAMETERS * 2))  # of two targets

    assert head.center(np, params).shape == (4, 2)
    assert head.loss(numpy_with_lgamma, params, np.ones((4, 2))).shape == (4, 2)
    assert hasattr(head, "sample") == head.RANDOM
    if head.RANDOM:
        assert head.sample(np, params, np.full((4, 2, 2), 0.3)).shape == (4, 2)


def test_the_point_head_costs_the_absolute_error_and_feeds_its_number_back():
    params = np.array([1.0, 5.0])

    assert point.loss(np, params, np.array([3.0, 4.5])).tolist() == [2.0, 0.5]
    assert point.center(np, params).tolist() == [1.0, 5.0]


def test_softplus_neither_overflows_nor_vanishes_too_early():
    x = np.array([-700.0, -20.0, -1.0, 0.0, 1.0, 20.0, 700.0])

    np.testing.assert_allclose(student_t.softplus(np, x), np.logaddexp(0, x), rtol=1e-12)


def test_the_scale_is_positive_and_the_degrees_of_freedom_above_two():
    params = np.array([[-3.0, -800.0, -800.0], [7.0, 0.0, 0.0]])

    location, scale, freedom = student_t.parameters(np, params)

    assert location.tolist() == [[-3.0], [7.0]]
    assert scale.ravel() == pytest.approx([1e-4, math.log(2) + 1e-4])
    assert freedom.ravel() == pytest.approx([2.0, math.log(2) + 2.0])


def test_the_parameters_of_several_targets_lie_kind_by_kind():
    params = np.arange(6.0)  # locations 0 and 1, then scales, then degrees of freedom

    location, scale, freedom = student_t.parameters(np, params)

    assert location.tolist() == [0.0, 1.0]
    np.testing.assert_allclose(scale, np.logaddexp(0, [2.0, 3.0]) + 1e-4)
    np.testing.assert_allclose(freedom, np.logaddexp(0, [4.0, 5.0]) + 2.0)


@given(
    location=st.floats(-5, 5),
    scale=st.floats(0.01, 5),
    freedom=st.floats(2.01, 60),
    value=st.floats(-50, 50),
)
@settings(deadline=None, max_examples=50)
def test_the_student_t_loss_is_the_negative_log_density_of_scipy(location, scale, freedom, value):
    loss = student_t.loss(numpy_with_lgamma, raw(location, scale, freedom), np.array([value]))

    expected = -stats.t.logpdf(value, freedom, location, scale)
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_student_t_loss_is_the_same_on_tensors(tensors):
    rng = np.random.default_rng(0)
    params = rng.normal(size=(200, 3)).astype(np.float32)
    values = rng.normal(size=(200, 1)).astype(np.float32) * 5

    loss = student_t.loss(tensors, params, values)

    location, scale, freedom = student_t.parameters(np, params.astype(np.float64))
    expected = -stats.t.logpdf(values, freedom, location, scale)
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-5)


def test_the_value_fed_back_is_the_median():
    params = raw(location=-1.5, scale=2.0, freedom=3.0)

    median = student_t.center(np, params).item()

    assert stats.t.cdf(median, 3.0, -1.5, 2.0) == 0.5


def test_a_draw_by_hand():
    params = raw(location=10.0, scale=2.0, freedom=4.0)

    draw = student_t.sample(np, params, np.array([[0.5, 0.125]]))

    radius = math.sqrt(4.0 * (0.5**-0.5 - 1.0))
    assert draw.item() == pytest.approx(10.0 + 2.0 * radius * math.cos(math.pi / 4), rel=1e-12)


@pytest.mark.parametrize("freedom", [2.05, 3.0, 8.0, 100.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_draws_are_distributed_as_scipys_student_t(freedom, dtype):
    uniforms = np.random.default_rng(12).random((50_000, 1, 2)).astype(dtype) * 0.9999 + 5e-5
    params = np.broadcast_to(
        raw(location=3.0, scale=0.5, freedom=freedom).astype(dtype), (50_000, 3)
    )

    draws = student_t.sample(np, params, uniforms)[:, 0]

    fit = stats.kstest(draws, stats.t(freedom, 3.0, 0.5).cdf)
    assert fit.pvalue > 0.05
    wrong = stats.kstest(draws, stats.t(2 * freedom, 3.0, 0.55).cdf)
    assert wrong.pvalue < 1e-6  # the sample is large enough to tell another distribution


@pytest.mark.parametrize("freedom", [2.5, 30.0, 1e3, 1e6])
def test_draws_in_single_precision_are_those_in_double_precision(tensors, freedom):
    uniforms = (np.random.default_rng(0).integers(0, 2**23, (5000, 1, 2)) + 0.5) / 2**23
    params = np.broadcast_to(raw(0.0, 1.0, freedom), (5000, 3))
    single = params.astype(np.float32), uniforms.astype(np.float32)

    draws = student_t.sample(np, params, uniforms)

    np.testing.assert_allclose(student_t.sample(np, *single), draws, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(student_t.sample(tensors, *single), draws, rtol=1e-5, atol=1e-5)


def test_turning_the_second_uniform_by_a_half_mirrors_the_draw():
    params = raw(location=3.0, scale=0.5, freedom=5.0)
    uniforms = np.random.default_rng(0).random((100, 1, 2)) / 2 + 1e-3

    draws = student_t.sample(np, params, uniforms)
    mirrored = student_t.sample(np, params, uniforms + np.array([0.0, 0.5]))

    np.testing.assert_allclose(draws + mirrored, 6.0, rtol=1e-12)


@pytest.mark.parametrize("freedom", [2.0001, 5.0, 1e3])
def test_the_smallest_and_the_largest_uniforms_give_finite_draws(tensors, freedom):
    smallest = np.float32(0.5 / 2**23)
    edge = np.array([smallest, np.float32(1) - smallest])
    uniforms = np.stack(np.meshgrid(edge, edge), -1).reshape(4, 1, 2).astype(np.float32)
    params = np.broadcast_to(raw(0.0, 1.0, freedom).astype(np.float32), (4, 3))

    for xp in (np, tensors):
        assert np.isfinite(np.asarray(student_t.sample(xp, params, uniforms))).all()
