{{- /* It names a service, whose rules are stricter than those of a release, and 11 characters follow it in a label. */ -}}
{{- define "personalize-monitor.name" -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" .Release.Name) -}}
{{- fail (printf "the release %q cannot name a service: begin it with a letter, and use letters, digits and - only" .Release.Name) -}}
{{- end -}}
{{- $name := .Release.Name -}}
{{- if not (contains "personalize-monitor" $name) -}}
{{- $name = printf "%s-personalize-monitor" $name -}}
{{- end -}}
{{- $name | trunc 52 | trimAll "-" -}}
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
{{- else if or .Values.serviceAccount.roleArn .Values.serviceAccount.annotations -}}
{{- fail "serviceAccount.create is false: roleArn and annotations are not added to an account that exists; annotate it yourself, and leave them empty" -}}
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
