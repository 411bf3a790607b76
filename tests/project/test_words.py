"""Code and documents use the terms of the field, in present-day English."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTEAD = {  # a phrase, and what to say instead of it
    r"so-manieth": "every N-th",
    r"what came": "the actuals",
    r"(is|are|was|were|be|been|and) told(?! apart)": "is reported",
    r"told (from|by)": "inferred from",
    r"(steps|rows|values|days) to come": "the forecast horizon, future rows",
    r"beforehand": "in advance",
    r"the gate\b|gates? of": "validation",
    r"\brooms\b|(the|this|each|only) room\b": "modules",
    r"(whose|its|their|the) turn\b": "the active phase",
    r"(train|trains|trained|fit|encoded?|calibrat\w+|read) anew": "refit, again",
    r"(leaves?|left|leaving) the finite numbers": "diverged, non-finite",
    r"\bheld \S+ \(?of\b|intervals (held|hold)": "empirical coverage",
    r"(?<!there )(is|are) no (count|number|path|folder|name|column|option)\b": "is not a …",
    r"hands? to the next|blanked out": "dropout between layers",
    r"held against|holds? (that|it|them) against": "compared with",
    r"the clock on the wall": "local time",
    r"slip of the decimal": "misplaced decimal point",
}
KINDS = {
    ".": ["*.md", "docs/*.md", "datasets/*.md"],
    "forecast": ["*.py", "report/*.js", "report/*.html"],
    **{f"forecast/{name}": ["**/*.py"] for name in ("data", "nn", "inference", "training")},
    **{f"forecast/{name}": ["**/*.py"] for name in ("evaluation", "plotting", "report")},
    "forecast/classical": ["**/*.py"],
    "forecast/integrations": ["**/*.py"],
    "forecast/pretrained": ["**/*.py"],
    "forecast/tuning": ["**/*.py"],
    "cli": ["*.py"],
    "datasets": ["*.py"],
    "benchmarks": ["**/*.py"],
    "fuzz": ["*.py"],
}


def prose(path):
    """The text of a file with its broken lines and the strings that follow each other joined."""
    joined = re.sub(r"\"\s+f?\"", "", path.read_text())
    return re.sub(r"\s*\n\s*#?\s*", " ", joined)


@pytest.mark.parametrize("folder", KINDS)
def test_the_files_of_a_folder_use_the_standard_terms(folder):
    files = [path for kind in KINDS[folder] for path in sorted((ROOT / folder).glob(kind))]

    odd = [
        f"{path.relative_to(ROOT)}: {text[max(match.start() - 30, 0) : match.end() + 20]} → {term}"
        for path in files
        for text in [prose(path)]
        for phrase, term in INSTEAD.items()
        for match in re.finditer(phrase, text, re.I)
    ]

    assert files
    assert not odd, "\n".join(odd)
