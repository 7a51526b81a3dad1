{{- define "edge.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "edge.meta" (dict "root" . "name" (include "edge.fullname" .)) | nindent 2 }}
spec:
  maxUnavailable: {{ .Values.pdb.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "edge.selector" . | nindent 6 }}
{{- end }}
