"""What each verb answers: the whole API behind one function, `Api.answer`."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable
from dataclasses import replace

from remediator.sandbox.api import (
    access,
    builtin,
    discovery,
    listing,
    messages,
    openapi,
    protobuf,
    tables,
    tokens,
    watching,
)
from remediator.sandbox.api.applying import applied
from remediator.sandbox.api.catalogue import Catalogue
from remediator.sandbox.api.managers import applier_of, manager_of
from remediator.sandbox.api.messages import Answer, Request
from remediator.sandbox.api.objects import Objects
from remediator.sandbox.api.patch import json_patched, merge_patched
from remediator.sandbox.api.rbac import Rbac
from remediator.sandbox.api.refusals import Refusals
from remediator.sandbox.api.resources import Resource
from remediator.sandbox.api.reviews import Reviews
from remediator.sandbox.api.routing import Target, target
from remediator.sandbox.api.status import (
    ApiError,
    Cause,
    bad_request,
    conflict,
    details_of,
    failure,
    invalid_options,
    method_not_allowed,
    no_such_path,
    qualified,
    too_new,
)
from remediator.sandbox.api.store import Store
from remediator.sandbox.api.strategic import strategic_patched
from remediator.sandbox.api.users import User, Users, account_of, impersonated
from remediator.sandbox.api.values import Object
from remediator.sandbox.clock import SandboxClock

HEALTH = ("healthz", "livez", "readyz")
POLICIES = ("Foreground", "Background", "Orphan")
PATCHES: dict[str, Callable[[Object, object], Object]] = {
    "application/json-patch+json": json_patched,
    "application/merge-patch+json": merge_patched,
    "application/strategic-merge-patch+json": strategic_patched,
}
APPLY = "application/apply-patch+yaml"
PATCH_NAMES = f"application/json-patch+json, application/merge-patch+json, {APPLY}"


class Api:
    """Answer requests out of one store. Safe to call from many threads."""

    def __init__(
        self, store: Store, clock: SandboxClock, users: Users, refusals: Refusals, closing: threading.Event
    ) -> None:
        self.kinds = Catalogue(store)
        self.objects = Objects(store, self.kinds, clock)
        self._store = store
        self._clock = clock
        self._users = users
        self._refusals = refusals
        self._rbac = Rbac(store)
        self._reviews = Reviews(self._rbac, refusals, clock)
        self._closing = closing

    def answer(self, request: Request, address: str) -> Answer:
        """Answer one request, refusals included. `address` is the server's own host:port."""
        try:
            return self._answer(request, address)
        except ApiError as refusal:
            return Answer(refusal.code, refusal.body)

    def _answer(self, request: Request, address: str) -> Answer:
        user = self._acting(self._users.of(request.header("authorization")), request.header("impersonate-user"))
        self._refusals.expect_seat(user)
        asked = access.asked(request.method, request.path, request.query)
        verdict = self._rbac.decide(user, asked)
        if not verdict.allowed:
            raise asked.refused(user.name, verdict.reason)
        if request.path.strip("/") in HEALTH:
            return Answer(200, "ok")
        served = self.kinds.resources()
        document = discovery.document(request.path, served, address) or openapi.described(request.path, served)
        if document is not None and request.method == "GET":
            return Answer(200, document)
        messages.expect_readable(request)
        request = protobuf.translated(request)
        review = self._reviews.answer(request, user)
        if review is not None:
            return review
        where = target(request.path, self.kinds)
        verb = _verb(request, where)
        self._refusals.check(verb, where)
        verbs: dict[str, Callable[[Request, Target], Answer]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": functools.partial(self._patch, user=user),
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }
        answer = verbs[verb](request, where)
        if isinstance(answer.body, dict) and tables.wanted(request, where.resource):
            return replace(answer, body=self._table(request, where)(answer.body))
        return answer

    def _acting(self, user: User, name: str) -> User:
        """Return whom a request is made as, where that is another."""
        if not name:
            return user
        namespace, account = account_of(name) or ("", "")
        resource = "serviceaccounts" if account else "users"
        asked = access.Attributes("impersonate", "", resource, namespace=namespace, name=account or name)
        verdict = self._rbac.decide(user, asked)
        if not verdict.allowed:
            raise asked.refused(user.name, verdict.reason)
        return impersonated(name)

    def _table(self, request: Request, where: Target) -> Callable[[Object], Object]:
        """Return what turns each object into a table; only the first has headings."""
        include = request.query.get("includeObject", "Metadata")
        headed = itertools.chain((True,), itertools.repeat(False))
        return lambda body: tables.table(body, where.resource, include, self._clock.now(), headed=next(headed))

    def _get(self, request: Request, where: Target) -> Answer:
        asked = listing.revision_of(request.query)
        if asked > self._store.revision:
            raise too_new(asked, self._store.revision)
        found = self.objects.get(where.resource, where.namespace, where.name)
        return Answer(200, builtin.outward(found, where.resource))

    def _list(self, request: Request, where: Target) -> Answer:
        return Answer(200, listing.listed(self._store, where.resource, _scope(where), request.query))

    def _watch(self, request: Request, where: Target) -> Answer:
        more = (self._table(request, where),) if tables.wanted(request, where.resource) else ()
        lines = watching.watched(self._store, where.resource, _scope(where), request.query, self._closing, *more)
        return Answer(200, lines)

    def _create(self, request: Request, where: Target) -> Answer:
        if where.subresource == "token":
            account = self.objects.get(where.resource, where.namespace, where.name)
            return Answer(201, tokens.requested(self._users, account, request.body))
        messages.expect_json(request)
        dry = messages.dry_run(request, "CreateOptions")
        manager = manager_of(request, "CreateOptions")
        obj, warnings = messages.received(request, where, "CreateOptions")
        created = self.objects.create(where.resource, where.namespace, obj, manager=manager, dry_run=dry)
        return Answer(201, builtin.outward(created, where.resource), warnings)

    def _update(self, request: Request, where: Target) -> Answer:
        dry = messages.dry_run(request, "UpdateOptions")
        manager = manager_of(request, "UpdateOptions", where.subresource)
        obj, warnings = messages.received(request, where, "UpdateOptions")

        def exchange(current: Object) -> Object:
            _expect_uid(where, obj["metadata"].get("uid"), current["metadata"]["uid"])
            return obj

        with self._store.lock:
            missing = self._store.get(where.resource.shelf, where.namespace, where.name) is None
            if missing and where.resource.create_on_update:
                _expect_uid(where, obj["metadata"].get("uid"), "")
                obj["metadata"].pop("resourceVersion", None)
                created = self.objects.create(where.resource, where.namespace, obj, manager=manager, dry_run=dry)
                return Answer(201, builtin.outward(created, where.resource), warnings)
            updated = self.objects.update(
                where.resource, where.namespace, where.name, exchange, manager=manager, dry_run=dry
            )
        return Answer(200, builtin.outward(updated, where.resource), warnings)

    def _patch(self, request: Request, where: Target, user: User) -> Answer:
        kind = _patch_kind(request, where.resource)
        if kind == APPLY:
            return self._apply(request, where, user)
        messages.expect_no_force(request)
        dry = messages.dry_run(request, "PatchOptions")
        manager = manager_of(request, "PatchOptions", where.subresource)
        choice = messages.validation(request, "PatchOptions")
        patch = messages.json_body(request.body, "error decoding patch: ")
        warnings: tuple[str, ...] = ()

        def apply(current: Object) -> Object:
            nonlocal warnings
            result = PATCHES[kind](builtin.outward(current, where.resource), patch)
            changed, warnings = messages.patched(result, where, choice)
            return changed

        updated = self.objects.update(where.resource, where.namespace, where.name, apply, manager=manager, dry_run=dry)
        return Answer(200, builtin.outward(updated, where.resource), warnings)

    def _apply(self, request: Request, where: Target, user: User) -> Answer:
        dry = messages.dry_run(request, "PatchOptions")
        manager = applier_of(request, where.subresource)
        messages.validation(request, "PatchOptions")
        body, force = messages.configuration(request, where), listing.flag(request.query, "force")
        resource, now = where.resource, self._clock.now()

        def apply(current: Object | None) -> Object:
            result = applied(current, body, resource, manager, force=force, now=now)
            messages.expect_place(result, where, named=True)
            return result

        with self._store.lock:
            missing = self._store.get(resource.shelf, where.namespace, where.name) is None
            if missing and not where.subresource:
                obj = apply(None)
                self._expect_creation(where, obj["metadata"], user)
                return Answer(201, self.objects.create(resource, where.namespace, obj, manager=manager, dry_run=dry))
            return Answer(
                200, self.objects.update(resource, where.namespace, where.name, apply, manager=manager, dry_run=dry)
            )

    def _expect_creation(self, where: Target, asked: Object, user: User) -> None:
        """Refuse to create by an apply: a version is no precondition then, a uid is one that cannot hold."""
        self._refusals.check("create", where)
        may = access.Attributes(
            "create", where.resource.group, where.resource.plural, namespace=where.namespace, name=where.name
        )
        verdict = self._rbac.decide(user, may)
        if not verdict.allowed:
            raise may.refused(user.name, verdict.reason)
        version = asked.pop("resourceVersion", "")
        if version and not version.isdigit():
            raise failure(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if asked.get("uid"):
            why = f"uid mismatch: the provided object specified uid {asked['uid']}, and no existing object was found"
            raise conflict(where.resource, where.name, why)

    def _delete(self, request: Request, where: Target) -> Answer:
        options = _delete_options(request)
        dry = messages.dry_run(request, "DeleteOptions", options)
        deleted, gone = self.objects.delete(
            where.resource,
            where.namespace,
            where.name,
            preconditions=options.get("preconditions"),
            policy=_policy(request, options),
            dry_run=dry,
        )
        if not gone or where.resource.returns_deleted:
            return Answer(200, builtin.outward(deleted, where.resource))
        details = details_of(where.resource, where.name, uid=deleted["metadata"]["uid"])
        success = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": details,
        }
        return Answer(200, success)

    def _delete_collection(self, request: Request, where: Target) -> Answer:
        options = _delete_options(request)
        dry, policy = messages.dry_run(request, "DeleteOptions", options), _policy(request, options)
        with self._store.lock:
            doomed = listing.listed(self._store, where.resource, _scope(where), request.query)
            for item in doomed["items"]:
                meta = item["metadata"]
                self.objects.delete(where.resource, meta.get("namespace", ""), meta["name"], policy=policy, dry_run=dry)
        return Answer(200, doomed)


def _scope(where: Target) -> str | None:
    """Return the namespace to list, None for all of them (and for kinds that have none)."""
    return where.namespace or None


def _verb(request: Request, where: Target) -> str:
    if where.subresource == "token":
        if request.method != "POST":
            raise method_not_allowed()
        return "create"
    if request.method == "GET":
        if where.name:
            return "get"
        return "watch" if listing.flag(request.query, "watch") else "list"
    if where.subresource and request.method in ("POST", "DELETE"):
        verb = {"POST": "create", "DELETE": "delete"}[request.method]
        if not where.resource.custom:
            raise method_not_allowed()
        message = f'{verb} is not supported on resources of kind "{qualified(where.resource)}"'
        raise failure(405, "MethodNotAllowed", message, details_of(where.resource))
    if where.across and request.method != "DELETE":
        raise no_such_path() if where.resource.custom else method_not_allowed()
    if request.method == "POST":
        if where.name and not where.resource.custom:
            raise method_not_allowed()
        return "create"
    if request.method == "DELETE":
        return "delete" if where.name else "deletecollection"
    if request.method not in ("PUT", "PATCH"):
        raise method_not_allowed()
    if not where.name:
        raise bad_request("name must be provided") if where.resource.custom else method_not_allowed()
    return "update" if request.method == "PUT" else "patch"


def _patch_kind(request: Request, resource: Resource) -> str:
    kind = request.header("content-type").partition(";")[0].strip()
    if kind == APPLY and resource.custom:
        return kind
    if kind in PATCHES and not (resource.custom and kind == "application/strategic-merge-patch+json"):
        return kind
    if resource.custom:
        accepted = f"accepted media types include: {PATCH_NAMES}"
        raise failure(415, "UnsupportedMediaType", f"the body of the request was in an unknown format - {accepted}")
    raise failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def _delete_options(request: Request) -> Object:
    if not request.body.strip():
        return {}
    options = messages.json_body(request.body, "couldn't get version/kind; json parse error: ")
    return options if isinstance(options, dict) else {}


def _policy(request: Request, options: Object) -> str | None:
    policy: str | None = options.get("propagationPolicy") or request.query.get("propagationPolicy")
    if policy and policy not in POLICIES:
        supported = ", ".join(f'"{name}"' for name in (*POLICIES, "nil"))
        why = f'Unsupported value: "{policy}": supported values: {supported}'
        raise invalid_options("DeleteOptions", Cause("FieldValueNotSupported", "propagationPolicy", why))
    return policy or None


def _expect_uid(where: Target, asked: str | None, actual: str) -> None:
    """Refuse to replace an object by one that was meant for its predecessor."""
    if asked and asked != actual:
        path = (where.resource.group, where.resource.plural, where.namespace, where.name)
        key = "/".join(("/registry", *filter(None, path)))
        why = (
            f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
            f"Precondition failed: UID in precondition: {asked}, UID in object meta: {actual}"
        )
        raise conflict(where.resource, where.name, why)
