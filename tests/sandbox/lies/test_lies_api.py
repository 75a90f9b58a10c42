"""A sandbox whose API server lies does not pass the contract."""

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from tests.sandbox.lies import api, applying
from tests.sandbox.lies.lie import Lie
from tests.sandbox.lies.told import Verdicts, all_told, expect_noticed

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest) -> Iterator[dict[Lie, Future[Verdicts]]]:
    """What comes of the lies that were asked for."""
    here = [item for item in request.session.items if item.path == request.path]
    asked = [item.callspec.params["lie"] for item in here if isinstance(item, pytest.Function)]
    yield from all_told(each for each in asked if isinstance(each, Lie))


@pytest.mark.parametrize("lie", [pytest.param(lie, id=lie.tell.__name__) for lie in (*api.LIES, *applying.LIES)])
def test_the_contract_notices(lie: Lie, told: dict[Lie, Future[Verdicts]]) -> None:
    expect_noticed(lie, told)
