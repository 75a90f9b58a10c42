"""Lambda's runtimes, and when each is deprecated: the one place where they are listed.

Names: the enum Runtime of Lambda's API (botocore lambda/2015-03-31). Dates: the AWS Lambda Developer Guide, "Lambda
runtimes", as of AS_OF; those of runtimes that nothing can be done with any more are that page's of when they were still
listed. AWS moves the dates of blocking, always to later ones so far.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

AS_OF = date(2026, 10, 31)


class Runtime(NamedTuple):
    """When it is deprecated, and from when on no function is created and none updated with it; None: not announced."""

    deprecated: date | None = None
    no_create: date | None = None
    no_update: date | None = None


def _on(deprecated: str, no_create: str, no_update: str) -> Runtime:
    return Runtime(*(date.fromisoformat(each) for each in (deprecated, no_create, no_update)))


_LONG_AGO = _on("2022-03-31", "2022-03-31", "2022-03-31")  # by then at the latest: the exact days matter to nobody now
_CREATE, _UPDATE = "2027-07-29", "2027-08-31"  # to which AWS put off a good many of them

RUNTIMES: dict[str, Runtime] = {
    "dotnet10": _on("2028-11-14", "2028-12-14", "2029-01-15"),
    "dotnet8": _on("2026-11-10", _CREATE, _UPDATE),
    "dotnet6": _on("2024-12-20", _CREATE, _UPDATE),
    "dotnetcore3.1": _on("2023-04-03", "2023-04-03", "2023-05-03"),
    "dotnetcore2.1": _on("2022-01-05", "2022-01-05", "2022-04-13"),
    "dotnetcore2.0": _LONG_AGO,
    "dotnetcore1.0": _LONG_AGO,
    "go1.x": _on("2024-01-08", "2024-02-08", _UPDATE),
    "java25": _on("2029-06-30", "2029-07-31", "2029-08-31"),
    "java21": _on("2029-06-30", "2029-07-31", "2029-08-31"),
    "java17": _on("2027-06-30", _CREATE, _UPDATE),
    "java17.al2023": Runtime(),
    "java11": _on("2027-06-30", _CREATE, _UPDATE),
    "java11.al2023": Runtime(),
    "java8.al2023": Runtime(),
    "java8.al2": _on("2027-06-30", _CREATE, _UPDATE),
    "java8": _on("2024-01-08", "2024-02-08", _UPDATE),
    "nodejs26.x": Runtime(),
    "nodejs24.x": _on("2028-04-30", "2028-06-01", "2028-07-01"),
    "nodejs22.x": _on("2027-04-30", "2027-06-01", "2027-07-01"),
    "nodejs20.x": _on("2026-04-30", _CREATE, _UPDATE),
    "nodejs18.x": _on("2025-09-01", _CREATE, _UPDATE),
    "nodejs16.x": _on("2024-06-12", _CREATE, _UPDATE),
    "nodejs14.x": _on("2023-12-04", "2024-01-09", _UPDATE),
    "nodejs12.x": _on("2023-03-31", "2023-03-31", "2023-04-30"),
    "nodejs10.x": _LONG_AGO,
    "nodejs8.10": _LONG_AGO,
    "nodejs6.10": _LONG_AGO,
    "nodejs4.3": _LONG_AGO,
    "nodejs4.3-edge": _LONG_AGO,
    "nodejs": _LONG_AGO,
    "provided.al2023": _on("2029-06-30", "2029-07-31", "2029-08-31"),
    "provided.al2": _on("2026-07-31", _CREATE, _UPDATE),
    "provided": _on("2024-01-08", "2024-02-08", _UPDATE),
    "custom": Runtime(),
    "python3.15": Runtime(),
    "python3.14": _on("2029-06-30", "2029-07-31", "2029-08-31"),
    "python3.13": _on("2029-06-30", "2029-07-31", "2029-08-31"),
    "python3.12": _on("2028-10-31", "2028-11-30", "2029-01-10"),
    "python3.11": _on("2027-06-30", _CREATE, _UPDATE),
    "python3.10": _on("2026-10-31", _CREATE, _UPDATE),
    "python3.9": _on("2025-12-15", _CREATE, _UPDATE),
    "python3.8": _on("2024-10-14", _CREATE, _UPDATE),
    "python3.7": _on("2023-12-04", "2024-01-09", _UPDATE),
    "python3.6": _on("2022-07-18", "2022-07-18", "2022-08-29"),
    "python2.7": _on("2021-07-15", "2021-07-15", "2022-05-30"),
    "ruby4.0": Runtime(),
    "ruby3.4": _on("2028-03-31", "2028-04-30", "2028-05-31"),
    "ruby3.3": _on("2027-03-31", _CREATE, _UPDATE),
    "ruby3.2": _on("2026-03-31", _CREATE, _UPDATE),
    "ruby2.7": _on("2023-12-07", "2024-01-09", _UPDATE),
    "ruby2.5": _LONG_AGO,
}
