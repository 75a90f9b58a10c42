"""Functions that do not go."""

from __future__ import annotations

from remediator.sandbox.api.values import Object
from remediator.sandbox.controller import ACCESS_KEY
from remediator.sandbox.scenarios.scenario import Ending, Scenario, conditions
from remediator.sandbox.scenarios.shop import Shop

_FOREIGN_ACCOUNT = "210987654321"


def _lose(shop: Shop, name: str) -> None:
    """Let AWS have it no more, and the controller be refused when it looks: it then drops nothing, and says nothing."""
    shop.cloud.remove(name)
    shop.cloud.deny("GetFunction", name=name, access_key=ACCESS_KEY)


def _strike_gone_in_aws(shop: Shop, name: str) -> None:
    _lose(shop, name)
    shop.rewrite(name, lambda each: shop.mark_deleted(each, minutes=45), hours_ago=5)


GONE_IN_AWS = Scenario(
    name="gone-in-aws",
    function="archive",
    title="Deleted by hand in AWS, then in Kubernetes; ACK's finalizer holds on to the object.",
    lesson="The mildest means come first. A Resync did nothing here: the controller may not read the function, and "
    "only its log says so. Only then was ACK's one finalizer removed, after AWS had said gone twice, a minute apart, "
    "and the object was saved.",
    ending=Ending.APPROVAL,
    strike=_strike_gone_in_aws,
)


def _strike_hands_off(shop: Shop, name: str) -> None:
    _lose(shop, name)

    def ignored(each: Object) -> None:
        each["metadata"].setdefault("annotations", {})["ack-remediator.dev/ignore"] = "true"
        shop.mark_deleted(each, minutes=60)

    shop.rewrite(name, ignored, hours_ago=8)


HANDS_OFF = Scenario(
    name="hands-off",
    function="legacy",
    title="The same as gone-in-aws, but its team said: hands off.",
    lesson="ack-remediator.dev/ignore holds every action back, and no flag overrules it. The trouble is still shown: "
    "ignored is not healthy.",
    strike=_strike_hands_off,
)


def _strike_other_account(shop: Shop, name: str) -> None:
    """NotFound would be the answer here, too: from an account that never had it."""

    def foreign(each: Object) -> None:
        shop.mark_deleted(each, minutes=30)
        place = each["status"]["ackResourceMetadata"]
        place["arn"] = place["arn"].replace(shop.cloud.account, _FOREIGN_ACCOUNT)
        place["ownerAccountID"] = _FOREIGN_ACCOUNT

    shop.rewrite(name, foreign, hours_ago=6)


OTHER_ACCOUNT = Scenario(
    name="other-account",
    function="exports",
    title="A deletion hangs, and the function is in an account that we cannot ask.",
    lesson="NotFound from another account is not gone: it never had the function. Unreadable is never taken for gone, "
    "so the finalizer stays. Look again with credentials of the function's own account.",
    strike=_strike_other_account,
)


def _strike_refused_deletion(shop: Shop, name: str) -> None:
    missing = "InsufficientRolePermissions"
    said = (
        "The operation cannot be performed at this time. The function is currently in the following state: 'Failed'. "
        f"StateReasonCode: '{missing}'"
    )
    shop.cloud.set_state(name, "Failed", reason_code=missing, reason="The role may not delete network interfaces.")
    shop.cloud.refuse("DeleteFunction", "ResourceConflictException", said, name=name)

    def deleted(each: Object) -> None:
        shop.mark_deleted(each, minutes=90)
        each["metadata"]["generation"] += 1  # as the API server does when a deletion begins

    shop.rewrite(name, deleted, hours_ago=4)


REFUSED_DELETION = Scenario(
    name="refused-deletion",
    function="ledger",
    title="AWS refuses to delete a function, and the object waits for ever.",
    lesson="The function is there, so its finalizer is right to stay: without it the function would be orphaned, "
    "billed and unmanaged. Remove what AWS names (here, give its role back what it may not do), and ACK deletes it.",
    strike=_strike_refused_deletion,
    shown=lambda each: "ACK.Recoverable" in conditions(each),
)
