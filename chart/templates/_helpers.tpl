{{- define "jichat.name" -}}
{{- printf "%s-operator" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Of the release and of what it watches: those that share it take turns, so they must do the same work. */}}
{{- define "jichat.lease" -}}
{{- include "jichat.name" . -}}
{{- with .Values.watchNamespaces }}-{{ sortAlpha . | join "," | sha256sum | trunc 8 }}{{ end -}}
{{- end -}}

{{- define "jichat.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "jichat.name" .) -}}
{{- end -}}

{{- define "jichat.image" -}}
{{- printf "%s/operator:%s" .Values.image.registry (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* The operator's own NetworkPolicies for backends know it by the first of these. */}}
{{- define "jichat.selector" -}}
app.kubernetes.io/name: jichat-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "jichat.labels" -}}
{{ include "jichat.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: jichat
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* OpenShift gives each namespace a range of user ids, and takes no pod that asks for another. */}}
{{- define "jichat.podUsers" -}}
{{- if ne .Values.podUsers "auto" }}{{ .Values.podUsers }}
{{- else if .Capabilities.APIVersions.Has "security.openshift.io/v1" }}assigned
{{- else }}fixed
{{- end }}
{{- end -}}

{{- define "jichat.podUser" -}}
{{- if eq (include "jichat.podUsers" . | trim) "fixed" -}}
securityContext: { runAsUser: 65532, runAsGroup: 65532 }
{{- end }}
{{- end -}}

{{- define "jichat.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end -}}
