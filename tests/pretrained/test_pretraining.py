from itertools import islice

import numpy as np
import pytest

import forecast
from forecast.inference.conformal import Calibration
from forecast.nn import seasonal
from forecast.pretrained import generated_windows, pretraining
from forecast.pretrained.generated_windows import draw_batch
from forecast.pretrained.pretraining import (
    Stage,
    generated_batches,
    pretraining_config,
    pretraining_plan,
    ship,
)


def test_the_network_is_direct_looks_at_two_seasons_and_knows_no_frequency():
    config = pretraining_config(units=8, layers=2, cell="gru")

    assert (config.network, config.head, config.cell) == ("seasonal", "quantiles", "gru")
    assert config.direct
    assert config.residual
    assert config.cycles == config.known == config.static == ()
    assert config.inputs == 2 * seasonal.ROLES + 8  # phases of two seasons
    assert not pretraining_config(units=8, layers=1, cell="gru").residual


@pytest.mark.parametrize(("steps", "rounds", "in_all"), [(20, 1, 20), (100, 2, 100), (149, 2, 148)])
def test_a_round_has_fifty_steps_or_a_few_more(steps, rounds, in_all):
    plan = pretraining_plan(pretraining_config(8, 1, "lstm"), Stage(steps, 0.01))

    assert plan.rounds == rounds
    assert plan.rounds * plan.steps_per_round == in_all
    assert (plan.feedback, plan.learning_rate) == (("free",), 0.01)


def test_what_is_shipped_is_a_model_file_of_generated_series(monkeypatch, make_weights, tmp_path):
    expected = Calibration(np.linspace(0, 2, 60, dtype=np.float32).reshape(3, 20, 1))
    monkeypatch.setattr(pretraining, "expected_errors", lambda *_: expected)
    config = pretraining_config(units=3, layers=1, cell="lstm")
    weights = make_weights(config, size=0.2)

    for name in ("model.forecast", "again.forecast"):
        ship(tmp_path / name, config, weights, seed=3)
    model = forecast.load(tmp_path / "model.forecast")

    again = (tmp_path / "again.forecast").read_bytes()
    assert again == (tmp_path / "model.forecast").read_bytes()
    assert model.config == config
    assert model.calibration.scores.tobytes() == expected.scores.tobytes()
    assert all(np.array_equal(model.weights[name], part) for name, part in weights.items())
    assert model.state.ids.tolist() == [0, 1, 2]
    table = model.predict(3, levels=80)
    assert len(table) == 9
    assert table.notna().all(axis=None)


@pytest.mark.slow
def test_a_batch_depends_on_its_number_and_the_seed_alone(monkeypatch):
    monkeypatch.setattr(generated_windows, "ROWS", 400)
    monkeypatch.setattr(generated_windows, "MIN_SERIES", 2)

    whole = [*islice(generated_batches(0, seed=4), 4)]
    later = [*islice(generated_batches(2, seed=4), 2)]

    for batch, again in zip(whole[2:], later, strict=True):
        for part, same in zip(batch.inputs, again.inputs, strict=True):
            assert np.array_equal(part, same, equal_nan=True)
    expected = draw_batch(np.random.default_rng([4, 1]))
    inputs, targets, weights = whole[1]
    np.testing.assert_array_equal(inputs.values, expected.values)
    np.testing.assert_array_equal(inputs.step_features, expected.step_features)
    assert (inputs.context, tuple(inputs.lags)) == (expected.context, expected.lags)
    assert inputs.resets.all()
    np.testing.assert_array_equal(targets, expected.targets)
    np.testing.assert_array_equal(weights, expected.weights)


@pytest.mark.slow
def test_the_module_as_a_command_trains_and_writes_the_file(monkeypatch, tmp_path, capsys):
    from forecast.pretrained import __main__ as command
    from forecast.pretrained import expected_errors

    monkeypatch.setattr(generated_windows, "ROWS", 100)
    monkeypatch.setattr(generated_windows, "MIN_SERIES", 2)
    monkeypatch.setattr(expected_errors, "SERIES", 5)
    kinds = [kind for kind in expected_errors.KINDS if kind.seasons in ((1, 0), (4, 0))]
    monkeypatch.setattr(expected_errors, "KINDS", kinds)
    monkeypatch.setattr(generated_windows, "KINDS", [kinds[0]._replace(share=1.0)])
    out = tmp_path / "made.forecast"
    options = ["--steps", "2", "--units", "2", "--layers", "1", "--kept", str(tmp_path / "kept")]
    monkeypatch.setattr("sys.argv", ["forecast.pretrained", *options, "--out", str(out)])

    command.main()

    assert capsys.readouterr().out.startswith("step 2: loss ")
    model = forecast.load(out)
    farthest = max(kind.horizon[1] for kind in kinds)
    assert (model.config.units, model.calibration.steps) == (2, farthest)
