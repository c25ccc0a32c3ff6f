package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// policy is the Content-Security-Policy: nothing but what the daemon itself serves, no
// script or style within a page, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds the body of a form, in bytes.
const maxForm = 16 << 10

// guard stands before everything: it sets the headers that protect a page, and refuses
// foreign names, requests that other sites make, and whoever has not logged in.
func (h *Handler) guard(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.Logger.Warn("request of another site refused", "op", "serve", "path", r.URL.Path)
		h.fail(w, r, http.StatusForbidden, "This request comes from another site, and was refused.")
	}))
	inner := crossOrigin.Handler(h.loggedIn(next))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if !h.knownHost(r.Host) {
			h.fail(w, r, http.StatusMisdirectedRequest, "This server does not answer to that name.")
			return
		}
		if embedded(r) {
			h.fail(w, r, http.StatusForbidden, "This request comes from another site, and was refused.")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		inner.ServeHTTP(w, r)
	})
}

// embedded tells whether a page of another site loads one of ours as a part of itself, for
// instance as an image. It could not read it, but have CloudWatch asked and paid for as
// often as it likes. Links to us are followed (Fetch metadata, "resource isolation").
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

// sendOrigin has browsers name the page's origin in what its forms post. With
// no-referrer they send "Origin: null", which over plain http, where they send no
// Sec-Fetch-Site either, is told from a foreign site by nothing (Fetch standard,
// "append a request Origin header"). Other sites still learn nothing.
func sendOrigin(w http.ResponseWriter) { w.Header().Set("Referrer-Policy", "same-origin") }

// knownHost tells whether the page answers to the name in a Host header.
func (h *Handler) knownHost(host string) bool {
	name := host
	if bare, _, err := net.SplitHostPort(host); err == nil {
		name = bare
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	if _, err := netip.ParseAddr(name); err == nil || strings.EqualFold(name, "localhost") {
		return true
	}
	return name != "" && slices.ContainsFunc(h.Hosts, func(known string) bool { return strings.EqualFold(known, name) })
}

// sign is a code that only this process can make for a text. The purpose keeps codes made
// for one thing from serving for another.
func (h *Handler) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, h.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (h *Handler) signed(purpose, text, code string) bool {
	return subtle.ConstantTimeCompare([]byte(h.sign(purpose, text)), []byte(code)) == 1
}

// formToken is what a form about a resource must bring along: no other site can read it.
func (h *Handler) formToken(arn string) string { return h.sign("form", arn) }
