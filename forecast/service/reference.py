"""The page that describes the service to programmers: its own OpenAPI description, as HTML.

FastAPI's page loads its script from elsewhere; this one works without a network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from forecast.report.markup import Markup, details, escape, heading, join, paragraph, section, table

WIDTH = 2  # of the indentation of an example


def reference(description: Mapping[str, Any]) -> Markup:
    """A section for each address.

    Args:
        description: as OpenAPI has it.
    """
    schemas = description["components"]["schemas"]
    parts = [
        _operation(method.upper(), path, operation, schemas)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return join(parts)


def _operation(
    method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Markup:
    """What an address takes and answers."""
    text = str(operation.get("description", "")).split("\n\n")
    parts = [*map(paragraph, text)]
    if parameters := operation.get("parameters"):
        rows = [_parameter(one) for one in parameters]
        parts.append(table("Query", ["Name", "Type", "What it is"], rows))
    if "requestBody" in operation:
        parts.append(heading("Request"))
        parts.append(_fields(_content(operation["requestBody"]), schemas))
    answer = _content(operation["responses"]["200"])
    if "$ref" in answer or "items" in answer:
        parts.append(details("Answer", _fields(answer, schemas)))
    return section(f"{method}{path}".lower().replace("/", "-"), f"{method} {path}", *parts)


def _content(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a body."""
    schema: Mapping[str, Any] = next(iter(part["content"].values())).get("schema", {})
    return schema


def _parameter(one: Mapping[str, Any]) -> list[str]:
    about = {**one["schema"], **one}
    return [one["name"], _type(one["schema"]), _about(about, bool(one.get("required")))]


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Markup:
    """The fields of an object, one in a row."""
    own = schemas[str(schema.get("$ref") or schema["items"]["$ref"]).rpartition("/")[2]]
    required = own.get("required", ())
    rows = [
        [name, _type(field), _about(field, name in required)]
        for name, field in own["properties"].items()
    ]
    examples = [
        Markup(f"<pre>{escape(json.dumps(example, indent=WIDTH))}</pre>")
        for example in own.get("examples", ())
    ]
    fields = table(own.get("description", ""), ["Field", "Type", "What it is"], rows)
    return join([fields, *examples])


def _about(field: Mapping[str, Any], is_required: bool) -> str:
    """What a field is, and what it is by default."""
    about = field.get("description", "")
    default = field.get("default")
    is_shown = not is_required and default is not None
    return f"{about} (by default {json.dumps(default)})" if is_shown else about


def _type(field: Mapping[str, Any]) -> str:
    """The type of a field in words."""
    if "anyOf" in field:
        names = dict.fromkeys(_type(one) for one in field["anyOf"] if one.get("type") != "null")
        whole = {"integer"} if "number" in names else set()
        return " or ".join(name for name in names if name not in whole)
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}"
    return str(field.get("type", "object"))
