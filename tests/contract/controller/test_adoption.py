"""Functions that were there before their object: taken over as they are, or made to match it."""

from __future__ import annotations

import json

import pytest

from remediator.sandbox.cloud import Cloud
from tests.bed.functions import FINALIZER, Function, Object, is_ready
from tests.bed.plugin import Create

pytestmark = pytest.mark.usefixtures("controller")

POLICY, FIELDS = "services.k8s.aws/adoption-policy", "services.k8s.aws/adoption-fields"
ADOPTED = "services.k8s.aws/adopted"
# ACK marks what is its own, and changes nothing of the function by that.
HARMLESS = ("Get", "TagResource", "UntagResource")


def is_adopted(seen: Object) -> bool:
    annotations = seen["metadata"].get("annotations", {})
    managed = FINALIZER in seen["metadata"].get("finalizers", ())
    return is_ready(seen) and managed and annotations.get(ADOPTED) == "true"


def of_policy(policy: str, name: str) -> dict[str, dict[str, str]]:
    return {"annotations": {POLICY: policy, FIELDS: json.dumps({"name": name})}}


def there(cloud: Cloud, namespace: str) -> str:
    """Make a function that no object is for, with what is not to be lost."""
    name = f"there-{namespace}"
    cloud.create_function(name, Timeout=60, Environment={"Variables": {"LEVEL": "info"}})
    return name


def took(function: Function) -> list[str]:
    return [each for each in function.asked() if not each.startswith(HARMLESS)]


def test_adopt_takes_a_function_over_as_it_is(create: Create, cloud: Cloud, namespace: str) -> None:
    name = there(cloud, namespace)
    function = create(name, of_policy("adopt", name), timeout=9, environment={"variables": {"LEVEL": "debug"}})
    function.becomes(is_adopted, "is adopted")
    function.falls_silent()
    seen = function.read()
    assert is_adopted(seen)
    assert (seen["spec"]["timeout"], seen["spec"]["environment"]["variables"]) == (60, {"LEVEL": "info"})
    live = function.live() or {}
    assert (live["Timeout"], live["Environment"]["Variables"]) == (60, {"LEVEL": "info"})
    assert took(function) == []


def test_adopt_needs_no_more_than_the_name(create: Create, cloud: Cloud, namespace: str) -> None:
    name = there(cloud, namespace)
    function = create(name, of_policy("adopt", name), code={}, role=None, runtime=None, handler=None)
    seen = function.becomes(is_adopted, "is adopted")
    function.falls_silent()
    assert (seen["spec"]["timeout"], seen["spec"]["role"]) == (60, cloud.role_arn)
    assert took(function) == []
    assert (function.live() or {})["Environment"]["Variables"] == {"LEVEL": "info"}


def test_adopt_or_create_makes_the_function_match_the_object(create: Create, cloud: Cloud, namespace: str) -> None:
    """Whatever the spec leaves out goes, too: an environment that it does not have is taken away.

    Architectures are said: without them ACK would update the code, and nothing else in that pass. So are structures
    that its update of the configuration cannot do without.
    """
    name = there(cloud, namespace)
    whole = {
        "architectures": ["x86_64"],
        "ephemeralStorage": {"size": 512},
        "snapStart": {"applyOn": "None"},
        "tracingConfig": {"mode": "PassThrough"},
    }
    function = create(name, of_policy("adopt-or-create", name), timeout=9, **whole)
    function.becomes(is_adopted, "is adopted")
    function.becomes_live(lambda live: live is not None and live["Timeout"] == 9, "matches the spec")
    function.falls_silent()
    assert took(function) == ["UpdateFunctionConfiguration"]
    assert not ((function.live() or {}).get("Environment") or {}).get("Variables")


def test_adopt_or_create_creates_what_is_not_there(create: Create, namespace: str) -> None:
    name = f"new-{namespace}"
    function = create(name, of_policy("adopt-or-create", name), timeout=9)
    seen = function.becomes(is_ready, "is ready")
    assert FINALIZER in seen["metadata"]["finalizers"]
    assert ADOPTED not in seen["metadata"]["annotations"]
    assert (function.live() or {})["Timeout"] == 9


def test_adopt_creates_nothing_and_says_nothing(create: Create, namespace: str) -> None:
    name = f"absent-{namespace}"
    function = create(name, of_policy("adopt", name))
    function.gets_asked(lambda calls: len(calls) > 3, "it is tried again and again")
    seen = function.stays(lambda seen: "status" not in seen, "nothing is said", 1)
    assert "finalizers" not in seen["metadata"]
    assert set(function.asked()) == {"GetFunction"}


def test_an_adopted_function_goes_with_its_object_unless_that_says_retain(
    create: Create, cloud: Cloud, namespace: str
) -> None:
    name = there(cloud, namespace)
    function = create(name, of_policy("adopt", name))
    function.becomes(is_adopted, "is adopted")
    function.annotate({"services.k8s.aws/deletion-policy": "retain"})
    function.delete()
    function.disappears()
    assert function.live() is not None
