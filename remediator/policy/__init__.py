"""What the remediator may do, and when: one YAML file, or the defaults.

The defaults read everything and change nothing.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt
from pydantic.alias_generators import to_camel

from remediator.model.timeouts import Timeouts
from remediator.model.times import parse_duration

__all__ = ["Breaker", "LambdaCall", "Mode", "Policy"]


class Mode(StrEnum):
    """How far the remediator may go: show, ask, or act by itself."""

    DRY_RUN = "dry-run"
    APPROVE = "approve"
    AUTO = "auto"


class LambdaCall(StrEnum):
    """Which call reads live state. GetFunction has a quota of its own, but its answers carry a link to the code."""

    GET_FUNCTION_CONFIGURATION = "GetFunctionConfiguration"
    GET_FUNCTION = "GetFunction"


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected a duration such as 90s, 15m, 2h, 7d or 1h30m, not {value!r}")
    return parse_duration(value)


def _no_auto_yet(mode: Mode) -> Mode:
    if mode is Mode.AUTO:
        raise ValueError("expected dry-run or approve: auto is refused as long as episodes are kept in memory only")
    return mode


Duration = Annotated[timedelta, BeforeValidator(_duration)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False)


class Breaker(_Section):
    """When so many are stuck at once that it is an incident, and nothing may be done one by one.

    Open when more than `percent` of the population is stuck or unreadable, from `min_population` on, or more than
    `objects` in all.
    """

    percent: Annotated[StrictInt, Field(gt=0, le=100)] = 20
    min_population: Annotated[StrictInt, Field(ge=1)] = 5
    objects: Annotated[StrictInt, Field(ge=1)] = 25


class Aws(_Section):
    """How AWS is asked. An endpoint other than AWS's own is trusted for *gone* only when it is named here."""

    call: LambdaCall = LambdaCall.GET_FUNCTION_CONFIGURATION
    endpoint_url: Annotated[str, Field(pattern=r"^https?://")] | None = Field(default=None, alias="endpointURL")
    workers: Annotated[StrictInt, Field(ge=1, le=32)] = 4


_DEFAULTS = Timeouts()


class TimeoutsSection(_Section):
    """How long each kind of trouble may last before it counts as stuck; the model has the defaults."""

    deletion: Duration = _DEFAULTS.deletion
    never_reconciled: Duration = _DEFAULTS.never_reconciled
    references_unresolved: Duration = _DEFAULTS.references_unresolved
    controller_silent: Duration = _DEFAULTS.controller_silent
    function_pending: Duration = _DEFAULTS.function_pending
    function_pending_image: Duration = _DEFAULTS.function_pending_image
    function_pending_vpc: Duration = _DEFAULTS.function_pending_vpc
    function_pending_snap_start: Duration = _DEFAULTS.function_pending_snap_start
    stale_pending: Duration = _DEFAULTS.stale_pending
    update_in_progress: Duration = _DEFAULTS.update_in_progress
    update_in_progress_vpc: Duration = _DEFAULTS.update_in_progress_vpc
    unclassified_error: Duration = _DEFAULTS.unclassified_error
    not_synced_unexplained: Duration = _DEFAULTS.not_synced_unexplained


class Policy(_Section):
    """The whole file."""

    api_version: Literal["ack-remediator.dev/v1alpha1"] = "ack-remediator.dev/v1alpha1"
    kind: Literal["Policy"] = "Policy"
    mode: Annotated[Mode, AfterValidator(_no_auto_yet)] = Mode.DRY_RUN
    actions_per_run: Annotated[StrictInt, Field(ge=0)] = 5
    breaker: Breaker = Breaker()
    aws: Aws = Aws()
    timeouts_section: TimeoutsSection = Field(default=TimeoutsSection(), alias="timeouts")

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(**dict(self.timeouts_section))
