{{- define "edge.config" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "edge.meta" (dict "root" . "name" (include "edge.fullname" .)) | nindent 2 }}
data:
  {{- include "edge.files" . | nindent 2 }}
{{- end }}
