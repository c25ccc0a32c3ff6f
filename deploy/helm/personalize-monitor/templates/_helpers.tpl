{{- define "personalize-monitor.name" -}}
{{- if contains "personalize-monitor" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-personalize-monitor" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "personalize-monitor.selector" -}}
app.kubernetes.io/name: personalize-monitor
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "personalize-monitor.labels" -}}
{{ include "personalize-monitor.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "personalize-monitor.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "personalize-monitor.name" .) -}}
{{- else -}}
{{- required "serviceAccount.create is false: set serviceAccount.name" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "personalize-monitor.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "personalize-monitor.tokenSecret" -}}
{{- if .Values.token.existingSecret -}}
{{- .Values.token.existingSecret -}}
{{- else -}}
{{- $_ := required "set token.existingSecret, or token.value to at least 16 characters: without a token the page and the metrics would be open to everyone" .Values.token.value -}}
{{- include "personalize-monitor.name" . -}}
{{- end -}}
{{- end -}}

{{- define "personalize-monitor.hosts" -}}
{{- $name := include "personalize-monitor.name" . -}}
{{- $own := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) -}}
{{- concat $own .Values.allowedHosts | join "," -}}
{{- end -}}
