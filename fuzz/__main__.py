"""`python -m fuzz`: a long run, or one example again."""

from __future__ import annotations

import argparse
import sys
from random import Random

from fuzz import damage, loading, reading, runs, simplify, writing
from fuzz.style import NAMES

COUNT = 100_000


def main(arguments: list[str] | None = None) -> int:
    """Run the fuzzer; the status is 1 where it has found a fault."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    everything = commands.add_parser("run", help="examine many examples; goes on where it was")
    everything.add_argument("what", nargs="*", default=[*runs.EXAMINE], help="tables, files")
    everything.add_argument("--count", type=int, default=COUNT, help="examples of each kind")
    everything.add_argument("--processes", type=int, default=runs.PROCESSES)
    again = commands.add_parser("replay", help="examine one example and show it")
    again.add_argument("what", choices=[*runs.EXAMINE])
    again.add_argument("number", type=int)
    again.add_argument("--out", help="write the file of the example")
    again.add_argument("--plain", action="store_true", help="make it as plain as possible first")
    options = parser.parse_args(arguments or ["run"])
    if options.command == "replay":
        return replay(options.what, options.number, options.out, options.plain)
    try:
        return run(options.what, options.count, options.processes)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last batch", file=sys.stderr)
        return 130


def run(kinds: list[str], count: int, processes: int) -> int:
    """Examine many examples of each kind, and show what was found."""
    faults = 0
    for what in kinds:
        job = runs.Run.of(what, count)
        runs.run(job, processes, lambda line: print(line, file=sys.stderr, flush=True))
        report = job.folder / "summary.txt"
        lines = runs.summary(job)
        report.write_text("\n".join(lines) + "\n")
        print("\n".join(lines))
        print(f"also in {report}")
        faults += sum(len(result.faults) for result in job.results())
    return int(faults > 0)


def replay(what: str, number: int, out: str | None, plain: bool) -> int:
    """Show one example: what was written, and what became of it."""
    outcome, data, lines = (_table if what == "tables" else _file)(number, plain)
    print("\n".join(lines))
    print(f"{outcome.kind}: {outcome.detail}" if outcome.detail else outcome.kind)
    if out:
        with open(out, "wb") as file:  # noqa: PTH123 - "-" and the like are left to the shell
            file.write(data)
    return int(outcome.is_fault)


def _table(number: int, plain: bool) -> tuple[reading.Outcome, bytes, list[str]]:
    table = reading.draw(Random(number))
    outcome = reading.check(table)
    if plain and outcome.is_fault:
        table, outcome = simplify.simplest(table, outcome)
    data = reading.data_of(table)
    written = writing.lay_out(*table)
    lines = [f"special: {', '.join(simplify.features(table)) or 'nothing'}"]
    lines.append(f"meant: {table.content}")
    lines.append(f"names: {NAMES[table.style.names]}, given: {table.style.named}")
    if table.style.file == "csv":
        lines += data.decode(table.style.encoding).splitlines()
    else:
        lines += ["\t".join(map(str, row)) for row in (written.header, *written.rows)]
    return outcome, data, lines


def _file(number: int, _: bool) -> tuple[reading.Outcome, bytes, list[str]]:
    damaged = damage.draw(Random(number))
    line = f"{damaged.original.kind}, {len(damaged.data):,} bytes, damage: {damaged.how}"
    return loading.check(damaged), damaged.data, [line]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
