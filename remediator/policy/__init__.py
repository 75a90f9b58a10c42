"""What the remediator may do, and when: one YAML file, or the defaults.

The defaults read everything and change nothing.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model
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

    percent: Annotated[int, Field(gt=0, le=100)] = 20
    min_population: Annotated[int, Field(ge=1)] = 5
    objects: Annotated[int, Field(ge=1)] = 25


class Aws(_Section):
    """How AWS is asked. An endpoint other than AWS's own is trusted for *gone* only when it is named here."""

    call: LambdaCall = LambdaCall.GET_FUNCTION_CONFIGURATION
    endpoint_url: Annotated[str, Field(pattern=r"^https?://")] | None = Field(default=None, alias="endpointURL")
    workers: Annotated[int, Field(ge=1, le=32)] = 4


def _timeouts_section() -> type[_Section]:
    """Derive the file's section from the model, so that each timeout has one name and one default."""
    fields: dict[str, Any] = {
        each.name: (Duration, each.default) for each in msgspec.structs.fields(Timeouts)
    }
    return create_model("TimeoutsSection", __base__=_Section, **fields)


TimeoutsSection = _timeouts_section()


class Policy(_Section):
    """The whole file."""

    api_version: Literal["ack-remediator.dev/v1alpha1"] = "ack-remediator.dev/v1alpha1"
    kind: Literal["Policy"] = "Policy"
    mode: Annotated[Mode, AfterValidator(_no_auto_yet)] = Mode.DRY_RUN
    actions_per_run: Annotated[int, Field(ge=0)] = 5
    breaker: Breaker = Breaker()
    aws: Aws = Aws()
    timeouts_section: TimeoutsSection = Field(default=TimeoutsSection(), alias="timeouts")  # type: ignore[valid-type]

    @property
    def timeouts(self) -> Timeouts:
        return Timeouts(**self.timeouts_section.__dict__)
