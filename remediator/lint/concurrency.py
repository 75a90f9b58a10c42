"""Reserved concurrency against what the account has left (`--account`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from remediator.lint.problem import Around, Problem, Rule, Severity, problem
from remediator.manifest.objects import Manifest

_UNRESERVED = 100  # what Lambda keeps for functions that reserve nothing (Developer Guide, "Reserved concurrency")
_PATH = ("spec", "reservedConcurrentExecutions")

CONCURRENCY_LIMIT = Rule(
    id="ConcurrencyLimit",
    severity=Severity.ERROR,
    gist="more concurrency is reserved than the account has",
    why="Lambda refuses PutFunctionConcurrency: 100 have to stay unreserved. ACK sets it before the rest of an update, "
    "so that code and configuration do not get through either.",
    fix="Reserve less, or have the quota of concurrent executions raised. ACK counts per account and region.",
    spares=("ConcurrencyRefused",),
)


def concurrency_limit(manifest: Manifest, around: Around) -> Iterator[Problem]:
    """Find the manifests that reserve more than is left; a note where AWS does not say how much that is.

    All manifests count together, each by what it adds to what its function has reserved now: they are taken to be of
    the account and the region of the caller.
    """
    account, wanted = around.account, _reserved(manifest)
    if account is None or not wanted:
        return
    if account.why:
        said = f"how much the account has left is not known: {account.why}"
        yield problem(CONCURRENCY_LIMIT, manifest, _PATH, said, Severity.NOTE)
        return
    left = account.left_after(_wanted(around.manifests))
    if left < _UNRESERVED and wanted > account.reserved.get(_name(manifest), 0):
        said = (
            f"{account.where} has {account.limit:,} concurrent executions; with what the files reserve {left:,} would "
            f"stay unreserved, of {_UNRESERVED} at least"
        )
        yield problem(CONCURRENCY_LIMIT, manifest, _PATH, said)


def _wanted(manifests: Sequence[Manifest]) -> Mapping[str, int]:
    amounts = ((_name(each), _reserved(each)) for each in manifests if each.is_function)
    return {name: amount for name, amount in amounts if amount is not None}


def _reserved(manifest: Manifest) -> int | None:
    found = manifest.at(*_PATH)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _name(manifest: Manifest) -> str:
    return str(manifest.at("spec", "name"))
