package awsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/airlock-secrets/airlock/internal/route"
)

// metadataClient asks services of the machine itself: never by a proxy.
func (ch *chain) metadataClient(timeout time.Duration) *http.Client {
	inner := ch.conn.o.Transport
	if inner == nil {
		inner = &http.Transport{DialContext: (&net.Dialer{Timeout: timeout}).DialContext, DisableKeepAlives: true}
	}
	return &http.Client{Transport: &transport{inner: ch.conn.o.Env.Secrets.Transport(inner), timeout: timeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// machineCredentials is how both services write credentials.
type machineCredentials struct {
	Code            string
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      time.Time
}

// Format keeps the credentials out of what is printed.
func (machineCredentials) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "redacted") }

func (m *machineCredentials) credentials() (aws.Credentials, error) {
	if m.AccessKeyID == "" || m.SecretAccessKey == "" {
		return aws.Credentials{}, errors.New("the answer holds no credentials")
	}
	c := aws.Credentials{AccessKeyID: m.AccessKeyID, SecretAccessKey: m.SecretAccessKey, SessionToken: m.Token, Source: "machine"}
	if !m.Expiration.IsZero() {
		c.CanExpire, c.Expires = true, m.Expiration
	}
	return c, nil
}

// ask sends one request to such a service and returns a body of status 200.
func ask(ctx context.Context, client *http.Client, method, address string, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, errors.New("its address is not a URL")
	}
	for name, values := range header {
		req.Header[name] = values
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered with status %d", res.StatusCode)
	}
	return readAtMost(res.Body, LargestAnswer)
}

// container is ContainerProvider: ECS, EKS Pod Identity.
func (ch *chain) container() (aws.CredentialsProvider, error) {
	name := "AWS_CONTAINER_CREDENTIALS_FULL_URI"
	address, ok := ch.s.env.lookup(name)
	if relative, has := ch.s.env.lookup("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); has {
		name, address, ok = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "http://169.254.170.2"+relative, true
	}
	if !ok || ch.s.env.Confined != nil {
		return nil, nil
	}
	if !ownMachine(address) {
		return nil, failed("ValueError", "Unsupported host.  Can only retrieve metadata from a loopback address or one of these hosts: "+strings.Join(containerHosts, ", "),
			"correct AWS_CONTAINER_CREDENTIALS_FULL_URI")
	}
	if ch.conn.seen != nil {
		ch.conn.seen(target{kind: route.Login, url: address, by: []route.Setting{{Variable: name}}, s: ch.s, direct: true})
	}
	client := ch.metadataClient(2 * time.Second)
	return cached(func(ctx context.Context) (aws.Credentials, error) {
		c, err := ch.askContainer(ctx, client, address)
		if err != nil {
			return c, caught("container-role", "the container's credentials cannot be had", err, "see AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI")
		}
		return c, nil
	}), nil
}

var containerHosts = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"}

func ownMachine(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || err == nil && ip.IsLoopback() || slices.Contains(containerHosts, u.Hostname())
}

func (ch *chain) askContainer(ctx context.Context, client *http.Client, address string) (aws.Credentials, error) {
	header := http.Header{"Accept": {"application/json"}}
	token, ok := ch.s.env.lookup("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if file, has := ch.s.env.lookup("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); has {
		text, err := ch.s.env.read(file)
		if err != nil {
			return aws.Credentials{}, err
		}
		token, ok = text, true
	}
	if strings.ContainsAny(token, "\r\n") {
		return aws.Credentials{}, errors.New("the authorization token holds a line break")
	}
	if ok {
		header.Set("Authorization", token)
	}
	var body []byte
	var err error
	for range 3 {
		if body, err = ask(ctx, client, http.MethodGet, address, header); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return aws.Credentials{}, err
	}
	return parseMachine(body)
}

func parseMachine(body []byte) (aws.Credentials, error) {
	var m machineCredentials
	if json.Unmarshal(body, &m) != nil {
		return aws.Credentials{}, errors.New("the answer is not JSON")
	}
	return m.credentials()
}

// instance is InstanceMetadataProvider, with tokens (IMDSv2). Where nothing
// answers the machine has no role. It is asked while the chain is walked.
func (ch *chain) instance() (aws.CredentialsProvider, error) {
	env := ch.s.env
	if strings.EqualFold(env.get("AWS_EC2_METADATA_DISABLED"), "true") || env.Confined != nil {
		return nil, nil
	}
	timeout, err := strconv.ParseFloat(either(ch.s.variable("metadata_service_timeout", "AWS_METADATA_SERVICE_TIMEOUT"), "1"), 64)
	if err != nil || timeout <= 0 || timeout > 60 {
		timeout = 1
	}
	base, by := ch.s.setting("ec2_metadata_service_endpoint", "AWS_EC2_METADATA_SERVICE_ENDPOINT")
	if base == "" {
		base, by = "http://169.254.169.254", nil
	}
	if strings.EqualFold(ch.s.variable("ec2_metadata_service_endpoint_mode", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6") {
		base, by = "http://[fd00:ec2::254]", nil
	}
	if ch.conn.seen != nil {
		ch.conn.seen(target{kind: route.Login, url: base, by: by, s: ch.s, direct: true})
		return nil, nil
	}
	client := ch.metadataClient(time.Duration(timeout * float64(time.Second)))
	fetch := func(ctx context.Context) (aws.Credentials, error) {
		return askInstance(ctx, client, strings.TrimRight(base, "/"))
	}
	found, err := fetch(context.Background())
	if err != nil {
		return nil, nil // to botocore there is no role then
	}
	initial := &found
	return cached(func(ctx context.Context) (aws.Credentials, error) {
		if c := initial; c != nil {
			initial = nil
			return *c, nil
		}
		c, err := fetch(ctx)
		if err != nil {
			return c, caught("iam-role", "the machine's role cannot be had", err, "is the role still attached?")
		}
		return c, nil
	}), nil
}

func askInstance(ctx context.Context, client *http.Client, base string) (aws.Credentials, error) {
	const roles = "/latest/meta-data/iam/security-credentials/"
	token, err := ask(ctx, client, http.MethodPut, base+"/latest/api/token", http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {"21600"}})
	if err != nil {
		return aws.Credentials{}, err
	}
	header := http.Header{"X-Aws-Ec2-Metadata-Token": {strings.TrimSpace(string(token))}}
	role, err := ask(ctx, client, http.MethodGet, base+roles, header)
	if err != nil {
		return aws.Credentials{}, err
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	body, err := ask(ctx, client, http.MethodGet, base+roles+url.PathEscape(name), header)
	if err != nil {
		return aws.Credentials{}, err
	}
	return parseMachine(body)
}
