"""The policy file's JSON Schema (draft 2020-12), for editors and for checks in a pipeline."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from remediator.policy import Policy
from remediator.policy.sections import write_duration


class _PolicySchema(GenerateJsonSchema):
    """Pydantic's schema, with durations as a policy writes them, and no titles that only repeat the key."""

    def encode_default(self, dft: Any) -> Any:
        return write_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def policy_schema() -> dict[str, Any]:
    """Build the schema from the types that the file is read into. The head is required, as in every Kubernetes file."""
    schema = Policy.model_json_schema(schema_generator=_PolicySchema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, "required": ["apiVersion", "kind"]}
