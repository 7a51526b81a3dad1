{{/* Nothing is allowed, and then what each role needs. */}}

{{- define "overround.egress" -}}
- ports:
    {{- range .ports }}
    - {protocol: {{ $.protocol | default "TCP" }}, port: {{ int . }}}
    {{- end }}
  {{- with .to }}
  to: {{ toJson . }}
  {{- end }}
{{- end }}

{{/* A context with a role: what it calls. */}}
{{- define "overround.calls" -}}
{{- $net := .root.Values.networkPolicy -}}
{{- $needs := list -}}
{{- if not (include "overround.isSqlite" .root) }}{{ $needs = append $needs $net.postgres }}{{ end -}}
{{- if and (ne .role "single") .root.Values.bus.url (ne .role "job") }}{{ $needs = append $needs $net.kafka }}{{ end -}}
{{- if and (has .role (list "settle" "single")) .root.Values.analytics.existingSecret }}{{ $needs = append $needs $net.clickhouse }}{{ end -}}
{{- if and (has .role (list "feed" "single")) (or .root.Values.amqp.existingSecret (get .root.Values.config "recovery-url") (get .own.config "recovery-url")) }}{{ $needs = append $needs $net.feed }}{{ end -}}
{{- if and (ne .role "job") (or (get .root.Values.config "trace-otlp") (get .own.config "trace-otlp")) }}{{ $needs = append $needs $net.collector }}{{ end -}}
{{- range $needs }}
{{ include "overround.egress" . }}
{{- end }}
{{- end }}

{{- define "overround.policies" -}}
{{- $root := . -}}
{{- if .Values.networkPolicy.enabled }}
{{- $net := .Values.networkPolicy }}
{{- $tester := dict "podSelector" (dict "matchLabels" (merge (dict "app.kubernetes.io/component" "test") (fromYaml (include "overround.instance" .)))) }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "overround.meta" (dict "root" . "name" (printf "%s-default" (include "overround.fullname" .))) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "overround.instance" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "overround.egress" (merge (dict "protocol" "UDP") $net.dns) | nindent 4 }}
    {{- include "overround.egress" $net.dns | nindent 4 }}
{{- range $role := ternary (list "single") (fromJsonArray (include "overround.roles" .)) (eq .Values.mode "single") }}
{{- $own := $root.Values.single }}
{{- if ne $role "single" }}{{ $own = index $root.Values.roles $role }}{{ end }}
{{- $context := dict "root" $root "role" $role "own" $own }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "overround.meta" (dict "root" $root "name" (printf "%s-%s" (include "overround.fullname" $root) $role) "component" $role) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "overround.instance" $root | nindent 6 }}
      app.kubernetes.io/component: {{ $role }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- if include "overround.isPublic" $context }}
    - ports: [{protocol: TCP, port: 8080}]
      from: {{ toJson (append $net.publicFrom $tester) }}
    {{- end }}
    - ports: [{protocol: TCP, port: 8081}]
      from: {{ toJson (append $net.operatorFrom $tester) }}
  egress:
    {{- include "overround.calls" $context | nindent 4 | default " []" }}
{{- end }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "overround.meta" (dict "root" . "name" (printf "%s-jobs" (include "overround.fullname" .)) "component" "job") | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "overround.instance" . | nindent 6 }}
      app.kubernetes.io/component: job
  policyTypes: [Ingress, Egress]
  egress:
    {{- include "overround.calls" (dict "root" . "role" "job" "own" (dict "config" dict)) | nindent 4 }}
    {{- include "overround.egress" $net.s3 | nindent 4 }}
    {{- if .Values.s3.serviceAccount }}
    # The node's agent of EKS Pod Identity.
    - to:
        - ipBlock: {cidr: 169.254.170.23/32}
      ports: [{protocol: TCP, port: 80}]
    {{- end }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "overround.meta" (dict "root" . "name" (printf "%s-test" (include "overround.fullname" .)) "component" "test") | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "overround.instance" . | nindent 6 }}
      app.kubernetes.io/component: test
  policyTypes: [Ingress, Egress]
  egress:
    - to:
        - podSelector:
            matchLabels:
              {{- include "overround.instance" . | nindent 14 }}
      ports:
        - {protocol: TCP, port: 8080}
        - {protocol: TCP, port: 8081}
{{- end }}
{{- end }}
