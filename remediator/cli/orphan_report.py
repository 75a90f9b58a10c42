"""Tell of functions without an object: a table, a document, and what a person can do about theirs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from remediator.cli.documents import SCHEMA_VERSION, Document
from remediator.cli.render import STATE_STYLES, Page, Row, console
from remediator.errors import UsageError
from remediator.kubernetes.remediation_object import GROUP, PLURAL
from remediator.model.orphan import Left, Orphan, Owner
from remediator.model.times import format_time
from remediator.orphans import Search

_HEADER = ("FUNCTION", "CLASS", "REGION", "ACCOUNT", "NAMESPACE", "LAST-MODIFIED")
_FEWEST, _CLASS = 2, 1
_NOTHING = "-"
COLLECTION = f"{PLURAL}.{GROUP}"
_STYLES = {
    Owner.RELEASED: STATE_STYLES["waiting"],
    Owner.TAGGED: STATE_STYLES["waiting"],
    Owner.OTHER_CLUSTER: STATE_STYLES["advisory"],
    Owner.UNKNOWN: STATE_STYLES["unknown"],
}
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_ACCOUNT = re.compile(r"[0-9]{12}")
_BEFORE = (
    "It cannot be undone, and takes every version, alias and trigger with it. See first that nobody calls it: its "
    "Invocations in CloudWatch, `aws lambda list-event-source-mappings`, list-aliases and get-policy; and that no "
    "other cluster has it by now."
)


def check_places(regions: Sequence[str], accounts: Sequence[str]) -> None:
    """Refuse what is no region and no account, before it becomes part of a host name or a role. Raises UsageError."""
    for each in regions:
        if not _REGION.fullmatch(each):
            raise UsageError(f"--region: {each!r} is no region of AWS", hint="Such as eu-west-1.")
    for each in accounts:
        if not _ACCOUNT.fullmatch(each):
            raise UsageError(f"--account: {each!r} is no account of AWS", hint="It has 12 digits.")


def commands(each: Orphan) -> dict[str, str]:
    """Write what a person can type about one of ours; nothing about what may be another's."""
    if not each.owner.ours:
        return {}
    found = {"adopt": f"{shlex.join(['remediator', 'orphans', '--adopt', each.arn])} | kubectl create -f -"}
    if each.left and each.left.backup:
        found["restore"] = shlex.join(["remediator", "restore", each.left.backup, "--adopt"])
    delete = ["aws", "lambda", "delete-function", "--region", each.place.region, "--function-name", each.arn]
    return {**found, "delete": shlex.join(delete)}


def document(search: Search, home: str) -> Document:
    """Build the document. What is not ours has no commands."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "orphans": [_one(each) for each in search.orphans],
        "conclusive": search.conclusive,
        "partial": list(search.partial),
        "looked": list(search.looked),
        "settled": [
            {"record": left.record, "arn": left.arn, "why": why, "command": clean_up(left, home)}
            for left, why in search.settled
        ],
        "summary": {owner.value: sum(each.owner is owner for each in search.orphans) for owner in Owner},
    }


def _one(each: Orphan) -> Document:
    left = each.left
    return {
        "function": each.place.name,
        "arn": each.arn,
        "account": each.place.account,
        "region": each.place.region,
        "class": each.owner.value,
        "why": each.why,
        "minds": list(each.minds),
        "namespace": each.namespace or None,
        "lastModified": format_time(each.last_modified) or None,
        "tags": dict(each.tags),
        "record": left
        and {
            "name": left.record,
            "action": left.action,
            "target": str(left.ref),
            "at": format_time(left.at),
            "approvedBy": left.approved_by or None,
            "backup": left.backup or None,
        },
        "commands": commands(each),
    }


def table(search: Search, *, wide: bool) -> None:
    """Print one row a function, why it is there beneath; columns that the terminal has no room for go there, too."""
    if not search.orphans:
        return
    page = console(whole=wide)
    rows = [Row(_cells(each), _STYLES[each.owner], tuple(_beneath(each, wide=wide)), _CLASS) for each in search.orphans]
    count = len(_HEADER)
    while count > _FEWEST and not page.fits(_HEADER[:count], [_narrow(row, count) for row in rows]):
        count -= 1
    page.columns(_HEADER[:count], [_narrow(row, count) for row in rows])
    if search.ours:
        _tell_commands(page, search.ours)


def _tell_commands(page: Page, ours: Sequence[Orphan]) -> None:
    page.heading("To give one back to ACK, as it is in AWS")
    for each in ours:
        page.verbatim(f"  {commands(each)['adopt']}")
    if saved := [each for each in ours if "restore" in commands(each)]:
        page.heading("The same as it was when it was released: shows what that changes in AWS, and asks")
        for each in saved:
            page.verbatim(f"  {commands(each)['restore']}")
    page.heading("To delete one, which is up to you")
    page.hanging("  ", _BEFORE)
    for each in ours:
        page.verbatim(f"  {commands(each)['delete']}")


def _cells(each: Orphan) -> tuple[str, ...]:
    return (
        each.place.name,
        each.owner.value,
        each.place.region,
        each.place.account,
        each.namespace or _NOTHING,
        format_time(each.last_modified) or _NOTHING,
    )


def _beneath(each: Orphan, *, wide: bool) -> Iterator[str]:
    yield each.why
    yield from each.minds
    if wide:
        yield each.arn
        yield "tags " + (", ".join(f"{key}={value}" for key, value in each.tags.items()) or "none of ACK")
        if each.left:
            yield f"record {each.left.record}; backup {each.left.backup or _NOTHING}"


def _narrow(row: Row, count: int) -> Row:
    """Put the cells beyond so many beneath the row, each with its column's name."""
    named = zip(_HEADER[count:], row.cells[count:], strict=True)
    told = "; ".join(f"{name.lower()} {cell}" for name, cell in named if cell != _NOTHING)
    return Row(row.cells[:count], row.style, (*([told] if told else []), *row.beneath), row.styled)


def clean_up(left: Left, home: str) -> str:
    """Write how a record goes that tells of nothing any more, and the alert on it."""
    return shlex.join(["kubectl", "-n", home, "delete", COLLECTION, left.record])


def tell(search: Search, aside: Page, context: str, *, home: str, tagged: bool) -> None:
    """Say what was not seen, how many there are, which records are done with, and what would tell more."""
    for each in search.partial:
        aside.hanging("not seen  ", each, style="bold magenta")
    for left, why in search.settled:
        aside.hanging("settled   ", f"{why}. What is recorded of it ({left}) can go, and the alert with it:")
        aside.verbatim(f"          {clean_up(left, home)}")
    if not search.conclusive:
        aside.line(
            f"{context}: nothing can be said. A Function that was not seen can be for any function of AWS, so that of "
            "none it is certain that it has no object. Every namespace has to be seen."
        )
        return
    counted = ", ".join(f"{sum(each.owner is owner for each in search.orphans)} {owner.value}" for owner in Owner)
    aside.line(f"{context}: {len(search.orphans)} without an object ({counted}); looked in {_looked(search)}.")
    if not tagged and any(each.owner is Owner.UNKNOWN for each in search.orphans):
        aside.line("Which of these are this cluster's the policy can tell, where ACK tags them so: orphans.clusterTag.")


def _looked(search: Search) -> str:
    return "; ".join(search.looked) or "no place"
