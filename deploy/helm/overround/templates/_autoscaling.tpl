{{/* Autoscalers: fast up, slow down.  On CPU, and on what each role's customers feel. */}}

{{- define "overround.behavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - {type: Percent, value: 100, periodSeconds: 15}
    - {type: Pods, value: 4, periodSeconds: 15}
scaleDown:
  stabilizationWindowSeconds: {{ int .Values.autoscaling.scaleDownSeconds }}
  selectPolicy: Min
  policies:
    - {type: Pods, value: 1, periodSeconds: 120}
{{- end }}

{{/* metric, value and query of a role: {} = CPU alone */}}
{{- define "overround.measure" -}}
{{- $auto := .own.autoscaling -}}
{{- $pods := printf "namespace=%q,pod=~%q" .root.Release.Namespace (printf "%s-%s-.*" (include "overround.fullname" .root) .role) -}}
{{- if eq .role "bets" -}}
{{ toJson (dict "metric" "overround_queue_delay_seconds" "value" (toString $auto.queueDelay) "query" (printf "sum(overround_queue_delay_seconds{%s})" $pods)) }}
{{- else if eq .role "web" -}}
{{ toJson (dict "metric" "overround_stream_clients" "value" (toString $auto.connections) "query" (printf "sum(overround_stream_clients{%s})" $pods)) }}
{{- else if eq .role "settle" -}}
{{ toJson (dict "metric" "overround_settle_lag_seconds" "value" (toString $auto.settleLag) "query" (printf "sum(overround_settle_lag_seconds{%s})" $pods)) }}
{{- else -}}
{}
{{- end -}}
{{- end }}

{{- define "overround.autoscalers" -}}
{{- $root := . -}}
{{- range $role := fromJsonArray (include "overround.roles" .) }}
{{- $context := dict "root" $root "role" $role "track" "stable" "own" (index $root.Values.roles $role) }}
{{- if $context.own.autoscaling.enabled }}
{{ include (printf "overround.%s" $root.Values.autoscaling.kind) $context }}
{{- end }}
{{- end }}
{{- end }}

{{- define "overround.hpa" }}
{{- $measure := fromJson (include "overround.measure" .) }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "overround.meta" (dict "root" .root "name" (include "overround.workload" .) "component" .role) | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "overround.workload" . }}
  minReplicas: {{ int .own.autoscaling.min }}
  maxReplicas: {{ int .own.autoscaling.max }}
  behavior:
    {{- include "overround.behavior" .root | nindent 4 }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ int .own.autoscaling.cpu }}}
    {{- with $measure.metric }}
    - type: Pods
      pods:
        metric:
          name: {{ . }}
        target: {type: AverageValue, averageValue: {{ $measure.value | quote }}}
    {{- end }}
{{- end }}

{{/* kafka://a:9092,b:9092/house: brokers and the names' prefix */}}
{{- define "overround.brokers" -}}
{{- trimPrefix "kafka://" .Values.bus.url | splitList "/" | first -}}
{{- end }}
{{- define "overround.prefix" -}}
{{- $parts := trimPrefix "kafka://" .Values.bus.url | splitList "/" -}}
{{- if gt (len $parts) 1 }}{{ last $parts }}.{{ end -}}
{{- end }}

{{- define "overround.keda" }}
{{- $root := .root }}
{{- $auto := .own.autoscaling }}
{{- $measure := fromJson (include "overround.measure" .) }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "overround.meta" (dict "root" .root "name" (include "overround.workload" .) "component" .role) | nindent 2 }}
spec:
  scaleTargetRef:
    name: {{ include "overround.workload" . }}
  minReplicaCount: {{ int $auto.min }}
  maxReplicaCount: {{ int $auto.max }}
  pollingInterval: 10
  # What cannot be measured changes nothing.
  fallback: {failureThreshold: 3, replicas: {{ int $auto.min }}, behavior: currentReplicasIfHigher}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        {{- include "overround.behavior" .root | nindent 8 }}
  triggers:
    - type: cpu
      metricType: Utilization
      metadata: {value: {{ $auto.cpu | quote }}}
    {{- with $measure.query }}
    - type: prometheus
      metricType: AverageValue
      metadata:
        serverAddress: {{ $root.Values.autoscaling.prometheusUrl }}
        query: {{ . | quote }}
        threshold: {{ include "overround.plain" $measure.value | quote }}
    {{- end }}
    {{- if has .role (list "odds" "settle") }}
    - type: kafka
      metricType: AverageValue
      {{- with $root.Values.autoscaling.kafkaAuthentication }}
      authenticationRef: {name: {{ . }}}
      {{- end }}
      metadata:
        bootstrapServers: {{ include "overround.brokers" $root | quote }}
        consumerGroup: {{ include "overround.prefix" $root }}{{ .role }}
        topic: {{ include "overround.prefix" $root }}{{ ternary "feed" "results" (eq .role "odds") }}
        lagThreshold: {{ include "overround.text" $auto.kafkaLag | quote }}
        # A new group reads from the beginning, as the product does.
        offsetResetPolicy: earliest
    {{- end }}
    {{- range $auto.forecast }}
    - type: cron
      name: {{ .name }}
      metadata:
        timezone: {{ .timezone }}
        start: {{ .start | quote }}
        end: {{ .end | quote }}
        desiredReplicas: {{ .replicas | quote }}
    {{- end }}
{{- end }}

{{/* 50m -> 0.050: KEDA reads decimals */}}
{{- define "overround.plain" -}}
{{- if hasSuffix "m" . }}{{ divf (trimSuffix "m" . | float64) 1000.0 }}{{ else }}{{ . }}{{ end -}}
{{- end }}
