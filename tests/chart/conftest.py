"""Helm and kubectl, found or built: without them there is nothing to test here, so it fails rather than skips."""

from __future__ import annotations

import pytest

from tests.bed.gobuild import BuildFailed, Unavailable
from tests.bed.toolchain import Missing
from tests.chart.presets import Helm


@pytest.fixture(scope="session")
def helm() -> Helm:
    try:
        return Helm()
    except (Missing, Unavailable, BuildFailed) as reason:
        pytest.exit(f"cannot test the chart: {reason}", returncode=reason.exit_code)
