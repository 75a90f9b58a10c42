{{/* What everything is labelled with: what Helm asks for beside what kustomize gives. */}}
{{- define "ack-remediator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/name: ack-remediator
app.kubernetes.io/part-of: ack-remediator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/* What pods are labelled with. Selectors are the name and the component, which never change. */}}
{{- define "ack-remediator.podLabels" -}}
{{- with .Values.podLabels }}
{{- toYaml . }}
{{ end -}}
app.kubernetes.io/name: ack-remediator
app.kubernetes.io/part-of: ack-remediator
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: {{ .Values.workload }}
{{- end }}

{{- define "ack-remediator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The policy, as the pods read it: what follows from `access`, and what is said in `policy`. */}}
{{- define "ack-remediator.policy" -}}
{{- $policy := dict "apiVersion" "ack-remediator.dev/v1alpha1" "kind" "Policy" "mode" "dry-run" }}
{{- if eq .Values.access "act" }}{{ $_ := set $policy "mode" "approve" }}{{ end }}
{{- if eq .Values.access "read-only" }}{{ $_ := set $policy "events" false }}{{ end }}
{{- toYaml (mergeOverwrite $policy (deepCopy .Values.policy)) }}
{{- end }}
