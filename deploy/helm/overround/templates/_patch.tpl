{{/*
The one way out for every object: a template's text is read, the patches that
name an object are merged into it, and it is written again.
*/}}

{{/* A list of root and the name of a template. */}}
{{- define "overround.emit" -}}
{{- $root := index . 0 -}}
{{- range $text := splitList "\n---\n" (printf "\n%s\n" (include (index . 1) $root)) -}}
{{- if trim $text -}}
{{- $object := fromYaml $text -}}
{{- if hasKey $object "Error" -}}
{{- fail (printf "%s makes no YAML: %s\n%s" (index $ 1) $object.Error $text) -}}
{{- end -}}
{{- range $root.Values.patches -}}
{{- if include "overround.isMeant" (list $root . $object) -}}
{{- include "overround.merge" (list $object .patch) -}}
{{- end -}}
{{- end }}
---
{{ toYaml $object }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "overround.isMeant" -}}
{{- $root := index . 0 -}}
{{- $patch := index . 1 -}}
{{- $object := index . 2 -}}
{{- if eq $patch.kind $object.kind -}}
{{- $name := $object.metadata.name -}}
{{- if or (not $patch.name) (eq $patch.name $name) (eq $name (printf "%s-%s" (include "overround.fullname" $root) $patch.name)) }}yes{{ end -}}
{{- end -}}
{{- end }}

{{/* A list of a map and what goes into it, in place. */}}
{{- define "overround.merge" -}}
{{- $into := index . 0 -}}
{{- range $key, $new := index . 1 -}}
{{- $old := get $into $key -}}
{{- if kindIs "invalid" $new -}}
{{- $_ := unset $into $key -}}
{{- else if and (kindIs "map" $new) (kindIs "map" $old) -}}
{{- include "overround.merge" (list $old $new) -}}
{{- else if and (kindIs "slice" $new) (kindIs "slice" $old) (include "overround.isNamed" $new) (include "overround.isNamed" $old) -}}
{{- $all := $old -}}
{{- range $item := $new -}}
{{- $found := dict -}}
{{- range $old }}{{ if eq .name $item.name }}{{ $found = . }}{{ end }}{{ end -}}
{{- if $found -}}
{{- include "overround.merge" (list $found $item) -}}
{{- else -}}
{{- $all = append $all $item -}}
{{- end -}}
{{- end -}}
{{- $_ := set $into $key $all -}}
{{- else -}}
{{- $_ := set $into $key $new -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A list of things that each have a name. */}}
{{- define "overround.isNamed" -}}
{{- $named := true -}}
{{- range . -}}
{{- if not (kindIs "map" .) }}{{ $named = false }}{{ else if not (hasKey . "name") }}{{ $named = false }}{{ end -}}
{{- end -}}
{{- if $named }}yes{{ end -}}
{{- end }}

{{- define "overround.parts" -}}
{{- toJson (list "overround.config" "overround.deployments" "overround.single" "overround.services"
  "overround.budgets" "overround.autoscalers" "overround.routes" "overround.ingress"
  "overround.policies" "overround.migration" "overround.archive" "overround.priorities"
  "overround.monitoring" "overround.test") -}}
{{- end }}

{{/* A patch that is for nothing is a mistake. */}}
{{- define "overround.patchesAreMeant" -}}
{{- $root := . -}}
{{- range $i, $patch := .Values.patches -}}
{{- $meant := false -}}
{{- $names := list -}}
{{- range $part := fromJsonArray (include "overround.parts" $root) -}}
{{- range $text := splitList "\n---\n" (printf "\n%s\n" (include $part $root)) -}}
{{- if trim $text -}}
{{- $object := fromYaml $text -}}
{{- if include "overround.isMeant" (list $root $patch $object) }}{{ $meant = true }}{{ end -}}
{{- if eq $object.kind $patch.kind }}{{ $names = append $names $object.metadata.name }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $meant -}}
{{- fail (printf "patches[%d]: there is no %s %s; there are: %s" $i $patch.kind (default "" $patch.name) (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- end }}
