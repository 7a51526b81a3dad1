{{/* A look at the policy before anything is changed. */}}
{{- define "edge.checker" -}}
{{- if .Values.check.enabled -}}
{{- $name := printf "%s-check" (include "edge.fullname" .) -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "edge.meta" (dict "root" . "name" $name "component" "check") | nindent 2 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-5"
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  backoffLimit: 0
  ttlSecondsAfterFinished: 3600
  template:
    metadata:
      annotations:
        {{- include "edge.policyAnnotations" . | nindent 8 }}
      labels:
        {{- include "edge.common" . | nindent 8 }}
        app.kubernetes.io/component: check
    spec:
      restartPolicy: Never
      {{- include "edge.podBasics" . | nindent 6 }}
      {{- with .Values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: check
          image: {{ include "edge.image" . }}
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          args: [check]
          env: [{name: OVERROUND_EDGE_POLICY, value: /etc/overround/policy/edge.yaml}]
          securityContext:
            {{- include "edge.containerSecurity" . | nindent 12 }}
          resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 128Mi}}
          volumeMounts:
            - {name: policy, mountPath: /etc/overround/policy, readOnly: true}
      volumes:
        -
          {{- include "edge.policyVolume" . | nindent 10 }}
{{- end }}
{{- end }}
