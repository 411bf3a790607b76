PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PEERS := .bench
export NO_MKDOCS_2_WARNING := 1
unexport PYTHONDONTWRITEBYTECODE # every process of the tests would compile all modules again

.PHONY: demo quick test check docs format bench fuzz clean

# Train on a shipped dataset, forecast two years, and say where the table and the picture are.
demo: $(VENV)/installed
	mkdir -p demo
	$(BIN)/forecast datasets air_passengers --out demo/air_passengers.csv
	$(BIN)/forecast train demo/air_passengers.csv --model demo/model.forecast
	$(BIN)/forecast predict demo/air_passengers.csv --model demo/model.forecast --horizon 24 \
		--out demo/forecast.csv --plot demo/forecast.png
	@echo "The forecast is in demo/forecast.csv, its picture in demo/forecast.png."

# Without the tests that train, compile or start a process, which are marked slow.
quick: $(VENV)/installed
	$(BIN)/python -m pytest --quick --numprocesses 2 --dist worksteal

# All tests; first the quick ones, with what they may not use blocked.
test: quick
	$(BIN)/python -m pytest -m slow --numprocesses 2 --dist worksteal

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mkdocs build

# The documentation as a site: site/index.html. A dead link ends the build, in `make check` too.
docs: $(VENV)/installed
	$(BIN)/python -m mkdocs build
	@echo "The documentation is in site/index.html."

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Compare with other libraries, each with the same time budget, and write docs/BENCHMARKS.md: some
# hours. `make bench BENCH=--quick` takes minutes and only prints.
bench: $(VENV)/installed $(PEERS)/installed
	$(BIN)/python -m benchmarks.peers --python $(PEERS)/bin/python --write $(BENCH)

# Write and read 100,000 tables, and load 100,000 damaged files, in two processes: about half an hour
# on two cores. Stopped, it goes on where it was; what it finds lies in .fuzz.
fuzz: $(VENV)/installed
	$(BIN)/python -m fuzz run

$(PEERS)/installed: benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --requirement benchmarks/peers.txt
	touch $@

clean:
	rm -rf $(VENV) $(PEERS) demo site build dist *.egg-info

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
