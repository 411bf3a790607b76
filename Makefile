PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PEERS := .bench
export NO_MKDOCS_2_WARNING := 1
unexport PYTHONDONTWRITEBYTECODE # every process of the tests would compile all modules again

.PHONY: demo quick test ray check docs format bench pretrain fuzz dist clean

# Forecast a shipped dataset without training, then train on it and forecast again: two tables, and a
# picture of both.
demo: $(VENV)/installed
	mkdir -p demo
	$(BIN)/forecast datasets air_passengers --out demo/air_passengers.csv
	$(BIN)/forecast predict demo/air_passengers.csv --model pretrained --horizon 24 \
		--out demo/untrained.csv
	$(BIN)/forecast train demo/air_passengers.csv --model demo/model.forecast
	$(BIN)/forecast predict demo/air_passengers.csv --model demo/model.forecast --horizon 24 \
		--out demo/forecast.csv
	$(BIN)/forecast plot forecast demo/air_passengers.csv --model demo/model.forecast --horizon 24 \
		--levels 80 --compare pretrained --out demo/forecast.png
	@echo "The forecasts are in demo/untrained.csv and demo/forecast.csv, both in demo/forecast.png."

# Without the tests that train, compile or start a process, which are marked slow.
quick: $(VENV)/installed
	$(BIN)/python -m pytest --quick --numprocesses 2 --dist worksteal

# All tests; first the quick ones, with what they may not use blocked.
test: quick
	$(BIN)/python -m pytest -m "slow and not ray" --numprocesses 2 --dist worksteal

# The tests of all verbs on Ray; `make test` has but one of them.
ray: $(VENV)/installed
	$(BIN)/python -m pytest -m ray

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

# Make the shipped weights of the pretrained network again, from a seed: two hours. Stopped, it
# goes on where it was; PRETRAIN="--steps 500" and other options of python -m forecast.pretrained are passed on.
pretrain: $(VENV)/installed
	mkdir -p .pretrain
	$(BIN)/python -m forecast.pretrained --kept .pretrain/kept.safetensors \
		--out forecast/pretrained/pretrained.forecast $(PRETRAIN)

# Write and read 100,000 tables, and load 100,000 damaged files, in two processes: about half an hour
# on two cores. Stopped, it goes on where it was; what it finds lies in .fuzz.
fuzz: $(VENV)/installed
	$(BIN)/python -m fuzz run

$(PEERS)/installed: benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --requirement benchmarks/peers.txt
	touch $@

# The files of a release in dist: the sdist, and the wheels of both installations; checked.
dist: $(VENV)/installed
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m build --wheel --outdir dist small
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m check_wheel_contents dist/*.whl

clean:
	rm -rf $(VENV) $(PEERS) demo site build dist *.egg-info

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
