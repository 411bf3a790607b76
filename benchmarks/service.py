"""The service under load, and killed.

Clients send a new row of a series to /observe and then ask /predict for it, one pair after the
other, each client for series of its own. Latencies are those that a client sees; memory is that of
the processes of the service, at the beginning and in the end. Then the service is killed again and
again while rows arrive: every row that was acknowledged must be there afterwards, and the forecasts
must be those of the library.

    python -m benchmarks.service --seconds 300 --clients 1,8,64 --workers 1 --kills 50
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._common import MB, MET
from forecast import Forecaster, Model
from forecast.engines.state_store import StateStore

SCRIPT = str(Path(sys.executable).with_name("forecast"))
ROWS = 60  # of each series before the service begins
HORIZON = 12
LEVELS = (80,)
PATIENCE = 60.0  # seconds until a service answers
START = pd.Timestamp("2024-01-01")


@dataclass
class Measured:
    """What the clients of one run have seen.

    Attributes:
        observe, predict: seconds of each answer.
        failed: answers other than 200.
    """

    observe: list[float] = field(default_factory=list)
    predict: list[float] = field(default_factory=list)
    failed: int = 0


def make_model(folder: Path, series: int) -> Path:
    """A model of many daily series, the pretrained network with their states."""
    rng = np.random.default_rng(0)
    days = START + pd.to_timedelta(np.arange(ROWS), unit="D")
    level = rng.lognormal(3, 1, series)[:, None]
    week = 1 + 0.3 * np.sin(2 * np.pi * np.arange(ROWS) / 7)
    values = level * week * rng.gamma(20, 1 / 20, (series, ROWS))
    table = pd.DataFrame(
        {
            "store": np.repeat([name_of(k) for k in range(series)], ROWS),
            "day": np.tile(days, series),
            "sold": values.round(2).ravel(),
        }
    )
    path = folder / "stores.forecast"
    Forecaster(start="pretrained", steps=0).fit(table).model_.save(path)
    return path


def name_of(k: int) -> str:
    """The id of a series."""
    return f"s{k:06}"


def row_of(k: int, step: int) -> dict[str, Any]:
    """The row of a series so many steps after its history."""
    day = (START + pd.Timedelta(days=ROWS + step)).date().isoformat()
    return {"store": name_of(k), "day": day, "sold": float((k * 31 + step * 17) % 97)}


class Running:
    """A service as a process of its own."""

    def __init__(self, model: Path, workers: int = 1, port: int = 0) -> None:
        """Start it, and wait until it answers."""
        command = [SCRIPT, "serve", str(model), "--port", str(port), "--workers", str(workers)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.port = self._said_port()
        self._wait()

    def _said_port(self) -> int:
        """The port in the line that it prints."""
        for line in self.process.stderr or ():
            if "Serving at" in line:
                return int(line.split("://")[1].split("/")[0].rsplit(":", 1)[1])
        raise SystemExit(f"the service ended with status {self.process.wait()}")

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if asyncio.run(one_request(self.port, "GET", "/health", None))[0] == 200:
                    return
            except OSError:
                time.sleep(0.02)
        raise SystemExit("the service does not answer")

    def memory(self) -> int:
        """Bytes of memory that its processes hold together."""
        return sum(resident(pid) for pid in (self.process.pid, *children(self.process.pid)))

    def kill(self) -> None:
        """End it at once, with its workers."""
        for pid in (*children(self.process.pid), self.process.pid):
            subprocess.run(["kill", "-KILL", str(pid)], check=False, capture_output=True)
        self.process.wait()

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(part) for part in text.split()]


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096


class Connection:
    """A connection that is kept open for one request after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Know both ends."""
        self.reader, self.writer = reader, writer

    async def ask(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        """The status and the content of an answer."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self.writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        await self.writer.drain()
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return int(answer.split(b" ", 2)[1]), await self.reader.readexactly(length)


async def connect(port: int) -> Connection:
    """A new connection."""
    return Connection(*await asyncio.open_connection("127.0.0.1", port))


async def one_request(port: int, method: str, path: str, body: Any) -> tuple[int, bytes]:
    """The answer on a connection of its own."""
    connection = await connect(port)
    try:
        return await connection.ask(method, path, body)
    finally:
        connection.writer.close()


def pairs(client: int, clients: int, series: int) -> Iterator[tuple[int, int]]:
    """The series and steps that a client goes through, no other one has them."""
    step = 0
    while True:
        for k in range(client, series, clients):
            yield k, step
        step += 1


async def client_of(port: int, todo: Iterator[tuple[int, int]], until: float) -> Measured:
    """One client, until a time."""
    seen, connection = Measured(), await connect(port)
    for k, step in todo:
        if time.time() >= until:
            break
        asked = {"horizon": HORIZON, "series": [name_of(k)], "levels": [*LEVELS]}
        for path, body, times in (
            ("/observe", {"rows": [row_of(k, step)]}, seen.observe),
            ("/predict", asked, seen.predict),
        ):
            begin = time.perf_counter()
            status, _ = await connection.ask("POST", path, body)
            times.append(time.perf_counter() - begin)
            seen.failed += status != 200
    connection.writer.close()
    return seen


async def _all_clients(port: int, clients: int, series: int, until: float) -> Measured:
    todo = [pairs(client, clients, series) for client in range(clients)]
    found = await asyncio.gather(*(client_of(port, one, until) for one in todo))
    whole = Measured()
    for one in found:
        whole.observe += one.observe
        whole.predict += one.predict
        whole.failed += one.failed
    return whole


def load(port: int, clients: int, series: int, seconds: float) -> Measured:
    """So many clients at once, for so long; in a process of their own."""
    return asyncio.run(_all_clients(port, clients, series, time.time() + seconds))


def quantiles(seconds: list[float]) -> str:
    """The 50th and the 99th percentile in milliseconds."""
    middle, late = np.percentile(seconds, [50, 99]) * 1000
    return f"{middle:6.1f} {late:6.1f}"


def measure_load(folder: Path, series: int, counts: list[int], workers: int, each: float) -> None:
    """Print what each number of clients sees."""
    print(f"{series:,} series, {workers} worker(s); milliseconds at the 50th and 99th percentile")
    print("clients  requests/s  /observe       /predict       failed  MB before, after")
    for clients in counts:
        own = folder / f"load-{clients}"
        own.mkdir()
        service = Running(make_model(own, series), workers)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(load, service.port, clients, series, 3.0).result()  # warm
            before, begin = service.memory(), time.perf_counter()
            done = pool.submit(load, service.port, clients, series, each).result()
            seconds, after = time.perf_counter() - begin, service.memory()
        service.stop()
        rate = (len(done.observe) + len(done.predict)) / seconds
        print(
            f"{clients:7} {rate:11.0f}  {quantiles(done.observe)}  {quantiles(done.predict)}  "
            f"{done.failed:6}  {before / MB:.0f}, {after / MB:.0f}",
            flush=True,
        )


async def acknowledged(port: int, done: dict[int, int], series: int, first: int) -> None:
    """Send rows until the service dies; `done` holds the steps that it has acknowledged."""

    async def one(client: int) -> None:
        connection = await connect(port)
        for k in range(client, series, 8):
            step = done.get(k, -1) + 1
            body = {"rows": [row_of(k, step)]}
            status, _ = await connection.ask("POST", "/observe", body)
            if status == 200:
                done[k] = step

    while True:
        tasks = [asyncio.create_task(one(client)) for client in range(first, 8)]
        try:
            await asyncio.gather(*tasks)
        except (OSError, asyncio.IncompleteReadError):
            for task in tasks:
                task.cancel()
            return


def measure_kills(folder: Path, series: int, kills: int, workers: int) -> None:
    """Kill the service while rows arrive, and look for them in the file."""
    model_path = make_model(folder, series)
    done: dict[int, int] = {}
    chance, lost = random.Random(0), 0
    for _ in range(kills):
        service = Running(model_path, workers)
        delay = chance.uniform(0.05, 1.5)
        killer = subprocess.Popen(
            [sys.executable, "-c", f"import time; time.sleep({delay})"]  # keeps time apart
        )

        async def until_killed(service: Running = service, killer: Any = killer) -> None:
            async def watch() -> None:
                while killer.poll() is None:
                    await asyncio.sleep(0.005)
                await asyncio.to_thread(service.kill)

            await asyncio.gather(watch(), acknowledged(service.port, done, series, 0))

        asyncio.run(until_killed())
        lost += rows_lost(folder, model_path, done)
    rows = sum(step + 1 for step in done.values())
    print(
        f"{kills} kills, {rows:,} rows acknowledged, {lost} lost: {MET[lost == 0]}; "
        f"forecasts equal to the library's: {MET[equals_library(folder, model_path, done)]}"
    )


def rows_lost(folder: Path, model_path: Path, done: dict[int, int]) -> int:
    """How many acknowledged rows the states have not seen."""
    model = Model.load(model_path)
    with StateStore(folder / "stores.states", model) as store:
        last = store.last_times()
    known = dict(zip(model.state.ids.tolist(), model.state.time.tolist(), strict=True))
    step = model.config.frequency.step
    return sum(
        max(count + 1 - (last[name_of(k)] - known[name_of(k)]) // step, 0)
        for k, count in done.items()
    )


def equals_library(folder: Path, model_path: Path, done: dict[int, int]) -> bool:
    """Whether the states are those of rows that were observed one by one, here."""
    model = Model.load(model_path)
    with StateStore(folder / "stores.states", model) as store:
        for k in [*done][:50]:
            kept = store.states([name_of(k)])
            if kept is None:
                return False
            state, step = model.state.select([name_of(k)]), 0
            while int(state.time[0]) < int(kept.time[0]):
                state = model.observe(state, [row_of(k, step)["sold"]])
                step += 1
            ours = model.predict(HORIZON, state=state)["forecast"]
            theirs = model.predict(HORIZON, state=kept)["forecast"]
            if not np.array_equal(ours, theirs):
                return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clients", default="1,8,64")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kills", type=int, default=50)
    given = parser.parse_args()
    counts = [int(part) for part in given.clients.split(",") if part]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure_load(folder, given.series, counts, given.workers, given.seconds)
        if given.kills:
            measure_kills(folder, min(given.series, 200), given.kills, given.workers)


if __name__ == "__main__":
    main()
