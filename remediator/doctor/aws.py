"""AWS: who we are in each account and region that there is something in, and which calls we are allowed.

Each call is made for something that is there; of a kind that is nowhere, for something that is not: AWS says so only to
who may ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from remediator.doctor.check import Check, Level, Patient
from remediator.model.controller import ControllerFacts
from remediator.model.kind import FUNCTION
from remediator.model.live import LiveState
from remediator.model.masking import mask, one_line, without_links
from remediator.model.placement import Placement, place
from remediator.model.resource import AckMetadata, FunctionSpec, FunctionStatus, Metadata, Resource
from remediator.policy import LambdaCall
from remediator.ports import Cloud

_AREA = "AWS"
_NOWHERE = "ack-remediator-doctor-asks-for-what-is-not-there"
_OPERATIONS = {
    "Alias": "GetAlias",
    "Version": LambdaCall.GET_FUNCTION_CONFIGURATION.value,
    "FunctionURLConfig": "GetFunctionUrlConfig",
    "EventSourceMapping": "GetEventSourceMapping",
    "LayerVersion": "GetLayerVersion",
    "CodeSigningConfig": "GetCodeSigningConfig",
}
_POLICY = "docs/aws-accounts.md has roles and permissions"


class _Where(NamedTuple):
    """An account and a region; None: our own, and the one that is configured."""

    account: str | None
    region: str | None

    def __str__(self) -> str:
        return f"{self.account or 'our own account'}, {self.region or 'the usual region'}"


class _Sample(NamedTuple):
    """What to ask for; `there`: an object stands for it, so that somebody needs the answer."""

    resource: Resource
    placement: Placement
    there: bool

    @property
    def said(self) -> str:
        metadata, kind = self.resource.metadata, self.resource.kind
        return f"{kind} {metadata.namespace}/{metadata.name}" if self.there else "one that is not there"


def look(patient: Patient, resources: Iterable[Resource], controller: ControllerFacts) -> Iterator[Check]:
    """Ask for one of each kind in each account and region; `resources` are all that are looked at."""
    if patient.cloud is None:
        yield Check(_AREA, Level.FAILURE, patient.no_cloud, "Give it credentials; see AWS_PROFILE, IRSA, Pod Identity.")
        return
    if patient.connection.acting_as:
        yield Check(_AREA, Level.NOTE, f"asked with the credentials of this shell, not those of its pods ({_POLICY})")
    samples = _samples(patient, resources, controller)
    if not samples:
        there = Placement(region=controller.region)
        samples[_Where(None, controller.region)] = {FUNCTION: _made_up(FUNCTION, there)}
    told: set[tuple[str | None, str | None]] = set()
    # What names its place first: what does not can turn out to be in one of those.
    for where, kinds in sorted(samples.items(), key=lambda each: (each[0].account is None, str(each[0]))):
        yield from _place(patient.cloud, patient.policy.aws.call, where, kinds, told)


def _samples(
    patient: Patient, resources: Iterable[Resource], controller: ControllerFacts
) -> dict[_Where, dict[str, _Sample]]:
    """Choose one of each kind for each account and region: one that should be in AWS, if there is one."""
    found = list(resources)
    if not found:
        return {}
    known = patient.cluster.identities(sorted({each.metadata.namespace for each in found}), controller)
    samples: dict[_Where, dict[str, _Sample]] = {}
    for each in sorted(found, key=lambda each: (each.arn_text is None, each.deleting, not each.synced)):
        there, arn = place(each, known, controller), each.arn
        where = _Where(arn.account, arn.region) if arn else _Where(there.account, there.region)
        if each.is_function or each.synced:  # others can lack what they are asked for by
            samples.setdefault(where, {}).setdefault(each.kind, _Sample(each, there, there=True))
    return samples


def _place(
    cloud: Cloud,
    call: LambdaCall,
    where: _Where,
    kinds: Mapping[str, _Sample],
    told: set[tuple[str | None, str | None]],
) -> list[Check]:
    """Ask for a function first: it tells who we are there, whether that was `told`, and if it is any use to ask on."""
    there = next(iter(kinds.values())).placement
    sample = kinds.get(FUNCTION) or _made_up(FUNCTION, there)
    live = cloud.probe(sample.resource, sample.placement)
    if (live.account, live.region) in told:
        return []
    checks = [_answered(call.value, where, sample, live)]
    if live.account is None:  # it is not readable
        return checks
    told.add((live.account, live.region))
    where = _Where(live.account, live.region)
    for kind, operation in _OPERATIONS.items():
        other = kinds.get(kind) or _made_up(kind, there, _signing(live))
        if other.there or operation != call.value:
            checks.append(_answered(operation, where, other, cloud.probe(other.resource, other.placement)))
    return sorted(checks, key=lambda each: each.level is not Level.OK)


def _answered(operation: str, where: _Where, sample: _Sample, live: LiveState) -> Check:
    call = f"lambda:{operation}"
    why = one_line(without_links(mask(live.why, sample.resource.secrets)))  # AWS can echo an environment
    if live.present or live.gone:
        told = "answers about" if live.present else "would answer: it says so of"
        said = f"{where}: {call} {told} {sample.said}, to {live.identity}"
        return Check(
            _AREA, Level.OK, said, together=(f"{live.account}, {live.region}, as {live.identity}: ", ""), brief=call
        )
    if sample.resource.is_function:
        return Check(_AREA, Level.FAILURE, f"{where}: {sample.said}: {why}", f"{_POLICY}; the call is {call}.")
    if sample.there:
        fix = f"Allow {call} there, or live without what AWS says of a {sample.resource.kind}."
        return Check(_AREA, Level.WARNING, f"{where}: {sample.said}: {why}", fix)
    return Check(_AREA, Level.NOTE, f"{where}: {call} is not answered, and nothing here needs it: {why}")


def _signing(live: LiveState) -> str:
    """Name a code signing configuration of the account and region that answered, by an ARN of its partition."""
    partition = (live.identity or "").split(":")[1]
    return f"arn:{partition}:lambda:{live.region}:{live.account}:code-signing-config:csc-00000000000000000"


def _made_up(kind: str, there: Placement, arn: str | None = None) -> _Sample:
    """Make an object that stands for nothing in AWS, in the place of another."""
    resource = Resource(
        metadata=Metadata(name=_NOWHERE, namespace=""),
        kind=kind,
        spec=FunctionSpec(name=_NOWHERE, function_name=_NOWHERE, layer_name=_NOWHERE),
        status=FunctionStatus(
            uuid="00000000-0000-4000-8000-000000000000",
            version="999999999",
            version_number=999999999,
            ack_resource_metadata=AckMetadata(arn=arn) if kind == "CodeSigningConfig" else None,
        ),
    )
    return _Sample(resource, there, there=False)
