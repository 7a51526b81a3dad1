{{/* What the schema cannot see: values that contradict each other. */}}
{{- define "overround.check" -}}
{{- $values := .Values -}}
{{- $sqlite := include "overround.isSqlite" . -}}
{{- if and $values.store.url $values.store.existingSecret -}}
{{- fail "store: give url or existingSecret, not both" -}}
{{- end -}}
{{- if eq $values.mode "roles" -}}
{{- if and (not $values.store.existingSecret) (not (hasPrefix "postgres" $values.store.url)) -}}
{{- fail "mode roles: store.existingSecret must name the Secret with a postgres:// URL" -}}
{{- end -}}
{{- if not (hasPrefix "kafka://" $values.bus.url) -}}
{{- fail "mode roles: bus.url must be kafka://HOST:PORT" -}}
{{- end -}}
{{- if not (fromJsonArray (include "overround.roles" .)) -}}
{{- fail "roles: none is enabled" -}}
{{- end -}}
{{- else -}}
{{- if $values.bus.url }}{{ fail "bus.url: mode single has its bus within the process" }}{{ end -}}
{{- if $values.canary.enabled }}{{ fail "canary: mode single has one process, and no second track" }}{{ end -}}
{{- range $role, $own := $values.roles -}}
{{- if $own.autoscaling.enabled }}{{ fail (printf "roles.%s.autoscaling: mode single has one process" $role) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $role, $own := $values.roles -}}
{{- $auto := $own.autoscaling -}}
{{- if $auto.enabled -}}
{{- if gt (int $auto.min) (int $auto.max) }}{{ fail (printf "roles.%s.autoscaling: min %d is above max %d" $role (int $auto.min) (int $auto.max)) }}{{ end -}}
{{- if and $auto.forecast (ne $values.autoscaling.kind "keda") }}{{ fail (printf "roles.%s.autoscaling.forecast: needs autoscaling.kind keda" $role) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $values.canary.enabled -}}
{{- if not (fromJsonArray (include "overround.canaries" .)) }}{{ fail "canary.roles: none of them is enabled" }}{{ end -}}
{{- range $role := fromJsonArray (include "overround.canaries" .) -}}
{{- if and (gt (int $values.canary.weight) 0) (lt (int (index $values.canary.roles $role).replicas) 1) -}}
{{- fail (printf "canary.roles.%s: no pods for a weight of %d" $role (int $values.canary.weight)) -}}
{{- end -}}
{{- end -}}
{{- if and $values.ingress.enabled (gt (int $values.canary.weight) 0) }}{{ fail "canary.weight: an Ingress has no weights; use the gateway" }}{{ end -}}
{{- end -}}
{{- if and $values.gateway.enabled $values.ingress.enabled }}{{ fail "gateway and ingress: enable one of them" }}{{ end -}}
{{- if and $values.gateway.enabled (not $values.gateway.parentRefs) }}{{ fail "gateway.parentRefs: name the Gateway" }}{{ end -}}
{{- if and $values.gateway.operator.enabled (not $values.gateway.operator.parentRefs) }}{{ fail "gateway.operator.parentRefs: name the internal Gateway" }}{{ end -}}
{{- if and $values.gateway.operator.enabled (eq (toJson $values.gateway.operator.parentRefs) (toJson $values.gateway.parentRefs)) }}{{ fail "gateway.operator.parentRefs: is the public Gateway" }}{{ end -}}
{{- if and $values.ingress.enabled (not $values.ingress.hosts) }}{{ fail "ingress.hosts: name one" }}{{ end -}}
{{- if $values.archive.enabled -}}
{{- if not (hasPrefix "s3://" $values.archive.to) }}{{ fail "archive.to must be s3://BUCKET/PREFIX" }}{{ end -}}
{{- if not (or $values.s3.existingSecret $values.s3.serviceAccount) }}{{ fail "archive: s3.existingSecret must name the Secret with AWS_ACCESS_KEY_ID, or s3.serviceAccount an account with a role" }}{{ end -}}
{{- if and $sqlite (not $values.single.persistence.enabled) }}{{ fail "archive: needs single.persistence, or a store" }}{{ end -}}
{{- end -}}
{{- if $values.single.backup.enabled -}}
{{- if not (and $sqlite $values.single.persistence.enabled) }}{{ fail "single.backup: is of SQLite on a volume; PostgreSQL's is in docs/OPERATE.md" }}{{ end -}}
{{- if not (hasPrefix "s3://" $values.single.backup.to) }}{{ fail "single.backup.to must be s3://BUCKET/PREFIX" }}{{ end -}}
{{- if not (or $values.s3.existingSecret $values.s3.serviceAccount) }}{{ fail "single.backup: s3.existingSecret must name the Secret with AWS_ACCESS_KEY_ID, or s3.serviceAccount an account with a role" }}{{ end -}}
{{- end -}}
{{- if and $values.s3.existingSecret $values.s3.serviceAccount }}{{ fail "s3.existingSecret and s3.serviceAccount: not both, for the Secret's keys go before the account's" }}{{ end -}}
{{- if and (or (and $values.archive.enabled $values.archive.second) (and $values.single.backup.enabled $values.single.backup.second)) (not $values.s3.second.existingSecret) }}{{ fail "archive.second, single.backup.second: s3.second.existingSecret must name the second store's Secret" }}{{ end -}}
{{- if and (gt (int $values.archive.secondLockDays) 0) (not $values.archive.second) }}{{ fail "archive.secondLockDays: needs archive.second" }}{{ end -}}
{{- include "overround.patchesAreMeant" . -}}
{{- end }}
