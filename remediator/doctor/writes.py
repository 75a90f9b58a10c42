"""Whether the API server holds our own writes to what our actions write: tried by one that no action makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from remediator.doctor.check import Check, Level, Patient
from remediator.errors import ClusterError, Forbidden
from remediator.model.kind import FUNCTION, KINDS
from remediator.model.masking import mask
from remediator.model.plan import Operation
from remediator.model.resource import Resource

# In manifests/base/writes.yaml, too.
POLICY = "ack-remediator-writes"
_AREA = "writes"
_LABEL = "ack-remediator.dev/doctor"


def look(patient: Patient, who: str, resources: Iterable[Resource]) -> Iterator[Check]:
    """Try, as a dry run, to label a Function, as no action does. People are not held to that policy."""
    if not who.startswith("system:serviceaccount:"):
        return
    chosen = next((each for each in resources if each.is_function), None)
    if chosen is None:
        yield Check(_AREA, Level.NOTE, "there is no Function to try a forbidden write on")
        return
    kind, (namespace, name, *_) = KINDS[FUNCTION], chosen.ref
    path = f"/apis/{kind.group}/v1alpha1/namespaces/{quote(namespace, safe='')}/{kind.plural}/{quote(name, safe='')}"
    try:
        patient.transport.patch(path, [_label(chosen)], dry_run=True)
    except ClusterError as error:
        if POLICY in error.message:
            said = f"the API server refuses what no action writes (ValidatingAdmissionPolicy {POLICY})"
            yield Check(_AREA, Level.OK, said)
        elif not isinstance(error, Forbidden):  # who may patch nothing has nothing to be held to
            why = mask(error.message, chosen.secrets)  # who refuses an object can quote it
            yield Check(_AREA, Level.NOTE, f"whether a forbidden write is refused cannot be tried: {why}")
        return
    said = "the API server takes any change of a Function from us: who takes over the pod could give it other code"
    fix = "Apply manifests/base/writes.yaml; a ServiceAccount that is not called ack-remediator has to be named in it."
    yield Check(_AREA, Level.WARNING, said, fix)


def _label(resource: Resource) -> Operation:
    if not resource.labels:
        return {"op": "add", "path": "/metadata/labels", "value": {_LABEL: "tried"}}
    return {"op": "add", "path": f"/metadata/labels/{_LABEL.replace('/', '~1')}", "value": "tried"}
