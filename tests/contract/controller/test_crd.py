"""The schema of `Function` in the sandbox: that of the release whose controller the facts are about."""

from tests import yaml_files
from tests.bed.functions import Object
from tests.bed.plane import CRDS, Plane
from tests.bed.toolchain import SANDBOX_CRDS

NESTED = {"properties", "items", "additionalProperties"}


def test_the_crd_of_the_sandbox_is_the_one_of_the_release(control_plane: Plane) -> None:
    installed = control_plane.admin.get(f"{CRDS}/functions.lambda.services.k8s.aws")
    sandbox = yaml_files.read(SANDBOX_CRDS / "functions.yaml")
    assert fields(sandbox) == fields(installed)


def fields(crd: Object) -> dict[str, object]:
    """Map the path of each field to what the API server checks of it; descriptions are left out."""
    found: dict[str, object] = {}

    def walk(path: str, schema: Object) -> None:
        found[path] = {key: value for key, value in schema.items() if key not in NESTED | {"description"}}
        for name, field in schema.get("properties", {}).items():
            walk(f"{path}.{name}", field)
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                walk(f"{path}.{key}", schema[key])

    (version,) = crd["spec"]["versions"]
    walk("", version["schema"]["openAPIV3Schema"])
    return found
