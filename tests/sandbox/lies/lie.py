"""What a lie is, and how a module of them is made."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Tell = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Lie:
    """One fact reversed. `tell` patches the sandbox, its docstring says what is told; `test` is who must notice.

    `test` is a node id below `tests/contract`.
    """

    tell: Tell
    test: str


class Lies(list[Lie]):
    """The lies of a module, in their order."""

    def told_against(self, test: str) -> Callable[[Tell], Tell]:
        """Make a lie of a function: the test that is named must notice it."""

        def add(tell: Tell) -> Tell:
            self.append(Lie(tell, test))
            return tell

        return add
