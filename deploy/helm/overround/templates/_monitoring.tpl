{{/* For the Prometheus operator and Grafana's sidecar. */}}

{{- define "overround.monitoring" -}}
{{- $root := . -}}
{{- if .Values.monitoring.serviceMonitor.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "overround.meta" (dict "root" . "name" (include "overround.fullname" .)) | nindent 2 }}
    {{- with .Values.monitoring.serviceMonitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "overround.instance" . | nindent 6 }}
  endpoints:
    - port: ops
      path: /metrics
      interval: {{ .Values.monitoring.serviceMonitor.interval }}
      relabelings:
        - {targetLabel: job, replacement: overround} # what the rules ask for
        - {sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_component], targetLabel: role}
        - {sourceLabels: [__meta_kubernetes_pod_label_track], targetLabel: track}
        - {sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_version], targetLabel: release}
{{- end }}
{{- if .Values.monitoring.prometheusRule.enabled }}
{{- range $path, $_ := .Files.Glob "files/*.rules.yaml" }}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  {{- include "overround.meta" (dict "root" $root "name" (printf "%s-%s" (include "overround.fullname" $root) (base $path | trimSuffix ".rules.yaml"))) | nindent 2 }}
    {{- with $root.Values.monitoring.prometheusRule.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- $root.Files.Get $path | nindent 2 }}
{{- end }}
{{- end }}
{{- if .Values.monitoring.dashboards.enabled }}
{{- range $path, $_ := .Files.Glob "files/dashboards/*.json" }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "overround.meta" (dict "root" $root "name" (printf "%s-dashboard-%s" (include "overround.fullname" $root) (base $path | trimSuffix ".json"))) | nindent 2 }}
    {{ $root.Values.monitoring.dashboards.label }}: "1"
data:
  {{ base $path }}: {{ $root.Files.Get $path | toJson }}
{{- end }}
{{- end }}
{{- end }}
