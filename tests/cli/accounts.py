"""Others who type commands: accounts with just some rights."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.bed.http import Http
from tests.cli.shop import Json, Shop

_RBAC = "rbac.authorization.k8s.io"


def become(shop: Shop, patch: pytest.MonkeyPatch, directory: Path, *rules: Json) -> Path:
    """Be a ServiceAccount with just these rights, beside those that everybody has; return its kubeconfig."""
    shop.api.seed({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "shop"}})
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "reader"}, "rules": list(rules)}
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "reader"}
    shop.api.seed(role)
    shop.api.seed(
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "reader"},
            "roleRef": reference,
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}],
        }
    )
    admin = Http(shop.api.url, shop.api.token)
    token = admin("POST", "/api/v1/namespaces/shop/serviceaccounts/reader/token", {"spec": {}}).body["status"]["token"]
    admin.close()
    yaml = YAML()
    config = yaml.load(shop.kubeconfig.read_text(encoding="utf-8"))
    config["users"][0]["user"]["token"] = token
    theirs = directory / "reader.yaml"
    yaml.dump(config, theirs)
    patch.setenv("KUBECONFIG", str(theirs))
    return theirs
