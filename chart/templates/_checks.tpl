{{/* What does not go together, each with what to do. One value by itself is the schema's to judge. */}}
{{- define "ack-remediator.checks" -}}
{{- if and (eq .Values.access "read-only") (ne .Values.workload "cronjob") }}
{{- fail "access: read-only goes with workload: cronjob alone: a daemon writes a Lease, by which one of them leads" }}
{{- end }}
{{- if and (eq .Values.scope "namespace") (ne .Values.workload "cronjob") }}
{{- fail "scope: namespace goes with workload: cronjob alone: a daemon's locks are for an install of the whole cluster" }}
{{- end }}
{{- if and (eq .Values.scope "namespace") (ne .Values.access "report") }}
{{- fail "scope: namespace goes with access: report alone: it looks, and notes what it found" }}
{{- end }}
{{- if and .Values.policy.mode (ne .Values.policy.mode "dry-run") (ne .Values.access "act") }}
{{- fail (printf "policy.mode: %s needs access: act: without it the API server refuses whatever is tried" .Values.policy.mode) }}
{{- end }}
{{- if and .Values.policy.events (eq .Values.access "read-only") }}
{{- fail "policy.events: true needs access: report or act: with access: read-only Events are refused by the API server" }}
{{- end }}
{{- if and .Values.monitoring.podMonitor (ne .Values.workload "daemon") }}
{{- fail "monitoring.podMonitor goes with workload: daemon: a CronJob is gone before it is scraped (docs/metrics.md)" }}
{{- end }}
{{- range $key, $_ := .Values.podLabels }}
{{- if hasPrefix "app.kubernetes.io/" $key }}
{{- fail (printf "podLabels: %s is what pods are selected by; give yours another prefix" $key) }}
{{- end }}
{{- end }}
{{- end }}
