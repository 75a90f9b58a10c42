"""What does not belong in a manifest: what a server or ACK wrote, and what makes ACK stumble."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest

_OF_THE_SERVER = ("resourceVersion", "uid", "managedFields", "deletionTimestamp")

FINALIZER_PRESET = Rule(
    id="FinalizerPreset",
    severity=Severity.ERROR,
    gist="ACK's finalizer is set in the manifest",
    why="It is what ACK takes for its own doing: it takes over whatever function has that name, overwrites it, and "
    "deletes it with the object, without having been told to adopt it.",
    fix="Leave the finalizer out. To take a function over, use services.k8s.aws/adoption-policy.",
    spares=("AlreadyExists", "FinalizerLeft"),
)
SERVER_FIELDS = Rule(
    id="ServerFields",
    severity=Severity.WARNING,
    gist="the manifest has what only the API server and ACK write",
    why="status is passed over; with an old resourceVersion or uid the API server refuses every later apply (409).",
    fix="Leave it out; `kubectl get -o yaml` prints it, a manifest does not need it.",
)
PUBLISH_SET = Rule(
    id="PublishSet",
    severity=Severity.NOTE,
    gist="spec.publish is set",
    why="ACK looks at it once, when it creates the function: afterwards no version is published. And the remediator "
    "cannot make ACK look again at such an object, since it does so by this very field.",
    fix="Publish versions with a Version object, and leave spec.publish out.",
)
EMPTY_STRUCTURE = Rule(
    id="EmptyStructure",
    severity=Severity.ERROR,
    gist="a structure is there with nothing in it",
    why="ACK takes it for a change, and up to 1.14.1 panics on it at the next update of the configuration: the "
    "function is not updated, and no condition says why.",
    fix="Fill it, or leave it out.",
    spares=("ControllerSilent",),
)
# Dereferenced without a look at whether they are set (lambda-controller hooks.go, updateFunctionConfiguration).
_NEEDED = (("ephemeralStorage", "size"), ("snapStart", "applyOn"), ("tracingConfig", "mode"))


def finalizer_preset(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find ACK's finalizer (runtime pkg/runtime/reconciler.go: what has it is managed)."""
    finalizers = manifest.at("metadata", "finalizers")
    for index, each in enumerate(finalizers if isinstance(finalizers, list) else ()):
        if each == f"finalizers.{manifest.group}/{manifest.kind}":
            said = "ACK's finalizer is set: ACK will take the function for its own"
            yield problem(FINALIZER_PRESET, manifest, ("metadata", "finalizers", index), said)


def server_fields(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find what was copied from a cluster along with the rest."""
    if manifest.at("status"):
        yield problem(SERVER_FIELDS, manifest, ("status",), "status is ACK's to write: the API server passes over it")
    for each in _OF_THE_SERVER:
        if manifest.at("metadata", each):
            path = ("metadata", each)
            yield problem(SERVER_FIELDS, manifest, path, f"metadata.{each} is the API server's to write")


def publish_set(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find the one field that a Resync needs to be free."""
    if manifest.at("spec", "publish") is not None:
        yield problem(
            PUBLISH_SET, manifest, ("spec", "publish"), "ACK reads spec.publish only when it creates the function"
        )


def empty_structure(manifest: Manifest, _around: Around) -> Iterator[Problem]:
    """Find what the controller would dereference."""
    for above, leaf in _NEEDED:
        value = manifest.at("spec", above)
        if isinstance(value, dict) and value.get(leaf) is None:
            yield problem(EMPTY_STRUCTURE, manifest, ("spec", above), f"spec.{above} has no {leaf}")
