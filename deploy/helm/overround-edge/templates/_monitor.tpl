{{- define "edge.monitor" -}}
{{- if and .Values.monitoring.podMonitor.enabled (include "edge.fansOut" .) -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  {{- include "edge.meta" (dict "root" . "name" (include "edge.fullname" .)) | nindent 2 }}
  {{- with .Values.monitoring.podMonitor.labels }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "edge.selector" . | nindent 6 }}
  podMetricsEndpoints:
    - {port: metrics, path: /metrics, interval: {{ .Values.monitoring.podMonitor.interval }}}
{{- end }}
{{- end }}
