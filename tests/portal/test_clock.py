"""Pretended time is pretended for one thread of work only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest

from portal import clock

SHANGHAI = timezone(timedelta(hours=8))
AT = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)


def test_time_stands_still_until_it_is_moved() -> None:
    with clock.simulated(AT) as pretended:
        assert clock.now() == clock.now() == AT
        assert clock.now().tzinfo is UTC
        pretended.move_to(AT + timedelta(hours=1))
        assert clock.now() == AT + timedelta(hours=1)
        assert clock.is_simulated()
    assert not clock.is_simulated()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_other_threads_keep_the_true_time() -> None:
    with clock.simulated(AT), ThreadPoolExecutor(1) as pool:
        assert not pool.submit(clock.is_simulated).result()


def test_an_error_ends_the_pretence() -> None:
    with pytest.raises(RuntimeError), clock.simulated(AT):
        raise RuntimeError
    assert not clock.is_simulated()
