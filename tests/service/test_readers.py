import threading

import pytest

from forecast.service.readers import Readers


def test_work_is_done_by_threads_and_what_it_raises_comes_back():
    readers = Readers(2)
    failing = readers.submit(int, "x")
    names = {readers.submit(lambda: threading.current_thread().name).result(5) for _ in range(4)}

    with pytest.raises(ValueError, match="invalid literal"):
        failing.result(5)
    assert names == {"reader"}
    readers.close(5)


def test_an_end_does_not_wait_for_work_that_takes_too_long():
    readers, stop = Readers(1), threading.Event()
    endless = readers.submit(stop.wait)
    given_up = readers.submit(int, "1")
    given_up.cancel()

    readers.close(0.05)

    assert not endless.done()
    stop.set()
    assert endless.result(5)
