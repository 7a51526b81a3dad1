{{- define "edge.workload" -}}
apiVersion: apps/v1
kind: {{ .Values.kind }}
metadata:
  {{- include "edge.meta" (dict "root" . "name" (include "edge.fullname" .)) | nindent 2 }}
spec:
  {{- if eq .Values.kind "Deployment" }}
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ int .Values.replicas }}
  {{- end }}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  {{- else }}
  updateStrategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}}
  {{- end }}
  minReadySeconds: 5
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "edge.selector" . | nindent 6 }}
  template:
    {{- include "edge.pod" . | nindent 4 }}
{{- end }}
