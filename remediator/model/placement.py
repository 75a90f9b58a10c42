"""Where ACK looks for what a resource stands for: which account and region, and as whom."""

from __future__ import annotations

from msgspec import Struct


class Placement(Struct, frozen=True, kw_only=True):
    """Account and region as ACK takes them anew at every pass, and the role that it assumes there.

    `account` and `role` are None where the controller's own account and credentials are used, `region` where only its
    flags know it and they cannot be read. `because` says what account and role follow from. `drift` says in a sentence
    how this place differs from the recorded one: ACK then does nothing, without a word. `role_missing` says which map
    lacks which key. `unsure` says what could not be read, so that the answer may be another.
    """

    account: str | None = None
    region: str | None = None
    role: str | None = None
    because: str = ""
    drift: str = ""
    role_missing: str = ""
    unsure: str = ""
