"""The service as a process, or several, that listen at an address."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from uvicorn.supervisors import Multiprocess

from forecast.errors import OptionError
from forecast.service.app import SETTINGS, create_app
from forecast.service.metrics import FOLDER
from forecast.service.service import opened
from forecast.service.settings import Settings

GRACE = 10  # seconds that an end leaves to the requests that are being answered
WAITING = 512  # connections that the operating system holds until they are taken


def start(
    settings: Settings, host: str, port: int, workers: int, say: Callable[[str], None]
) -> None:
    """Serve until a signal ends it.

    Args:
        settings: what is served.
        host, port: where; port 0 takes a free one.
        workers: processes that answer.
        say: prints a line for people.

    Raises:
        OptionError: if the address cannot be used.
        ArtifactError: if a file cannot be used.
    """
    with listening(host, port) as taken:
        with opened(settings) as models:  # what is wrong with a file is said before others begin
            for name, served in models.items():
                say(f"Model '{name}': {len(served):,} series, states in {settings.states[name]}.")
        place = f"http://{f'[{host}]' if ':' in host else host}:{taken.getsockname()[1]}/"
        say(f"Serving at {place}, for programs at {place}docs. Stop it with Ctrl-C.")
        with suppress(KeyboardInterrupt):  # is how a person ends it
            _run(settings, taken, workers)


def _run(settings: Settings, taken: socket.socket, workers: int) -> None:
    """Serve in this process, or in so many others."""
    if workers == 1:
        uvicorn.Server(_config(create_app(settings))).run(sockets=[taken])
        return
    with _shared(settings):
        own = _config("forecast.service.app:from_environment", workers)
        Multiprocess(own, [taken]).run()


def _config(app: object, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # an app, or where to find what makes one
        factory=isinstance(app, str),
        workers=workers,
        access_log=False,
        log_level="warning",
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )


@contextmanager
def _shared(settings: Settings) -> Iterator[None]:
    """Settings for other processes in the environment, and a folder where they count together."""
    with tempfile.TemporaryDirectory(prefix="forecast-metrics-") as folder:
        os.environ |= {SETTINGS: settings.to_json(), FOLDER: folder}
        try:
            yield
        finally:
            del os.environ[SETTINGS], os.environ[FOLDER]


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at an address.

    Raises:
        OptionError: if the address is unknown or taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        taken = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise OptionError(_problem(host, port, error)) from None
    try:
        if os.name == "posix":  # elsewhere it would let two services share a port
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(WAITING)
    except OSError as error:
        taken.close()
        raise OptionError(_problem(host, port, error)) from None
    return taken


def _problem(host: str, port: int, error: OSError | UnicodeError) -> str:
    reason = error.strerror if isinstance(error, OSError) else error
    return f"cannot listen at {host}, port {port}: {reason}; name another --host or --port"
