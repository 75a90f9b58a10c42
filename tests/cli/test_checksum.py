"""`remediator checksum`: the right value alone on stdout, written where it belongs, or compared with what is there."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from remediator.cli import package as packages
from remediator.sandbox.clock import SandboxClock
from remediator.sandbox.cloud import Cloud
from tests.cli.conftest import Ran, Remediator

FUNCTION = """\
# deployed by the pipeline
apiVersion: lambda.services.k8s.aws/v1alpha1
kind: Function
metadata: {name: checkout, namespace: shop}
spec:
  name: checkout
  code:
    s3Bucket: packages   # ours
    s3Key: checkout.zip
    sha256: SUM  # by hand
  environment:
    variables: {DB_PASSWORD: correct-horse-battery}
"""


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, each in files.items():
            # Of no time: what is made of it names tests, which each worker has to name alike.
            archive.writestr(zipfile.ZipInfo(name), each, compression)
    return content.getvalue()


PACKAGE = zipped({"app.py": b"def handler(event, context): return event\n"})


def sum_of(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


RIGHT, RIGHT_HEX = sum_of(PACKAGE), hashlib.sha256(PACKAGE).hexdigest()
OTHER = sum_of(b"other")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: Path) -> Path:
    """Be in a directory with a package, and on a machine that knows nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.zip").write_bytes(PACKAGE)
    return tmp_path


def manifest(here: Path, stated: str, text: str = FUNCTION) -> Path:
    file = here / "f.yaml"
    file.write_text(text.replace("SUM", stated), encoding="utf-8")
    return file


# ---- printed ---------------------------------------------------------------------------------------------------------


def test_the_value_is_alone_on_stdout(here: Path, remediator: Remediator) -> None:
    assert remediator("checksum", "p.zip") == (0, f"{RIGHT}\n", "")
    assert remediator("checksum", "p.zip", "--hex") == (0, f"{RIGHT_HEX}\n", "")


def test_it_is_read_from_stdin_and_from_pipes_too(here: Path, remediator: Remediator) -> None:
    assert remediator("checksum", "-", stdin=PACKAGE) == (0, f"{RIGHT}\n", "")
    os.mkfifo(here / "pipe")
    writer = threading.Thread(target=(here / "pipe").write_bytes, args=(PACKAGE,))
    writer.start()
    assert remediator("checksum", "pipe") == (0, f"{RIGHT}\n", "")
    writer.join()


@pytest.mark.parametrize("content", [b"text", PACKAGE[:-1], PACKAGE[:30], b"\x1f\x8b\x08"])
def test_what_is_no_whole_zip_is_told(here: Path, remediator: Remediator, content: bytes) -> None:
    (here / "p.zip").write_bytes(content)
    ran = remediator("checksum", "p.zip")
    assert (ran.code, ran.out) == (0, f"{sum_of(content)}\n")
    assert ran.err.startswith("p.zip: is no whole zip, and Lambda would refuse it.")


def test_a_zip_is_told_by_its_end_however_long_its_comment(here: Path, remediator: Remediator) -> None:
    with zipfile.ZipFile(here / "p.zip", "a") as archive:
        archive.comment = b"x" * 0xFFFF
    assert remediator("checksum", "p.zip").err == ""


def test_what_is_no_package_is_refused_with_what_to_do(
    here: Path, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "empty.zip").touch()
    monkeypatch.setattr(packages, "_LARGEST", 1000)
    for name, said, hint in (
        ("none.zip", "none.zip: cannot be read: No such file or directory", "--s3"),
        (".", ".: is a directory, and no package", "Zip what is in it"),
        ("empty.zip", "empty.zip: is empty, and no package", "Did what was to write it fail?"),
        ("/dev/zero", "/dev/zero: is larger than 0 GiB, and no package", ""),
        ("-", "<stdin>: is empty, and no package", ""),
    ):
        ran = remediator("checksum", name)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"error: {said}\n")
        assert hint in ran.err


def test_a_file_that_may_not_be_read_is_told(
    here: Path, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("remediator.cli.package.Path.open", refuse)
    assert "p.zip: cannot be read: Permission denied" in remediator("checksum", "p.zip").err


@pytest.mark.parametrize("words", ["-", "p.zip --check -"])
def test_a_closed_stdin_is_told(here: Path, words: str) -> None:
    script = f'exec "$0" -c "from remediator.cli import main; main()" checksum {words} <&-'
    ran = subprocess.run(["/bin/sh", "-c", script, sys.executable], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "error: <stdin>: is closed" in ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "no package is given"),
        ("p.zip --patch f.yaml --check f.yaml", "--patch and --check exclude each other"),
        ("p.zip --function checkout", "Say --patch FILE or --check FILE, too."),
        ("p.zip --patch -", "cannot be patched in place"),
        ("- --check -", "cannot both be stdin"),
        ("--s3 packages/checkout.zip", "names no object of S3"),
    ],
)
def test_what_does_not_go_together_is_refused(here: Path, remediator: Remediator, words: str, said: str) -> None:
    ran = remediator("checksum", *words.split())
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


# In one process, the small one first: the most that it ever took can only grow.
_MEASURED = """
import resource, sys
from remediator.cli import main
for each in sys.argv[1:]:
    try:
        main(["checksum", each])
    except SystemExit:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_MORE_AT_THE_MOST = 16 * 1024  # KiB


@pytest.mark.parametrize(
    ("size", "hexadecimal"),
    [
        (2**27, "254bcc3fc4f27172636df4bf32de9f107f620d559b20d760197e452b97453917"),
        pytest.param(2**30, "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14", marks=pytest.mark.deep),
    ],
    ids=["128 MiB", "1 GiB"],
)
def test_a_large_file_takes_no_more_memory_than_a_small_one(here: Path, size: int, hexadecimal: str) -> None:
    with (here / "sparse.zip").open("wb") as file:
        file.truncate(size)
    command = [sys.executable, "-c", _MEASURED, "p.zip", "sparse.zip"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    _, small, checksum, large = ran.stdout.split()
    assert base64.b64decode(checksum).hex() == hexadecimal
    assert int(large) - int(small) < _MORE_AT_THE_MOST


# ---- compared --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (RIGHT_HEX, "is hex, of this very package: it never matches."),
        (RIGHT_HEX.upper(), "is hex, of this very package: it never matches."),
        ("9f" * 32, "is hex, of another package: it never matches."),
        (OTHER, "is of another package."),
        ("REPLACE_ME", "is no SHA-256 in base64, but a placeholder perhaps:"),
        ("'{{ .Values.checksum }}'", "is no SHA-256 in base64, but a placeholder perhaps:"),
        (RIGHT.rstrip("="), "is of this package, but not letter by letter"),
        (f"'{RIGHT} '", "is of this package, but not letter by letter"),
        (f"|\n      {RIGHT}\n#", "is of this package, but not letter by letter"),
        ("", "is missing: without it, new code under the same key goes unseen."),
        ("~", "is missing:"),
        ("''", "is missing:"),
        ("12345", "is no text, and the API server refuses it."),
    ],
)
def test_what_is_wrong_is_recognised_and_3(here: Path, remediator: Remediator, stated: str, said: str) -> None:
    file = manifest(here, stated)
    before = file.read_bytes()
    ran = remediator("checksum", "p.zip", "--check", "f.yaml")
    assert (ran.code, ran.out) == (3, f"{RIGHT}\n")
    assert ran.err.startswith(f"f.yaml:10: spec.code.sha256 of shop/checkout {said}")
    assert f"It should be {RIGHT}: with --patch" in ran.err
    assert file.read_bytes() == before


def test_what_is_right_is_0(here: Path, remediator: Remediator) -> None:
    manifest(here, RIGHT)
    said = "f.yaml:10: spec.code.sha256 of shop/checkout is right.\n"
    assert remediator("checksum", "p.zip", "--check", "f.yaml") == (0, f"{RIGHT}\n", said)
    piped = remediator("checksum", "p.zip", "--check", "-", stdin=(here / "f.yaml").read_bytes())
    assert piped == (0, f"{RIGHT}\n", said.replace("f.yaml", "<stdin>"))


def test_a_missing_key_is_missed_where_it_belongs(here: Path, remediator: Remediator) -> None:
    manifest(here, "", FUNCTION.replace("    sha256: SUM  # by hand\n", ""))
    ran = remediator("checksum", "p.zip", "--check", "f.yaml")
    assert ran.code == 3
    assert ran.err.startswith("f.yaml:8: spec.code.sha256 of shop/checkout is missing")


@pytest.mark.parametrize("edit", [("  name: checkout\n", "  packageType: Image\n"), ("s3Bucket", "imageURI")])
def test_an_image_takes_no_checksum(here: Path, remediator: Remediator, edit: tuple[str, str]) -> None:
    file = manifest(here, OTHER, FUNCTION.replace(*edit))
    before = file.read_bytes()
    checked = remediator("checksum", "p.zip", "--check", "f.yaml")
    assert (checked.code, "shop/checkout is an image, and takes no checksum" in checked.err) == (3, True)
    patched = remediator("checksum", "p.zip", "--patch", "f.yaml")
    assert (patched.code, patched.out) == (2, "")
    assert "spec.code.imageURI" in patched.err
    assert file.read_bytes() == before


# ---- written ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "gist"),
    [
        (RIGHT_HEX, "hex → base64 of this package"),
        ("9f" * 32, "hex of another package → "),
        (OTHER, "stale → "),
        ("REPLACE_ME", "no SHA-256 → "),
        (RIGHT.rstrip("="), "misspelled → "),
        ("~", "none → "),
        ("12345", "no text → "),
    ],
)
def test_the_value_is_written_and_no_other_byte(here: Path, remediator: Remediator, stated: str, gist: str) -> None:
    file = manifest(here, stated)
    ran = remediator("checksum", "p.zip", "--patch", "f.yaml")
    assert (ran.code, ran.out) == (0, f"{RIGHT}\n")
    first, second = ran.err.splitlines()
    assert first.startswith(f"f.yaml:10: spec.code.sha256 of shop/checkout: {gist}")
    assert "`remediator rollout`" in second
    assert file.read_text() == FUNCTION.replace("SUM", RIGHT)
    assert remediator("checksum", "p.zip", "--check", "f.yaml").code == 0


def test_a_missing_key_is_added(here: Path, remediator: Remediator) -> None:
    file = manifest(here, "", FUNCTION.replace("    sha256: SUM  # by hand\n", ""))
    ran = remediator("checksum", "p.zip", "--patch", "f.yaml")
    assert ran.err.startswith("f.yaml:10: spec.code.sha256 of shop/checkout: none → ")
    assert file.read_text() == FUNCTION.replace("SUM  # by hand", RIGHT)


def test_what_is_right_already_is_not_written(here: Path, remediator: Remediator) -> None:
    file = manifest(here, f'"{RIGHT}"')
    before = file.stat()
    ran = remediator("checksum", "p.zip", "--patch", "f.yaml", "--hex")
    assert ran == (
        0, f"{RIGHT_HEX}\n", "f.yaml:10: spec.code.sha256 of shop/checkout is right already: nothing is written.\n"
    )  # fmt: skip
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def _several(other: str) -> str:
    return FUNCTION.replace("SUM", OTHER) + "---\n" + FUNCTION.replace("name: checkout, namespace: shop", other)


def test_of_several_functions_one_has_to_be_named(here: Path, remediator: Remediator) -> None:
    text = _several("name: mailer, namespace: shop")
    file = manifest(here, OTHER, text)
    ran = remediator("checksum", "p.zip", "--patch", "f.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "f.yaml: has 2 Functions that could be meant, in lines 2, 15" in ran.err
    assert "--function NAME or NAMESPACE/NAME: shop/checkout, shop/mailer." in ran.err
    assert remediator("checksum", "p.zip", "--patch", "f.yaml", "--function", "mailer").code == 0
    assert file.read_text() == text.replace("SUM", RIGHT)
    ran = remediator("checksum", "p.zip", "--patch", "f.yaml", "--function", "nobody")
    assert "error: f.yaml: has no Function 'nobody'\nIt has: shop/checkout, shop/mailer." in ran.err


def test_of_one_name_in_two_namespaces_the_namespace_tells(here: Path, remediator: Remediator) -> None:
    text = _several("name: checkout, namespace: stage")
    file = manifest(here, OTHER, text)
    assert remediator("checksum", "p.zip", "--patch", "f.yaml", "--function", "checkout").code == 2
    assert remediator("checksum", "p.zip", "--patch", "f.yaml", "--function", "stage/checkout").code == 0
    assert file.read_text() == text.replace("SUM", RIGHT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FUNCTION.replace("SUM", "'{{ .Values.sum }}'"), "f.yaml:10:13: spec.code.sha256 cannot be changed here: what"),
        (FUNCTION.replace("SUM", "&a x") + "x: *a\n", "is used in more than one place"),
        (FUNCTION.replace("SUM", "x\n    sha256: y"), "f.yaml:11:5: the key 'sha256' stands here twice"),
        (FUNCTION.partition("    s3Bucket")[0], "f.yaml:7: shop/checkout has no spec.code that"),
        ("kind: Kustomization\nresources: [f.yaml]\n", "but Kustomization\nGive the file that it builds on."),
        ("kind: Deployment\n---\n{kind: \"\\e[31m\"}\n", "lambda.services.k8s.aws, but Deployment, \ufffd[31m"),
        ("kind: Function\napiVersion: fission.io/v1\n", "has no Function of lambda.services.k8s.aws, but Function"),
        ("", "has no Function of lambda.services.k8s.aws, but nothing"),
        ("{{ if .Values.on }}\nkind: Function\n{{ end }}\n", "It is a template: render it first"),
    ],
)  # fmt: skip
def test_what_cannot_be_patched_is_left_as_it_is_and_2(
    here: Path, remediator: Remediator, text: str, said: str
) -> None:
    file = manifest(here, "", text)
    before = file.read_bytes()
    ran = remediator("checksum", "p.zip", "--patch", "f.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "correct-horse" not in ran.err
    assert file.read_bytes() == before
    assert sorted(each.name for each in here.iterdir()) == ["f.yaml", "home", "p.zip"]


def test_what_has_to_be_done_by_hand_is_told_with_the_value(here: Path, remediator: Remediator) -> None:
    file = manifest(here, OTHER)
    file.chmod(0o444)
    err = remediator("checksum", "p.zip", "--patch", "f.yaml").err
    assert err.startswith("error: f.yaml: is read-only\n")
    assert err.endswith(f"It should say `sha256: {RIGHT}` there.\n")


# ---- as AWS has it ---------------------------------------------------------------------------------------------------

Aws = Callable[..., Ran]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud(SandboxClock()) as running:
        s3 = client_of(running, "s3")
        s3.create_bucket(Bucket="packages")
        s3.close()
        yield running


def client_of(cloud: Cloud, service: str) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAPIPELINE",
        aws_secret_access_key="secret-of-the-test",
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture
def s3(models_read_once: None, cloud: Cloud, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Be a pipeline that puts packages into S3."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPIPELINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    client = client_of(cloud, "s3")
    yield client
    client.close()


PACKAGES = {
    "deflated": PACKAGE,
    "stored": zipped({"app.py": b"x", "lib/a.so": bytes(range(256)) * 99}, zipfile.ZIP_STORED),
    "lzma": zipped({"app.py": b"x" * 9999}, zipfile.ZIP_LZMA),
    "empty": zipped({}),
    "names": zipped({"ключ/😀.py": b"x", "äöü.py": b"", "a b/": b""}),
}


@pytest.mark.parametrize("which", [*PACKAGES, "large"])
def test_it_is_what_lambda_says_of_the_package(
    s3: Any, cloud: Cloud, here: Path, remediator: Remediator, which: str
) -> None:
    content = PACKAGES[which] if which in PACKAGES else zipped({"model.bin": bytes(50 * 10**6)}, zipfile.ZIP_STORED)
    (here / "p.zip").write_bytes(content)
    s3.put_object(Bucket="packages", Key=f"{which}.zip", Body=content, ChecksumAlgorithm="SHA256")
    functions = client_of(cloud, "lambda")
    made = functions.create_function(
        FunctionName=which, Role=cloud.role_arn, Runtime="python3.13", Handler="app.handler",
        Code={"S3Bucket": "packages", "S3Key": f"{which}.zip"},
    )  # fmt: skip
    functions.close()
    expected = (0, f"{made['CodeSha256']}\n", "")
    assert remediator("checksum", "p.zip") == expected
    assert remediator("checksum", "--s3", f"s3://packages/{which}.zip") == expected
    assert remediator("checksum", "p.zip", "--s3", f"s3://packages/{which}.zip") == expected


def test_a_file_that_is_not_what_is_in_s3_is_3_and_nothing_is_written(
    s3: Any, here: Path, remediator: Remediator
) -> None:
    s3.put_object(Bucket="packages", Key="checkout.zip", Body=b"other", ChecksumAlgorithm="SHA256")
    file = manifest(here, OTHER)
    before = file.read_bytes()
    ran = remediator("checksum", "p.zip", "--s3", "s3://packages/checkout.zip", "--patch", "f.yaml")
    assert (ran.code, ran.out) == (3, "")
    assert f"p.zip is not what is in S3: {RIGHT} here, {OTHER} in s3://packages/checkout.zip." in ran.err
    assert file.read_bytes() == before


def test_a_manifest_that_names_another_object_is_told(s3: Any, here: Path, remediator: Remediator) -> None:
    s3.put_object(Bucket="packages", Key="build-7.zip", Body=PACKAGE)
    manifest(here, OTHER)
    ran = remediator("checksum", "--s3", "s3://packages/build-7.zip", "--patch", "f.yaml")
    assert (ran.code, ran.out) == (0, f"{RIGHT}\n")
    assert "s3://packages/build-7.zip: S3 has no SHA-256: all of it is read" in ran.err
    assert "f.yaml:8: shop/checkout says s3Key checkout.zip: that is not s3://packages/build-7.zip." in ran.err
    manifest(here, RIGHT, FUNCTION.replace("s3Key: checkout.zip", "s3Key: build-7.zip\n    s3ObjectVersion: v7"))
    ran = remediator("checksum", "--s3", "s3://packages/build-7.zip", "--check", "f.yaml")
    assert (ran.code, "says s3ObjectVersion v7: that is not s3://packages/build-7.zip." in ran.err) == (0, True)


def test_the_endpoint_of_the_policy_is_asked(
    s3: Any, cloud: Cloud, here: Path, remediator: Remediator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    (here / "policy.yaml").write_text(
        "apiVersion: ack-remediator.dev/v1alpha1\nkind: Policy\n"
        f"aws: {{endpointURL: '{cloud.endpoint.replace('127.0.0.1', 'localhost')}'}}\n"
    )
    s3.put_object(Bucket="packages", Key="checkout.zip", Body=PACKAGE, ChecksumAlgorithm="SHA256")
    ran = remediator("checksum", "--s3", "s3://packages/checkout.zip", "--policy", "policy.yaml")
    assert ran == (0, f"{RIGHT}\n", "")


def test_what_is_not_there_is_1(s3: Any, remediator: Remediator) -> None:
    ran = remediator("checksum", "--s3", "s3://packages/none.zip")
    assert (ran.code, ran.out) == (1, "")
    assert "error: s3://packages/none.zip: GetObject was answered NoSuchKey" in ran.err


def test_without_credentials_it_is_1_and_says_how_to_sign_in(here: Path, remediator: Remediator) -> None:
    ran = remediator("checksum", "--s3", "s3://packages/none.zip")
    assert (ran.code, ran.out) == (1, "")
    assert "there are no credentials for AWS\nSign in to AWS" in ran.err
