{{- define "edge.service" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "edge.meta" (dict "root" . "name" (include "edge.fullname" .)) | nindent 2 }}
  {{- if or .Values.service.annotations .Values.latency.hostname }}
  annotations:
    {{- with .Values.latency }}
    {{- if .hostname }}
    external-dns.alpha.kubernetes.io/hostname: {{ .hostname }}
    external-dns.alpha.kubernetes.io/set-identifier: {{ .setIdentifier | default (printf "%s-%s" $.Release.Namespace $.Release.Name) }}
    external-dns.alpha.kubernetes.io/aws-region: {{ .region }}
    external-dns.alpha.kubernetes.io/ttl: {{ int .ttl | quote }}
    {{- with .healthCheckId }}
    external-dns.alpha.kubernetes.io/aws-health-check-id: {{ . }}
    {{- end }}
    {{- end }}
    {{- end }}
    {{- with .Values.service.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  type: {{ .Values.service.type }}
  {{- if ne .Values.service.type "ClusterIP" }}
  externalTrafficPolicy: {{ .Values.service.externalTrafficPolicy }}
  {{- end }}
  {{- if eq .Values.service.type "LoadBalancer" }}
  {{- with .Values.service.loadBalancerClass }}
  loadBalancerClass: {{ . }}
  {{- end }}
  {{- with .Values.service.loadBalancerSourceRanges }}
  loadBalancerSourceRanges: {{ toJson . }}
  {{- end }}
  {{- end }}
  selector:
    {{- include "edge.selector" . | nindent 4 }}
  ports:
    - {name: public, port: {{ int .Values.service.port }}, targetPort: public, protocol: TCP}
{{- end }}
