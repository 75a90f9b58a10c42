"""The templates that are a manifest, but for the few places in it that an install varies: so there is one source."""

from __future__ import annotations

import re
from typing import NamedTuple

_HEAD = "{{- /* Written by `make chart` from manifests/%s: change that. */ -}}\n"
_METADATA = re.compile(r"^metadata:\n((?:  (?:name|namespace): .*\n)+)(  labels:\n)?", re.MULTILINE)
_LABELS = '  labels:\n    {{- include "ack-remediator.labels" . | nindent 4 }}\n'
# Where the remediator lives: as a value, which may look like a number, and within a text or a comment.
_HOME = re.compile(r"(?<=namespace: )ack-remediator\b")
_NAMED = re.compile(r"(-n |:serviceaccount:)ack-remediator\b")

_ME = """\
subjects:
  - kind: ServiceAccount
    name: ack-remediator
    namespace: {{ .Release.Namespace | quote }}
"""
_NOBODY = "subjects: []\n"

# Conditions, as templates have them.
CLUSTER = 'eq .Values.scope "cluster"'
NAMESPACE = 'eq .Values.scope "namespace"'
READ_ONLY = 'eq .Values.access "read-only"'
ACT = 'eq .Values.access "act"'
DAEMON = 'eq .Values.workload "daemon"'


class Unlike(Exception):
    """Raised when a manifest is no longer as the template of it expects."""


class Edit(NamedTuple):
    """What stands in the manifest, after its namespaces are replaced, and what the template has in its place."""

    old: str
    new: str


class Template(NamedTuple):
    """A manifest, by its path; when it is part of an install; and what an install varies in it."""

    source: str
    when: str = ""
    edits: tuple[Edit, ...] = ()


def _either(condition: str, this: str, that: str) -> str:
    return f"{{{{- if {condition} }}}}\n{this}{{{{- else }}}}\n{that}{{{{- end }}}}\n"


# Bindings stay, and name nobody, so that an upgrade takes away what an install gave.
_UNLESS_READ_ONLY = Edit(_ME, _either(READ_ONLY, _NOBODY, _ME))

TEMPLATES = (
    Template("base/approvals.yaml", CLUSTER),
    Template("base/clusterrole-act.yaml", CLUSTER),
    Template("base/clusterrole-approver.yaml", CLUSTER),
    Template("base/clusterrole-events.yaml", CLUSTER, (_UNLESS_READ_ONLY,)),
    Template("base/clusterrole-logs.yaml", CLUSTER),
    Template("base/clusterrole-read.yaml", CLUSTER),
    Template("base/clusterrole-viewer.yaml", CLUSTER),
    Template(
        "base/clusterrolebinding.yaml",
        CLUSTER,
        (
            Edit("until manifests/acting names the remediator here", "until `access: act` names the remediator here"),
            Edit(_NOBODY, _either(ACT, _ME, _NOBODY)),
        ),
    ),
    Template(
        "base/crd-remediations.yaml",
        f"and .Values.crd ({CLUSTER})",
        (
            # A template, and not in crds/: from there Helm never upgrades a definition, and what a newer remediator
            # notes would be pruned by the old one. Records outlive the release: no uninstall takes them along.
            Edit(
                _LABELS,
                _LABELS + "  annotations:\n    helm.sh/resource-policy: keep\n",
            ),
        ),
    ),
    Template(
        "base/networkpolicy.yaml",
        ".Values.networkPolicy.enabled",
        (
            Edit(
                "      ports:\n        - {protocol: TCP, port: 80}\n",
                "      ports:\n        - {protocol: TCP, port: 80}\n"
                "    {{- with .Values.networkPolicy.egress }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}\n",
            ),
        ),
    ),
    Template("base/role-backups.yaml", CLUSTER, (_UNLESS_READ_ONLY,)),
    Template("base/role-locks.yaml", CLUSTER, (_UNLESS_READ_ONLY,)),
    Template("base/role-pauses.yaml", CLUSTER),
    Template("base/role-records.yaml", "", (_UNLESS_READ_ONLY,)),
    Template(
        "base/serviceaccount.yaml",
        "",
        (
            Edit(
                "  # annotations:\n  #   eks.amazonaws.com/role-arn: arn:aws:iam::<account>:role/ack-remediator\n",
                "  {{- with .Values.serviceAccount.annotations }}\n"
                "  annotations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n",
            ),
            Edit("IRSA: the annotation below.", "IRSA: `serviceAccount.annotations`."),
            Edit("by a patch of the workload.", "by `env`, or `volumes` and `volumeMounts`."),
        ),
    ),
    Template("base/writes.yaml", CLUSTER),
    Template(
        "daemon/networkpolicy.yaml",
        f"and .Values.networkPolicy.enabled ({DAEMON})",
        (
            Edit(
                "kubernetes.io/metadata.name: monitoring",
                "kubernetes.io/metadata.name: {{ .Values.monitoring.namespace | quote }}",
            ),
        ),
    ),
    Template("daemon/poddisruptionbudget.yaml", DAEMON),
    Template("namespaced/role-read.yaml", NAMESPACE),
    Template("monitoring/clusterrole-kube-state-metrics.yaml", ".Values.monitoring.kubeStateMetrics"),
    Template(
        "monitoring/podmonitor.yaml",
        ".Values.monitoring.podMonitor",
        (
            Edit("namespace: monitoring", "namespace: {{ .Values.monitoring.namespace | quote }}"),
            Edit("matchNames: [ack-remediator]", "matchNames: [{{ .Release.Namespace | quote }}]"),
            Edit(
                _LABELS,
                _LABELS
                + "    {{- with .Values.monitoring.labels }}\n    {{- toYaml . | nindent 4 }}\n    {{- end }}\n",
            ),
            Edit("add that (`release: …`)", "say that in `monitoring.labels` (`release: …`)"),
        ),
    ),
)


def template(made: Template, manifest: str) -> str:
    """Write a template from its manifest. Raises `Unlike` where that has no longer what was to be replaced."""
    if "{{" in manifest:
        raise Unlike(f"{made.source} has braces that Helm would take for its own")
    text = _HOME.sub("{{ .Release.Namespace | quote }}", _NAMED.sub(r"\1{{ .Release.Namespace }}", manifest))
    text = _METADATA.sub(lambda found: f"metadata:\n{found[1]}{_LABELS}", text)
    for old, new in made.edits:
        if text.count(old) != 1:
            raise Unlike(f"{made.source} has {text.count(old)} times what a template replaces, not once: {old!r}")
        text = text.replace(old, new)
    if made.when:
        text = f"{{{{- if {made.when} }}}}\n{text}{{{{- end }}}}\n"
    return _HEAD % made.source + text
