from dataclasses import dataclass
from typing import Literal, NamedTuple

import pytest

from forecast.data.io.field_types import check_fields


class Ends(NamedTuple):
    low: float | None
    high: float | None = None


@dataclass(frozen=True)
class Record:
    steps: int = 3
    rate: float = 0.5
    name: str = "a"
    is_last: bool = False
    kind: Literal["point", "normal"] = "point"
    lags: tuple[int, ...] = (1, 2)
    ratio: tuple[float, float] = (0.0, 1.0)
    notes: list[str] | None = None
    shares: dict[str, float] | None = None
    bounds: tuple[Ends, ...] = (Ends(0.0),)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rate": 1, "ratio": (0, 1)},
        {"rate": float("nan")},
        {"steps": 2**63 - 1},
        {"lags": (), "notes": [], "shares": {}, "bounds": ()},
        {"notes": ["a"], "shares": {"80": 79}, "bounds": (Ends(None), Ends(1, 2.5))},
    ],
)
def test_fields_of_the_annotated_types_are_taken(fields):
    check_fields(Record(**fields))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("steps", value) for value in (3.0, True, None, "3", [3], 2**63, -(2**63) - 1)),
        *(("rate", value) for value in (None, "0.5", True, 10**400)),
        *(("name", value) for value in (None, 3, ["a"])),
        ("is_last", 1),
        *(("kind", value) for value in ("other", None, 0)),
        *(("lags", value) for value in ([1, 2], (1.0,), 1, None, (True,))),
        *(("ratio", value) for value in ((0.0,), (0.0, 1.0, 2.0), (0.0, None))),
        *(("notes", value) for value in ("text", [1], ("a",))),
        *(("shares", value) for value in ([], {"80": "79"}, {80: 79.0})),
        *(("bounds", value) for value in ((None,), ((0.0, 1.0),))),
    ],
)
def test_a_field_of_another_type_is_refused(name, value):
    with pytest.raises(ValueError, match=f"its {name} cannot be "):
        check_fields(Record(**{name: value}))


def test_fields_of_values_inside_are_checked_too():
    with pytest.raises(ValueError, match="its high cannot be 'far'"):
        check_fields(Record(bounds=(Ends(0.0), Ends(0.0, "far"))))


def test_a_long_value_is_cut():
    with pytest.raises(ValueError, match=r"its steps cannot be 'x{59}$"):
        check_fields(Record(steps="x" * 1000))
