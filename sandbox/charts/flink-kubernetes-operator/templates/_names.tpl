{{- define "operator.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "operator.labels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "operator.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* The account's name, whether the chart makes it or not. */ -}}
{{- define "operator.account" -}}
{{ .Values.operatorServiceAccount.name | default "default" }}
{{- end }}

{{- define "operator.jobAccount" -}}
{{ .Values.jobServiceAccount.name | default "default" }}
{{- end }}

{{- /* A name with a colon in it is a ClusterRole's (system:…), as the official chart has it. */ -}}
{{- define "operator.roleKind" -}}
{{ if contains ":" . }}ClusterRole{{ else }}Role{{ end }}
{{- end }}

{{- /* Not empty when some webhook is on: validator and mutator, where they are said, count instead of create. */ -}}
{{- define "operator.webhook" -}}
{{- range $one := list "validator" "mutator" }}
{{- if (index $.Values.webhook $one | default $.Values.webhook).create }}on{{ end }}
{{- end }}
{{- end }}

{{- /* The file that the operator reads: before 1.16 its Flink libraries knew flink-conf.yaml alone. */ -}}
{{- define "operator.configFile" -}}
{{ if semverCompare ">=1.16.0-0" .Chart.AppVersion }}config.yaml{{ else }}flink-conf.yaml{{ end }}
{{- end }}
