"""What AWS says when it refuses: codes, statuses and sentences as Lambda, STS and IAM word them."""

from __future__ import annotations

from dataclasses import dataclass

from remediator.sandbox.aws.errors import AwsError


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its refusal names it: what, on what, and by whom.

    `caller` is the ARN of the user or of the assumed role; `on` is the ARN that the request names: of a function, of a
    role to assume, or `*`.
    """

    service: str
    operation: str
    function: str | None
    access_key: str | None
    account: str
    region: str
    caller: str
    on: str

    @property
    def action(self) -> str:
        """The IAM action; Invoke is the one operation of Lambda here whose action has another name."""
        name = "InvokeFunction" if self.operation == "Invoke" else self.operation
        return f"{'tag' if self.service == 'tagging' else self.service}:{name}"


def function_arn(region: str, account: str, name: str) -> str:
    """Build the ARN of a function."""
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def denied(asked: Asked, *, explicit: bool = False) -> AwsError:
    """Refuse as IAM does (IAM User Guide, "Troubleshoot access denied error messages").

    STS gives no reason where nothing allows the action, and has a code of its own.
    """
    sentence = f"User: {asked.caller} is not authorized to perform: {asked.action} on resource: {asked.on}"
    if explicit:
        sentence += " with an explicit deny in an identity-based policy"
    elif asked.service != "sts":
        sentence += f" because no identity-based policy allows the {asked.action} action"
    return AwsError("AccessDenied" if asked.service == "sts" else "AccessDeniedException", sentence, 403)


def denied_from_outside(asked: Asked) -> AwsError:
    """Refuse a caller of another account, whom only the function's own policy could let in."""
    return AwsError(
        "AccessDeniedException",
        f"User: {asked.caller} is not authorized to perform: {asked.action} on resource: {asked.on} "
        f"because no resource-based policy allows the {asked.action} action",
        403,
    )


def throttled(asked: Asked, *, reason: str | None, retry_after: int | None) -> AwsError:
    """Refuse a caller who asks too often.

    Lambda answers 429 with a reason (Lambda API Reference, TooManyRequestsException); what stands before it can refuse
    too, without one, as ThrottlingException with 400 (Lambda API Reference, Common Errors); STS answers Throttling.
    """
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    if asked.service == "sts":
        return AwsError("Throttling", "Rate exceeded", 400, headers=headers)
    if asked.service == "tagging":
        return AwsError("ThrottledException", "Rate exceeded", 400, headers=headers)
    if reason is None:
        return AwsError("ThrottlingException", "Rate exceeded", 400, headers=headers)
    return AwsError("TooManyRequestsException", "Rate exceeded", 429, headers=headers, fields={"Reason": reason})


def busy(arn: str, state: str | None = None) -> AwsError:
    """Refuse a write of a function that is being updated, or is in a State that takes none."""
    what = f"The function is currently in the following state: {state}" if state else ""
    what = what or f"An update is in progress for resource: {arn}"
    return AwsError("ResourceConflictException", f"The operation cannot be performed at this time. {what}", 409)


def expired(service: str) -> AwsError:
    """Refuse temporary credentials after their time."""
    code = "ExpiredToken" if service == "sts" else "ExpiredTokenException"
    return AwsError(code, "The security token included in the request is expired", 403)


def unrecognized(service: str) -> AwsError:
    """Refuse an access key, or a session token, that AWS does not know."""
    code = "InvalidClientTokenId" if service == "sts" else "UnrecognizedClientException"
    return AwsError(code, "The security token included in the request is invalid.", 403)


def wrong_scope(service: str) -> AwsError:
    """Refuse a request that is signed for another region than the endpoint's."""
    code = "SignatureDoesNotMatch" if service == "sts" else "InvalidSignatureException"
    return AwsError(code, "Credential should be scoped to a valid region.", 403)
