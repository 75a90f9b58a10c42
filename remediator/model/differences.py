"""What ACK's next pass over a Function would do, by what differs between its spec and AWS. Pure.

The trigger of a pass is free, the pass is not: it sets AWS to the spec again, whoever changed AWS. Told from
lambda-controller's own comparison (pkg/resource/function/delta.go and hooks.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from remediator.model.controller import ControllerFacts
from remediator.model.live import LiveState
from remediator.model.observation import Observation
from remediator.model.resource import (
    ADOPTION_POLICY,
    DELETION_POLICY,
    NAMESPACE_DELETION_POLICY,
    READ_ONLY,
    FunctionSpec,
    Resource,
)
from remediator.model.settings import LISTS, SETTINGS, Setting

NOT_COMPARED = ("codeSigningConfigARN", "functionEventInvokeConfig", "reservedConcurrentExecutions", "tags")

# UpdateFunctionCode goes first, and goes alone (hooks.go, customUpdateFunction).
CODE = ("code.imageURI", "code.sha256", "architectures")
# Where the spec does not set them, UpdateFunctionConfiguration does not mention them either.
_NEVER_UNSET = ("durableConfig", "fileSystemConfigs", "layers", "loggingConfig")
# Dereferenced without a look at whether they are set (hooks.go, updateFunctionConfiguration).
_PANIC_WHERE_EMPTY = ("ephemeralStorage.size", "snapStart.applyOn", "tracingConfig.mode")
# Releases before it write AWS's values over what else was changed in the spec, after an update of the code.
_LOSES_NOTHING = "1.14.2"


class Call(StrEnum):
    """The call that changes something in AWS; `none`, or `unknown` where it cannot be told."""

    NONE = "none"
    CREATE = "CreateFunction"
    DELETE = "DeleteFunction"
    CODE = "UpdateFunctionCode"
    CONFIGURATION = "UpdateFunctionConfiguration"
    UNKNOWN = "unknown"


class Difference(Struct, frozen=True):
    """One field that differs; None is a side that does not set it. `note` says what the pass does not do about it."""

    field: str
    spec: str | None
    live: str | None
    note: str = ""


class Variables(Struct, frozen=True):
    """The names of environment variables that the pass adds, removes or changes in AWS."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self.added, *self.removed, *self.changed}))


class NextPass(Struct, frozen=True, kw_only=True):
    """What the next pass would call, and why, in a sentence.

    `lost` are fields whose edit ACK takes back in the object itself, since it updates the code first. `unknown` says
    of fields, in words, why they could not be compared.
    """

    call: Call
    why: str
    differences: tuple[Difference, ...] = ()
    variables: Variables = Variables()
    lost: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def shown(side: str | None) -> str:
    """Write one side of a difference, so that what is empty is told from what is not set."""
    return "not set" if side is None else side or '""'


def next_pass(seen: Observation) -> NextPass | None:
    """Tell what the next pass over a Function would do; None for other kinds, of which nothing is compared."""
    resource, live = seen.resource, seen.live_state
    if resource.kind != "Function":
        return None
    if resource.annotations.get(READ_ONLY, "").lower() == "true":
        return _compared(seen, NextPass(call=Call.NONE, why=f"{READ_ONLY} is set: ACK only looks."))
    if seen.placement is not None and seen.placement.drift:
        return NextPass(call=Call.NONE, why=f"ACK does nothing: {seen.placement.drift}.")
    if resource.deleting:
        return _of_deletion(seen)
    if live.gone:
        doubt = "" if live.proven_gone else f" if that is so ({live.why or 'it is no proof'})"
        return NextPass(call=Call.CREATE, why=f"AWS has no such function: ACK creates it anew{doubt}.")
    if not live.present:
        return NextPass(call=Call.UNKNOWN, why=f"AWS's side is not known: {live.why}.")
    if resource.spec is None or not live.configuration:
        return NextPass(call=Call.UNKNOWN, why="One side's configuration is missing.")
    return _compared(seen, _hindered(resource))


def differences(spec: FunctionSpec, live: LiveState) -> tuple[Difference, ...]:
    """List the fields that ACK finds different, code first; environment variables apart."""
    return (*_code(spec, live), *_configuration(spec, live))


def variables(spec: FunctionSpec, live: LiveState) -> Variables:
    """List the names of environment variables that differ; no value is looked at but to compare it."""
    wanted = (spec.environment.variables if spec.environment else None) or {}
    both = wanted.keys() & live.environment.keys()
    return Variables(
        added=tuple(sorted(wanted.keys() - both)),
        removed=tuple(sorted(live.environment.keys() - both)),
        changed=tuple(sorted(key for key in both if wanted[key] != live.environment[key])),
    )


def _of_deletion(seen: Observation) -> NextPass:
    resource, live = seen.resource, seen.live_state
    if not resource.managed:
        return NextPass(call=Call.NONE, why="ACK is done with this object: its finalizer is gone.")
    if retained(seen):
        return NextPass(call=Call.NONE, why="The deletion policy is retain: ACK lets go, and asks AWS nothing.")
    if live.gone:
        return NextPass(call=Call.NONE, why="ACK finds no function, and lets the object go.")
    if live.state in ("Pending", "Deleting"):
        return NextPass(call=Call.NONE, why=f"AWS says {live.state}: ACK waits, and looks again every 5 s.")
    return NextPass(call=Call.DELETE, why="DeleteFunction will be tried again.")


def retained(seen: Observation) -> bool:
    """Whether ACK keeps the function: object, namespace, flag, in this order; anything but `delete` keeps it."""
    around: Mapping[str, str] = seen.namespace.annotations if seen.namespace else {}
    said = seen.resource.annotations.get(DELETION_POLICY) or around.get(NAMESPACE_DELETION_POLICY)
    return (said or seen.controller.deletion_policy) != "delete"


def _hindered(resource: Resource) -> NextPass | None:
    """Say what comes before any comparison."""
    if not resource.managed:
        if resource.annotations.get(ADOPTION_POLICY):
            return NextPass(call=Call.UNKNOWN, why="ACK takes the function over first, as its adoption policy says.")
        return NextPass(call=Call.NONE, why="ACK did not make this function: it says so, and leaves it alone.")
    references = resource.condition("ACK.ReferencesResolved")
    if references is not None and references.status != "True":
        return NextPass(
            call=Call.UNKNOWN, why="ACK has to resolve its references first, and goes no further until then."
        )
    return None


def _compared(seen: Observation, hindered: NextPass | None) -> NextPass:
    """Add what differs; where nothing hinders, tell what comes of it."""
    resource, live = seen.resource, seen.live_state
    if resource.spec is None or not live.present:
        return hindered or NextPass(call=Call.NONE, why="")
    spec = resource.spec
    found, changed, unknown = differences(spec, live), variables(spec, live), tuple(_unknown(spec, live))
    told = hindered or _told(seen, found, changed, image_unknown=_image_is_unknown(spec, live))
    return NextPass(call=told.call, why=told.why, lost=told.lost, differences=found, variables=changed, unknown=unknown)


def _told(seen: Observation, found: tuple[Difference, ...], changed: Variables, *, image_unknown: bool) -> NextPass:
    live = seen.live_state
    fields = {each.field: each for each in found}
    rest = tuple(
        dict.fromkeys([*(each for each in fields if each not in CODE), *(["environment"] * bool(changed.names))])
    )
    code = tuple(each for each in fields if each in CODE)
    busy = " AWS is still at an update, and will refuse it until that is over." if live.busy else ""
    if not fields and not changed.names and not image_unknown:
        return NextPass(call=Call.NONE, why="ACK finds no difference: it only reads.")
    if live.state == "Pending" and (fields or changed.names):
        return NextPass(call=Call.NONE, why="AWS says Pending: ACK waits, and looks again every 5 s.")
    if any(each.startswith("tenancyConfig") for each in fields):
        return NextPass(call=Call.NONE, why="ACK refuses to change tenancyConfig (Terminal), and does no more.")
    if code:
        said = f"ACK updates the code alone ({', '.join(code)}).{busy}"
        loses, after = _after_code(seen.controller, rest)
        return NextPass(call=Call.CODE, why=f"{said}{after}", lost=loses)
    if image_unknown:
        otherwise = f"updates the configuration ({', '.join(rest)})" if rest else "only reads"
        return NextPass(
            call=Call.UNKNOWN, why=f"If code.imageURI differs, ACK updates the code alone; else it {otherwise}.{busy}"
        )
    fatal = [each.field for each in found if each.field in _PANIC_WHERE_EMPTY and each.spec is None]
    if fatal:
        return NextPass(
            call=Call.NONE, why=f"The controller panics on it: {', '.join(fatal)} is not set where it must be."
        )
    return NextPass(call=Call.CONFIGURATION, why=f"ACK updates the configuration ({', '.join(rest)}).{busy}")


def _after_code(controller: ControllerFacts, rest: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Say what becomes of the rest: which fields are taken back in the object, as far as the version is known."""
    if not rest:
        return (), ""
    listed = ", ".join(rest)
    loses = controller.older_than(_LOSES_NOTHING)
    if loses is None:
        return rest, f" Up to 1.14.1 it then writes AWS's values over the object's {listed}: that edit is lost."
    if loses:
        return rest, f" It then writes AWS's values over the object's {listed}: that edit is lost."
    return (), f" The rest ({listed}) follows in the pass after it."


def _code(spec: FunctionSpec, live: LiveState) -> Iterator[Difference]:
    """Compare the image where AWS tells one, and the checksum of a Zip where the spec has one, as text: so does ACK."""
    code = spec.code
    wanted = code.image_uri if code else None
    if live.image_uri is not None and wanted != live.image_uri:
        yield Difference("code.imageURI", wanted, live.image_uri)
    if code is not None and code.sha256 is not None and spec.package_type == "Zip" and code.sha256 != live.code_sha256:
        yield Difference("code.sha256", code.sha256, live.code_sha256)


def _configuration(spec: FunctionSpec, live: LiveState) -> Iterator[Difference]:
    wanted, there = spec.settings, dict(live.configuration)
    referring = _referring(spec)
    for top in dict.fromkeys(each.top for each in SETTINGS):
        parts = [each for each in SETTINGS if each.top == top and each.path not in referring]
        if any(each.nested for each in parts) and not _alike(top, wanted, there):
            yield Difference(top, _whole(top, wanted), _whole(top, there), _left_alone(top, wanted))
        else:
            yield from _parts(parts, wanted, there)


def _parts(parts: list[Setting], wanted: Mapping[str, str], there: Mapping[str, str]) -> Iterator[Difference]:
    for each in parts:
        ours, theirs = wanted.get(each.path), there.get(each.path)
        if each.path == "layers" and theirs is None:
            continue  # sdk.go keeps the spec's where AWS names none
        if each.path in LISTS:
            ours, theirs = ours or None, theirs or None
        if ours != theirs:
            yield Difference(each.path, ours, theirs, _left_alone(each.top, wanted))


def _alike(top: str, wanted: Mapping[str, str], there: Mapping[str, str]) -> bool:
    """Whether a structure is on both sides, or on none; ACK takes a vpcConfig of the spec for one in AWS, too."""
    ours, theirs = _whole(top, wanted) is not None, _whole(top, there) is not None
    return ours == theirs or (top == "vpcConfig" and ours)


def _whole(top: str, side: Mapping[str, str]) -> str | None:
    """Write a structure in one line; None where there is none."""
    parts = [f"{path.partition('.')[2]} {text}" for path, text in side.items() if path.startswith(f"{top}.")]
    return "; ".join(parts) if parts else side.get(top)


def _left_alone(top: str, wanted: Mapping[str, str]) -> str:
    if top == "packageType":
        return "no call changes it"
    unset = top in _NEVER_UNSET and not _whole(top, wanted) and not wanted.get(top)
    return "ACK does not unset it" if unset else ""


def _referring(spec: FunctionSpec) -> dict[str, str]:
    """Map what the spec leaves to a reference, which ACK resolves anew at each pass, to that reference."""
    vpc = spec.vpc_config
    references = (
        ("kmsKeyARN", "kmsKeyRef", spec.kms_key_ref is not None),
        ("role", "roleRef", spec.role_ref is not None),
        ("vpcConfig.securityGroupIDs", "vpcConfig.securityGroupRefs", bool(vpc and vpc.security_group_refs)),
        ("vpcConfig.subnetIDs", "vpcConfig.subnetRefs", bool(vpc and vpc.subnet_refs)),
    )
    return {path: reference for path, reference, there in references if there}


def _image_is_unknown(spec: FunctionSpec, live: LiveState) -> bool:
    package = live.package_type or spec.package_type
    return package == "Image" and live.image_uri is None


def _unknown(spec: FunctionSpec, live: LiveState) -> Iterator[str]:
    if _image_is_unknown(spec, live):
        yield "code.imageURI (GetFunctionConfiguration does not tell it)"
    for path, reference in _referring(spec).items():
        yield f"{path} (from {reference})"
