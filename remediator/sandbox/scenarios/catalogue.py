"""Every story, in the order in which they are listed: what heals, what an approval frees, what a person has to do."""

from __future__ import annotations

from remediator.sandbox.scenarios.creations import DENIED_CREATE, IMAGE_GONE, MISSING_REFERENCE, NAME_TAKEN, PENDING
from remediator.sandbox.scenarios.deletions import GONE_IN_AWS, HANDS_OFF, OTHER_ACCOUNT, REFUSED_DELETION
from remediator.sandbox.scenarios.updates import ROLLED_BACK, UPDATING, WRONG_CHECKSUM

SCENARIOS = (
    PENDING,
    UPDATING,
    ROLLED_BACK,
    GONE_IN_AWS,
    HANDS_OFF,
    OTHER_ACCOUNT,
    REFUSED_DELETION,
    WRONG_CHECKSUM,
    IMAGE_GONE,
    NAME_TAKEN,
    MISSING_REFERENCE,
    DENIED_CREATE,
)
