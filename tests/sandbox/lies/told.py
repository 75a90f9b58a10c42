"""Run contract tests in a process of their own, in which the sandbox lies.

The process is forked from one that has imported everything already (multiprocessing's fork server): importing takes
longer than most of the tests.
"""

import contextlib
import io
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import pytest

from tests.bed import waiting
from tests.sandbox.lies.lie import Lie

SECONDS = 45.0  # for a hang; a lie takes 1 to 5
_PATIENCE = 2.5  # real seconds: what a lie keeps from happening is not worth the usual patience
_SLOW = 4.0  # the speed of the clock where a lie is told again
_AT_ONCE = 4  # most of them wait for what never happens

_PRELOADED = ["tests.sandbox.lies.told", "tests.bed.plugin", "hypothesis.strategies", "remediator.sandbox.scenarios"]


@dataclass
class Verdicts:
    """How the tests of one run went, by node id."""

    failed: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    output: str = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sort a test by its outcome: one that did not come as far as to ask is broken, not failed."""
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid)
        elif report.when == "call" and report.failed:
            self.failed.append(report.nodeid)
        elif report.failed:
            self.broken.append(report.nodeid)


def all_told(lies: Iterable[Lie]) -> Iterator[dict[Lie, Future[Verdicts]]]:
    """Tell all of them, some at once, and give out what will come of each."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {lie: pool.submit(contract, lie) for lie in lies}
        pool.shutdown(cancel_futures=True)


def expect_noticed(lie: Lie, told: dict[Lie, Future[Verdicts]]) -> None:
    """Fail unless the test that is named with a lie fails because of it.

    Where nobody noticed, it is told once more, alone and on a slow clock: what must not happen within a moment may just
    have been late on a busy machine.
    """
    verdicts = told[lie].result()
    if not verdicts.failed:
        wait(told.values())
        verdicts = contract(lie, slowly=True)
    assert not verdicts.broken and (verdicts.failed or verdicts.passed), verdicts.output
    assert verdicts.failed, f"nobody noticed: {lie.tell.__doc__}\n{verdicts.output}"


def contract(lie: Lie, *, slowly: bool = False) -> Verdicts:
    """Run the test that is named with a lie on a sandbox that tells it. Raises `TimeoutError`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(theirs, lie, slowly))
    process.start()
    theirs.close()
    try:
        if not ours.poll(SECONDS):
            raise TimeoutError(f"the contract did not come to an end within {SECONDS:g} s: {lie.test}")
        verdicts: Verdicts = ours.recv()
        return verdicts
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def _run(answer: Connection, lie: Lie, slowly: bool) -> None:
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "COV_"))]:
        del os.environ[name]
    verdicts = Verdicts()
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        patch.setattr(waiting, "_PATIENCE", _PATIENCE)
        if slowly:
            patch.setattr("tests.bed.plugin.SPEED", _SLOW)
        lie.tell(patch)
        # Rewriting asserts takes longer than the test, and nobody reads these failures closely.
        # Of the plugins only what the settings name is needed.
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        arguments = [
            "-q",
            "-x",
            "--assert=plain",
            "-p",
            "pytest_timeout",
            "-p",
            "no:cacheprovider",
            f"tests/contract/{lie.test}",
        ]
        pytest.main(arguments, plugins=[verdicts])
    verdicts.output = told.getvalue()
    answer.send(verdicts)
    answer.close()
