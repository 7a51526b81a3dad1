{{/* Names and labels. */}}

{{- define "edge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "edge.fullname" -}}
{{- $name := include "edge.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What never changes while a release lives. */}}
{{- define "edge.instance" -}}
app.kubernetes.io/name: {{ include "edge.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "edge.selector" -}}
{{ include "edge.instance" . }}
app.kubernetes.io/component: edge
{{- end }}

{{- define "edge.common" -}}
{{ include "edge.instance" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/part-of: overround
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A dict of root, name and component. */}}
{{- define "edge.meta" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "edge.common" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component | default "edge" }}
{{- end }}

{{- define "edge.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A country is known, or none is. */}}
{{- define "edge.knowsCountries" -}}
{{- if or .Values.geoip.existingClaim .Values.geoip.initContainer }}yes{{ end -}}
{{- end }}

{{/* Streams go by the node's fan-out. */}}
{{- define "edge.fansOut" -}}
{{- if dig "node" "fanout" true .Values.policy }}yes{{ end -}}
{{- end }}
