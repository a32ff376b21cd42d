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
