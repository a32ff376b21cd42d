{{- define "wine.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The deployments: one, or a blue and a green one. */ -}}
{{- define "wine.slots" -}}
{{- if .Values.blueGreen.enabled }}
{{- range $slot := list "blue" "green" }}
{{ $slot }}:
  name: {{ $.Release.Name }}-{{ $slot }}
  release: {{ index $.Values.blueGreen $slot | quote }}
  replicas: {{ if or $.Values.blueGreen.standby (eq $slot $.Values.blueGreen.active) }}{{ $.Values.replicas }}{{ else }}0{{ end }}
{{- end }}
{{- else }}
only:
  name: {{ .Release.Name }}
  release: {{ .Values.release | quote }}
  replicas: {{ .Values.replicas }}
{{- end }}
{{- end }}

{{- /* What tells the process how to behave: each variable is an option of `lapse pod`. */ -}}
{{- define "wine.environment" -}}
- { name: POD_LISTEN, value: "0.0.0.0:8080" }
- { name: POD_TERMINATION_LOG, value: /dev/termination-log }
- { name: POD_RELEASE, value: {{ .release | quote }} }
- { name: POD_READINESS, value: {{ ternary "lying" "honest" .lying }} }
- { name: POD_ON_SIGTERM, value: {{ .pod.onSigterm }} }
- { name: POD_BOOT, value: {{ .pod.boot | quote }} }
- { name: POD_INIT, value: {{ .pod.init | quote }} }
- { name: POD_WORK, value: {{ .pod.work | quote }} }
- { name: POD_WARM_UP, value: {{ .pod.warmUp | quote }} }
- { name: POD_WARM_UP_ADDS, value: {{ .pod.warmUpAdds | quote }} }
- { name: POD_LONG_SHARE, value: {{ .pod.longShare | quote }} }
- { name: POD_LONG_WORK, value: {{ .pod.longWork | quote }} }
- { name: POD_ERRORS, value: {{ .pod.errors | quote }} }
{{- with .pod.capacity }}
- { name: POD_CAPACITY, value: {{ . | quote }} }
{{- end }}
{{- end }}

{{- define "wine.probe" -}}
initialDelaySeconds: {{ .initialDelaySeconds }}
periodSeconds: {{ .periodSeconds }}
timeoutSeconds: {{ .timeoutSeconds }}
failureThreshold: {{ .failureThreshold }}
{{- end }}
