"""A sandbox that lies does not pass the contract."""

import pytest

from tests.contract.lies.catalogue import LIES, Lie
from tests.contract.lies.told import contract


@pytest.mark.parametrize("lie", [pytest.param(lie, id=lie.tell.__name__) for lie in LIES])
def test_the_contract_notices(lie: Lie) -> None:
    verdicts = contract(lie.tell, [f"tests/contract/{lie.test}"])
    assert not verdicts.broken, verdicts.output
    assert verdicts.failed, f"nobody noticed: {lie.tell.__doc__}\n{verdicts.output}"
