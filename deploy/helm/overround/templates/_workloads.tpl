{{/* What runs: a Deployment per role and track, or one StatefulSet. */}}

{{- define "overround.configText" -}}
{{- $root := .root -}}
{{- $config := deepCopy $root.Values.config -}}
{{- if and (or $root.Values.gateway.enabled $root.Values.ingress.enabled) (not (hasKey $config "proxies")) -}}
{{- $_ := set $config "proxies" 1 -}}
{{- end -}}
{{- if eq .track "canary" }}{{ $config = mergeOverwrite $config (deepCopy $root.Values.canary.config) }}{{ end -}}
{{- range $name, $value := $config }}
{{ include "overround.variable" $name }}: {{ include "overround.text" $value | quote }}
{{- end }}
{{- end }}

{{- define "overround.config" -}}
{{- $root := . -}}
{{- range $track := ternary (list "stable" "canary") (list "stable") .Values.canary.enabled }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "overround.meta" (dict "root" $root "name" (printf "%s%s" (include "overround.fullname" $root) (ternary "-canary" "" (eq $track "canary")))) | nindent 2 }}
data:
  {{- include "overround.configText" (dict "root" $root "track" $track) | nindent 2 }}
{{- end }}
{{- end }}

{{- define "overround.deployments" -}}
{{- $root := . -}}
{{- range $role := fromJsonArray (include "overround.roles" .) }}
{{ include "overround.deployment" (dict "root" $root "role" $role "track" "stable" "own" (index $root.Values.roles $role)) }}
{{- end }}
{{- range $role := fromJsonArray (include "overround.canaries" .) }}
{{ include "overround.deployment" (dict "root" $root "role" $role "track" "canary" "own" (index $root.Values.roles $role)) }}
{{- end }}
{{- end }}

{{- define "overround.replicas" -}}
{{- if eq .track "canary" -}}
replicas: {{ int (index .root.Values.canary.roles .role).replicas }}
{{- else if not .own.autoscaling.enabled -}}
replicas: {{ int .own.replicas }}
{{- end -}}
{{- end }}

{{- define "overround.deployment" }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "overround.meta" (dict "root" .root "name" (include "overround.workload" .) "component" .role) | nindent 2 }}
    track: {{ .track }}
spec:
  {{- include "overround.replicas" . | nindent 2 }}
  revisionHistoryLimit: 5
  progressDeadlineSeconds: 600
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: {{ toJson .own.maxSurge }}
  selector:
    matchLabels:
      {{- include "overround.selector" . | nindent 6 }}
  template:
    {{- include "overround.podTemplate" . | nindent 4 }}
{{- end }}

{{- define "overround.single" -}}
{{- if eq .Values.mode "single" }}
{{- $context := dict "root" . "role" "single" "track" "stable" "own" .Values.single }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "overround.meta" (dict "root" . "name" (include "overround.workload" $context) "component" "single") | nindent 2 }}
spec:
  # One: SQLite has one writer, and on PostgreSQL all roles in one process are alone too.
  replicas: 1
  serviceName: {{ include "overround.fullname" . }}
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "overround.selector" $context | nindent 6 }}
  template:
    {{- include "overround.podTemplate" $context | nindent 4 }}
  {{- if and (include "overround.isSqlite" .) .Values.single.persistence.enabled }}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Retain}
  volumeClaimTemplates:
    - metadata:
        name: data
        labels:
          {{- include "overround.instance" . | nindent 10 }}
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .Values.single.persistence.storageClassName }}
        storageClassName: {{ . }}
        {{- end }}
        resources: {requests: {storage: {{ .Values.single.persistence.size }}}}
  {{- end }}
{{- end }}
{{- end }}

{{- define "overround.services" -}}
{{- $root := . -}}
{{- if eq .Values.mode "single" }}
{{ include "overround.serviceObject" (dict "root" . "role" "single" "track" "stable") }}
{{- end }}
{{- range $role := fromJsonArray (include "overround.roles" .) }}
{{ include "overround.serviceObject" (dict "root" $root "role" $role "track" "stable") }}
{{- end }}
{{- range $role := fromJsonArray (include "overround.canaries" .) }}
{{ include "overround.serviceObject" (dict "root" $root "role" $role "track" "canary") }}
{{- end }}
{{- end }}

{{- define "overround.serviceObject" }}
{{- $public := include "overround.isPublic" . }}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "overround.meta" (dict "root" .root "name" (include "overround.workload" .) "component" .role) | nindent 2 }}
    track: {{ .track }}
spec:
  # Never a load balancer's: the operators' port is here too.
  type: ClusterIP
  selector:
    {{- include "overround.selector" . | nindent 4 }}
  ports:
    {{- if $public }}
    - {name: http, port: 80, targetPort: http, protocol: TCP}
    {{- end }}
    - {name: ops, port: 8081, targetPort: ops, protocol: TCP}
{{- end }}

{{- define "overround.budgets" -}}
{{- $root := . -}}
{{- range $role := fromJsonArray (include "overround.roles" .) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "overround.meta" (dict "root" $root "name" (printf "%s-%s" (include "overround.fullname" $root) $role) "component" $role) | nindent 2 }}
spec:
  maxUnavailable: {{ toJson (index $root.Values.roles $role).pdb.maxUnavailable }}
  # A pod that is not ready serves nobody: it never stops a drain.
  unhealthyPodEvictionPolicy: AlwaysAllow
  # Both tracks: a pod may have one budget.
  selector:
    matchLabels:
      {{- include "overround.instance" $root | nindent 6 }}
      app.kubernetes.io/component: {{ $role }}
{{- end }}
{{- end }}

{{- define "overround.priorities" -}}
{{- $root := . -}}
{{- if and .Values.priorityClasses.create (eq .Values.mode "roles") }}
{{- range $class, $value := dict "money" 1000000 "prices" 900000 "web" 800000 }}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: {{ $root.Release.Namespace }}-{{ include "overround.fullname" $root }}-{{ $class }}
  labels:
    {{- include "overround.common" $root | nindent 4 }}
value: {{ int $value }}
globalDefault: false
description: {{ get (dict "money" "Takes and settles bets." "prices" "Feed and odds." "web" "Pages and streams.") $class | quote }}
{{- end }}
{{- end }}
{{- end }}
