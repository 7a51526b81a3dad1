{{/* What runs and ends: the migration, the archive, the test. */}}

{{/* A dict of root, name, args, env (YAML), track, mounts. */}}
{{- define "overround.jobContainer" -}}
name: {{ .name }}
image: {{ include "overround.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: {{ toJson .args }}
env:
  {{- .env | nindent 2 }}
resources:
  requests: {cpu: 50m, memory: 64Mi}
  limits: {memory: 512Mi}
securityContext:
  {{- include "overround.containerSecurity" . | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if .data }}
  - {name: data, mountPath: /data}
  {{- end }}
{{- end }}

{{/* Before the pods of a release: expand only, so that both releases can run (docs/DEPLOY.md).
     The canary's image knows more migrations. */}}
{{- define "overround.migration" -}}
{{- if and .Values.migrations.enabled (not (include "overround.isSqlite" .)) }}
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "overround.meta" (dict "root" . "name" (printf "%s-migrate" (include "overround.fullname" .)) "component" "job") | nindent 2 }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "0"
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: {{ int .Values.migrations.backoffLimit }}
  ttlSecondsAfterFinished: {{ int .Values.migrations.ttlSecondsAfterFinished }}
  activeDeadlineSeconds: {{ int .Values.migrations.activeDeadlineSeconds }}
  template:
    metadata:
      labels:
        {{- include "overround.common" . | nindent 8 }}
        app.kubernetes.io/component: job
    spec:
      {{- include "overround.podBasics" . | nindent 6 }}
      restartPolicy: Never
      containers:
        - {{- include "overround.jobContainer" (dict "root" . "name" "migrate" "args" (list "migrate") "env" (include "overround.storeEnv" .) "track" (ternary "canary" "stable" .Values.canary.enabled)) | nindent 10 }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
{{- end }}
{{- end }}

{{/* A dict of s3 (values), option (what it begins with). */}}
{{- define "overround.s3Where" -}}
{{- $args := list -}}
{{- with .s3.endpoint }}{{ $args = concat $args (list (printf "%sendpoint" $.option) .) }}{{ end -}}
{{- if .s3.virtualHost }}{{ $args = append $args (printf "%svirtual-host" .option) }}{{ end -}}
{{- toJson $args -}}
{{- end }}

{{/* A dict of root, to, second, lockDays, secondLockDays. */}}
{{- define "overround.s3Args" -}}
{{- $s3 := .root.Values.s3 -}}
{{- $args := concat (list "--to" .to) (fromJsonArray (include "overround.s3Where" (dict "s3" $s3 "option" "--"))) -}}
{{- with int .lockDays }}{{ $args = concat $args (list "--lock-days" (toString .)) }}{{ end -}}
{{- if .second -}}
{{- $args = concat $args (list "--second" .second) (fromJsonArray (include "overround.s3Where" (dict "s3" $s3.second "option" "--second-"))) -}}
{{- with int .secondLockDays }}{{ $args = concat $args (list "--second-lock-days" (toString .)) }}{{ end -}}
{{- end -}}
{{- toJson $args -}}
{{- end }}

{{/* A dict of root, name, schedule, args, env, and serviceAccount where it has one. */}}
{{- define "overround.cron" }}
{{- $sqlite := include "overround.isSqlite" .root }}
---
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "overround.meta" (dict "root" .root "name" (printf "%s-%s" (include "overround.fullname" .root) .name) "component" "job") | nindent 2 }}
spec:
  schedule: {{ .schedule | quote }}
  timeZone: Etc/UTC
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: 600
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 3
  jobTemplate:
    spec:
      backoffLimit: 3
      template:
        metadata:
          labels:
            {{- include "overround.common" .root | nindent 12 }}
            app.kubernetes.io/component: job
        spec:
          {{- include "overround.podBasics" .root | nindent 10 }}
          {{- with .serviceAccount }}
          serviceAccountName: {{ . }}
          {{- end }}
          restartPolicy: Never
          {{- if $sqlite }}
          # The volume is where the server is.
          affinity:
            podAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                - topologyKey: kubernetes.io/hostname
                  labelSelector:
                    matchLabels:
                      {{- include "overround.instance" .root | nindent 22 }}
                      app.kubernetes.io/component: single
          {{- end }}
          containers:
            - {{- include "overround.jobContainer" (dict "root" .root "name" .name "args" .args "env" .env "track" "stable" "data" $sqlite) | nindent 14 }}
          volumes:
            - name: tmp
              emptyDir: {}
            {{- if $sqlite }}
            - name: data
              persistentVolumeClaim: {claimName: data-{{ include "overround.fullname" .root }}-0}
            {{- end }}
{{- end }}

{{/* What alarm LedgerAuditFailed and LedgerAuditMissing look for, by this name. */}}
{{- define "overround.audit" -}}
{{- if and .Values.audit.enabled (or (not (include "overround.isSqlite" .)) .Values.single.persistence.enabled) }}
{{ include "overround.cron" (dict "root" . "name" "audit" "schedule" .Values.audit.schedule "args" (list "audit") "env" (include "overround.storeEnv" .)) }}
{{- end }}
{{- end }}

{{- define "overround.archive" -}}
{{- $env := include "overround.storeEnv" . -}}
{{- with .Values.archive }}
{{- if .enabled }}
{{- $args := include "overround.s3Args" (dict "root" $ "to" .to "lockDays" .lockDays "second" .second "secondLockDays" .secondLockDays) }}
{{ include "overround.cron" (dict "root" $ "name" "archive" "schedule" .schedule "args" (concat (list "archive") (fromJsonArray $args)) "env" (printf "%s\n%s" $env (include "overround.s3Env" (list $ .second))) "serviceAccount" $.Values.s3.serviceAccount) }}
{{- end }}
{{- end }}
{{- with .Values.single.backup }}
{{- if and (include "overround.isSqlite" $) .enabled }}
{{- $args := include "overround.s3Args" (dict "root" $ "to" .to "second" .second) }}
{{ include "overround.cron" (dict "root" $ "name" "backup" "schedule" .schedule "args" (concat (list "backup") (fromJsonArray $args)) "env" (printf "%s\n%s" $env (include "overround.s3Env" (list $ .second))) "serviceAccount" $.Values.s3.serviceAccount) }}
{{- end }}
{{- end }}
{{- end }}

{{/* It signs as the edge would: from where bets are taken, with its own address. */}}
{{- define "overround.testEdgeEnv" -}}
{{ include "overround.fromSecret" (dict "name" "OVERROUND_EDGE_SECRET" "from" .Values.edge) }}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- end }}

{{/* helm test: a bet is placed and settled through the Services. */}}
{{- define "overround.test" -}}
{{- $args := list "smoke" "--url" (printf "http://%s" (include "overround.service" (list . "web")))
      "--bets-url" (printf "http://%s" (include "overround.service" (list . "bets")))
      "--operator-url" (printf "http://%s:8081" (include "overround.service" (list . "feed"))) -}}
{{- $env := include "overround.tokenEnv" . -}}
{{- if .Values.edge.existingSecret -}}
{{- $allowed := get .Values.config "countries-allowed" | default "XX" | splitList "," -}}
{{- $args = concat $args (list "--country" (trim (first $allowed)) "--address" "$(POD_IP)") -}}
{{- $env = printf "%s\n%s" $env (include "overround.testEdgeEnv" .) -}}
{{- end -}}
{{- if and .Values.operatorToken.existingSecret (include "overround.plays" (list . "bets")) (include "overround.plays" (list . "web")) (include "overround.plays" (list . "feed")) }}
---
apiVersion: v1
kind: Pod
metadata:
  {{- include "overround.meta" (dict "root" . "name" (printf "%s-test" (include "overround.fullname" .)) "component" "test") | nindent 2 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  {{- include "overround.podBasics" . | nindent 2 }}
  restartPolicy: Never
  containers:
    - {{- include "overround.jobContainer" (dict "root" . "name" "smoke" "args" $args
        "env" $env "track" "stable") | nindent 6 }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 16Mi}
{{- end }}
{{- end }}
