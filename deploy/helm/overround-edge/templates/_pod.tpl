{{/* The pod of a node. */}}

{{- define "edge.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "edge.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "edge.podBasics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "edge.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "edge.env" -}}
- {name: OVERROUND_EDGE_POLICY, value: /etc/overround/policy/edge.yaml}
- {name: OVERROUND_EDGE_LOCAL, value: /etc/overround/policy/local.conf}
{{- if .Values.secrets.existingSecret }}
- {name: OVERROUND_EDGE_SECRET_FILE, value: /etc/overround/secrets/edge}
{{- if .Values.secrets.cdnKey }}
- {name: OVERROUND_CDN_SECRET_FILE, value: /etc/overround/secrets/cdn}
{{- end }}
{{- end }}
{{- if include "edge.fansOut" . }}
- {name: OVERROUND_EDGE_METRICS, value: "0.0.0.0:9145"}
{{- end }}
- name: OVERROUND_EDGE_WORKERS
  {{- if int .Values.workers }}
  value: {{ int .Values.workers | quote }}
  {{- else }}
  valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: "1"}}
  {{- end }}
{{- end }}

{{- define "edge.mounts" -}}
- {name: policy, mountPath: /etc/overround/policy, readOnly: true}
- {name: run, mountPath: /run/overround-edge}
- {name: cache, mountPath: /var/cache/overround-edge}
{{- if .Values.tls.enabled }}
- {name: tls, mountPath: /etc/overround/tls, readOnly: true}
{{- end }}
{{- if .Values.secrets.existingSecret }}
- {name: secrets, mountPath: /etc/overround/secrets, readOnly: true}
{{- end }}
{{- if include "edge.knowsCountries" . }}
- {name: geoip, mountPath: /var/lib/overround-edge, readOnly: true}
{{- end }}
{{- end }}

{{- define "edge.volumes" -}}
-
  {{- include "edge.policyVolume" . | nindent 2 }}
- name: run
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
- name: cache
  emptyDir: {sizeLimit: {{ add 128 (int (dig "node" "cache_mb" 256 .Values.policy)) }}Mi}
{{- if .Values.tls.enabled }}
- name: tls
  secret: {secretName: {{ .Values.tls.existingSecret }}, defaultMode: 288}
{{- end }}
{{- if .Values.secrets.existingSecret }}
- name: secrets
  secret:
    secretName: {{ .Values.secrets.existingSecret }}
    defaultMode: 288
    items:
      - {key: {{ .Values.secrets.edgeKey }}, path: edge}
      {{- if .Values.secrets.cdnKey }}
      - {key: {{ .Values.secrets.cdnKey }}, path: cdn}
      {{- end }}
{{- end }}
{{- if .Values.geoip.existingClaim }}
- name: geoip
  persistentVolumeClaim: {claimName: {{ .Values.geoip.existingClaim }}, readOnly: true}
{{- else if .Values.geoip.initContainer }}
- name: geoip
  emptyDir: {sizeLimit: 256Mi}
{{- end }}
{{- end }}

{{- define "edge.probe" -}}
httpGet: {path: /edge/health, port: public, scheme: {{ ternary "HTTPS" "HTTP" .Values.tls.enabled }}}
timeoutSeconds: 3
{{- end }}

{{- define "edge.spread" -}}
{{- $constraints := list -}}
{{- range $key, $how := dict "topology.kubernetes.io/zone" .Values.topologySpread.zone "kubernetes.io/hostname" .Values.topologySpread.host }}
{{- if ne $how "off" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: {{ $how }}
  labelSelector:
    matchLabels:
      {{- include "edge.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}

{{- define "edge.container" -}}
name: edge
image: {{ include "edge.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "edge.env" . | nindent 2 }}
ports:
  - {name: public, containerPort: 8443, protocol: TCP}
  {{- if include "edge.fansOut" . }}
  - {name: metrics, containerPort: 9145, protocol: TCP}
  {{- end }}
securityContext:
  {{- include "edge.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
startupProbe:
  {{- include "edge.probe" . | nindent 2 }}
  periodSeconds: 1
  failureThreshold: 60
readinessProbe:
  {{- include "edge.probe" . | nindent 2 }}
  periodSeconds: 3
  failureThreshold: 2
livenessProbe:
  tcpSocket: {port: public}
  periodSeconds: 10
  failureThreshold: 6
{{- if int .Values.lifecycle.preStopSeconds }}
lifecycle:
  preStop: {exec: {command: [/usr/bin/sh, -c, "edge-node leave; sleep {{ int .Values.lifecycle.preStopSeconds }}"]}}
{{- end }}
volumeMounts:
  {{- include "edge.mounts" . | nindent 2 }}
{{- end }}

{{- define "edge.initContainer" -}}
initContainers:
  - name: geoip
    {{- toYaml .Values.geoip.initContainer | nindent 4 }}
    securityContext:
      {{- include "edge.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - {name: geoip, mountPath: /var/lib/overround-edge}
{{- end }}

{{- define "edge.pod" -}}
metadata:
  annotations:
    {{- include "edge.policyAnnotations" . | nindent 4 }}
    {{- if and (include "edge.fansOut" .) .Values.monitoring.annotations (not .Values.monitoring.podMonitor.enabled) }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "9145"
    prometheus.io/path: /metrics
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  labels:
    {{- include "edge.common" . | nindent 4 }}
    app.kubernetes.io/component: edge
spec:
  {{- include "edge.podBasics" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ add (int .Values.lifecycle.preStopSeconds) (int .Values.lifecycle.drainSeconds) }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if eq .Values.kind "Deployment" }}
  {{- with include "edge.spread" . | trim }}
  topologySpreadConstraints:
    {{- . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- if .Values.geoip.initContainer }}
  {{- include "edge.initContainer" . | nindent 2 }}
  {{- end }}
  containers:
    -
      {{- include "edge.container" . | nindent 6 }}
  volumes:
    {{- include "edge.volumes" . | nindent 4 }}
{{- end }}
