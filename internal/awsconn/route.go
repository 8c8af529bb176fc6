package awsconn

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// lacking is the name of what a connection has that finds no credentials.
const lacking = "AWS keys"

// Route lists where the requests of a service go: the service itself, STS
// where a role is assumed, the container's or the instance's metadata service
// where the chain comes to it, and proxies. Nil kwargs are none. It asks
// nobody, and reads no file but regular ones. An address of a file is listed
// for the file, and again for the variable that names the file.
func Route(service string, kwargs *pyjson.Object, env Env) []route.Point {
	o, err := FromKwargs(service, "", kwargs, env)
	if err != nil {
		return nil // every call ends with the error
	}
	r := &routes{}
	c := r.conn(o)
	s, err := open(c.o.Env, o.Profile)
	if err != nil {
		return r.points
	}
	region := either(o.Region, s.variable("region", "AWS_DEFAULT_REGION"))
	_, _ = c.baseCredentials(s, region)
	if _, by, _ := c.stsEndpoint(s); o.Role.ARN != "" || c.mayAskSTS() && by != nil {
		_, _ = c.assumer(s, region)
	}
	if o.Role.ARN != "" {
		if s, err = open(c.o.Env, ""); err != nil {
			return r.points
		}
	}
	endpoint, by, err := c.serviceEndpoint(s)
	if err == nil && (endpoint != "" || checkRegion(region) == nil) {
		r.add(c.serviceTarget(s, endpoint, region, by))
	}
	return r.points
}

// Lacks is "AWS keys" where neither kwargs nor env hold credentials that need
// nothing of the machine, else "". It asks nobody.
func Lacks(service string, kwargs *pyjson.Object, env Env) string {
	o, err := FromKwargs(service, "", kwargs, env)
	if err != nil {
		return "" // to be said as it is
	}
	c := (&routes{}).conn(o)
	s, err := open(c.o.Env, o.Profile)
	if err != nil {
		return lacks(nil, err)
	}
	region := either(o.Region, s.variable("region", "AWS_DEFAULT_REGION"))
	if o.Role.Method != "assume_role_with_web_identity" {
		return lacks(c.found(s, region))
	}
	a, err := c.assumer(s, region)
	if err != nil || o.Role.TokenFile == "" && env.get("AWS_WEB_IDENTITY_TOKEN_FILE") == "" {
		return lacks(nil, err)
	}
	return lacks(a.webIdentity(o.Role))
}

// SessionRoute is Route for Keys with the same Env, or for AssumeRole where
// assume is set. The question that Keys sign is not sent to AWS by them.
func SessionRoute(env Env, assume bool) []route.Point {
	r := &routes{}
	c := r.conn(Options{Service: "sts", Env: env})
	s, err := open(c.o.Env, "")
	if err != nil {
		return nil
	}
	region := s.variable("region", "AWS_DEFAULT_REGION")
	_, _ = c.found(s, region)
	if assume {
		_, _ = c.assumer(s, either(region, globalRegion))
	}
	return r.points
}

// SessionLacks is Lacks for Keys and AssumeRole with the same Env.
func SessionLacks(env Env) string {
	c := (&routes{}).conn(Options{Service: "sts", Env: env})
	s, err := open(c.o.Env, "")
	if err != nil {
		return lacks(nil, err)
	}
	return lacks(c.found(s, s.variable("region", "AWS_DEFAULT_REGION")))
}

func lacks(provider aws.CredentialsProvider, err error) string {
	var raised *airflow.Error
	switch {
	case err == nil && provider != nil:
		return ""
	case store.CodeOf(err) == store.Unsupported, errors.As(err, &raised) && raised.Type == "ConfigParseError":
		return "" // credentials that nothing is withheld of
	}
	return lacking
}

// found are the credentials of the kwargs, else of the chain; nil for none.
func (c *Conn) found(s *session, region string) (aws.CredentialsProvider, error) {
	if c.explicit() {
		return c.baseCredentials(s, region)
	}
	return (&chain{conn: c, s: s, region: region}).resolve()
}

// routes collects points.
type routes struct{ points []route.Point }

// conn is a connection that sends nothing: it tells r where it would.
func (r *routes) conn(o Options) *Conn {
	o.Transport = unsent{}
	c := New(o)
	c.seen = r.add
	if o.Env.Confined != nil {
		return c
	}
	for _, f := range []struct{ variable, usual string }{
		{"AWS_CONFIG_FILE", usualConfig}, {"AWS_SHARED_CREDENTIALS_FILE", usualCredentials},
	} {
		named := o.Env.get(f.variable)
		if path := o.Env.path(either(named, f.usual)); diskfile.Check(path) != nil { // who knows what it will say
			r.put(route.Point{Kind: route.Service, Host: absolute(path), By: byFile(path, f.variable, named)[0]})
		}
	}
	return c
}

// unsent stands for the network, which is not asked.
type unsent struct{}

// RoundTrip implements http.RoundTripper.
func (unsent) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nothing is asked")
}

func (r *routes) put(p route.Point) {
	if p.Host != "" && !slices.Contains(r.points, p) {
		r.points = append(r.points, p)
	}
}

// target is an address that is asked.
type target struct {
	kind route.Kind
	url  string
	by   []route.Setting // what names it; none: it is computed
	s    *session
	// verify is how its certificate is checked; direct says that no proxy is
	// used.
	verify Verify
	direct bool
}

// add lists a target, once for each setting that has a say in it, and its
// proxy.
func (r *routes) add(t target) {
	p := route.Point{Kind: t.kind, Host: route.Host(t.url, "https"), Plain: !strings.HasPrefix(strings.ToLower(t.url), "https:")}
	pins := []route.Setting{{}}
	if !p.Plain && !t.direct {
		var from []route.Setting
		if p.Pin, from = t.s.pin(t.verify); p.Pin != "" {
			pins = from
		}
	}
	if len(t.by) == 0 {
		t.by = []route.Setting{{}}
	}
	for _, p.By = range t.by {
		for _, p.PinBy = range pins {
			r.put(p)
		}
	}
	u, err := url.Parse(t.url)
	if err != nil || t.direct {
		return
	}
	if proxy, variable, err := proxyOf(t.s.env, u); err == nil && proxy != nil {
		at := route.Point{Kind: route.Proxy, Host: route.Join(proxy.Hostname(), proxy.Port(), proxy.Scheme),
			By: route.Setting{Variable: variable}, Pin: p.Pin}
		for _, at.PinBy = range pins {
			r.put(at)
		}
	}
}

// pin is how certificates are checked, and what says so.
func (s *session) pin(verify Verify) (pin string, by []route.Setting) {
	if verify.Insecure {
		return route.NoVerify, []route.Setting{{Kwarg: "verify"}}
	}
	file, by := s.authority(verify)
	if file == "" {
		return "", nil
	}
	return s.env.Confined.PinOf(s.env.path(file)), by
}

// serviceTarget is the service, at an endpoint or in a region.
func (c *Conn) serviceTarget(s *session, endpoint, region string, by []route.Setting) target {
	if endpoint == "" {
		endpoint = usualEndpoint(c.o.Service, region)
		if rest, ok := strings.CutPrefix(endpoint, "https:"); ok && c.o.NoTLS {
			endpoint, by = "http:"+rest, []route.Setting{{Kwarg: "use_ssl"}}
		}
	}
	return target{kind: route.Service, url: endpoint, by: by, s: s, verify: c.o.Verify}
}

// usualEndpoint is what the SDK computes from a service and a region that
// checkRegion lets pass; "" for no such service.
func usualEndpoint(service, region string) string {
	ctx, r, no := context.Background(), aws.String(region), aws.Bool(false)
	var found smithyendpoints.Endpoint
	var err error
	switch service {
	case "ssm":
		found, err = ssm.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, ssm.EndpointParameters{Region: r, UseFIPS: no, UseDualStack: no})
	case "secretsmanager":
		found, err = secretsmanager.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx,
			secretsmanager.EndpointParameters{Region: r, UseFIPS: no, UseDualStack: no})
	case "sts":
		found, err = sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx,
			sts.EndpointParameters{Region: r, UseFIPS: no, UseDualStack: no, UseGlobalEndpoint: no})
	}
	if err != nil {
		return ""
	}
	return found.URI.String()
}

// byFile is what has a say in what a shared file says: the file, and the
// variable that names it.
func byFile(path, variable, named string) []route.Setting {
	by := []route.Setting{{File: absolute(path)}}
	if named != "" {
		by = append([]route.Setting{{Variable: variable}}, by...)
	}
	return by
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
