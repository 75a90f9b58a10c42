"""Orphans on the real thing: released, found again, given back to ACK, and in the meantime never touched."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from remediator.cli.adoption import Adoption
from remediator.cli.options import Output
from remediator.cli.orphan_search import searched
from remediator.cli.wiring import Wired
from remediator.errors import RemediatorError
from remediator.model.orphan import Orphan, Owner
from remediator.model.plan import Result
from remediator.orphans import Search
from remediator.sandbox.cloud import Cloud
from tests.bed.functions import FINALIZER, Function, Object, collection, error_text, is_ready
from tests.bed.plane import Plane
from tests.bed.plugin import Create
from tests.cluster.runner import Runner, release
from tests.cluster.stuck import ACCESS_KEY, nobody_wrote

pytestmark = pytest.mark.usefixtures("controller", "identity")

SECRET = "correct-horse-battery"
ADOPTED, POLICY = "services.k8s.aws/adopted", "services.k8s.aws/deletion-policy"
# ACK marks what is its own, and changes nothing of the function by that.
HARMLESS = ("Get", "TagResource", "UntagResource")


@pytest.fixture
def released(settled: Create, runner: Runner, control_plane: Plane) -> Function:
    """A function that was kept when its object, stuck in its deletion, was let go."""
    function = settled(timeout=17, environment={"variables": {"DB_PASSWORD": SECRET}})
    message = "Lambda was unable to delete the function because of what else it is used for."
    function.refuse("DeleteFunction", "InvalidParameterValueException", message)
    function.delete()
    function.becomes(lambda seen: "what else" in error_text(seen), "is refused")
    nobody_wrote(control_plane, function)
    outcome = release(runner.wire(), function)
    assert outcome.result is Result.RESOLVED, outcome.detail
    return function


def found(wired: Wired, function: Function) -> tuple[Search, Orphan | None]:
    """Search; the Lambda is every test's, so that only this function counts."""
    search, notes = searched(wired, (), (), lambda _: None)
    assert (search.conclusive, search.partial, notes) == (True, (), [])
    return search, next((each for each in search.orphans if each.place.name == function.name), None)


def is_adopted(seen: Object) -> bool:
    metadata = seen["metadata"]
    adopted = metadata["annotations"].get(ADOPTED) == "true"
    return is_ready(seen) and adopted and FINALIZER in metadata.get("finalizers", ())


def test_what_was_released_is_listed_given_back_and_no_orphan_any_more(
    released: Function, runner: Runner, control_plane: Plane, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    before, since = released.live(), len(cloud.calls)
    wired = runner.wire()
    search, orphan = found(wired, released)
    assert orphan is not None
    assert (orphan.owner, orphan.namespace, orphan.object_name) == (Owner.RELEASED, released.namespace, released.name)
    assert orphan.left is not None
    assert orphan.left.approved_by == "a person at the terminal"
    assert orphan.last_modified is not None
    asked = {each.operation for each in cloud.calls_since(since) if each.access_key == ACCESS_KEY}
    assert asked == {"GetCallerIdentity", "GetResources", "GetFunctionConfiguration"}

    capsys.readouterr()
    Adoption(wired, search).show(released.name, Output.TABLE)
    manifest, told = capsys.readouterr()
    assert SECRET not in manifest + told
    assert "remediator restore secret/" in " ".join(told.split())
    since = len(cloud.calls)
    control_plane.admin.post(collection(released.namespace), YAML(typ="safe").load(manifest))
    released.becomes(is_adopted, "is adopted", within=60)
    released.falls_silent()
    seen = released.read()
    assert is_adopted(seen)
    assert (seen["spec"]["timeout"], seen["spec"]["environment"]["variables"]) == (17, {"DB_PASSWORD": SECRET})
    assert [each for each in released.asked(since) if not each.startswith(HARMLESS)] == []
    assert released.live() == before
    search, orphan = found(runner.wire(), released)
    assert orphan is None
    assert [left.ref.name for left, _ in search.settled] == [released.name]
    with pytest.raises(RemediatorError, match="is no orphan: Function"):
        Adoption(wired, search).show(released.name, Output.TABLE)

    # Until somebody takes the annotation away, nothing that happens to the object happens to the function.
    assert seen["metadata"]["annotations"][POLICY] == "retain"
    cloud.allow()
    released.delete()
    released.disappears()
    assert released.live() == before


def test_what_somebody_deleted_in_aws_is_no_orphan(released: Function, runner: Runner, cloud: Cloud) -> None:
    cloud.remove(released.name)
    assert found(runner.wire(), released)[1] is None


def test_by_its_tag_it_is_ours_and_without_one_nobodys(settled: Create, runner: Runner, cloud: Cloud) -> None:
    """What is retained by its annotation is in no record of ours: nothing was stuck."""
    tag = {"key": "cluster", "value": "prod"}
    ours, theirs, unmarked = (
        settled(tags=tags, metadata={"annotations": {POLICY: "retain"}})
        for tags in ({"cluster": "prod"}, {"cluster": "dr"}, None)
    )
    wired = runner.wire(orphans={"clusterTag": tag})
    for each in (ours, theirs, unmarked):
        assert found(wired, each)[1] is None, "its object is there"
        each.delete()
        each.disappears()
    owners = [
        (orphan and (orphan.owner, orphan.namespace))
        for orphan in (found(wired, each)[1] for each in (ours, theirs, unmarked))
    ]
    namespace = runner.namespace
    assert owners == [(Owner.TAGGED, namespace), (Owner.OTHER_CLUSTER, namespace), (Owner.UNKNOWN, namespace)]


def test_a_namespace_that_nobody_may_see_leaves_nothing_to_say(released: Function, runner: Runner) -> None:
    person = runner.home.person("near", released.namespace, roles=("role-records",))
    search, _ = searched(runner.wire(runner.home.kubeconfig_of(person)), (), (), lambda _: None)
    assert (search.conclusive, search.orphans) == (False, ())
    assert "could not be listed" in " ".join(search.partial)
