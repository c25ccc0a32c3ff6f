package web

import "net/http"

// policy is the Content-Security-Policy: only what the daemon itself serves, no script or
// style within a page, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds the body of a form, in bytes.
const maxForm = 16 << 10

// protect rejects requests that other sites make.
func protect(pages *renderer, next http.Handler) http.Handler {
	foreign := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.log.Warn("request from another site rejected", "op", "serve", "path", r.URL.Path)
		pages.reject(w, r, statusError{http.StatusForbidden, "This request comes from another site and was rejected."})
	})
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(foreign)
	inner := crossOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if embedded(r) {
			foreign(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		inner.ServeHTTP(w, r)
	})
}

// embedded reports whether a page of another site loads one of ours as a part of itself, for
// example as an image. It could not read it, but each load may read from CloudWatch, which
// costs money. Links to us are followed (Fetch metadata, "resource isolation").
func embedded(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

func setHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	header.Set("Cache-Control", "no-store")
}
