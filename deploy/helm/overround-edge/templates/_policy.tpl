{{/* edge.yaml and local.conf, as the pods have them.  JSON is YAML, and cannot be mistaken:
     no NO that means false, no 1e+06. */}}
{{- define "edge.policy" -}}
{{- $node := dict "listen" "0.0.0.0" "port" 8443 "run" "/run/overround-edge" "cache" "/var/cache/overround-edge" -}}
{{- if .Values.tls.enabled }}{{ $_ := set $node "certificate" "/run/overround-edge/tls.pem" }}{{ end -}}
{{- if include "edge.knowsCountries" . }}{{ $_ := set $node "geoip" (printf "/var/lib/overround-edge/%s" .Values.geoip.file) }}{{ end -}}
{{- $policy := deepCopy .Values.policy -}}
{{- $_ := set $policy "node" (merge $node ($policy.node | default dict)) -}}
{{ toPrettyJson $policy }}
{{- end }}

{{/* They are annotations of the pods, mounted as files: so each ReplicaSet has its own policy,
     an old pod that is made anew has the old one, and `kubectl rollout undo` brings it back. */}}
{{- define "edge.policyAnnotations" -}}
overround.dev/edge.yaml: |
  {{- include "edge.policy" . | nindent 2 }}
{{- with .Values.local }}
overround.dev/local.conf: |
  {{- . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "edge.policyVolume" -}}
name: policy
downwardAPI:
  items:
    - {path: edge.yaml, fieldRef: {apiVersion: v1, fieldPath: "metadata.annotations['overround.dev/edge.yaml']"}}
    {{- if .Values.local }}
    - {path: local.conf, fieldRef: {apiVersion: v1, fieldPath: "metadata.annotations['overround.dev/local.conf']"}}
    {{- end }}
{{- end }}

{{/* What the schema cannot see: values that contradict each other. */}}
{{- define "edge.check" -}}
{{- if and .Values.tls.enabled (not .Values.tls.existingSecret) }}{{ fail "tls.existingSecret must name the Secret with tls.crt and tls.key; or tls.enabled=false where TLS ends before the node" }}{{ end -}}
{{- if and .Values.geoip.existingClaim .Values.geoip.initContainer }}{{ fail "geoip: give existingClaim or initContainer, not both" }}{{ end -}}
{{- if and .Values.secrets.cdnKey (not .Values.secrets.existingSecret) }}{{ fail "secrets.cdnKey: needs secrets.existingSecret" }}{{ end -}}
{{- if and (dig "cdn" "networks" list .Values.policy) (not .Values.secrets.cdnKey) }}{{ fail "policy.cdn.networks: secrets.cdnKey must name what the CDN says; its addresses are those of all its customers" }}{{ end -}}
{{- if and .Values.autoscaling.enabled (ne .Values.kind "Deployment") }}{{ fail "autoscaling: a DaemonSet has a pod a machine" }}{{ end -}}
{{- if gt (int .Values.autoscaling.min) (int .Values.autoscaling.max) }}{{ fail (printf "autoscaling: min %d is above max %d" (int .Values.autoscaling.min) (int .Values.autoscaling.max)) }}{{ end -}}
{{- if and .Values.autoscaling.enabled (not (dig "requests" "cpu" "" .Values.resources)) }}{{ fail "autoscaling: needs resources.requests.cpu" }}{{ end -}}
{{- if and .Values.latency.hostname (not .Values.latency.region) }}{{ fail "latency.region: which AWS region is the nearest?" }}{{ end -}}
{{- end }}
