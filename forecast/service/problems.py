"""Errors as problem details (RFC 9457): the one line that the command line prints, as JSON."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from forecast.errors import ArtifactError, ForecastError, one_line

MEDIA_TYPE = "application/problem+json"
SHOWN = 3  # problems of one request
FASTAPIS = "There was an error parsing the body"  # of deep nesting, or numbers of 5,000 digits
UNREADABLE = "the body is no JSON that can be read; is it nested too deeply?"
LONGEST = 600  # characters of a detail, which may quote the request
FIELDS = "|".join(("fill_gaps", "future", "id", "levels", "paths", "season", "target", "time"))
OPTION = re.compile(rf"--[a-z-]+( [A-Z]+)? \(({FIELDS})=\S* in Python\)")
STATUSES = (400, 401, 404, 405, 408, 413, 415, 422, 503)


class RequestError(Exception):
    """An error of a request, with the status of its answer."""

    def __init__(self, status: int, detail: str) -> None:
        """Keep the status of the answer and its detail."""
        super().__init__(detail)
        self.status = status


class ProblemResponse(JSONResponse):
    """An answer that says what is wrong."""

    media_type = MEDIA_TYPE

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        """Say so in one line, with the fields of requests in place of options of commands."""
        content = {
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": one_line(OPTION.sub(r'"\2"', detail), LONGEST),
        }
        super().__init__(content, status, headers)

    def render(self, content: Any) -> bytes:
        """As ASCII, since a message may quote text that is no UTF-8."""
        return json.dumps(content).encode()


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["title", "status", "detail"],
                    "properties": {
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                    },
                }
            }
        },
    }
    for status in STATUSES
}


def answer_problems(app: FastAPI) -> None:
    """Have an app answer each error with its problem."""

    @app.exception_handler(RequestError)
    def _of_request(_: Request, error: RequestError) -> ProblemResponse:
        headers = (
            {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
        )
        return ProblemResponse(error.status, str(error), headers)

    @app.exception_handler(ForecastError)
    def _of_data(_: Request, error: ForecastError) -> ProblemResponse:
        is_ours = isinstance(error, ArtifactError)  # a full disk, a locked file
        return ProblemResponse(503 if is_ours else 422, str(error))

    @app.exception_handler(RequestValidationError)
    def _of_fields(_: Request, error: RequestValidationError) -> ProblemResponse:
        return ProblemResponse(422, fields_in_words(error.errors()))

    @app.exception_handler(HTTPException)
    def _of_http(_: Request, error: HTTPException) -> ProblemResponse:
        headers = dict(error.headers) if error.headers else None
        detail = UNREADABLE if error.detail == FASTAPIS else str(error.detail)
        return ProblemResponse(error.status_code, detail, headers)

    @app.exception_handler(Exception)
    def _unforeseen(_: Request, error: Exception) -> ProblemResponse:
        logging.getLogger("forecast.service").error("unexpected error", exc_info=error)
        return ProblemResponse(500, f"unexpected {type(error).__name__}; this is a bug: report it")


def _is_field(part: str | int) -> bool:
    """Whether a part of a place is that of the request, not of a check of its type."""
    kinds = ("body", "query", "int", "float", "bool", "str", "constrained-int")
    return isinstance(part, int) or (part not in kinds and "[" not in part)


def fields_in_words(errors: Sequence[Any]) -> str:
    """What is wrong with the fields of a request, in one line."""
    parts = []
    for error in errors[:SHOWN]:
        if error["type"] == "json_invalid":
            return f"the body is no JSON: {error['ctx']['error']}"
        place = ".".join(map(str, filter(_is_field, error["loc"])))
        parts.append(f"{place or 'the body'}: {error['msg'][:1].lower()}{error['msg'][1:]}")
    more = [f"and {len(errors) - SHOWN} more"] if len(errors) > SHOWN else []
    return "; ".join([*parts, *more])
