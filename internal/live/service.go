package live

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// unbuilt reports a layer that could not be built.
func (r *run) unbuilt(l *layer) {
	severity := check.Warning
	var withheld *airlock.WithheldError
	if errors.As(l.src.Err, &withheld) {
		r.add(ruleUntrusted, check.Error, r.at(l), withheld.Error(), withheld.Hint())
		return
	}
	if l.src.Fatal {
		severity = check.Error
	}
	r.add(ruleBackend, severity, r.at(l), fmt.Sprintf("the %s cannot be set up: %s", l.src.Layer, reason(l.src.Err)), store.Hint(l.src.Err))
}

// service asks a layer's service how it is.
func (r *run) service(ctx context.Context, l *layer) {
	if l.prober == nil || ctx.Err() != nil {
		return
	}
	bound, cancel := context.WithTimeoutCause(ctx, r.Timeout, slowError(r.Timeout))
	defer cancel()
	found, err := l.prober.Probe(bound, r.names(l))
	for i := range found {
		r.symptom(l, &found[i])
		if s := found[i]; s.Topic == store.TopicPermission && s.Name != "" {
			l.store.withheld[s.Name] = true
		}
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	l.store.down = l.store.late(ctx, bound, "", err)
	r.down(l)
}

// topics :: topic of a symptom -> rule.
var topics = map[store.Topic]string{
	store.TopicClock: ruleClock, store.TopicPermission: rulePermission, store.TopicMount: ruleMount, store.TopicKVVersion: ruleKVVersion,
	store.TopicNoVersion: ruleNoVersion, store.TopicToken: ruleToken, store.TopicTooWide: ruleTooWide,
}

// symptom reports what a driver found, at the DAG where it is about one id.
func (r *run) symptom(l *layer, s *store.Symptom) {
	severity := check.Severity("")
	if s.Mild {
		severity = check.Note
	}
	if s.Blames {
		if l.blamed && s.Name == "" && s.Topic == store.TopicMount {
			return
		}
		l.blamed, l.store.lost = true, true
	}
	at := r.at(l)
	if w, ok := r.wantOf(l, s.Name); ok {
		at = r.place(w, l)
		if w.Default && s.Topic == store.TopicPermission { // the DAG goes on without it
			severity = check.Warning
		}
	}
	r.add(topics[s.Topic], severity, at, l.label()+": "+s.Text, s.Fix)
}

// wantOf is the id for which a layer is asked for a name.
func (r *run) wantOf(l *layer, name string) (Want, bool) {
	for _, w := range r.wants {
		if name != "" && slices.Contains(l.names(w.Ref), name) {
			return w, true
		}
	}
	return Want{}, false
}

// down reports once why a store is of no use.
func (r *run) down(l *layer) {
	rule, text, fix := trouble(l.store.down)
	fix = cmp.Or(fix, store.Hint(l.store.down))
	if fix == "" && rule == ruleUnreachable {
		fix = "can it be reached from here? see its address, the proxy settings and the firewalls between"
	}
	r.add(rule, "", r.at(l), l.label()+": "+text, fix)
}

// trouble is the rule and the words for a store that is of no use, and the fix
// where there is a better one than the error's hint.
func trouble(err error) (rule, text, fix string) {
	if rule, text := certificate(err); rule != "" {
		return rule, text, ""
	}
	const scheme = "the address begins with %s and the server wants %s: change that, or the port"
	var (
		dns    *net.DNSError
		header tls.RecordHeaderError
		slow   interface{ Timeout() bool }
	)
	switch code := store.CodeOf(err); {
	case strings.Contains(store.Hint(err), "computer's clock"):
		return ruleClock, "the clocks are apart, and the log-in holds a time: " + reason(err), ""
	case code == store.Unauthenticated && strings.Contains(err.Error(), "namespace not found"):
		return ruleLogin, "the log-in fails: " + reason(err), "correct the kwarg namespace, or take it out"
	case code == store.Unauthenticated:
		return ruleLogin, "the log-in fails: " + reason(err), ""
	case errors.As(err, &header), errors.Is(err, http.ErrSchemeMismatch):
		return ruleTLS, "what answers there does not speak TLS", fmt.Sprintf(scheme, "https://", "http://")
	case strings.Contains(err.Error(), "HTTP request to an HTTPS server"):
		return ruleTLS, "the server speaks TLS only", fmt.Sprintf(scheme, "http://", "https://")
	case errors.As(err, &dns):
		return ruleUnreachable, fmt.Sprintf("the name %s does not resolve", excerpt.Name(dns.Name)), ""
	case strings.Contains(err.Error(), "no such host"):
		return ruleUnreachable, "the name does not resolve: " + reason(err), ""
	case errors.Is(err, syscall.ECONNREFUSED), strings.Contains(err.Error(), "connection refused"): // gRPC tells by its text alone
		return ruleUnreachable, "nothing listens there: " + reason(err), ""
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ruleUnreachable, "what listens there breaks the connection off: " + reason(err), "is it the store's port? " + store.Hint(err)
	case code == store.Unavailable && errors.As(err, &slow) && slow.Timeout():
		return ruleUnreachable, reason(err) + ": a firewall may drop what is sent there", ""
	case code == store.Invalid, code == store.Unsupported:
		return ruleBackend, "its settings cannot work: " + reason(err), ""
	case code == store.Corrupt, code == store.NotFound:
		return ruleUnreachable, "something else answers there: " + reason(err), "see the address, its port and the proxy settings"
	}
	return ruleUnreachable, reason(err), ""
}

// certificate is about a certificate that is not taken.
func certificate(err error) (rule, text string) {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		other   *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &name):
		var names []string
		if name.Certificate != nil {
			names = name.Certificate.DNSNames
		}
		return ruleTLS, fmt.Sprintf("the certificate is for %s, not for %s", excerpt.Name(strings.Join(names, ", ")), excerpt.Name(name.Host))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		const day = "2006-01-02 15:04 UTC"
		return ruleTLS, fmt.Sprintf("the certificate is good from %s to %s, and here it is %s: renew it, or set the clock",
			invalid.Cert.NotBefore.UTC().Format(day), invalid.Cert.NotAfter.UTC().Format(day), time.Now().UTC().Format(day))
	case errors.As(err, &unknown):
		return ruleTLS, "the certificate is signed by an authority that is not known here"
	case errors.As(err, &other):
		return ruleTLS, "the certificate is not taken: " + reason(err)
	}
	return "", ""
}

// reason is what went wrong, without the operation and the store.
func reason(err error) string {
	var e *store.Error
	if errors.As(err, &e) && e.Err != nil {
		return e.Err.Error()
	}
	if e != nil {
		return string(e.Code)
	}
	return err.Error()
}
