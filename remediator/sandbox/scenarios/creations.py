"""Functions that do not come up."""

from __future__ import annotations

from remediator.sandbox.api.values import Object
from remediator.sandbox.scenarios.scenario import Ending, Scenario, looked_at, synced
from remediator.sandbox.scenarios.shop import Shop

_BUSY_SECONDS = 240.0


def _strike_pending(shop: Shop, name: str) -> None:
    said = "The function is being created."
    shop.cloud.set_state(name, "Pending", reason_code="Creating", reason=said, seconds=_BUSY_SECONDS)
    shop.edit(name, {"memorySize": 512})


PENDING = Scenario(
    name="pending",
    function="payments",
    title="Lambda is still bringing a function up, and refuses the next change until it has.",
    lesson="Pending heals by itself: ACK looks again every few seconds, and the change goes through as soon as AWS is "
    "ready. The one thing to know is by when to worry, and scan says it.",
    ending=Ending.TIME,
    strike=_strike_pending,
    shown=lambda each: not synced(each),
)


def _strike_image_gone(shop: Shop, name: str) -> None:
    shop.cloud.set_state(
        name, "Failed", reason_code="ImageDeleted", reason="The image was deleted from its repository."
    )

    def failed(each: Object) -> None:
        each["status"]["state"] = "Failed"

    shop.rewrite(name, failed)


IMAGE_GONE = Scenario(
    name="image-gone",
    function="thumbnails",
    title="A clean-up job deleted the image that a function runs.",
    lesson="No retry brings an image back, so no action is proposed. Push it again, or set spec.code.imageURI to one "
    "that is there: ACK takes it from there.",
    strike=_strike_image_gone,
)


def _make_name_taken(shop: Shop, name: str) -> None:
    shop.cloud.create_function(name)
    shop.apply(name)


NAME_TAKEN = Scenario(
    name="name-taken",
    function="avatars",
    title="A function of that name exists already, and ACK gave up: Terminal.",
    lesson="ACK never takes a function over unasked, and never tries a Terminal object again. Find out whose the "
    "function is first; then adopt it (services.k8s.aws/adoption-policy), or choose another spec.name.",
    make=_make_name_taken,
    made=looked_at,
)


def _make_missing_reference(shop: Shop, name: str) -> None:
    shop.apply(name, roleRef={"from": {"name": "emails-role"}})


MISSING_REFERENCE = Scenario(
    name="missing-reference",
    function="emails",
    title="A Function refers to a Role that the cluster does not know.",
    lesson="The cause is another object: here even its kind is missing, as ACK's IAM controller is not installed. A "
    "Resync would read the same. Once the Role is there and synced, ACK goes on by itself.",
    make=_make_missing_reference,
    made=looked_at,
)


def _make_denied_create(shop: Shop, name: str) -> None:
    who = f"arn:aws:sts::{shop.cloud.account}:assumed-role/ack-lambda-controller/1"
    said = f"User: {who} is not authorized to perform: lambda:CreateFunction on resource: function:{name}"
    shop.cloud.refuse("CreateFunction", "AccessDeniedException", said, name=name)
    shop.apply(name)


DENIED_CREATE = Scenario(
    name="denied-create",
    function="search",
    title="The controller's role may not create functions.",
    lesson="The sentence names who lacks which permission: send it to whoever owns that role. Once granted, ACK goes "
    "on by itself, within the 17 minutes of its longest back-off.",
    make=_make_denied_create,
    made=looked_at,
)
