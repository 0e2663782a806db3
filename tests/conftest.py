"""What every test shares: Hypothesis profiles, and async tests under trio.

`async def test_*` runs under `trio.run`. Time is trio's mock clock, which jumps to the next deadline
as soon as every task waits: an hour of timeouts passes in no time, and a test never sleeps. Sockets and
threads wait outside trio's sight, so the tests that use them carry `@pytest.mark.real_clock`.
"""

import functools
import inspect
import os
from collections.abc import Awaitable, Callable, Generator, Iterator

import coverage
import pytest
import structlog
import trio
import trio.testing
from hypothesis import HealthCheck, Phase, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")

# ci: the same examples in every run, so a red run is the change's doing. dev: new examples each time,
# remembered in .hypothesis. soak: many, for a night. None has a deadline: a slow machine is not a fault.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile(
    "soak",
    deadline=None,
    max_examples=20_000,
    print_blob=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow,),
)
settings.load_profile(PROFILE)


def pytest_report_header(config: pytest.Config) -> str:
    """Names the profile; outside ci, a failure prints the blob or seed that repeats it."""
    seed = config.getoption("hypothesis_seed", default=None)
    return f"hypothesis profile: {PROFILE}, seed: {seed if seed is not None else 'from the profile'}"


def pytest_configure(config: pytest.Config) -> None:
    """A worker of pytest-xdist is measured by what pytest-cov starts for it next: here all else stops.

    Its plugin has begun to measure a process of its own, and coverage any that was begun. They would
    go on below what is started next, and measure what a `no_cover` test asks nobody to.
    """
    if hasattr(config, "workerinput"):
        while (below := coverage.Coverage.current()) is not None:
            below.stop()


@pytest.fixture(autouse=True)
def nobody_set_up_logging() -> Iterator[None]:
    """``capture_logs`` leaves structlog set up: later tests would log as a program that did so."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A `no_cover` test is not measured in the processes that it begins either: they take this to be told."""
    with pytest.MonkeyPatch.context() as here:
        if item.get_closest_marker("no_cover") is not None:
            here.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        return (yield)


def under_trio(
    test: Callable[..., Awaitable[None]], clock: Callable[[], trio.abc.Clock | None]
) -> Callable[..., None]:
    """*test* as a plain function with the same signature, each call in a trio run of its own."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        trio.run(functools.partial(test, *args, **kwargs), clock=clock(), strict_exception_groups=True)

    return run


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Puts an async test, or the async test inside Hypothesis' `@given`, under trio; pytest then calls it."""
    mock = pyfuncitem.get_closest_marker("real_clock") is None

    def clock() -> trio.abc.Clock | None:
        return trio.testing.MockClock(autojump_threshold=0) if mock else None

    given = getattr(pyfuncitem.obj, "hypothesis", None)
    if given is not None and inspect.iscoroutinefunction(given.inner_test):
        given.inner_test = under_trio(given.inner_test, clock)
    elif inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = under_trio(pyfuncitem.obj, clock)
