package awsconn

import (
	"fmt"
	"maps"
	"math/big"
	"slices"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// known are the kwargs that have a meaning for the connection.
var known = map[string]bool{
	"region_name": true, "profile_name": true, "endpoint_url": true, "aws_access_key_id": true, "aws_secret_access_key": true,
	"aws_session_token": true, "session_kwargs": true, "role_arn": true, "assume_role_method": true, "assume_role_kwargs": true,
	"assume_role_with_saml": true, "assume_role_with_web_identity_federation": true, "assume_role_with_web_identity_token_file": true,
	"assume_role_with_web_identity_federation_audience": true, "config_kwargs": true, "service_config": true, "verify": true,
	"use_ssl": true, "api_version": true,
}

// ofGuides are kwargs that guides name and nothing reads.
var ofGuides = []string{"profile", "full_url_mode", "extra_conn_words", "are_secret_values_urlencoded", "region"}

// Notes says of which kwargs nothing comes. own are the class's own.
func Notes(kwargs *pyjson.Object, own ...string) []string {
	mine := map[string]bool{}
	for _, name := range own {
		mine[name] = true
	}
	var notes []string
	for _, name := range kwargs.Keys() {
		switch _, named := kwargs.Get("profile_name"); {
		case mine[name] || known[name]:
		case name == "profile" && !named:
			notes = append(notes, `the kwarg "profile" is ignored, as Airflow ignores it: it reads "profile_name"`)
		default:
			notes = append(notes, fmt.Sprintf("the kwarg %q is ignored, as Airflow ignores it", excerpt.Near(name, slices.Concat(own, slices.Collect(maps.Keys(known)), ofGuides))))
		}
	}
	return notes
}

// FromKwargs reads the kwargs of a backend, nil for none, as
// AwsConnectionWrapper does. The error is what Airflow raises at the first
// look-up, when it first needs a client, or Unsupported.
func FromKwargs(service, class string, kwargs *pyjson.Object, env Env) (Options, error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	k := kwargReader{kwargs}
	o := Options{
		Service: service, Class: class, Env: env,
		Region: k.text("region_name"), Profile: k.text("profile_name"), Endpoint: k.text("endpoint_url"),
	}
	for _, step := range []func(*Options) error{k.credentials, k.client, k.sts, k.role} {
		if err := step(&o); err != nil {
			return o, err
		}
	}
	return o, nil
}

// kwargReader reads kwargs as Python does.
type kwargReader struct{ o *pyjson.Object }

// text is str() of a member that is true to Python, else "".
func (k kwargReader) text(name string) string {
	if v, _ := k.o.Get(name); pyjson.Truthy(v) {
		return pyjson.Str(v)
	}
	return ""
}

// object is a member that is an object; nil where it is not true to Python.
func (k kwargReader) object(name string) (*pyjson.Object, error) {
	v, _ := k.o.Get(name)
	if !pyjson.Truthy(v) {
		return pyjson.NewObject(), nil
	}
	o, ok := v.(*pyjson.Object)
	if !ok {
		return nil, failed("AttributeError", fmt.Sprintf("'%s' object has no attribute 'get'", pyjson.TypeName(v)),
			fmt.Sprintf("give the kwarg %s an object", name))
	}
	return o, nil
}

// credentials is _get_credentials: a complete pair in the kwargs, else one in
// session_kwargs; the token likewise.
func (k kwargReader) credentials(o *Options) error {
	session, err := k.object("session_kwargs")
	if err != nil {
		return err
	}
	old := kwargReader{session}
	o.AccessKeyID, o.SecretAccessKey = k.text("aws_access_key_id"), k.text("aws_secret_access_key")
	if o.AccessKeyID == "" || o.SecretAccessKey == "" {
		if id, secret := old.text("aws_access_key_id"), old.text("aws_secret_access_key"); id != "" && secret != "" {
			o.AccessKeyID, o.SecretAccessKey = id, secret
		}
	}
	o.SessionToken = either(k.text("aws_session_token"), old.text("aws_session_token"))
	return nil
}

// client is what goes to the service's own client.
func (k kwargReader) client(o *Options) error {
	switch v, _ := k.o.Get("verify"); v := v.(type) {
	case nil:
	case string:
		o.Verify.CA = v
	default:
		o.Verify.Insecure = !pyjson.Truthy(v)
	}
	if v, ok := k.o.Get("use_ssl"); ok && v != nil {
		o.NoTLS = !pyjson.Truthy(v)
	}
	if v, _ := k.o.Get("api_version"); v != nil && pyjson.Str(v) != apiVersions[o.Service] {
		return failed("DataNotFoundError", fmt.Sprintf("Unable to load data for: %s/%s/service-2", o.Service, clip(pyjson.Str(v))),
			"leave api_version out: there is but one, "+apiVersions[o.Service])
	}
	return nil
}

// apiVersions are the only ones that botocore has.
var apiVersions = map[string]string{"ssm": "2014-11-06", "secretsmanager": "2017-10-17"}

// sts is service_config and config_kwargs, which reach STS alone.
func (k kwargReader) sts(o *Options) error {
	services, err := k.object("service_config")
	if err != nil {
		return err
	}
	sts, err := kwargReader{services}.object("sts")
	if err != nil {
		return err
	}
	o.STSEndpoint = kwargReader{sts}.text("endpoint_url")
	config, err := k.object("config_kwargs")
	if err != nil {
		return err
	}
	o.STSRegion = kwargReader{config}.text("region_name")
	retries, err := kwargReader{config}.object("retries")
	if err != nil {
		return err
	}
	if v, ok := retries.Get("total_max_attempts"); ok {
		o.STSAttempts = asInt(v)
	} else if v, ok := retries.Get("max_attempts"); ok {
		o.STSAttempts = asInt(v) + 1
	}
	if (kwargReader{config}).text("signature_version") == "unsigned" && k.text("role_arn") != "" {
		return unsupported("config_kwargs with signature_version unsigned", "take it out: STS wants signatures")
	}
	return nil
}

func asInt(v any) int {
	switch v := v.(type) {
	case int64:
		return int(v)
	case float64:
		return int(v)
	case *big.Int:
		return 1 << 30
	}
	return 0
}

// role is _get_assume_role_configs and what SessionFactory makes of it.
func (k kwargReader) role(o *Options) error {
	o.Role.ARN = k.text("role_arn")
	if o.Role.ARN == "" {
		return nil
	}
	method, ok := k.o.Get("assume_role_method")
	if !ok {
		method = "assume_role"
	}
	args, err := k.object("assume_role_kwargs")
	if err != nil {
		return err
	}
	o.Role.Args = args
	switch method {
	case "assume_role":
		o.Role.Method = "assume_role"
	case "assume_role_with_web_identity":
		o.Role.Method, o.Role.TokenFile = "assume_role_with_web_identity", k.text("assume_role_with_web_identity_token_file")
		return k.federation()
	case "assume_role_with_saml":
		return unsupported("assume_role_method assume_role_with_saml", "it needs Kerberos: let another tool sign in and give its profile as profile_name")
	default:
		return failed("NotImplementedError", fmt.Sprintf("Found assume_role_method=%s in AWS Connection (conn_id='%s__connection', conn_type='aws') extra."+
			" Currently ['assume_role', 'assume_role_with_saml', 'assume_role_with_web_identity'] are supported."+
			` (Exclude this setting will default to "assume_role").`, pyjson.Repr(method), o.Class), "correct assume_role_method, or leave it out")
	}
	return nil
}

// federation is where the token of a web identity comes from.
func (k kwargReader) federation() error {
	v, _ := k.o.Get("assume_role_with_web_identity_federation")
	switch name := pyjson.Str(v); name {
	case "file":
		return nil
	case "google":
		return unsupported("assume_role_with_web_identity_federation google",
			`write the token to a file and use the federation "file" with assume_role_with_web_identity_token_file`)
	default:
		return failed("AirflowException", fmt.Sprintf("Unsupported federation: %s.", clip(name)),
			`set assume_role_with_web_identity_federation to "file"`)
	}
}
