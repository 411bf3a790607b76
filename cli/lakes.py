"""What is larger than memory: Parquet files, and states in a file of their own."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import ArtifactError, DataError, ForecastWarning, OptionError

from .inputs import Files, load_model
from .output import Say, count_series, counted, model_given, print_notes
from .progress import counting_bar, quiet_libraries

if TYPE_CHECKING:
    from forecast.engines.lake import Written


SHOWN = 5  # notes of a forecast in parts


def is_folder(out: str | None) -> bool:
    """Whether a place is a folder: one that is there, or a name that ends like one."""
    return out is not None and (out.endswith(os.sep) or Path(out).is_dir())


def predict_lake(
    files: Files, out: str, horizon: int, bad_series: str, options: Mapping[str, Any], say: Say
) -> None:
    """Forecast the series of Parquet files into a folder of such files.

    Args:
        files: the model, the histories and perhaps the future.
        out: the folder.
        horizon: steps.
        bad_series: "raise" or "report".
        options: of `Model.rollout`.
        say: prints a line for people.
    """
    from forecast.data.io.multi_file import files_of
    from forecast.engines.lake import Lake, forecast_lake

    refuse_without_model_and_table(files)
    model, lake = load_model(files.model), Lake.of(files_of(*files.table))
    future = None if files.future is None else Lake.of(files_of(files.future))
    total = lake.rows + (future.rows if future and model.config.schema.id in future.columns else 0)
    with telling_warnings(say):
        steps = forecast_lake(
            model, lake, out, horizon, future=future, reports=bad_series == "report", **options
        )
        _show(steps, "rows", total, out, say)


def predict_on_engine(
    files: Files,
    engine: str,
    settings: Mapping[str, str],
    out: str,
    horizon: int,
    options: Mapping[str, Any],
    say: Say,
) -> None:
    """Forecast the series of Parquet files on an engine, into a folder of such files.

    Args:
        files, out, horizon, say: see `predict_lake`.
        engine: its name.
        settings: of the engine.
        options: of `Model.rollout`.
    """
    from forecast.engines.jobs import forecast_files
    from forecast.engines.lake import Lake

    refuse_without_model_and_table(files)
    model = load_model(files.model)
    with telling_warnings(say), quiet_libraries():
        forecast_files(
            model,
            engine,
            files.table,
            out,
            horizon,
            future=files.future,
            settings=settings,
            **options,
        )
    parts = [str(path) for path in Path(out).glob("*.parquet")]  # none of an address
    about = f": {counted(len(parts), 'file')}, {Lake.of(parts).rows:,} rows" if parts else ""
    say(f"Wrote {out}{about}.")


def refuse_without_model_and_table(files: Files) -> None:
    """Raise OptionError where a folder of forecasts lacks what they are made from."""
    if files.is_pretrained or not files.table:
        raise OptionError(
            "--out FOLDER/ takes a model file, and Parquet files or --states to forecast from; "
            "train a model on some of the series first, and give it with --model"
        )


def predict_states(
    model: str, states: str, out: str, horizon: int, options: Mapping[str, Any], say: Say
) -> None:
    """Forecast all series of a store of states into a folder of Parquet files."""
    from forecast.engines.state_store import StateStore

    if not Path(states).exists():
        raise ArtifactError(
            f"there is no store of states {states}; make one with: forecast update HISTORY "
            f"--states {shlex.quote(states)}{model_given(model)}"
        )
    with telling_warnings(say), StateStore(states, load_model(model)) as store:
        _show(store.forecast(out, horizon, **options), "series", len(store), out, say)


def update_states(
    table: tuple[str, ...], model: str, states: str, fill_gaps: bool, say: Say
) -> None:
    """Take new rows into a store of states: of Parquet files some at a time, of others at once."""
    from forecast.data.io.multi_file import files_of
    from forecast.data.io.tables import read_table
    from forecast.engines.batches import NEW_ROWS, needed, refuse_text
    from forecast.engines.lake import Lake, in_order
    from forecast.engines.state_store import StateStore, Updated

    paths, known, done = files_of(*table), load_model(model), Updated()
    with StateStore(states, known) as store:
        if all(path.endswith(".parquet") for path in paths):
            lake = Lake.of(paths)
            refuse_text(known, lake.schema)
            if not lake.rows:
                raise DataError(f"{paths[0]}: no rows; an update needs some")
            lake = lake.only(needed(known, lake.columns))
            batches = in_order({NEW_ROWS: lake}, known.config.schema.id)
            with counting_bar(say.quiet, "rows", lake.rows) as show:
                for done in store.update_in_parts(batches, fill_gaps=fill_gaps):
                    show(done.rows + done.seen)
        else:
            read = read_table(*table, id=known.config.schema.id)
            panel = known.panel(read.frame, read.origin, all_missing=True)
            notes = [*panel.notes, *store.news(panel)]
            done = store.update(panel, fill_gaps=fill_gaps)
            print_notes(notes, say)
        seen = f", {done.seen:,} seen before" if done.seen else ""
        new = f", {done.new:,} of them new" if done.new else ""
        say(f"Took in {done.rows:,} rows of {count_series(done.series)}{new}{seen}.")
        more = f"--states {shlex.quote(states)} --horizon N --out FOLDER/{model_given(model)}"
        say(f"{states} has {count_series(len(store))}. Forecast with: forecast predict {more}")


@contextmanager
def telling_warnings(say: Say) -> Iterator[None]:
    """Print what forecasts warn of as notes, the first few of many."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ForecastWarning)
        yield
    notes = list(dict.fromkeys(str(warning.message) for warning in caught))
    more = [f"and {len(notes) - SHOWN:,} more notes"] if len(notes) > SHOWN else []
    print_notes([*notes[:SHOWN], *more], say)


def _show(steps: Iterator[Written], what: str, total: int, out: str, say: Say) -> None:
    """Show how far a forecast has come, and say what has been written."""
    done = next(steps)
    if done.rows == total:
        files = counted(done.parts, "file")
        say(f"{out} has all of this forecast: {files}, {done.forecasts:,} rows.")
        return
    if done.parts:
        say(f"{out} has {counted(done.parts, 'file')} of this forecast; going on after that.")
    with counting_bar(say.quiet, what, total) as show:
        for done in steps:
            show(done.rows)
    say(f"Wrote {out}: {counted(done.parts, 'file')}, {done.forecasts:,} rows.")
