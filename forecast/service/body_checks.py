"""What a request passes before it is read: its size, the time it takes, its kind, and a token."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from forecast.service.problems import RequestError
from forecast.service.settings import Limits

Scope = Any  # of ASGI, as are the functions
JSON = "application/json"


class BodyLimits:
    """Refuses bodies that are too large or too slow; around an ASGI app."""

    def __init__(self, app: Any, limits: Limits) -> None:
        """Wrap an app."""
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer a request."""
        is_request = scope["type"] == "http"
        await self._app(scope, self._limited(receive) if is_request else receive, send)

    def _limited(self, receive: Any) -> Any:
        """`receive`, within the limits."""
        deadline = asyncio.get_running_loop().time() + self._limits.seconds
        size, is_whole = 0, False

        async def limited() -> Any:
            nonlocal size, is_whole
            if is_whole:
                return await receive()  # waits for the client to leave
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408, f"the request has not arrived within {self._limits.seconds:g} seconds"
                ) from None
            size += len(message.get("body", b""))
            if size > self._limits.body:
                raise HTTPException(
                    413,
                    f"the request has more than {self._limits.body:,} bytes; send fewer rows at a "
                    "time",
                )
            is_whole = not message.get("more_body", False)
            return message

        return limited


async def require_json(request: Request) -> None:
    """A dependency that refuses other bodies: pages of other sites cannot send JSON unasked."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise RequestError(415, f"the body must be {JSON}")


class Token(HTTPBearer):
    """A dependency that refuses requests without the token that the service was started with."""

    def __init__(self, token: str) -> None:
        """Require a token."""
        super().__init__(auto_error=False, description="The token that the service knows")
        self._token = token

    async def __call__(self, request: Request) -> None:  # type: ignore[override]  # gives nothing
        """Raise RequestError unless the request carries it."""
        given = await super().__call__(request)
        own = given.credentials if given else ""
        if not hmac.compare_digest(own.encode(), self._token.encode()):
            raise RequestError(
                401,
                "new rows need the service's token: send the header Authorization: Bearer TOKEN",
            )
