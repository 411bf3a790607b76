PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check format clean

# Train on a shipped dataset, forecast two years, and say where the table and the picture are.
demo: $(VENV)/installed
	mkdir -p demo
	$(BIN)/forecast datasets air_passengers --out demo/air_passengers.csv
	$(BIN)/forecast train demo/air_passengers.csv --model demo/model.forecast
	$(BIN)/forecast predict demo/air_passengers.csv --model demo/model.forecast --horizon 24 \
		--out demo/forecast.csv --plot demo/forecast.png
	@echo "The forecast is in demo/forecast.csv, its picture in demo/forecast.png."

test: $(VENV)/installed
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo build dist *.egg-info

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@
