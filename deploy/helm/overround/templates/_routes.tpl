{{/*
Routing, as deploy/nginx has it: money's paths to bets, all else to web; the
operators' listener apart, and never on a public Gateway.
*/}}

{{- define "overround.moneyPaths" -}}
{{- toJson (list "/v1/bets" "/v1/wallet" "/v1/accounts" "/v1/sessions" "/v1/limits" "/v1/exclusion") -}}
{{- end }}

{{- define "overround.plays" -}}
{{- $root := index . 0 -}}
{{- if eq $root.Values.mode "single" }}yes{{ else if (index $root.Values.roles (index . 1)).enabled }}yes{{ end -}}
{{- end }}

{{/* A list of root and role: where customers' requests of that role go, by weight. */}}
{{- define "overround.backends" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $service := include "overround.service" . -}}
{{- $weight := int $root.Values.canary.weight -}}
{{- if has $role (fromJsonArray (include "overround.canaries" $root)) -}}
- {name: {{ $service }}, port: 80, weight: {{ sub 100 $weight }}}
- {name: {{ $service }}-canary, port: 80, weight: {{ $weight }}}
{{- else -}}
- {name: {{ $service }}, port: 80, weight: 100}
{{- end -}}
{{- end }}

{{- define "overround.routes" -}}
{{- $root := . -}}
{{- $gateway := .Values.gateway -}}
{{- $both := and (include "overround.plays" (list . "bets")) (include "overround.plays" (list . "web")) -}}
{{- if and $gateway.enabled (or (include "overround.plays" (list . "bets")) (include "overround.plays" (list . "web"))) }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "overround.meta" (dict "root" . "name" (include "overround.fullname" .)) | nindent 2 }}
spec:
  parentRefs: {{ toJson $gateway.parentRefs }}
  {{- with $gateway.hostnames }}
  hostnames: {{ toJson . }}
  {{- end }}
  rules:
    {{- if include "overround.plays" (list . "bets") }}
    - matches:
        {{- range fromJsonArray (include "overround.moneyPaths" .) }}
        - path: {type: PathPrefix, value: {{ . }}}
        {{- end }}
      {{- with $gateway.requestTimeout }}
      timeouts: {request: {{ . }}}
      {{- end }}
      backendRefs:
        {{- include "overround.backends" (list $root "bets") | nindent 8 }}
    {{- end }}
    {{- if include "overround.plays" (list . "web") }}
    # Without a time limit: streams are here.
    - matches:
        - path: {type: PathPrefix, value: /}
      backendRefs:
        {{- include "overround.backends" (list $root "web") | nindent 8 }}
    {{- end }}
{{- end }}
{{- if $gateway.operator.enabled }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "overround.meta" (dict "root" . "name" (printf "%s-operator" (include "overround.fullname" .))) | nindent 2 }}
spec:
  parentRefs: {{ toJson $gateway.operator.parentRefs }}
  {{- with $gateway.operator.hostnames }}
  hostnames: {{ toJson . }}
  {{- end }}
  rules:
    # Each process is scraped by itself.  Without backends a gateway answers by itself, with
    # an error.
    - matches:
        - path: {type: PathPrefix, value: /metrics}
    {{- range list (list "feed" "Exact" "/v1/feed" "/v1/desk/feed") (list "bets" "PathPrefix" "/v1/desk/holds") (list "settle" "PathPrefix" "/v1/reports") (list "web" "PathPrefix" "/") }}
    {{- $role := first . }}
    {{- if include "overround.plays" (list $root $role) }}
    - matches:
        {{- $type := index . 1 }}
        {{- range slice . 2 }}
        - path: {type: {{ $type }}, value: {{ . }}}
        {{- end }}
      backendRefs:
        - {name: {{ include "overround.service" (list $root $role) }}, port: 8081}
    {{- end }}
    {{- end }}
{{- end }}
{{- end }}

{{- define "overround.ingress" -}}
{{- $root := . -}}
{{- $ingress := .Values.ingress -}}
{{- if and $ingress.enabled (or (include "overround.plays" (list . "bets")) (include "overround.plays" (list . "web"))) }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "overround.meta" (dict "root" . "name" (include "overround.fullname" .)) | nindent 2 }}
  {{- with $ingress.annotations }}
  annotations: {{ toJson . }}
  {{- end }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with $ingress.tls }}
  tls: {{ toJson . }}
  {{- end }}
  rules:
    {{- range $host := $ingress.hosts }}
    - host: {{ $host | quote }}
      http:
        paths:
          {{- if include "overround.plays" (list $root "bets") }}
          {{- range fromJsonArray (include "overround.moneyPaths" $root) }}
          - path: {{ . }}
            pathType: Prefix
            backend: {service: {name: {{ include "overround.service" (list $root "bets") }}, port: {name: http}}}
          {{- end }}
          {{- end }}
          {{- if include "overround.plays" (list $root "web") }}
          - path: /
            pathType: Prefix
            backend: {service: {name: {{ include "overround.service" (list $root "web") }}, port: {name: http}}}
          {{- end }}
    {{- end }}
{{- end }}
{{- end }}
