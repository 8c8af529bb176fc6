package live_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/mototest"
)

// awsWord is a request as a plan has it: the operation and the name.
func awsWord(r *http.Request) string {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var in struct {
		Name, SecretId   string
		ParameterFilters []struct{ Values []string }
		Filters          []struct{ Values []string }
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	_ = json.Unmarshal(body, &in)
	name := in.Name + in.SecretId
	for _, f := range append(in.ParameterFilters, in.Filters...) {
		name = strings.Join(f.Values, ",") + "*"
	}
	if name == "" {
		name = "one name"
	}
	return operation + " " + name
}

// keys are kwargs of a client of a server.
func keys(address string, more ...string) map[string]any {
	kwargs := map[string]any{"endpoint_url": address, "region_name": "eu-west-3", "aws_access_key_id": "AK", "aws_secret_access_key": canary}
	for i := 0; i < len(more); i += 2 {
		kwargs[more[i]] = more[i+1]
	}
	return kwargs
}

// TestAWS: everything that one moto answers.
func TestAWS(t *testing.T) {
	moto := mototest.Start(t)
	t.Run("secretsmanager", func(t *testing.T) { testSecretsManager(t, moto) })
	t.Run("ssm", func(t *testing.T) { testSSM(t, moto) })
	t.Run("account", func(t *testing.T) { testAWSAccount(t, moto) })
}

func testSecretsManager(t *testing.T, moto *mototest.Server) {
	rec := record(t, moto.URL, awsWord)
	create := func(name string, more map[string]any) {
		t.Helper()
		in := map[string]any{"Name": name, "SecretString": canary}
		if more != nil {
			in = more
			in["Name"] = name
		}
		moto.MustCall(t, "secretsmanager.CreateSecret", in)
	}
	// moto's regions are apart: its side door speaks for us-east-1.
	at := func(more ...string) map[string]any { return keys(rec.URL, append(more, "region_name", "us-east-1")...) }
	create("airflow/variables/good", nil)
	create("airflow/connections/good", map[string]any{"SecretString": "postgres://me:" + canary + "@db/schema"})
	create("airflow/connections/broken", map[string]any{"SecretString": "postgres://me:" + canary + "[@db/schema"})
	create("airflow/connections/misplaced", nil)
	create("airflow/variables/binary", map[string]any{"SecretBinary": base64.StdEncoding.EncodeToString([]byte(canary))})
	create("airflow/variables/empty", map[string]any{})
	create("airflow/variables/gone", nil)
	moto.MustCall(t, "secretsmanager.DeleteSecret", map[string]any{"SecretId": "airflow/variables/gone"})
	for _, tt := range []struct {
		name   string
		kwargs map[string]any
		wants  []string
		found  []string
	}{
		{"all is well", at(), []string{"variable:good", "connection:good"}, nil},
		{"nothing is asked for", at(), nil, nil},
		{"a leading slash too many", at("variables_prefix", "/airflow/variables"), []string{"variable:good"},
			[]string{`live-misnamed error 1|but there is airflow/variables/good|"variables_prefix": "airflow/variables"`, `live-sibling-prefix warning 0|"variables_prefix": "airflow/variables"`}},
		{"another kind's prefix", at(), []string{"variable:misplaced"}, []string{"live-misnamed error 1|airflow/connections/misplaced"}},
		{"bytes", at(), []string{"variable:binary"}, []string{"live-binary error 1|SecretBinary|--secret-id airflow/variables/binary"}},
		{"no value yet", at(), []string{"variable:empty"}, []string{"live-no-version error 1|AWSCURRENT"}},
		{"marked for deletion", at(), []string{"variable:gone"}, []string{"live-no-version error 1|restore-secret --secret-id airflow/variables/gone"}},
		{"a URI that does not parse", at(), []string{"connection:broken"}, []string{"live-connection error 1|airflow/connections/broken"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, smClass, tt.kwargs, nil, tt.wants...)
			rec.calls = nil
			expect(t, run(t, o), tt.found...)
			sameCalls(t, o, rec.calls)
		})
	}
}

func testSSM(t *testing.T, moto *mototest.Server) {
	rec := record(t, moto.URL, awsWord)
	for _, name := range []string{"/airflow/variables/good", "/airflow/connections/misplaced"} {
		moto.MustCall(t, "AmazonSSM.PutParameter", map[string]any{"Name": name, "Value": canary, "Type": "SecureString"})
	}
	kwargs := keys(rec.URL, "region_name", "us-east-1")
	for _, tt := range []struct {
		name  string
		wants []string
		found []string
	}{
		{"all is well", []string{"variable:good", "variable:optional?"}, nil},
		{"nothing is asked for", nil, nil},
		{"another kind's prefix", []string{"variable:misplaced"}, []string{"live-misnamed error 1|/airflow/connections/misplaced"}},
		{"misspelt", []string{"variable:goood"}, []string{"live-misnamed warning 1|/airflow/variables/good"}},
		{"nobody has it", []string{"variable:nothing"}, []string{"live-missing warning 1|/airflow/variables/nothing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, ssmClass, kwargs, nil, tt.wants...)
			rec.calls = nil
			expect(t, run(t, o), tt.found...)
			sameCalls(t, o, rec.calls)
		})
	}
}

// refusing answers as AWS refuses.
func refusing(t *testing.T, code, message string, late time.Duration) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("Date", time.Now().Add(-late).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type": %q, "message": %q}`, code, message)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestAWSRefusals: the grant is made of what AWS says.
func TestAWSRefusals(t *testing.T) {
	const user = "User: arn:aws:sts::123456789012:assumed-role/airflow/worker is not authorized to perform: "
	none := []string{"live-skipped note 0"}
	for _, tt := range []struct {
		name, class, code, message string
		late                       time.Duration
		found                      []string
	}{
		{"a secret", smClass, "AccessDeniedException", user + "secretsmanager:GetSecretValue on resource: airflow/variables/x because no identity-based policy allows the secretsmanager:GetSecretValue action", 0,
			[]string{`live-permission error 1|assumed-role/airflow/worker|"Action": "secretsmanager:GetSecretValue"|"Resource": "arn:aws:secretsmanager:eu-west-3:123456789012:secret:airflow/variables/x-??????"`}},
		{"a parameter", ssmClass, "AccessDeniedException", user + "ssm:GetParameter on resource: arn:aws:ssm:eu-west-3:123456789012:parameter/airflow/variables/x because no identity-based policy allows the ssm:GetParameter action", 0,
			[]string{`live-permission error 1|"Action": "ssm:GetParameter"|"Resource": "arn:aws:ssm:eu-west-3:123456789012:parameter/airflow/variables/x"`}},
		{"a key", ssmClass, "AccessDeniedException", user + "kms:Decrypt on resource: arn:aws:kms:eu-west-3:123456789012:key/11112222-3333 because no resource-based policy allows the kms:Decrypt action", 0,
			[]string{`live-permission error 1|"Action": "kms:Decrypt"|"Resource": "arn:aws:kms:eu-west-3:123456789012:key/11112222-3333"`}},
		{"a key that is not named", smClass, "AccessDeniedException", "Access to KMS is not allowed", 0, []string{`live-permission error 1|kms:Decrypt|key/KEY`}},
		{"a policy that denies", smClass, "AccessDeniedException", user + "secretsmanager:GetSecretValue on resource: airflow/variables/x with an explicit deny in an identity-based policy", 0,
			[]string{`live-permission error 1|no grant helps|"Effect": "Deny"`}},
		{"expired", smClass, "ExpiredTokenException", "The security token included in the request is expired", 0, append(none, "live-login error 0|expired")},
		{"unknown key", ssmClass, "UnrecognizedClientException", "The security token included in the request is invalid.", 0, append(none, "live-login error 0|access key id")},
		{"another time", ssmClass, "InvalidSignatureException", "Signature not yet current: 20260101T000000Z is still later than 20251231T230000Z", time.Hour,
			append(none, "live-clock error 0|ahead of the server's")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, tt.class, keys(refusing(t, tt.code, tt.message, tt.late)), nil, "variable:x")
			expect(t, run(t, o), tt.found...)
		})
	}
}

// TestAWSSettings: what cannot work is said once.
func TestAWSSettings(t *testing.T) {
	kwargs := keys("http://127.0.0.1:1")
	delete(kwargs, "region_name")
	o := options(t, ssmClass, kwargs, nil, "variable:x", "variable:y")
	expect(t, run(t, o), "live-backend error 0|region_name", "live-skipped note 0|2 ids")
}

// testAWSAccount: where a refusal does not name the account, STS does, if it is
// said where that is.
func testAWSAccount(t *testing.T, moto *mototest.Server) {
	kwargs := keys(refusing(t, "AccessDeniedException", "no", 0))
	expect(t, run(t, options(t, ssmClass, kwargs, nil, "variable:x")), "live-permission error 1|arn:aws:ssm:eu-west-3:ACCOUNT:parameter/airflow/variables/x")
	kwargs["service_config"] = map[string]any{"sts": map[string]any{"endpoint_url": moto.URL}}
	expect(t, run(t, options(t, ssmClass, kwargs, nil, "variable:x")), "live-permission error 1|arn:aws:ssm:eu-west-3:123456789012:parameter/airflow/variables/x")
}
