"""What `explain -o wide` adds: the object, its conditions and AWS's answer in full. Secrets are masked in all of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from remediator.cli.render import Page
from remediator.model.controller import ControllerFacts
from remediator.model.live import LiveState
from remediator.model.masking import mask
from remediator.model.observation import Observation
from remediator.model.placement import Placement
from remediator.model.resource import Condition, FunctionSpec, Resource
from remediator.model.times import format_duration, format_time, parse_time

# Annotations that ACK or we act upon; others can be anybody's, `kubectl apply`'s copy of the spec among them.
TELLING = ("services.k8s.aws/", "lambda.services.k8s.aws/", "ack-remediator.dev/")

Fact = tuple[str, str | None]


def particulars(page: Page, seen: Observation) -> None:
    """Print every field that a diagnosis can rest on, but the environment."""
    for heading, facts in (
        ("The object", _of_object(seen.resource, seen.now)),
        ("Its conditions", _of_conditions(seen.resource.conditions, seen.now)),
        ("Where ACK looks", _of_placement(seen.placement)),
        ("AWS's answer", _of_answer(seen.live_state, seen.now)),
        ("Spec and AWS", _side_by_side(seen.resource, seen.live_state)),
        ("The controller", _of_controller(seen.controller)),
    ):
        told = [(name, mask(value, seen.secrets)) for name, value in facts if value]
        if told:
            page.heading(heading)
            page.fields(told)


def _of_object(resource: Resource, now: datetime) -> Iterable[Fact]:
    metadata, status = resource.metadata, resource.status
    yield "apiVersion", resource.api_version
    yield "uid", metadata.uid
    yield "generation", str(metadata.generation)
    yield "resourceVersion", metadata.resource_version
    yield "created", _moment(resource.created_at, now)
    yield "finalizers", ", ".join(resource.finalizers) or "none"
    yield "labels", ", ".join(f"{key}={value}" for key, value in (metadata.labels or {}).items())
    for key, value in resource.annotations.items():
        if key.startswith(TELLING):
            yield "annotation", f"{key}={value}"
    if status is not None:
        yield "status.state", _then(status.state, status.last_update_status)
        yield "status.revisionID", status.revision_id


def _then(state: str | None, update: str | None) -> str | None:
    """Write a snapshot of the last pass as AWS's own state is written."""
    return f"{state or '-'}/{update or '-'}, as of the last pass" if state or update else None


def _of_conditions(conditions: Iterable[Condition], now: datetime) -> Iterable[Fact]:
    for each in conditions:
        since = parse_time(each.last_transition_time)
        written = _moment(since, now) or each.last_transition_time
        said = ": ".join(filter(None, (each.reason, each.message)))
        yield (
            each.type or "without a type",
            ", ".join(filter(None, (each.status, written))) + (f": {said}" * bool(said)),
        )


def _of_placement(placement: Placement | None) -> Iterable[Fact]:
    if placement is None:
        return
    yield "account", placement.account or "the controller's own"
    yield "region", placement.region or "the controller's own"
    yield "role", placement.role
    yield "because of", placement.because
    yield "drift", placement.drift
    yield "no role", placement.role_missing
    yield "suspected", placement.suspected
    yield "unsure", placement.unsure


def _of_answer(live: LiveState, now: datetime) -> Iterable[Fact]:
    yield "presence", live.presence.value
    yield "why", live.why
    yield "asked", _moment(live.at, now)
    yield "as", live.identity
    yield "account, region", ", ".join(filter(None, (live.account, live.region)))
    yield "arn", live.arn
    yield "State", _because(live.state, live.state_reason_code, live.state_reason)
    yield (
        "LastUpdateStatus",
        _because(live.last_update_status, live.last_update_status_reason_code, live.last_update_status_reason),
    )
    yield "LastModified", _moment(live.last_modified, now)
    yield "RevisionId", live.revision_id
    yield "PackageType", live.package_type
    if live.present:
        yield "in a VPC", "yes" if live.in_vpc else "no"
        yield "SnapStart", "on" if live.snap_start else "off"
        yield "Environment", f"{len(live.environment)} set; no value is ever shown"


def _side_by_side(resource: Resource, live: LiveState) -> Iterable[Fact]:
    """Say of each field that is compared what both sides have; what the spec leaves out is AWS's to choose."""
    if not live.present:
        return
    spec = resource.spec or FunctionSpec()
    wanted = spec.settings
    for field, found in live.configuration:
        yield field, _compared(wanted.get(field), found)
    yield "code.imageURI", _compared(spec.code.image_uri if spec.code else None, live.image_uri)
    yield "code.sha256", _compared(spec.code.sha256 if spec.code else None, live.code_sha256)


def _compared(wanted: object, found: str | None) -> str | None:
    if wanted is None or found is None:
        return found
    return f"{found}, on both sides" if str(wanted) == found else f"{wanted} in the spec, {found} in AWS"


def _of_controller(facts: ControllerFacts) -> Iterable[Fact]:
    yield "health", f"{facts.health.value}: {facts.why}"
    yield "version", facts.version
    yield "watches", ", ".join(facts.watched_namespaces) or "every namespace, as far as we can see"
    if facts.deployment is None:
        return
    yield "of these only", facts.watch_selector
    yield "looks again", f"every {format_duration(facts.resync)}"
    yield "works on", f"{facts.concurrency} Function{'s' if facts.concurrency != 1 else ''} at a time"
    yield "feature gates", ", ".join(f"{name}={str(on).lower()}" for name, on in facts.feature_gates.items())
    yield "deletion policy", facts.deletion_policy
    yield "region", facts.region
    yield "not known", facts.unsure


def _because(state: str | None, code: str | None, reason: str | None) -> str | None:
    said = ": ".join(filter(None, (code, reason)))
    return f"{state}: {said}" if state and said else state


def _moment(at: datetime | None, now: datetime) -> str | None:
    if at is None:
        return None
    age = f"{format_duration(now - at)} ago" if at <= now else f"{format_duration(at - now)} ahead"
    return f"{format_time(at)} ({age})"
