package vaultstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/route"
)

// retrying sends a request again as urllib3's Retry(total=3, backoff_factor=0.1,
// status_forcelist=[412, 500, 502, 503], raise_on_status=False) does:
//
//   - what never reached the server, whatever its method;
//   - what the server may have begun to do, and answers of the statuses of
//     the list, where the method is idempotent;
//   - also 413 and 429 with Retry-After, after that time, which replaces the
//     back-off (a time longer than the timeout is not waited for).
//
// The waits are 0, 0.2 and 0.4 s. A certificate that is not trusted is not
// tried again: the outcome would be the same. Neither is a host name that does
// not exist, though urllib3 looks it up four times.
type retrying struct {
	next    http.RoundTripper
	timeout time.Duration // of one attempt; 0: none
	retries int
	sleep   func(context.Context, time.Duration) error
}

// backoffFactor is backoff_factor.
const backoffFactor = 100 * time.Millisecond

// forced is status_forcelist.
var forced = [...]int{http.StatusPreconditionFailed, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}

// idempotent are urllib3's DEFAULT_ALLOWED_METHODS; LIST is not of them.
var idempotent = [...]string{"DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"}

// RoundTrip implements http.RoundTripper.
func (t *retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		again, err := rewind(req)
		if err != nil {
			return nil, err
		}
		res, err := t.once(again)
		if attempt > t.retries || req.Context().Err() != nil {
			return res, err
		}
		wait, ok := t.wait(req, res, err, attempt)
		if !ok {
			return res, err
		}
		if res != nil {
			_, _ = io.CopyN(io.Discard, res.Body, maxRefusal)
			res.Body.Close()
		}
		if sleepErr := t.sleep(req.Context(), wait); sleepErr != nil {
			return nil, sleepErr
		}
	}
}

// rewind is the request with its body at the start.
func rewind(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	again := req.Clone(req.Context())
	again.Body = body
	return again, nil
}

// once is one attempt; the timeout lasts until its answer's body is closed.
func (t *retrying) once(req *http.Request) (*http.Response, error) {
	if t.timeout <= 0 {
		return t.next.RoundTrip(req)
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), t.timeout, timeoutError(t.timeout))
	res, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if req.Context().Err() == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		cancel()
		return nil, err
	}
	res.Body = &timedBody{ReadCloser: res.Body, ctx: ctx, cancel: cancel}
	return res, nil
}

type timeoutError time.Duration

func (e timeoutError) Error() string { return fmt.Sprintf("no answer within %v", time.Duration(e)) }

// Timeout implements net.Error's reading of a timeout.
func (e timeoutError) Timeout() bool { return true }

type timedBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelFunc
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// wait says whether to send a request again after its attempt number n, and
// after how long.
func (t *retrying) wait(req *http.Request, res *http.Response, err error, n int) (time.Duration, bool) {
	safe := slices.Contains(idempotent[:], req.Method)
	if err != nil {
		return backoff(n), !route.NoSuchHost(err) && (unreached(err) || safe && !untrusted(err))
	}
	after, given := retryAfter(res.Header)
	switch {
	case !safe, given && after > max(t.timeout, DefaultTimeout):
		return 0, false
	case slices.Contains(forced[:], res.StatusCode):
	case given && (res.StatusCode == http.StatusRequestEntityTooLarge || res.StatusCode == http.StatusTooManyRequests):
	default:
		return 0, false
	}
	if after > 0 {
		return after, true
	}
	return backoff(n), true
}

// backoff is Retry.get_backoff_time after n failed attempts.
func backoff(n int) time.Duration {
	if n <= 1 {
		return 0
	}
	return backoffFactor << (n - 1)
}

// unreached reports whether a request did not get as far as the server.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// retryAfter is the time of a Retry-After header: seconds or a date.
func retryAfter(h http.Header) (time.Duration, bool) {
	values, ok := h[textproto.CanonicalMIMEHeaderKey("Retry-After")]
	if !ok || len(values) == 0 {
		return 0, false
	}
	text := strings.TrimSpace(values[0])
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(time.Until(at), 0), true
	}
	return 0, false
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
