"""Reviews: who am I, and may I. Answered, never stored."""

from __future__ import annotations

from typing import Any

from remediator.sandbox.api.access import Attributes
from remediator.sandbox.api.messages import Answer, Request, json_body
from remediator.sandbox.api.rbac import Rbac
from remediator.sandbox.api.refusals import Refusals
from remediator.sandbox.api.resources import REVIEWS
from remediator.sandbox.api.status import bad_request, failure, method_not_allowed
from remediator.sandbox.api.users import User
from remediator.sandbox.api.values import Object, timestamp
from remediator.sandbox.clock import SandboxClock


class Reviews:
    """Answer reviews by the same rights by which requests are let through, scripted refusals included."""

    def __init__(self, rbac: Rbac, refusals: Refusals, clock: SandboxClock) -> None:
        self._rbac = rbac
        self._refusals = refusals
        self._clock = clock

    def answer(self, request: Request, user: User) -> Answer | None:
        """Answer a review, or return None where the path is not one's. Raises 400, 405, 422."""
        steps = tuple(request.path.strip("/").split("/")[1:])
        kind = REVIEWS.get(steps) if len(steps) == 3 else None
        if kind is None:
            return None
        if request.method != "POST":
            raise method_not_allowed()
        metadata: Object = {}
        told: Object
        if kind == "SelfSubjectReview":
            metadata = {"creationTimestamp": timestamp(self._clock.now())}
            told = {"status": {"userInfo": user.info()}}
        else:
            body = json_body(request.body, "the object provided is unrecognized: json parse error: ")
            spec = body.get("spec") or {}
            if kind == "SelfSubjectRulesReview":
                told = {"spec": {}, "status": self._rules(user, spec)}
            else:
                told = {"spec": spec, "status": self._access(user, spec, steps[0])}
        return Answer(201, {"apiVersion": "/".join(steps[:2]), "kind": kind, "metadata": metadata} | told)

    def _access(self, user: User, spec: Object, group: str) -> Object:
        of_resource, of_path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if (of_resource is None) == (of_path is None):
            choice = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            why = f"Invalid value: null: {choice}"
            cause = {"reason": "FieldValueInvalid", "message": why, "field": "spec.resourceAttributes"}
            message = f'.{group} "" is invalid: spec.resourceAttributes: {why}'
            raise failure(422, "Invalid", message, {"group": group, "causes": [cause]})
        known = ("verb", "group", "resource", "subresource", "namespace", "name", "path")
        given: dict[str, Any] = of_resource or of_path or {}
        asked = Attributes(**{"verb": "", **{name: value for name, value in given.items() if name in known}})
        verdict = self._rbac.decide(user, asked)
        if verdict.allowed and of_path is None and self._refusals.forbids(asked.verb, asked.combined):
            return {"allowed": False}
        return {"allowed": verdict.allowed} | ({"reason": verdict.reason} if verdict.reason else {})

    def _rules(self, user: User, spec: Object) -> Object:
        if not spec.get("namespace"):
            raise bad_request("no namespace on request")
        granted, broken = self._rbac.rules(user, spec["namespace"])
        rules = [each.rule for each in granted]
        status: Object = {
            "resourceRules": [rule for rule in rules if rule.get("resources")],
            "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }
        return status | ({"evaluationError": broken} if broken else {})
