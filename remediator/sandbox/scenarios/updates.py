"""Functions whose changes do not arrive."""

from __future__ import annotations

from remediator.sandbox.api.values import Object
from remediator.sandbox.scenarios.scenario import Ending, Scenario, synced
from remediator.sandbox.scenarios.shop import Shop

_BUSY_SECONDS = 240.0


def _strike_updating(shop: Shop, name: str) -> None:
    said = "The function is being updated."
    shop.cloud.set_update(name, "InProgress", reason_code="Creating", reason=said, seconds=_BUSY_SECONDS)
    shop.edit(name, {"memorySize": 512})


UPDATING = Scenario(
    name="updating",
    function="invoices",
    title="AWS is still applying an update, and answers 409 to the next one.",
    lesson="The 409 is no fault: ACK tries again, each time after about as long again as it has waited. So the change "
    "can arrive minutes after AWS is done, and the time that scan gives allows for that.",
    ending=Ending.TIME,
    strike=_strike_updating,
    shown=lambda each: not synced(each),
)


def _strike_rolled_back(shop: Shop, name: str) -> None:
    """AWS rolled an update back hours ago; the controller looks again only every ten hours."""

    def accepted(each: Object) -> None:
        each["spec"]["memorySize"] = 512
        each["status"]["lastUpdateStatus"] = "InProgress"

    shop.rewrite(name, accepted, hours_ago=3)
    shop.cloud.set_update(name, "Failed", reason_code="InternalError", reason="An internal error occurred.")


ROLLED_BACK = Scenario(
    name="rolled-back",
    function="checkout",
    title="AWS rolled an update back; the object is green all the same.",
    lesson="Synced=True says that AWS accepted the change, not that it kept it, and ACK looks again only every ten "
    "hours. A Resync makes it look now, and apply the spec once more. Read AWS's reason first: some causes would roll "
    "it back again.",
    ending=Ending.APPROVAL,
    strike=_strike_rolled_back,
)


def _strike_wrong_checksum(shop: Shop, name: str) -> None:
    shop.rewrite(name, lambda each: each["spec"]["code"].update(sha256="9f" * 32), hours_ago=2)


WRONG_CHECKSUM = Scenario(
    name="wrong-checksum",
    function="receipts",
    title="spec.code.sha256 is written in hex, and never equals Lambda's base64.",
    lesson="Green, and wrong: every pass uploads the code again, and edits of the environment get lost on the way. No "
    "action may edit a spec, so none is proposed. Write what explain shows as 'matching', or leave the field out.",
    strike=_strike_wrong_checksum,
)
