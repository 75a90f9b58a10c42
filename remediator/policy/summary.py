"""What a policy would allow, and whom it tells, in a few sentences."""

from __future__ import annotations

from collections.abc import Iterator

from remediator.model.finding import FindingName
from remediator.model.limits import ACTION_CEILINGS, Mode
from remediator.model.plan import ActionName
from remediator.policy import Policy


def summary(policy: Policy) -> str:
    """Say what goes by itself, what a person approves, how much of it, and where backups go."""
    ceilings, limits = policy.ceilings, policy.limits
    highest = {action: _highest(policy, action) for action in ActionName}
    alone = [action.value for action, mode in highest.items() if mode is Mode.AUTO]
    asked = [action.value for action, mode in highest.items() if mode is Mode.APPROVE]
    never = [
        action.value
        for action, usual in ACTION_CEILINGS.items()
        if ceilings.actions[action] is Mode.DRY_RUN and usual is not Mode.DRY_RUN
    ]
    said = []
    if ceilings.mode is Mode.DRY_RUN:
        said.append("dry-run: shows what it would do, and changes nothing unless a person at the terminal approves")
    if alone:
        said.append(f"does {_and(alone)} by itself")
    if asked:
        said.append(f"does {_and(asked)} once a person approved")
    if never:
        said.append(f"never does {_and(never)}")
    if policy.findings:
        lowered = _and(sorted(name.value for name in policy.findings))
        said.append(f"has ceilings of their own for {lowered}")
    limited = (
        f"At most {limits.per_run} actions a run, {limits.per_day} a day, {limits.per_namespace} at a time in a "
        f"namespace; none when more than {limits.breaker_percent} % or {limits.breaker_objects} are stuck."
    )
    first = "; ".join(said)
    return " ".join((f"{first[0].upper()}{first[1:]}.", limited, *_saved(policy), *_told(policy)))


def _saved(policy: Policy) -> Iterator[str]:
    """Say where backups go, where that is not the home namespace."""
    if (there := policy.backups.s3) is not None:
        how = "with a KMS key" if there.kms_key_id else "without a KMS key"
        yield f"Saves objects to s3://{there.bucket}/{there.folder} first, encrypted {how}."


def _told(policy: Policy) -> Iterator[str]:
    """Say what a webhook is told, where there is one."""
    hook = policy.webhook
    if hook.used:
        yield f"A webhook ({hook.format}) is told what is {_and([each.value for each in hook.reasons])}."


def _highest(policy: Policy, action: ActionName) -> Mode:
    """Return the furthest that an action may go for any finding."""
    modes = {policy.ceilings.effective(action, finding) for finding in FindingName}
    return next(mode for mode in reversed(Mode) if mode in modes)


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
