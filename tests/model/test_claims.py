"""Who else is for the same function."""

from __future__ import annotations

from remediator.diagnosis import diagnose
from remediator.model.claims import claims
from remediator.model.finding import FindingName
from tests.builders import active, at, decoded, function, observe, other

EXISTS = [
    {"type": "ACK.Terminal", "status": "True", "message": "Resource already exists"},
    {"type": "ACK.ResourceSynced", "status": "False", "lastTransitionTime": at(minutes=5)},
]


def test_those_of_the_same_function_are_found_whatever_they_are_called() -> None:
    mine = decoded(function("checkout"))
    theirs = decoded(function("till", namespace="post", spec={"name": "checkout"}))
    others = claims([mine, theirs, decoded(function("mailer"))])
    assert others(mine) == (theirs.ref,)
    assert others(theirs) == (mine.ref,)
    assert others(decoded(function("mailer"))) == ()


def test_what_names_no_function_claims_none() -> None:
    nameless = [decoded(function(name, spec={"name": None})) for name in ("a", "b")]
    alias = decoded(other("Alias", name="checkout"))
    others = claims([*nameless, alias, decoded(function("checkout"))])
    assert others(nameless[0]) == ()
    assert others(alias) == ()


def test_whoever_names_it_too_is_told_where_a_function_exists_already() -> None:
    mine = function("checkout", conditions=EXISTS)
    theirs = decoded(function("till", namespace="post", spec={"name": "checkout"}))
    found = diagnose(observe(mine, active(), claims=(theirs.ref,)))
    assert found is not None
    assert found.name is FindingName.ALREADY_EXISTS
    assert found.evidence["alsoNamedBy"] == "Function post/till"
    assert "(Function post/till names it, too)" in found.summary
    many = diagnose(observe(mine, active(), claims=(theirs.ref, theirs.ref)))
    assert many is not None
    assert "(Function post/till, Function post/till name it, too)" in many.summary
    six = tuple(sorted(decoded(function(f"till-{number}")).ref for number in range(6)))
    some = diagnose(observe(mine, active(), claims=six))
    assert some is not None
    assert some.evidence["alsoNamedBy"].endswith("Function shop/till-4")
    alone = diagnose(observe(mine, active()))
    assert alone is not None
    assert "alsoNamedBy" not in alone.evidence
