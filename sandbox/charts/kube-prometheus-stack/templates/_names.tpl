{{- define "stack.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- $release := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{ .Values.fullnameOverride | default $release | trunc 26 | trimSuffix "-" }}
{{- end }}

{{- define "stack.namespace" -}}
{{ .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- /* What follows is asked about a part: (dict "root" $ "part" "operator" …). */ -}}

{{- define "stack.partname" -}}
{{ include "stack.fullname" .root }}-{{ .part }}
{{- end }}

{{- define "stack.app" -}}
{{ .root.Values.nameOverride | default .root.Chart.Name }}-{{ .part }}
{{- end }}

{{- define "stack.labels" -}}
app: {{ include "stack.app" . }}
release: {{ .root.Release.Name | quote }}
app.kubernetes.io/name: {{ include "stack.app" . }}
app.kubernetes.io/component: {{ .part }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.Version | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: {{ .root.Chart.Name }}
chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
heritage: {{ .root.Release.Service | quote }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* (dict "root" $ "part" … "values" the part's, with its serviceAccount) */ -}}
{{- define "stack.account" -}}
{{ .values.serviceAccount.name | default (ternary (include "stack.partname" .) "default" .values.serviceAccount.create) }}
{{- end }}

{{- /* (dict "root" $ "image" values "tag" what an empty tag stands for) */ -}}
{{- define "stack.image" -}}
{{ .root.Values.global.imageRegistry | default .image.registry }}/{{ .image.repository }}:{{ .image.tag | default .tag }}
{{- with .image.sha }}@sha256:{{ . }}{{ end }}
{{- end }}
