"""What a lie is."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Lie:
    """One fact reversed. `tell` patches the sandbox, its docstring says what is told; `test` is who must notice.

    `test` is a node id below `tests/contract`.
    """

    tell: Callable[[pytest.MonkeyPatch], None]
    test: str
