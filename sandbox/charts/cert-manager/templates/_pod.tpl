{{- /* The pod template of a part: (dict "root" $ "part" … "values" … "args" (list …) "ports" (dict name number)). */ -}}
{{- define "cert.pod" -}}
metadata:
  labels:
    {{- include "cert.labels" . | nindent 4 }}
    {{- with .values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with .values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "cert.account" . }}
  automountServiceAccountToken: {{ .values.serviceAccount.automountServiceAccountToken }}
  enableServiceLinks: {{ .values.enableServiceLinks }}
  securityContext: {{- toYaml .values.securityContext | nindent 4 }}
  {{- with .root.Values.global.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .root.Values.global.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- range $field := list "nodeSelector" "affinity" "tolerations" "topologySpreadConstraints" "volumes" }}
  {{- with index $.values $field }}
  {{- toYaml (dict $field .) | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- if eq .part "startupapicheck" }}
  restartPolicy: OnFailure
  {{- end }}
  containers:
    - name: cert-manager-{{ .part }}
      image: {{ include "cert.image" . }}
      imagePullPolicy: {{ .values.image.pullPolicy }}
      args: {{- concat .args (.values.extraArgs | default list) | toYaml | nindent 8 }}
      env:
        - name: POD_NAMESPACE
          valueFrom:
            fieldRef:
              fieldPath: metadata.namespace
        {{- with .values.extraEnv }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with .ports }}
      ports:
        {{- range $name, $number := . }}
        - name: {{ $name }}
          containerPort: {{ $number }}
        {{- end }}
      {{- end }}
      resources: {{- toYaml .values.resources | nindent 8 }}
      securityContext: {{- toYaml .values.containerSecurityContext | nindent 8 }}
      {{- with .values.volumeMounts }}
      volumeMounts: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .probes }}{{ toYaml . | nindent 6 }}{{ end }}
{{- end }}
