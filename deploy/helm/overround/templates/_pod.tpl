{{/* Pods: what all have, and the one that serves. */}}

{{- define "overround.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "overround.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Of every pod. */}}
{{- define "overround.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "overround.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "overround.fromSecret" -}}
- name: {{ .name }}
  valueFrom: {secretKeyRef: {name: {{ .from.existingSecret }}, key: {{ .from.secretKey }}}}
{{- end }}

{{/* The store, for whoever needs it. */}}
{{- define "overround.storeEnv" -}}
{{- if .Values.store.existingSecret }}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_STORE" "from" .Values.store) }}
{{- else }}
- name: OVERROUND_STORE
  value: {{ .Values.store.url | default (printf "sqlite:/data/%s" .Values.single.database) | quote }}
{{- end }}
{{- end }}

{{- define "overround.tokenEnv" -}}
{{- if .Values.operatorToken.existingSecret }}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_OPERATOR_TOKEN" "from" .Values.operatorToken) }}
{{- end }}
{{- end }}

{{/* A dict of s3 (values), prefix (of the names). */}}
{{- define "overround.s3Secrets" -}}
{{- if .s3.existingSecret }}
{{- range list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" }}
- name: {{ $.prefix }}{{ . }}
  valueFrom:
    secretKeyRef: {name: {{ $.s3.existingSecret }}, key: {{ . }}, optional: {{ eq . "AWS_SESSION_TOKEN" }}}
{{- end }}
{{- end }}
- name: {{ .prefix }}AWS_REGION
  value: {{ .s3.region | quote }}
{{- end }}

{{/* A list of root and the address in the second store, or "". */}}
{{- define "overround.s3Env" -}}
{{- $s3 := (index . 0).Values.s3 -}}
{{- include "overround.s3Secrets" (dict "s3" $s3 "prefix" "") }}
{{- if index . 1 }}
{{- include "overround.s3Secrets" (dict "s3" $s3.second "prefix" "SECOND_") }}
{{- end }}
{{- end }}

{{/* The environment of a process that serves. */}}
{{- define "overround.env" -}}
{{- $values := .root.Values -}}
{{- $plays := ternary (list "feed" "bets" "settle") (list .role) (eq .role "single") -}}
{{- include "overround.storeEnv" .root }}
{{- include "overround.tokenEnv" .root }}
{{- if and (ne .role "single") $values.bus.url }}
- name: OVERROUND_BUS
  value: {{ $values.bus.url | quote }}
{{- end }}
{{- if and (ne .role "single") $values.bus.existingSecret }}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_KAFKA_CONF" "from" $values.bus) }}
{{- end }}
{{- if has "feed" $plays }}
{{- if $values.amqp.existingSecret }}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_AMQP_URL" "from" $values.amqp) }}
{{- end }}
{{- if $values.recovery.existingSecret }}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_RECOVERY_TOKEN" "from" $values.recovery) }}
{{- end }}
{{- end }}
{{- if and (has "bets" $plays) $values.edge.existingSecret }}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_EDGE_SECRET" "from" $values.edge) }}
- name: OVERROUND_EDGE_SECRET_FORMER
  valueFrom: {secretKeyRef: {name: {{ $values.edge.existingSecret }}, key: {{ $values.edge.formerKey }}, optional: true}}
{{- end }}
{{- if and (has "settle" $plays) $values.analytics.existingSecret }}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_ANALYTICS" "from" $values.analytics) }}
{{- end }}
{{- range $name, $value := .own.config }}
- name: {{ include "overround.variable" $name }}
  value: {{ include "overround.text" $value | quote }}
{{- end }}
{{- with .own.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A number in full: Helm reads large ones as floating point. */}}
{{- define "overround.text" -}}
{{- if kindIs "float64" . }}{{ if eq (float64 (int64 .)) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end -}}
{{- end }}

{{/* Seconds of drain-s, by the role's settings before all of them. */}}
{{- define "overround.drain" -}}
{{- $own := dig "config" "drain-s" "" .own -}}
{{- $track := ternary (get .root.Values.canary.config "drain-s") "" (eq .track "canary") -}}
{{- $own | default $track | default (get .root.Values.config "drain-s") | default 30 | int -}}
{{- end }}

{{- define "overround.grace" -}}
{{- $life := .root.Values.lifecycle -}}
{{- $least := add (int $life.preStopSeconds) (int (include "overround.drain" .)) 10 -}}
{{- $asked := int $life.terminationGracePeriodSeconds -}}
{{- if and (gt $asked 0) (lt $asked (int $least)) -}}
{{- fail (printf "lifecycle.terminationGracePeriodSeconds: %d is less than preStopSeconds %d + drain-s %s + 10" $asked (int $life.preStopSeconds) (include "overround.drain" .)) -}}
{{- end -}}
{{- ternary $asked $least (gt $asked 0) -}}
{{- end }}

{{/* Sleeping until no load balancer sends anybody here. */}}
{{- define "overround.preStop" -}}
{{- $life := .root.Values.lifecycle -}}
{{- $native := eq $life.native "always" -}}
{{- if eq $life.native "auto" -}}
{{- $native = semverCompare ">=1.30.0-0" .root.Capabilities.KubeVersion.Version -}}
{{- end -}}
{{- if gt (int $life.preStopSeconds) 0 }}
lifecycle:
  preStop:
    {{- if $native }}
    sleep: {seconds: {{ int $life.preStopSeconds }}}
    {{- else }}
    exec: {command: [overround, sleep, {{ int $life.preStopSeconds | quote }}]}
    {{- end }}
{{- end }}
{{- end }}

{{- define "overround.isPublic" -}}
{{- if has .role (list "bets" "web" "single") }}yes{{ end -}}
{{- end }}

{{/*
/healthz answers as long as the loop turns: nothing outside can make it fail, so that a store
that is away restarts nobody.  It listens when the book has been read (startup).  /readyz takes
a pod out of its Service: draining, store away, book not whole.
*/}}
{{- define "overround.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: ops}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 300
readinessProbe:
  httpGet: {path: /readyz, port: ops}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /healthz, port: ops}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- end }}

{{- define "overround.container" -}}
{{- $root := .root -}}
name: overround
image: {{ include "overround.image" . }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args:
  - serve
  {{- if ne .role "single" }}
  - --role={{ .role }}
  {{- end }}
  {{- if include "overround.isPublic" . }}
  - --listen={{ $root.Values.listen }}:8080
  {{- end }}
  - --operator-listen={{ $root.Values.listen }}:8081
  {{- range .own.args }}
  - {{ . | quote }}
  {{- end }}
ports:
  {{- if include "overround.isPublic" . }}
  - {name: http, containerPort: 8080, protocol: TCP}
  {{- end }}
  - {name: ops, containerPort: 8081, protocol: TCP}
env:
  {{- include "overround.env" . | nindent 2 }}
envFrom:
  - configMapRef: {name: {{ include "overround.fullname" $root }}{{ if eq .track "canary" }}-canary{{ end }}}
{{ include "overround.probes" . }}
{{- include "overround.preStop" . }}
resources: {{ toJson .own.resources }}
securityContext:
  {{- include "overround.containerSecurity" . | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if include "overround.isSqlite" $root }}
  - {name: data, mountPath: /data}
  {{- end }}
{{- end }}

{{- define "overround.spread" -}}
{{- $spread := .root.Values.topologySpread -}}
{{- range $key, $what := dict "topology.kubernetes.io/zone" $spread.zone "kubernetes.io/hostname" $spread.host }}
{{- if ne $what "off" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: {{ $what }}
  labelSelector:
    matchLabels:
      {{- include "overround.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}

{{/* money before prices before web */}}
{{- define "overround.priority" -}}
{{- if .own.priorityClassName -}}
{{ .own.priorityClassName }}
{{- else if and .root.Values.priorityClasses.create (ne .role "single") -}}
{{- $class := get (dict "bets" "money" "settle" "money" "feed" "prices" "odds" "prices" "web" "web") .role -}}
{{ .root.Release.Namespace }}-{{ include "overround.fullname" .root }}-{{ $class }}
{{- end -}}
{{- end }}

{{/* metadata and spec of a pod that serves */}}
{{- define "overround.podTemplate" -}}
metadata:
  labels:
    {{- include "overround.selector" . | nindent 4 }}
    {{- with .root.Values.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    app.kubernetes.io/version: {{ include "overround.version" . | quote }}
  annotations:
    overround/config: {{ include "overround.configText" . | sha256sum }}
    {{- if .root.Values.monitoring.annotations }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "8081"
    prometheus.io/path: /metrics
    {{- end }}
    {{- with .own.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "overround.podBasics" .root | nindent 2 }}
  terminationGracePeriodSeconds: {{ include "overround.grace" . }}
  {{- with include "overround.priority" . }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if ne .role "single" }}
  {{- with include "overround.spread" . }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with .own.nodeSelector }}
  nodeSelector: {{ toJson . }}
  {{- end }}
  tolerations:
    {{- range list "not-ready" "unreachable" }}
    - key: node.kubernetes.io/{{ . }}
      operator: Exists
      effect: NoExecute
      tolerationSeconds: {{ $.root.Values.nodeLossSeconds }}
    {{- end }}
  {{- with .own.tolerations }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - {{- include "overround.container" . | nindent 6 }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
    {{- if and (eq .role "single") (include "overround.isSqlite" .root) (not .root.Values.single.persistence.enabled) }}
    - name: data
      emptyDir: {}
    {{- end }}
{{- end }}
