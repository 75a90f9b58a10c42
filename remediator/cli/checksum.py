"""`remediator checksum PACKAGE`: the value that `spec.code.sha256` needs, written where it belongs, or compared."""

from __future__ import annotations

from pathlib import Path

import click

from remediator.cli import candidates
from remediator.cli.options import policy_option
from remediator.errors import UsageError


@click.command("checksum")
@click.argument("package", metavar="[PACKAGE]", required=False, shell_complete=candidates.file)
@click.option("--hex", "in_hex", is_flag=True, help="Print it in hex, as sha256sum does: Lambda never matches that.")
@click.option("--s3", "url", metavar="URL", help="The package in S3: s3://bucket/key, or s3://bucket/key?versionId=ID.")
@click.option(
    "--patch",
    "patched",
    metavar="FILE",
    shell_complete=candidates.file,
    help="Write it into this manifest, and change no other byte.",
)
@click.option(
    "--check",
    "checked",
    metavar="FILE",
    shell_complete=candidates.file,
    help="Say whether this manifest has it; exit 3 if not. - is stdin.",
)
@click.option("--function", "name", metavar="NAME", help="Which Function of the manifest; NAMESPACE/NAME, too.")
@policy_option
def command(
    package: str | None,
    in_hex: bool,
    url: str | None,
    patched: str | None,
    checked: str | None,
    name: str | None,
    policy: Path | None,
) -> int:
    """Print the checksum of a package as spec.code.sha256 needs it: base64 of the SHA-256's 32 bytes.

    PACKAGE is the very zip that is uploaded; - is stdin. The checksum is alone on stdout; what else there is to say is
    on stderr. With --s3, S3's own SHA-256 is taken where it has one of the whole object; with PACKAGE beside it, both
    have to be the same, else the exit code is 3.

    \b
    Examples:
      remediator checksum function.zip
      remediator checksum function.zip --patch function.yaml
      remediator checksum --s3 s3://packages/checkout.zip --check function.yaml
      remediator checksum function.zip --hex
    """
    from remediator.cli.checked import check, patch
    from remediator.cli.interrupt import take_sigterm_as_interrupt
    from remediator.cli.packaged import right_checksum

    _check_usage(package, url, patched, checked, name)
    take_sigterm_as_interrupt()
    right = right_checksum(package, url, policy)
    if right is None:
        return 3
    code = 0
    if patched is not None:
        patch(patched, name, right)
    if checked is not None:
        code = 0 if check(checked, name, right) else 3
    click.echo(right.hex if in_hex else right.checksum)
    return code


def _check_usage(
    package: str | None, url: str | None, patched: str | None, checked: str | None, name: str | None
) -> None:
    """Refuse what does not go together. Raises UsageError."""
    if package is None and url is None:
        raise UsageError("no package is given", hint="Name the zip, - for stdin, or --s3 s3://bucket/key.")
    if patched is not None and checked is not None:
        raise UsageError("--patch and --check exclude each other", hint="What was patched has it: leave out --check.")
    if name is not None and patched is None and checked is None:
        raise UsageError("--function names a Function of a manifest", hint="Say --patch FILE or --check FILE, too.")
    if patched == "-":
        raise UsageError("what comes from stdin cannot be patched in place", hint="Name the file.")
    if package == "-" and checked == "-":
        raise UsageError("package and manifest cannot both be stdin", hint="Name one of the files.")
