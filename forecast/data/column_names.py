"""Names of columns that say what the column is for."""

from __future__ import annotations

TIME_NAMES = {
    *("ds", "date", "time", "timestamp", "datetime", "t", "step", "hour", "day", "week"),
    *("month", "quarter", "year", "period", "datum", "zeit", "jahr", "monat", "tag", "fecha"),
}
ID_NAMES = {
    *("unique_id", "id", "series", "item", "store", "shop", "sensor", "meter", "product", "sku"),
    *("customer", "country", "region", "station", "ticker", "symbol"),
}
TARGET_NAMES = {
    *("y", "target", "value", "values", "sales", "demand", "quantity", "qty", "count", "amount"),
    *("load", "units"),
}

CALENDAR_PARTS = {
    "year": ("year", "yr", "yyyy", "jahr"),
    "quarter": ("quarter", "qtr", "q", "quartal"),
    "month": ("month", "mnth", "mon", "mm", "monat"),
    "day": ("day", "dd", "day_of_month", "tag"),
    "hour": ("hour", "hr", "hh", "stunde"),
    "minute": ("minute", "min"),
}


def word(name: str) -> str:
    """A name as it stands in the sets above."""
    return name.strip().lower()


def is_id_name(name: str) -> bool:
    """Whether a name says that the column holds ids.

    Example:
        >>> is_id_name("Store"), is_id_name("shop_id"), is_id_name("sold")
        (True, True, False)
    """
    return word(name) in ID_NAMES or word(name).endswith(("_id", " id")) or name.endswith("Id")
