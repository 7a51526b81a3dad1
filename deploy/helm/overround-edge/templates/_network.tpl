{{- define "edge.network" -}}
{{- if .Values.networkPolicy.enabled -}}
{{- $net := .Values.networkPolicy -}}
{{- $ports := $net.origins.ports -}}
{{- if not $ports -}}
{{- range .Values.policy.origins }}{{ $ports = append $ports (int .port) }}{{ end -}}
{{- end -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "edge.meta" (dict "root" . "name" (include "edge.fullname" .)) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "edge.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports: [{protocol: TCP, port: 8443}]
      {{- with $net.publicFrom }}
      from: {{ toJson . }}
      {{- end }}
    {{- if include "edge.fansOut" . }}
    - ports: [{protocol: TCP, port: 9145}]
      from: {{ toJson (.Values.monitoring.from | default (list (dict "namespaceSelector" dict))) }}
    {{- end }}
  egress:
    - ports:
        {{- range $net.dns.ports }}
        - {protocol: UDP, port: {{ int . }}}
        - {protocol: TCP, port: {{ int . }}}
        {{- end }}
      to: {{ toJson $net.dns.to }}
    - ports:
        {{- range $ports | uniq }}
        - {protocol: TCP, port: {{ int . }}}
        {{- end }}
      {{- with $net.origins.to }}
      to: {{ toJson . }}
      {{- end }}
    {{- with $net.egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}
