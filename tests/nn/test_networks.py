import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats

from forecast.nn import HEADS, NETWORKS, gru_cell, lstm_cell, seasonal, step_inputs
from forecast.nn.heads import negative_binomial, normal, point, student_t
from forecast.nn.layers import CELLS, SCORES, Sizes, Stack
from forecast.nn.seasonal import as_observed

# NumPy has no lgamma, which the loss alone needs
numpy_with_lgamma = SimpleNamespace(
    abs=np.abs, exp=np.exp, log=np.log, log1p=np.log1p, maximum=np.maximum, lgamma=special.gammaln
)


def raw(location, scale, freedom):
    """Raw parameters (3,) that stand for a Student-t with the given ones."""
    inverse = [x + math.log(-math.expm1(-x)) for x in (scale - 1e-4, freedom - 2.0)]
    return np.array([location, *inverse])


# One step of one layer


def test_a_step_of_the_lstm_cell_by_hand():
    weights = lstm_cell.prepare(
        np,
        kernel=np.array([[1.0, 2.0, 3.0, 4.0]]),  # gates i, f, g, o of one unit
        recurrent=np.array([[0.1, 0.2, 0.3, 0.4]]),
        bias=np.array([0.0, 1.0, 0.0, 0.0]),
    )
    before = (np.array([[0.5]]), np.array([[-1.0]]))

    hidden, cell = lstm_cell.step(np, weights, np.array([[2.0]]), before)

    i, f, g, o = 2.05, 5.1, 6.15, 8.2
    expected = -1 / (1 + math.exp(-f)) + math.tanh(g) / (1 + math.exp(-i))
    assert cell.item() == pytest.approx(expected, rel=1e-14)
    assert hidden.item() == pytest.approx(math.tanh(expected) / (1 + math.exp(-o)), rel=1e-14)


def test_a_step_of_the_gru_cell_by_hand():
    weights = gru_cell.prepare(
        np,
        kernel=np.array([[1.0, 2.0, 3.0]]),  # gates z, r and the candidate of one unit
        recurrent=np.array([[0.1, 0.2, 0.3]]),
        bias=np.array([[0.0, 1.0, 0.0], [0.5, 0.0, -1.0]]),
    )

    (hidden,) = gru_cell.step(np, weights, np.array([[2.0]]), (np.array([[0.5]]),))

    z = 1 / (1 + math.exp(-(2.0 + 0.05 + 0.5)))
    r = 1 / (1 + math.exp(-(4.0 + 1.0 + 0.1)))
    candidate = math.tanh(6.0 + r * (0.15 - 1.0))
    assert hidden.item() == pytest.approx(z * 0.5 + (1 - z) * candidate, rel=1e-14)


@given(batch=st.integers(1, 3), inputs=st.integers(1, 4), units=st.integers(1, 5), data=st.data())
@settings(deadline=None, max_examples=30)
def test_a_step_equals_the_published_equations_gate_by_gate(batch, inputs, units, data):
    def numbers(*shape):
        return data.draw(arrays(np.float64, shape, elements=st.floats(-2, 2)))

    w, r, b = numbers(inputs, 4 * units), numbers(units, 4 * units), numbers(4 * units)
    x, h, c = numbers(batch, inputs), numbers(batch, units), numbers(batch, units)

    after = lstm_cell.step(np, lstm_cell.prepare(np, w, r, b), x, (h, c))

    for row in range(batch):
        for u in range(units):
            i, f, g, o = (
                sum(x[row, k] * w[k, gate * units + u] for k in range(inputs))
                + sum(h[row, k] * r[k, gate * units + u] for k in range(units))
                + b[gate * units + u]
                for gate in range(4)
            )
            cell = special.expit(f) * c[row, u] + special.expit(i) * np.tanh(g)
            assert after[1][row, u] == pytest.approx(cell, abs=1e-12)
            hidden = special.expit(o) * np.tanh(cell)
            assert after[0][row, u] == pytest.approx(hidden, abs=1e-12)


@pytest.mark.parametrize("x", [-1000.0, -30.0, 0.0, 2.0, 1000.0])
def test_gates_are_the_logistic_function_without_overflow(x):
    only_forget = lstm_cell.prepare(np, np.eye(4)[[1]], np.zeros((1, 4)), np.zeros(4))
    only_update = gru_cell.prepare(np, np.eye(3)[[0]], np.zeros((1, 3)), np.zeros((2, 3)))
    ones = np.ones((1, 1))

    _, cell = lstm_cell.step(np, only_forget, np.array([[x]]), (ones, ones))
    (hidden,) = gru_cell.step(np, only_update, np.array([[x]]), (ones,))

    assert cell.item() == pytest.approx(special.expit(x), rel=1e-12, abs=1e-16)
    assert hidden.item() == pytest.approx(special.expit(x), rel=1e-12, abs=1e-16)


def test_residual_layers_add_their_input_to_their_output(make_config, make_panel):
    """By hand: with weights of 0 a layer puts out 0, whatever it is given and remembers."""
    config = make_config(make_panel([1.0, 2.0]), layers=3, units=2, residual=True)
    sizes = config.blueprint.sizes
    arrays = {name: np.zeros(shape) for name, shape in Stack.shapes(sizes, "s", 4).items()}
    arrays["s_0.bias"][:] = 1.0
    stack = Stack.of(np, sizes, "s", arrays)
    state = {name: np.zeros(shape) for name, shape in Stack.state_shapes(sizes, 1).items()}

    output, after = stack.step(np.ones((1, 4)), state)

    first = special.expit(1) * np.tanh(special.expit(1) * np.tanh(1))
    np.testing.assert_allclose(output, np.full((1, 2), first), rtol=1e-12)  # passed on as it is
    assert not after["hidden_1"].any()


@pytest.mark.parametrize("name", CELLS)
def test_preparing_weights_leaves_the_given_ones_unchanged(name):
    given = {part: np.ones(shape) for part, shape in CELLS[name].shapes(3, 2).items()}

    prepared = CELLS[name].prepare(np, *given.values())

    assert all((array == 1).all() for array in given.values())
    gates = 2 * 2 if name == "gru" else 3 * 2  # their columns come first
    assert (prepared.bias[..., :gates] == 0.5).all()
    assert (prepared.bias[..., gates:] == 1.0).all()


# The networks


def sizes_of(name="lstm", **choices):
    inputs = 2 * seasonal.ROLES + 2 if name == "seasonal" else 5
    small = {"inputs": inputs, "outputs": 3, "step_features": 2, "units": 2, "layers": 2}
    return Sizes(**{**small, "cell": "lstm", "context": 4, "horizon": 3, **choices})


def random_network(name, sizes, xp=np, seed=0):
    rng = np.random.default_rng(seed)
    shapes = NETWORKS[name].shapes(sizes)
    drawn = {part: rng.normal(size=shape).astype(np.float32) for part, shape in shapes.items()}
    return NETWORKS[name].of(xp, sizes, drawn), drawn


def random_inputs(sizes, batch=3, steps=6, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch, steps, sizes.inputs)).astype(np.float32)
    if sizes.inputs >= 2 * seasonal.ROLES:  # values, then whether they were observed
        flags = slice(seasonal.ROLES, 2 * seasonal.ROLES)
        x[..., flags] = x[..., flags] > 0
    return x


def assert_same_state(state, expected, **close):
    assert state.keys() == expected.keys()
    for name, part in expected.items():
        np.testing.assert_allclose(state[name], part, **close, err_msg=name)


EVERY = pytest.mark.parametrize(
    ("name", "cell"), [(name, cell) for name in NETWORKS for cell in CELLS]
)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def test_a_network_is_made_of_named_arrays():
    assert NETWORKS["lstm"].shapes(sizes_of()) == {
        "decoder_0.kernel": (5, 8),
        "decoder_0.recurrent": (2, 8),
        "decoder_0.bias": (8,),
        "decoder_1.kernel": (2, 8),
        "decoder_1.recurrent": (2, 8),
        "decoder_1.bias": (8,),
        "head.kernel": (2, 3),
        "head.bias": (3,),
    }
    repeat = NETWORKS["repeat"].shapes(sizes_of(cell="gru", layers=1))
    assert repeat["encoder_0.kernel"] == (5, 6)
    assert repeat["decoder_0.kernel"] == (4, 6)  # two units of the vector, two of the calendar
    assert repeat["decoder_0.bias"] == (2, 6)


@EVERY
def test_an_initial_state_is_zeros_of_the_stated_shapes(name, cell):
    sizes = sizes_of(name, cell=cell)
    network, _ = random_network(name, sizes)

    state = network.initial_state(4)

    assert {part: array.shape for part, array in state.items()} == network.state_shapes(sizes, 4)
    assert {array.shape[0] for array in state.values()} == {4}
    assert {array.dtype.name for array in state.values()} == {"float32"}
    assert not any(array.any() for array in state.values())


@EVERY
def test_steps_keep_the_shapes_and_types_of_the_state(name, cell):
    sizes = sizes_of(name, cell=cell)
    network, _ = random_network(name, sizes)
    x, state = random_inputs(sizes, 4), network.initial_state(4)

    observed = network.observe(x[:, 0], state)
    params, advanced = network.advance(x[:, 1], observed)

    assert params.shape == (4, 3)
    for after in (observed, advanced):
        assert after.keys() == state.keys()
        assert {n: (a.shape, a.dtype) for n, a in after.items()} == {
            n: (a.shape, a.dtype) for n, a in state.items()
        }


@EVERY
def test_a_step_does_not_change_its_input_state(name, cell):
    sizes = sizes_of(name, cell=cell)
    network, _ = random_network(name, sizes)
    x, state = random_inputs(sizes), network.initial_state(3)
    for part in state.values():
        part.setflags(write=False)

    after = network.observe(x[:, 0], state)
    for part in after.values():
        part.setflags(write=False)
    network.advance(x[:, 1], after)

    assert not any(part.any() for part in state.values())
    assert after["hidden_0"].all()


def test_a_layer_reads_the_layer_below_and_the_head_reads_the_last():
    sizes = sizes_of()
    network, w = random_network("lstm", sizes)
    rng = np.random.default_rng(1)
    x, (h0, c0, h1, c1) = rng.normal(size=(4, 5)), rng.normal(size=(4, 4, 2))

    params, after = network.advance(x, {"hidden_0": h0, "cell_0": c0, "hidden_1": h1, "cell_1": c1})

    low, high = (
        lstm_cell.prepare(np, *(w[f"decoder_{k}.{p}"] for p in ("kernel", "recurrent", "bias")))
        for k in (0, 1)
    )
    first = lstm_cell.step(np, low, x, (h0, c0))
    second = lstm_cell.step(np, high, first[0], (h1, c1))
    np.testing.assert_array_equal(after["hidden_0"], first[0])
    np.testing.assert_array_equal(after["cell_1"], second[1])
    np.testing.assert_array_equal(params, second[0] @ w["head.kernel"] + w["head.bias"])


def test_a_decoder_only_network_forecasts_as_it_observes():
    sizes = sizes_of()
    network, _ = random_network("lstm", sizes)
    x, state = random_inputs(sizes)[:, 0], network.initial_state(3)

    assert_same_state(network.observe(x, state), network.advance(x, state)[1])


@pytest.mark.parametrize("name", [name for name in NETWORKS if NETWORKS[name].ENCODES])
def test_an_encoder_observes_with_other_weights_than_the_decoder_forecasts_with(name):
    sizes = sizes_of()
    network, weights = random_network(name, sizes)
    other = {n: w + (0.5 if n.startswith("encoder") else 0.0) for n, w in weights.items()}
    x, state = random_inputs(sizes), network.initial_state(3)
    changed = NETWORKS[name].of(np, sizes, other)

    before = network.observe(x[:, 0], state)
    assert not np.allclose(changed.observe(x[:, 0], state)["hidden_0"], before["hidden_0"])
    if name != "repeat":  # whose encoder reads the forecast on
        assert_same_state(changed.advance(x[:, 1], before)[1], network.advance(x[:, 1], before)[1])


def by_steps(network):
    """`Run` as a loop over steps, the stack given by its name."""

    def run(name, x, state):
        outputs = []
        stack = getattr(network, name)
        for t in range(x.shape[1]):
            output, state = stack.step(x[:, t], state)
            outputs.append(output)
        return np.stack(outputs, 1), state

    return run


@EVERY
@pytest.mark.parametrize("observed", [1, 2, 7])
def test_many_steps_at_once_equal_the_steps_one_by_one(name, cell, observed):
    sizes = sizes_of(name, cell=cell)
    network, _ = random_network(name, sizes)
    x = random_inputs(sizes, steps=observed + sizes.horizon)
    run = by_steps(network)

    state = network.absorb(run, x[:, :observed], network.initial_state(3))
    params, after = network.unroll(run, x[:, observed:], state)

    step = network.initial_state(3)
    for t in range(observed):
        step = network.observe(x[:, t], step)
    assert_same_state(state, step, **CLOSE)
    for t in range(sizes.horizon):
        step_params, step = network.advance(x[:, observed + t], step)
        step = as_observed(step)  # all that is fed to `unroll` counts as true
        np.testing.assert_allclose(params[:, t], step_params, **CLOSE)
    assert_same_state(after, step, **CLOSE)


@given(
    cell=st.sampled_from(sorted(CELLS)),
    residual=st.booleans(),
    layers=st.integers(1, 3),
    batch=st.integers(1, 4),
    steps=st.integers(1, 9),
)
@settings(deadline=None, max_examples=40)
def test_a_stack_runs_many_steps_as_it_takes_them_one_by_one(cell, residual, layers, batch, steps):
    sizes = sizes_of(cell=cell, residual=residual, layers=layers)
    network, _ = random_network("lstm", sizes)
    rng = np.random.default_rng(steps)
    x = rng.normal(size=(batch, steps, sizes.inputs)).astype(np.float32)
    shapes = network.state_shapes(sizes, batch)
    start = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    before = {name: part.copy() for name, part in start.items()}

    outputs, after = network.decoder.run(x, start)

    expected, state = by_steps(network)("decoder", x, start)
    np.testing.assert_allclose(outputs, expected, **CLOSE)
    assert_same_state(after, state, **CLOSE)
    assert_same_state(start, before)
    assert {array.dtype.name for array in (outputs, *after.values())} == {"float32"}


@EVERY
def test_a_series_has_the_same_step_alone_and_in_a_batch(name, cell):
    sizes = sizes_of(name, cell=cell)
    network, _ = random_network(name, sizes)
    x = random_inputs(sizes, batch=5)

    def after(rows):
        state = network.initial_state(len(rows))
        for t in range(5):
            state = network.observe(x[rows, t], state)
        return network.advance(x[rows, 5], state)

    together, alone = after([0, 1, 2, 3, 4]), after([3])

    np.testing.assert_allclose(together[0][3:4], alone[0], **CLOSE)
    assert_same_state({n: part[3:4] for n, part in together[1].items()}, alone[1], **CLOSE)


# Attention


@pytest.mark.parametrize("score", SCORES)
def test_attention_weights_are_zero_for_empty_slots(score):
    sizes = sizes_of(layers=1, score=score)
    network, w = random_network("attention", sizes)
    x, state = random_inputs(sizes, steps=8), network.initial_state(3)
    outputs = []
    for t in range(7):
        state = network.observe(x[:, t], state)
        outputs.append(state["hidden_0"])
        _, after = network.advance(x[:, 7], state)

        filled = min(t + 1, sizes.context)
        last = np.stack(outputs[-filled:], 1)  # (B, filled, U)
        ages = [0.0] * (sizes.context - filled) + list(range(filled, 0, -1))
        assert state["ages"].tolist() == [ages] * 3
        assert after["ages"].tolist() == [[age and age + 1 for age in ages]] * 3
        np.testing.assert_array_equal(state["outputs"][:, sizes.context - filled :], last)
        query = after["hidden_0"] @ w["query.kernel"] + w["query.bias"]
        keys = last @ w["key.kernel"]
        if score == "dot":
            scores = np.einsum("bu,bmu->bm", query, keys) / math.sqrt(2)
        else:
            scores = np.tanh(query[:, None] + keys) @ w["score.kernel"][:, 0]
        expected = special.softmax(scores, axis=1)
        np.testing.assert_allclose(after["weights"][:, -filled:], expected, rtol=1e-5)
        assert not after["weights"][:, : sizes.context - filled].any()
    assert not network.observe(x[:, 7], after)["weights"].any()


def test_the_parameters_come_from_the_decoder_and_the_context_vector():
    sizes = sizes_of(layers=1)
    network, w = random_network("attention", sizes)
    x, state = random_inputs(sizes), network.initial_state(3)
    for t in range(4):
        state = network.observe(x[:, t], state)

    params, after = network.advance(x[:, 4], state)

    context_vector = np.einsum("bm,bmu->bu", after["weights"], state["outputs"])
    joined = np.concatenate([after["hidden_0"], context_vector], 1)
    joined = np.tanh(joined @ w["combine.kernel"] + w["combine.bias"])
    np.testing.assert_allclose(params, joined @ w["head.kernel"] + w["head.bias"], rtol=1e-5)


# Repeat


def test_within_its_horizon_the_repeat_network_ignores_fed_back_values():
    sizes = sizes_of(horizon=3)
    network, _ = random_network("repeat", sizes)
    x, state = random_inputs(sizes, steps=8), network.initial_state(3)
    state = network.observe(x[:, 0], state)
    other = x.copy()
    other[:, 2:, : sizes.inputs - sizes.step_features] += (
        1.0  # not the first step, not the calendar
    )

    def path(inputs):
        params, after = [], state
        for t in range(1, 6):
            step_params, after = network.advance(inputs[:, t], after)
            params.append(step_params)
        return np.stack(params, 1)

    np.testing.assert_array_equal(path(x)[:, :3], path(other)[:, :3])
    assert not np.allclose(path(x)[:, 3], path(other)[:, 3])  # a new vector, from own values


def test_a_new_block_starts_from_the_encoders_latest_output():
    sizes = sizes_of(horizon=2)
    network, _ = random_network("repeat", sizes)
    x, start = random_inputs(sizes), network.initial_state(3)
    start = network.observe(x[:, 0], start)
    state, observed = start, start
    for t in (1, 2):
        _, state = network.advance(x[:, t], state)
        observed = network.observe(x[:, t], observed)

    assert (state["done"] == 2).all()  # the whole block; what was observed has made none
    assert (observed["done"] == 0).all()
    np.testing.assert_array_equal(
        network.advance(x[:, 3], state)[0], network.advance(x[:, 3], observed)[0]
    )


# Three evaluations of one network


@EVERY
@pytest.mark.parametrize("layers", [1, 2])
def test_keras_layers_numpy_step_and_tensor_step_give_the_same_outputs(
    make_panel, make_config, make_weights, make_learner, tensors, name, cell, layers
):
    from forecast.training.keras_model import ModelInputs

    config = make_config(
        make_panel([1.0, 2.0], frequency="D"),
        **{"network": name, "cell": cell, "head": "student_t", "layers": layers},
        **{"lags": (2, 3), "cycles": ("week",), "context": 5, "horizon": 4},
    )
    weights, sizes = make_weights(config), config.blueprint.sizes
    rng = np.random.default_rng(0)
    lead = step_inputs.lead(config.lags)
    values = rng.normal(size=(5, lead + 9, 1)).astype(np.float32)
    step_features = rng.normal(size=(5, 9, config.step_features)).astype(np.float32)
    flags = NETWORKS[name].LAG_FLAGS
    windows = step_inputs.window_input(np, values, step_features, config.lags, flags)

    inputs = ModelInputs(values, step_features, np.ones(5, bool))
    whole = make_learner(config, weights)(inputs).numpy()

    for xp in (np, tensors):
        network = NETWORKS[name].of(xp, sizes, weights)
        state, path = network.initial_state(5), []
        for t in range(9):
            if t < 5 and network.ENCODES:
                state = network.observe(windows[:, t], state)
            else:
                params, state = network.advance(windows[:, t], as_observed(state))
                path.append(np.asarray(params))
        np.testing.assert_allclose(np.stack(path, 1), whole, rtol=1e-5, atol=1e-5)


def test_tensorflow_under_numpys_names_computes_what_numpy_computes(tensors):
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
def test_every_head_fulfils_the_contract(name):
    head = HEADS[name]
    params = np.zeros((4, (head.PARAMETERS + head.COUNTS) * 2))  # of two targets

    assert head.center(np, params).shape == (4, 2)
    assert head.loss(numpy_with_lgamma, params, np.ones((4, 2))).shape == (4, 2)
    assert hasattr(head, "sample") == head.RANDOM
    if head.RANDOM:
        assert head.sample(np, params, np.full((4, 2, 2), 0.3)).shape == (4, 2)


def test_the_point_loss_is_the_absolute_error_and_its_centre_the_number():
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


def test_shifting_the_second_uniform_by_a_half_mirrors_the_draw():
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


# The normal head


def test_the_normal_loss_is_the_negative_log_density_of_scipy():
    loss = normal.loss(np, raw_scaled(1.5, 0.7), np.array([-2.0]))

    assert loss.item() == pytest.approx(-stats.norm.logpdf(-2.0, 1.5, 0.7), rel=1e-12)


def test_normal_draws_by_hand_and_by_distribution():
    draw = normal.sample(np, raw_scaled(10.0, 2.0), np.array([[np.exp(-0.5), 0.0]]))
    uniforms = (np.random.default_rng(0).integers(0, 2**23, (50_000, 1, 2)) + 0.5) / 2**23
    many = normal.sample(np, np.broadcast_to(raw_scaled(3.0, 0.5), (50_000, 2)), uniforms)[:, 0]

    assert draw.item() == pytest.approx(12.0, rel=1e-12)  # the radius is 1
    assert stats.kstest(many, stats.norm(3.0, 0.5).cdf).pvalue > 0.05
    assert stats.kstest(many, stats.norm(3.0, 0.52).cdf).pvalue < 1e-3


def test_the_median_and_the_quantiles_of_the_normal_head():
    params = raw_scaled(1.0, 2.0)

    assert normal.center(np, params).item() == 1.0
    assert normal.quantile(np, params, 0.5).item() == 1.0
    assert normal.quantile(np, params, 0.975).item() == pytest.approx(1.0 + 2 * 1.959964, rel=1e-6)


def raw_scaled(location, scale):
    """Raw parameters that give a location and a scale."""
    return np.array([location, np.log(np.expm1(scale - 1e-4))])


# The head of counts

means = st.floats(0.01, 300)
shapes = st.floats(0.05, 40)


def raw_count(mean, shape, unit):
    """Raw parameters that give a mean and a shape, and the unit that comes with them."""
    inverse = [np.log(np.expm1(part - 1e-4)) for part in (mean / unit, shape)]
    return np.array([*inverse, np.log(unit)])


@given(mean=means, shape=shapes, count=st.integers(0, 400), unit=st.floats(1, 50))
def test_the_loss_of_a_count_is_the_negative_log_probability_of_scipy(mean, shape, count, unit):
    value = np.array([count / unit])

    loss = negative_binomial.loss(numpy_with_lgamma, raw_count(mean, shape, unit), value)

    expected = -stats.nbinom.logpmf(count, shape, shape / (shape + mean))
    assert loss.item() == pytest.approx(expected, rel=1e-7, abs=1e-7)


@given(mean=means, shape=shapes, level=st.floats(0.001, 0.999))
def test_the_quantile_of_a_count_is_that_of_scipy(mean, shape, level):
    quantile = negative_binomial.quantile(np, raw_count(mean, shape, 2.0), level).item() * 2.0

    cdf = stats.nbinom(shape, shape / (shape + mean)).cdf
    assert quantile == np.rint(quantile)
    assert cdf(quantile) > level - 1e-9
    assert quantile == 0 or cdf(quantile - 1) < level + 1e-9


def test_a_count_by_hand():
    params = raw_count(mean=1.0, shape=1.0, unit=4.0)  # P(0) = 1/2, P(1) = 1/4, P(2) = 1/8

    draws = [
        negative_binomial.sample(np, params, np.array([[uniform, 0.9]])).item() * 4.0
        for uniform in (0.3, 0.49, 0.51, 0.74, 0.76, 0.874, 0.876)
    ]

    assert draws == [0, 0, 1, 1, 2, 2, 3]
    assert negative_binomial.center(np, params).item() == pytest.approx(0.25)


def test_counts_are_the_same_on_both_runtimes(tensors):
    rng = np.random.default_rng(0)
    params = rng.normal(0, 1.5, (2_000, 3)).astype(np.float32)
    uniforms = ((rng.integers(0, 2**23, (2_000, 1, 2)) + 0.5) / 2**23).astype(np.float32)

    ours = negative_binomial.sample(np, params, uniforms)
    theirs = negative_binomial.sample(tensors, params, uniforms).numpy()

    apart = ~np.isclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert apart.mean() < 0.002  # a uniform may lie on a step of the distribution function
    assert (ours.dtype, theirs.dtype) == (np.float32, np.float32)
