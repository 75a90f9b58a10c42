"""A sandbox whose controller lies does not pass the contract."""

import pytest

from tests.contract.lies.controller import LIES
from tests.contract.lies.lie import Lie
from tests.contract.lies.told import expect_noticed


@pytest.mark.parametrize("lie", [pytest.param(lie, id=lie.tell.__name__) for lie in LIES])
def test_the_contract_notices(lie: Lie) -> None:
    expect_noticed(lie)
