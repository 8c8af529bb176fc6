package vaultstore

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// The keys that the servers of these tests know.
const (
	testKeyID     = "AKID"
	testSecretKey = "sekrit"
)

// maxSkew is how far a signature's time may be off for AWS.
const maxSkew = 15 * time.Minute

// verifySigned does what Vault has AWS do: it checks the signature of the
// request in the body of a log-in, as of a time (AWS, Signature Version 4).
func verifySigned(body any, now time.Time) error {
	sent, ok := body.(map[string]any)
	if !ok {
		return errors.New("the body is no object")
	}
	part := func(name string) string {
		text, err := base64.StdEncoding.DecodeString(fmt.Sprint(sent[name]))
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	var headers map[string][]string
	if err := json.Unmarshal([]byte(part("iam_request_headers")), &headers); err != nil {
		return err
	}
	return verifyHeaders(headers, part("iam_request_body"), now)
}

func verifyHeaders(headers map[string][]string, payload string, now time.Time) error {
	lower := map[string]string{}
	for name, values := range headers {
		lower[strings.ToLower(name)] = strings.Join(values, ",")
	}
	at, err := time.Parse("20060102T150405Z", lower["x-amz-date"])
	if err != nil {
		return err
	}
	if skew := now.Sub(at); skew > maxSkew || skew < -maxSkew {
		return fmt.Errorf("SignatureDoesNotMatch: Signature expired: %s is now earlier than %s", lower["x-amz-date"], now.Add(-maxSkew).UTC().Format("20060102T150405Z"))
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(strings.TrimPrefix(lower["authorization"], "AWS4-HMAC-SHA256 "), ", ") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	id, scope, _ := strings.Cut(fields["Credential"], "/")
	names := strings.Split(fields["SignedHeaders"], ";")
	if id != testKeyID || len(strings.Split(scope, "/")) != 4 || !sort.StringsAreSorted(names) {
		return errors.New("InvalidClientTokenId")
	}
	canonical := "POST\n/\n\n"
	for _, name := range names {
		canonical += name + ":" + lower[name] + "\n"
	}
	sum := sha256.Sum256([]byte(payload))
	canonical += "\n" + fields["SignedHeaders"] + "\n" + hex.EncodeToString(sum[:])
	sum = sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + testSecretKey)
	for step := range strings.SplitSeq(scope, "/") {
		key = mac(key, step)
	}
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+lower["x-amz-date"]+"\n"+scope+"\n"+hex.EncodeToString(sum[:])))
	if want != fields["Signature"] {
		return errors.New("SignatureDoesNotMatch")
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// assumeRole answers AssumeRole with the keys that the servers know, and
// returns the members of the request.
func assumeRole(w http.ResponseWriter, form url.Values) map[string]any {
	members := map[string]any{}
	for name := range form {
		members[name] = form.Get(name)
	}
	w.Header().Set("Content-Type", "text/xml")
	if strings.HasSuffix(form.Get("RoleArn"), "/denied") {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		return members
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>`+
		`<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>of the role</SessionToken>`+
		`<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, testKeyID, testSecretKey)
	return members
}
