"""Who wrote an object, and whose it is: ACK, a GitOps tool, whatever generated it."""

from __future__ import annotations

from remediator.model.resource import Resource

# ACK's field manager is the name of its binary: `controller` in its images, or what it was built as.
ACK_MANAGERS = frozenset({"controller", "ack-lambda-controller", "lambda-controller"})
# Who writes without wanting anything of its own: ACK what AWS has, we nothing for good.
NOT_OTHERS = ACK_MANAGERS | {"ack-remediator"}

# What GitOps tools and generators leave on what is theirs: by whom, where, and which key names the owner.
_ANNOTATIONS = (("Argo CD", "argocd.argoproj.io/tracking-id"), ("Helm", "meta.helm.sh/release-name"))
_LABELS = (
    ("Argo CD", "argocd.argoproj.io/instance"),
    ("Flux Kustomization", "kustomize.toolkit.fluxcd.io/name"),
    ("Flux HelmRelease", "helm.toolkit.fluxcd.io/name"),
    ("kro", "kro.run/instance-name"),
)
_MANAGERS = (
    ("Argo CD", "argocd-"),
    ("Flux Kustomization", "kustomize-controller"),
    ("Flux HelmRelease", "helm-controller"),
    ("Helm", "helm"),
    ("kro", "kro"),
)


def owners(resource: Resource) -> tuple[str, ...]:
    """Name the tools that own a resource, with what they call it where they say so."""
    found: dict[str, str] = {}
    for marks, known in ((resource.annotations, _ANNOTATIONS), (resource.labels, _LABELS)):
        for tool, key in known:
            if marks.get(key):
                found.setdefault(tool, f"{tool} {marks[key].split(':')[0]}")
    if resource.labels.get("app.kubernetes.io/managed-by") == "Helm":
        found.setdefault("Helm", "Helm")
    for each in resource.metadata.managed_fields or ():
        for tool, manager in _MANAGERS:
            if each.manager == manager or (manager.endswith("-") and each.manager.startswith(manager)):
                found.setdefault(tool, tool)
    for reference in resource.metadata.owner_references or ():
        if reference.controller:
            found.setdefault(reference.kind, f"{reference.kind} {reference.name}")
    return tuple(found.values())
