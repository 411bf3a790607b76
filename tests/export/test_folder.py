"""What a folder says is enough to forecast from it: the caller here knows nothing else."""

import errno
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from safetensors.numpy import load_file

from forecast import ArtifactError, Model, OptionError
from forecast.data.covariates import learn
from forecast.data.to_panel import to_panel
from forecast.datasets import load
from forecast.inference.theta_member import ThetaMember
from forecast.pretrained.zero_shot import pretrained_member


class Caller:
    """Forecasts from a folder, without the package that has written it."""

    def __init__(self, folder):
        self.folder = folder
        self.about = json.loads((folder / "model.json").read_text())
        self.ids = json.loads((folder / self.about["state"]["ids"]).read_text())["ids"]
        self.states = load_file(folder / self.about["state"]["arrays"])
        self.step = self.about["frequency"]["step"]

    def run(self, graph, **given):
        session = onnxruntime.InferenceSession(self.folder / graph)
        inputs = [port["name"] for port in self.about["graphs"][graph]["inputs"]]
        outputs = [port["name"] for port in self.about["graphs"][graph]["outputs"]]
        values = session.run(outputs, {name: given[name] for name in inputs})
        return dict(zip(outputs, values, strict=True))

    def state_after(self, outputs):
        prefix = self.about["state"]["outputs"]
        return {
            name.removeprefix(prefix): value
            for name, value in outputs.items()
            if name.startswith(prefix)
        }

    def rollout(self, state, horizon, covariates=None):
        times = state["time"][:, None] + self.step * np.arange(1, horizon + 1)
        features = self.features(times, covariates)
        return self.run("rollout.onnx", **state, **features, horizon=np.array(horizon))

    def features(self, times, covariates=None):
        """The step features of times (B, H), by the name of the input."""
        networks = [member for member in self.about["members"] if member.get("step_features")]
        return {
            member["input"]: np.concatenate(
                [self.group(times, group, covariates) for group in member["step_features"]], -1
            ).astype(np.float32)
            for member in networks
        }

    def group(self, times, group, covariates):
        kind = group["kind"]
        if kind == "season":
            return season(times // self.step, group["season"])
        if kind == "cycle":
            return circle(self.share(times, group["cycle"]))
        assert kind == "known"
        return encoded(covariates[group["name"]], group)

    def share(self, times, cycle):
        if self.about["frequency"]["unit"] == "month":
            return times % 12 / 12
        days = times / 86_400e6
        if cycle == "day":
            return days % 1
        if cycle == "week":
            return (days + 3) % 7 / 7
        year = times.astype("datetime64[us]").astype("datetime64[Y]")
        begin, end = ((year + k).astype("datetime64[us]").astype(np.int64) for k in (0, 1))
        return (times - begin) / (end - begin)


def season(numbers, steps):
    if steps < 2:
        return np.zeros((*numbers.shape, 4))
    constant = np.ones(numbers.shape)
    rest = [(np.log(steps) / 2 - 1) * constant, constant]
    return np.concatenate([circle(numbers % steps / steps), np.stack(rest, -1)], -1)


def circle(share):
    return np.stack([np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)], -1)


def encoded(cells, group):
    """Cells (B, H) as inputs (B, H, width)."""
    if group["categories"]:
        inputs = np.stack([cells == name for name in group["categories"]], -1)
    else:
        numbers = (cells.astype(float) - group["location"]) / group["scale"]
        inputs = np.nan_to_num(numbers)[..., None]
    missing = pd.isna(cells)[..., None]
    return np.concatenate([inputs, ~missing], -1) if group["has_missing"] else inputs


@pytest.fixture(scope="module")
def air():
    return load("air_passengers")


@pytest.fixture(scope="module")
def three(air, make_model):
    """A trained network, the pretrained one, and the theta method: what short tables get."""
    panel = to_panel(air)
    choices = {"lags": (1, 12), "cycles": ("year",), "power": 0.0}
    own = make_model(panel, network="lstm", head="student_t", **choices)
    others = (pretrained_member(panel, 12), ThetaMember(12))
    model = Model(*own.parts[:2], others, (0.3, 0.4, 0.3), state=own.state)
    return replace(model, state=model.encode(panel))


def test_a_model_of_three_members_forecasts_what_predict_does(three, tmp_path):
    three.export(tmp_path)
    caller = Caller(tmp_path)

    outputs = caller.rollout(caller.states, 24)

    expected = three.predict(24)["forecast"].to_numpy()
    np.testing.assert_allclose(outputs["forecast"][0, :, 0], expected, rtol=1e-5)
    assert [member["kind"] for member in caller.about["members"]] == ["network", "network", "theta"]
    assert caller.about["missing"] == {}


def test_a_history_is_enough_for_a_model_of_three_members(three, air, tmp_path):
    three.export(tmp_path)
    caller, rows = Caller(tmp_path), air["y"].to_numpy(float)[None, 20:110, None]
    last = caller.states["time"] - 34
    times = last[:, None] - np.arange(89, -1, -1)
    given = {"rows": rows, "lengths": np.array([90]), "time": last, **caller.features(times)}

    state = caller.state_after(caller.run("encode.onnx", **given))

    forecast = caller.rollout(state, 12)["forecast"][0, :, 0]
    expected = three.predict(12, air[20:110])["forecast"]
    np.testing.assert_allclose(forecast, expected, rtol=1e-5)


def test_a_graph_that_there_cannot_be_is_left_out_with_a_reason(three, tmp_path):
    weekly = replace(three, others=(ThetaMember(52),), shares=(0.5, 0.5))
    weekly = replace(weekly, state=weekly.encode(to_panel(load("air_passengers"))))

    files = weekly.export(tmp_path)

    assert "encode.onnx" not in {file.name for file in files}
    assert "Fourier transform" in Caller(tmp_path).about["missing"]["encode.onnx"]


def test_the_pretrained_network_continues_series_by_new_rows(air, tmp_path):
    model = Model.untrained(to_panel(air[:132]), calibrated=False)
    model.export(tmp_path)
    caller = Caller(tmp_path)
    rows = air["y"].to_numpy(float)[None, 132:, None]
    times = caller.states["time"][:, None] + np.arange(1, 13)

    observed = caller.run("observe.onnx", **caller.states, rows=rows, **caller.features(times))
    outputs = caller.rollout(caller.state_after(observed), 12)

    expected = model.update(air[132:]).predict(12)["forecast"].to_numpy()
    np.testing.assert_allclose(outputs["forecast"][0, :, 0], expected, rtol=1e-5)
    levels = caller.about["quantile_levels"]
    assert (np.diff(outputs["quantiles"][0, :, :, 0], axis=1) >= 0).all()
    median = outputs["quantiles"][:, :, levels.index(0.5)]
    np.testing.assert_allclose(median, outputs["forecast"], rtol=1e-6)


def shops_with_prices():
    """Two shops, 40 days: a price and a kind of day that are known in advance, and a region."""
    days = pd.date_range("2023-11-30", periods=40)
    rng = np.random.default_rng(2)
    shops = [
        pd.DataFrame(
            {
                "shop": name,
                "day": days,
                "sold": rng.gamma(4.0, 2.5, 40),
                "price": np.where(rng.random(40) < 0.1, np.nan, rng.random(40)),
                "kind": rng.choice(["sale", "usual"], 40),
                "region": name[0],
            }
        )
        for name in ("north", "south")
    ]
    return pd.concat(shops, ignore_index=True)


@pytest.fixture(scope="module")
def with_covariates(make_model):
    """A model that takes calendar, known and static covariates, and its table."""
    table = shops_with_prices()
    panel = to_panel(table, target="sold", known=("price", "kind"), static=("region",))
    known, static = (learn(part, "the table") for part in (panel.known, panel.static))
    choices = {"cycles": ("week", "year"), "lags": (7,), "known": known, "static": static}
    return table, make_model(panel, network="seq2seq", **choices)


def cells_of(table, columns):
    """Columns of two shops of a table as (2, T)."""
    return {name: table[name].to_numpy(object).reshape(2, -1) for name in columns}


def test_histories_and_covariates_are_encoded_from_a_table(with_covariates, tmp_path):
    table, model = with_covariates
    model.export(tmp_path)
    caller, horizon = Caller(tmp_path), 6
    past = table[table["day"] < "2024-01-02"]
    coming = table[table["day"] >= "2024-01-02"].groupby("shop").head(horizon)
    coming = coming.assign(price=coming["price"].fillna(0.5))

    times = past["day"].to_numpy("datetime64[us]").astype(np.int64).reshape(2, -1)
    regions = cells_of(past, ["region"])["region"][:, 0]
    given = {
        "rows": past["sold"].to_numpy().reshape(2, -1, 1),
        "lengths": np.array([times.shape[1]] * 2),
        "time": times[:, -1],
        "static": encoded(regions, caller.about["static"][0]).astype(np.float32),
        **caller.features(times, cells_of(past, ["price", "kind"])),
    }
    state = caller.state_after(caller.run("encode.onnx", **given))
    outputs = caller.rollout(state, horizon, cells_of(coming, ["price", "kind"]))

    future = coming[["shop", "day", "price", "kind"]]
    expected = model.predict(horizon, past, future=future)["forecast"].to_numpy()
    np.testing.assert_allclose(outputs["forecast"].ravel(), expected, rtol=1e-5)


def test_a_later_export_takes_the_place_of_an_earlier_one(three, make_model, tmp_path):
    panel, folder = to_panel(load("air_passengers")), tmp_path / "new" / "folder"

    three.export(folder)
    assert (folder / "sample.onnx").exists()
    files = make_model(panel).export(folder)  # whose head has no distribution

    assert {file.name for file in files} == {file.name for file in folder.iterdir()}
    assert not (folder / "sample.onnx").exists()


def test_the_same_model_gives_the_same_files(three, tmp_path):
    for name in ("one", "two"):
        three.export(tmp_path / name)

    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file


def test_a_place_that_is_a_file_is_refused(three, tmp_path):
    (tmp_path / "file").touch()

    says = "file: cannot be written: Not a directory; nothing was changed. Name another folder"
    with pytest.raises(ArtifactError, match=says):
        three.export(tmp_path / "file")


def test_another_format_is_refused(three, tmp_path):
    with pytest.raises(OptionError, match="to is 'pmml'; it must be 'onnx'"):
        three.export(tmp_path, to="pmml")


def test_without_onnx_it_says_what_to_install(three, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)

    with pytest.raises(OptionError, match=r"pip install 'forecast-rollout\[onnx\]'"):
        three.export(tmp_path)


def test_other_files_are_not_written_over_and_an_earlier_export_is(three, tmp_path):
    (tmp_path / "model.json").write_text('{"mine": 1}')

    with pytest.raises(ArtifactError, match="holds other files than those of an export"):
        three.export(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text()) == {"mine": 1}

    first = three.export(tmp_path / "model")
    assert three.export(tmp_path / "model") == first
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == sorted(
        path.name for path in first
    )


def test_where_the_disk_is_full_an_earlier_export_stays_as_it_was(three, tmp_path, monkeypatch):
    before = {path: path.read_bytes() for path in three.export(tmp_path / "model")}
    writing, written = Path.write_bytes, []

    def full(path, content):
        written.append(path)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return writing(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ArtifactError, match="No space left on device; nothing was changed"):
        three.export(tmp_path / "model")

    assert {path: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    with pytest.raises(OptionError, match="the folder has no name"):
        three.export("")
