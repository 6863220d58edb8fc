{{- /* What follows is asked about a part: (dict "root" $ "part" "webhook" "values" .Values.webhook). */ -}}

{{- define "cert.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $release := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ .Values.fullnameOverride | default $release | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "cert.namespace" -}}
{{ .Values.namespace | default .Release.Namespace }}
{{- end }}

{{- /* The controller's objects have the chart's name, the others' that and the part's. */ -}}
{{- define "cert.partname" -}}
{{ include "cert.fullname" .root }}{{ if ne .part "controller" }}-{{ .part }}{{ end }}
{{- end }}

{{- define "cert.account" -}}
{{- if .values.serviceAccount.create -}}
{{ .values.serviceAccount.name | default (include "cert.partname" .) }}
{{- else -}}
{{ .values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "cert.selector" -}}
app.kubernetes.io/name: {{ ternary (.root.Values.nameOverride | default .root.Chart.Name) .part (eq .part "controller") }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "cert.labels" -}}
{{ include "cert.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.global.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "cert.image" -}}
{{- $root := .root.Values -}}
{{- with .values.image -}}
{{ .repository | default (printf "%s/%s/%s" $root.imageRegistry $root.imageNamespace .name) }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.root.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* The secret in which the webhook keeps the authority of its certificate; cainjector hands it to the API server. */ -}}
{{- define "cert.authority" -}}
{{ include "cert.fullname" . }}-webhook-ca
{{- end }}
