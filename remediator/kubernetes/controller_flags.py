"""What the lambda-controller was told when it was started: its arguments, with what its environment puts into them.

The flags are those of ACK's runtime (runtime pkg/config/config.go), read by pflag; `$(NAME)` in an argument is filled
in by Kubernetes. The Helm chart writes nearly all of them that way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from remediator.kubernetes.deployment import Container

# `$$(NAME)` is an escaped reference (kubernetes third_party/forked/golang/expansion).
_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
_NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")
# Flags that take no value but after an equals sign: pflag takes the word behind one for something else.
_BOOLEAN = frozenset(
    {
        "allow-unsafe-aws-endpoint-urls",
        "aws-endpoint-use-path-style",
        "enable-adopted-resource-reconciler",
        "enable-carm",
        "enable-cross-namespace",
        "enable-development-logging",
        "enable-field-export-reconciler",
        "enable-leader-election",
        "enable-webhook-server",
    }
)
# What strconv.ParseBool takes.
_TRUTH = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
_RESYNC_SECONDS = 10 * 60 * 60  # where no flag says otherwise (runtime pkg/runtime/reconciler.go)
_SYSTEM_NAMESPACE = "ack-system"

# A value of None is one that cannot be known: it comes from a ConfigMap, a Secret, or nowhere.
Environment = Mapping[str, str | None]


class Flags(Struct, frozen=True, kw_only=True):
    """How one controller was started, with its own defaults where nothing says otherwise.

    `kinds` are those it reconciles, in lower case; empty: all. `unknown` names the settings that cannot be read.
    """

    watched_namespaces: tuple[str, ...] = ()
    watch_selector: str = ""
    kinds: frozenset[str] = frozenset()
    concurrency: int = 1
    resync: timedelta = timedelta(seconds=_RESYNC_SECONDS)
    feature_gates: Mapping[str, bool] = {}
    deletion_policy: str = "delete"
    region: str | None = None
    carm: bool = True
    system_namespace: str = _SYSTEM_NAMESPACE
    unknown: tuple[str, ...] = ()

    def reconciles(self, kind: str) -> bool:
        return not self.kinds or kind.lower() in self.kinds


def read_flags(container: Container, namespace: str, kind: str = "Function") -> Flags:
    """Read the flags of a controller's container; `namespace` is its own, `kind` is whose resync and workers we ask."""
    environment = _environment(container, namespace)
    given = _Given(container, environment)
    region = given.last("aws-region")
    if region is None and not given.has("aws-region"):
        region = given.from_environment("AWS_REGION")
    system = given.from_environment("ACK_SYSTEM_NAMESPACE", "K8S_NAMESPACE")
    return Flags(
        watched_namespaces=_listed(given.last("watch-namespace")),
        watch_selector=given.last("watch-selectors") or "",
        kinds=frozenset(each.lower() for each in _listed(given.last("reconcile-resources"))),
        concurrency=given.number_of(kind, "reconcile-resource-max-concurrent-syncs")
        or given.number("reconcile-default-max-concurrent-syncs")
        or 1,
        resync=timedelta(
            seconds=given.number_of(kind, "reconcile-resource-resync-seconds")
            or given.number("reconcile-default-resync-seconds")
            or _RESYNC_SECONDS
        ),
        feature_gates=_gates(given.last("feature-gates") or ""),
        deletion_policy=given.last("deletion-policy") or "delete",
        region=region or None,
        carm=_TRUTH.get(given.last("enable-carm") or "true", True),
        system_namespace=system or _SYSTEM_NAMESPACE,
        unknown=tuple(sorted(given.unknown)),
    )


class _Given:
    """The arguments of a container, by the names of the flags, and what of those that were asked for is unknown."""

    def __init__(self, container: Container, environment: Environment) -> None:
        self._environment = environment
        self._values: dict[str, list[str | None]] = {}
        self.unknown: set[str] = set()
        # Flags can stand in the command, too; the program's name is no flag, and so does no harm.
        for name, value in _pairs([*(container.command or ()), *(container.args or ())], environment):
            self._values.setdefault(name, []).append(value)

    def has(self, name: str) -> bool:
        return name in self._values

    def last(self, name: str) -> str | None:
        """Return what a flag was set to last; None where it was not set, or cannot be known."""
        values = self._values.get(name)
        if not values:
            return None
        if values[-1] is None:
            self.unknown.add(f"--{name}")
        return values[-1]

    def number(self, name: str) -> int | None:
        """Return the positive number that a flag was set to; None where there is none, or it cannot be known."""
        return _number(self.last(name))

    def number_of(self, kind: str, name: str) -> int | None:
        """Return the number that a flag was set to for a kind, in any of its values: `Function=60`."""
        found = None
        for value in self._values.get(name, ()):
            if value is None:
                self.unknown.add(f"--{name}")
            elif (pair := value.partition("="))[0].strip().lower() == kind.lower():
                found = _number(pair[2])
        return found

    def from_environment(self, *names: str) -> str | None:
        """Return the first variable that is set to something; what the program reads there by itself."""
        for name in names:
            value = self._environment.get(name, "")
            if value is None:
                self.unknown.add(name)
                return None
            if value:
                return value
        return None


def _pairs(words: Sequence[str], environment: Environment) -> Iterator[tuple[str, str | None]]:
    """Yield flags with their values as pflag reads them; what is neither is passed over."""
    rest = iter(words)
    for raw in rest:
        word = _filled(raw, environment)
        if word == "--":
            return
        name, equals, _ = (word or raw)[2:].partition("=")
        if not (word or raw).startswith("--"):
            continue
        if equals:
            yield name, None if word is None else word.partition("=")[2]
        elif name in _BOOLEAN:
            yield name, "true"
        else:
            yield name, _filled(next(rest, ""), environment)


def _environment(container: Container, namespace: str) -> dict[str, str | None]:
    """Collect the variables that are known; values refer to those before them, and of a name the last one counts."""
    known: dict[str, str | None] = {}
    for each in container.env or ():
        if each.value_from is None:
            known[each.name] = _filled(each.value or "", known)
        else:
            ref = each.value_from.field_ref
            known[each.name] = namespace if ref is not None and ref.field_path == "metadata.namespace" else None
    return known


def _filled(text: str, environment: Environment) -> str | None:
    """Fill references in as Kubernetes does; None where one leads to what is not known here.

    Kubernetes leaves a reference to nothing as it is, and the controller would stop at it. So it is one to `envFrom`,
    which is not read here: a Secret can stand behind it.
    """
    if any(name is not None and environment.get(name) is None for name in _references(text)):
        return None
    return _REFERENCE.sub(lambda found: "$" if found[1] is None else environment[found[1]] or "", text)


def _references(text: str) -> list[str | None]:
    return [found[1] for found in _REFERENCE.finditer(text)]


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(each.strip() for each in (text or "").split(",") if each.strip())


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text := text.strip()) else None


def _gates(text: str) -> dict[str, bool]:
    pairs = (each.partition("=") for each in text.split(","))
    return {name.strip(): _TRUTH[value.strip()] for name, _, value in pairs if value.strip() in _TRUTH}
