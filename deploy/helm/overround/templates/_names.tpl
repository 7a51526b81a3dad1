{{/* Names and labels.  A context is (dict "root" $ "role" "bets" "track" "stable"). */}}

{{- define "overround.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "overround.fullname" -}}
{{- $name := include "overround.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* RELEASE-bets, RELEASE-bets-canary; in mode single RELEASE. */}}
{{- define "overround.workload" -}}
{{- include "overround.fullname" .root -}}
{{- if ne .role "single" }}-{{ .role }}{{ end -}}
{{- if eq .track "canary" }}-canary{{ end -}}
{{- end }}

{{/* The Service that plays a role: a list of root and role. */}}
{{- define "overround.service" -}}
{{- $root := index . 0 -}}
{{- include "overround.fullname" $root -}}
{{- if eq $root.Values.mode "roles" }}-{{ index . 1 }}{{ end -}}
{{- end }}

{{/* What never changes while a release lives. */}}
{{- define "overround.instance" -}}
app.kubernetes.io/name: {{ include "overround.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "overround.selector" -}}
{{ include "overround.instance" .root }}
app.kubernetes.io/component: {{ .role }}
track: {{ .track }}
{{- end }}

{{- define "overround.common" -}}
{{ include "overround.instance" . }}
app.kubernetes.io/part-of: overround
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "overround.meta" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "overround.common" .root | nindent 2 }}
  {{- with .component }}
  app.kubernetes.io/component: {{ . }}
  {{- end }}
{{- end }}

{{/* One image; the canary's where that track says so. */}}
{{- define "overround.image" -}}
{{- $root := .root -}}
{{- $image := dict "tag" $root.Values.image.tag "digest" $root.Values.image.digest -}}
{{- if eq .track "canary" -}}
{{- $own := $root.Values.canary.image -}}
{{- if or $own.tag $own.digest }}{{ $image = $own }}{{ end -}}
{{- end -}}
{{- if $image.digest -}}
{{ $root.Values.image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $root.Values.image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "overround.version" -}}
{{- $image := .root.Values.image -}}
{{- $own := .root.Values.canary.image -}}
{{- if and (eq .track "canary") (or $own.tag $own.digest) }}{{ $image = $own }}{{ end -}}
{{- $image.tag | default .root.Chart.AppVersion | trunc 63 -}}
{{- end }}

{{/* The roles that are played here, as JSON. */}}
{{- define "overround.roles" -}}
{{- $roles := list -}}
{{- if eq .Values.mode "roles" -}}
{{- range $role := list "feed" "odds" "bets" "settle" "web" -}}
{{- if (index $.Values.roles $role).enabled }}{{ $roles = append $roles $role }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toJson $roles -}}
{{- end }}

{{/* The roles with a canary, as JSON. */}}
{{- define "overround.canaries" -}}
{{- $roles := list -}}
{{- if and .Values.canary.enabled (eq .Values.mode "roles") -}}
{{- range $role := list "bets" "web" -}}
{{- if and (index $.Values.roles $role).enabled (index $.Values.canary.roles $role) -}}
{{- $roles = append $roles $role -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $roles -}}
{{- end }}

{{/* SQLite, which one pod has in its volume. */}}
{{- define "overround.isSqlite" -}}
{{- if and (eq .Values.mode "single") (not .Values.store.url) (not .Values.store.existingSecret) }}yes{{ end -}}
{{- end }}

{{/* A setting's name in the environment. */}}
{{- define "overround.variable" -}}
OVERROUND_{{ . | upper | replace "-" "_" }}
{{- end }}
