"""One `restore`: read the backup, show, foretell, try, ask, create, look."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from remediator.aws.backups import S3Stored
from remediator.aws.s3 import s3_object
from remediator.cli.audited import created
from remediator.cli.changes import changes, lost
from remediator.cli.consent import confirm as have_confirmed
from remediator.cli.forecast import forecast
from remediator.cli.names import FUNCTION_KINDS, check_name
from remediator.cli.render import console, narration
from remediator.cli.wiring import Wired
from remediator.errors import (
    Changed,
    ClusterError,
    Forbidden,
    InputError,
    NotFound,
    Refused,
    RemediatorError,
    UsageError,
)
from remediator.kubernetes.backup_object import unpacked
from remediator.kubernetes.backups import StoredBackups
from remediator.kubernetes.restored import Json, Saved, Stripped, adopting, answered, read, stripped
from remediator.model.masking import mask
from remediator.model.resource import FUNCTION_GROUP, Ref

_DONE, _UNKNOWN = 0, 5
_MOST_BYTES = 16 * 1024 * 1024


class Restoration:
    """One restore into one cluster."""

    def __init__(self, wired: Wired, *, adopt: bool = False, confirm: str | None = None, dry_run: bool = False) -> None:
        self._wired = wired
        self._adopt = adopt
        self._confirm = confirm
        self._dry_run = dry_run
        self._page = console()
        self._aside = narration()
        self._secrets: frozenset[str] = frozenset()

    def run(self, backup: str, namespace: str | None) -> int:
        """Restore; no error that comes out of here has a value of the environment in it."""
        content, called = self._content(backup, namespace)
        saved = read(content, called)
        self._secrets = saved.resource.secrets
        try:
            return self._restore(saved, namespace)
        except RemediatorError as error:
            # The API server quotes what it refuses, and AWS what it was asked.
            error.message, error.hint = mask(error.message, self._secrets), mask(error.hint, self._secrets)
            raise

    # ---- where the backup is -----------------------------------------------------------------------------------------

    def _content(self, backup: str, namespace: str | None) -> tuple[bytes, str]:
        """Return the saved object, and what to call it."""
        if backup.startswith("s3://"):
            return self._in_s3.read(which := s3_object(backup)), str(which)
        kind, *names = backup.split("/")
        stored = StoredBackups(self._wired.transport)
        if kind == "secret" and 1 <= len(names) <= 2:
            home = names[0] if len(names) == 2 else self._wired.home
            check_name("namespace", home)
            check_name("Secret", names[-1])
            return stored.read(home, names[-1]), f"Secret {home}/{names[-1]}"
        if kind.lower() in FUNCTION_KINDS and len(names) == 1:
            check_name("Function", names[0])
            where = namespace or self._wired.connection.namespace
            return self._newest_in_s3(where, names[0]) or self._newest(stored, where, names[0])
        return _file(Path(backup))

    @property
    def _in_s3(self) -> S3Stored:
        return S3Stored(self._wired.policy.aws, self._wired.policy.backups.s3)

    def _newest_in_s3(self, namespace: str, name: str) -> tuple[bytes, str] | None:
        check_name("namespace", namespace)
        if (found := self._in_s3.newest(namespace, name)) is None:
            return None
        newest, count = found
        self._aside.line(f"Backup   {newest}: the newest of {count}")
        return self._in_s3.read(newest), str(newest)

    def _newest(self, stored: StoredBackups, namespace: str, name: str) -> tuple[bytes, str]:
        found = stored.of(self._wired.home, namespace, name)
        if not found:
            raise InputError(
                f"there is no backup of Function {namespace}/{name} in namespace {self._wired.home}",
                hint="Name the namespace of the Function with -n, that of the backups with --home-namespace; "
                "or name a file.",
            )
        newest = found[0]
        at = newest.metadata.creation_timestamp
        self._aside.line(f"Backup   {newest.reference}, saved {at}: the newest of {len(found)}")
        return stored.read(self._wired.home, newest.metadata.name), newest.reference

    # ---- the steps ---------------------------------------------------------------------------------------------------

    def _restore(self, saved: Saved, namespace: str | None) -> int:
        ref = saved.resource.ref
        check_name("namespace", ref.namespace)
        check_name("Function", ref.name)
        if namespace not in (None, ref.namespace):
            raise UsageError(
                f"this is a backup of {ref}, not of one in {namespace}", hint="Leave -n out: it goes where it was."
            )
        new = stripped(saved)
        obj = adopting(new.object) if self._adopt else new.object
        self._must_not_exist(ref, obj)
        self._show(saved, Stripped(obj, new.left_out))
        tried = self._try(ref, obj)
        if self._dry_run:
            self._aside.line(f"{tried} Nothing was created (--dry-run).")
            return _DONE
        self._ask(ref)
        return self._create(ref, obj)

    def _must_not_exist(self, ref: Ref, obj: Json) -> None:
        try:
            found = read(self._wired.means.cluster.raw(ref), f"what is there as {ref}")
        except NotFound:
            return
        self._secrets |= found.resource.secrets
        self._tell_changes(stripped(found).object, obj)
        state = ", and it is being deleted" if found.resource.deleting else ""
        raise UsageError(
            f"there is a {ref} already{state}; nothing is restored",
            hint="Above is what a restore would have changed. To change what is there, edit it.",
        )

    def _show(self, saved: Saved, new: Stripped) -> None:
        live = self._wired.means.cloud.probe(saved.resource)
        self._secrets |= frozenset(live.environment.values())
        self._page.line(f"{saved.resource.ref}, to be created:", style="bold")
        self._tell_changes({}, new.object)
        for each in new.left_out:
            self._aside.hanging("Left out  ", mask(each, self._secrets))
        for each in forecast(saved.resource, new.object, live):
            self._aside.hanging("Mind      ", mask(each, self._secrets))

    def _tell_changes(self, before: Json, after: Json) -> None:
        for line in changes(before, after, self._secrets):
            self._page.verbatim(line)

    def _try(self, ref: Ref, obj: Json) -> str:
        """Let the API server try it; raise where it refuses, or would not keep all of the spec."""
        try:
            answer = self._post(ref, obj, dry_run=True)
        except Forbidden as error:
            if not self._dry_run:
                raise
            return f"Whether the API server takes it could not be tried: {mask(error.message, self._secrets)}"
        missing = _missing(obj, answer)
        if missing:
            raise RemediatorError(
                f"the API server would not keep all of the spec of {ref}: {', '.join(missing)}; nothing was created",
                hint="Is ACK's CRD another one than when the backup was made, or does a webhook change Functions?",
            )
        return "The API server takes it as it is."

    def _ask(self, ref: Ref) -> None:
        connection = self._wired.connection
        self._aside.line("")
        self._aside.line(f"Cluster  {connection.context} ({connection.server})")
        self._aside.line(f"Effect   {ref} is created")
        have_confirmed(connection.context, self._confirm, "nothing was restored")

    def _create(self, ref: Ref, obj: Json) -> int:
        watch = f"remediator explain function/{ref.name} -n {ref.namespace}"
        try:
            answer = created(self._wired.trail, ref, obj, lambda: self._post(ref, obj))
        except (Refused, Changed, NotFound):
            raise
        except ClusterError as error:
            self._aside.hanging("unknown   ", f"whether {ref} was created is not known: {self._masked(error)}")
            self._aside.line(f"Look: {watch}")
            return _UNKNOWN
        uid = answer["metadata"].get("uid")
        missing = _missing(obj, answer)
        if not uid or uid == ref.uid or missing:
            what = f"without {', '.join(missing)}" if missing else f"with the uid {uid}"
            self._aside.hanging("unknown   ", f"{ref} was answered {what}: that is not what was to be created")
            return _UNKNOWN
        self._aside.line(f"Created {ref} (uid {uid}). What ACK makes of it: {watch}")
        return _DONE

    def _masked(self, error: RemediatorError) -> str:
        return mask(error.message, self._secrets)

    def _post(self, ref: Ref, obj: Json, *, dry_run: bool = False) -> Json:
        path = f"/apis/{FUNCTION_GROUP}/v1alpha1/namespaces/{quote(ref.namespace, safe='')}/functions"
        try:
            return answered(self._wired.transport.create(path, obj, dry_run=dry_run))
        except Forbidden as error:
            raise Forbidden(
                f"cannot create {ref}: {error.message}",
                hint="Restoring takes the verb create on functions there, which the remediator's own roles never have.",
            ) from error
        except NotFound as error:
            raise NotFound(
                f"there is no place for {ref}: {error.message}",
                hint="Create the namespace first, or install ACK's CRDs.",
            ) from error
        except Changed as error:
            raise Changed(f"the API server refuses {ref}: {error.message}; nothing was created") from error


def _missing(sent: Json, answer: Json) -> list[str]:
    """Name what of the spec the API server did not take: it adds defaults, and drops what its CRD does not know."""
    return lost({"spec": sent["spec"]}, {"spec": answer.get("spec")})


def _file(path: Path) -> tuple[bytes, str]:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"cannot read the backup {path}: {error.strerror}",
            hint="BACKUP is a file, secret/NAME, secret/NAMESPACE/NAME, s3://BUCKET/KEY, or function/NAME with "
            "-n NAMESPACE.",
        ) from error
    return unpacked(content, str(path)), str(path)
