"""Packages of functions in the sandbox's S3."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import Any

from moto.s3.models import s3_backends

from remediator.sandbox.cloud import Cloud


def package(version: str) -> bytes:
    """Build a zip; one version's is not another's."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), f"def handler(event, context):\n    return {version!r}\n")
    return content.getvalue()


def put_package(cloud: Cloud, version: str) -> tuple[dict[str, Any], str]:
    """Put one under a key of its own; return the fields of `spec.code`, and what its checksum is."""
    content, bucket, key = package(version), cloud.code["s3Bucket"], f"{version}.zip"
    s3_backends[cloud.account]["aws"].put_object(bucket, key, content)
    return {"s3Bucket": bucket, "s3Key": key}, base64.b64encode(hashlib.sha256(content).digest()).decode()
