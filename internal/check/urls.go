package check

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func urlRules() []Rule {
	return []Rule{{
		ID: "local-url", Severity: Warning, Title: "a backend that runs elsewhere is given an address of this machine",
		Why: "host.docker.internal is the machine that runs Docker Desktop, and localhost the container itself. An image and a Deployment run somewhere else.",
		Airflow: "Where nothing listens at that address, each look-up fails: Airflow logs that, of connections at debug level only, and the next layer is asked. " +
			"A task fails with AirflowNotFoundException or a KeyError of Variable.get where none has the id.",
		Find: findLocalURLs,
	}, {
		ID: "plain-http", Severity: Error, Title: "credentials go to another host without TLS",
		Why:     "Over http:// the token and each secret pass the network in plain text, and nobody proves to be the server.",
		Airflow: "The backend signs in and asks over plain HTTP, and nothing warns.",
		Find:    findPlainHTTP,
	}, {
		ID: "variable-to-foreign-url", Severity: Note, Title: "a file sends a credential of the environment to an address of its own",
		Why: "The kwargs take a credential from the environment of whoever starts Airflow, or airlock, here, and the address from the file. " +
			"In a project that comes from somebody else, look at the address first.",
		Airflow: "Airflow fills in $NAME in the kwargs, and the backend sends the credential to that address.",
		Find:    findForeignURLs,
	}, {
		ID: "file-to-foreign-url", Severity: Warning, Title: "a file of the user goes to an address that the folder names",
		Why: "The kwargs name a file outside the folder as a credential, and the address that it is sent to. The file can be any that you can " +
			"read: a private key, a token. airlock sends it only after `airlock trust`.",
		Airflow: "Airflow reads the file and sends what it holds to that address.",
		Find:    findForeignFiles,
	}}
}

// urlKwargs are the kwargs that hold the address of a service.
var urlKwargs = []string{"url", "vault_url", "endpoint_url"}

// address is a URL that a backend talks to, and where it stands.
type address struct {
	text string
	at   project.Span
	url  *url.URL
}

// addresses are the URLs of a backend: those of its kwargs, and VAULT_ADDR
// where Vault has no url.
func addresses(b *Backend) []address {
	var all []address
	add := func(text string, at project.Span) {
		if u, err := url.Parse(strings.TrimSpace(text)); err == nil && u.Host != "" {
			all = append(all, address{text, at, u})
		}
	}
	kwargs := meantKwargs(b)
	if kwargs == nil {
		return nil
	}
	for _, name := range urlKwargs {
		v, _ := kwargs.Get(name)
		if text, ok := v.(string); ok {
			at := b.At(name)
			if value, ok := b.valueAt(name); ok {
				at = value
			}
			add(text, at)
		}
	}
	if v, _ := kwargs.Get("url"); b.Row.Service == "vault" && v == nil {
		if s := b.Environment.Lookup("VAULT_ADDR"); s != nil && s.Known {
			add(s.Value, s.Text)
		}
	}
	return all
}

// eachAddress goes through the addresses of all backends; one that several
// containers share comes once.
func eachAddress(s *Subject, do func(b *Backend, a address)) {
	seen := map[project.Span]bool{}
	for _, b := range s.Backends {
		for _, a := range addresses(b) {
			if !seen[a.at] {
				seen[a.at] = true
				do(b, a)
			}
		}
	}
}

func findLocalURLs(s *Subject, report Report) {
	eachAddress(s, func(_ *Backend, a address) {
		if a.at.File == nil {
			return
		}
		host := strings.ToLower(a.url.Hostname())
		f := Finding{Span: a.at, Fix: "write the address under which the service is reached from where Airflow runs"}
		switch kind := a.at.File.Kind; {
		case host == "host.docker.internal" && (kind == project.HelmValues || kind == project.Manifest || kind == project.AstroDeployment):
			f.Severity = Error
			f.Message = "host.docker.internal is the machine of Docker Desktop, and no host in a cluster"
		case isLoopback(host) && kind == project.AstroDeployment:
			f.Severity = Error
			f.Message = host + " is the container itself, and a Deployment has no such service in it"
		case kind == project.Dockerfile && (host == "host.docker.internal" || isLoopback(host)):
			f.Message = host + " is written into the image, which runs in the Deployment too, where it is another host"
			f.Fix = "set the local address in .env, and the real one in the Deployment's environment variables"
		default:
			return
		}
		report(f)
	})
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// isNear tells whether a host is on this machine or inside its own network,
// where TLS is often left out on purpose.
func isNear(host string) bool {
	if isLoopback(host) || !strings.Contains(host, ".") && !strings.Contains(host, ":") || host == "host.docker.internal" {
		return true
	}
	for _, end := range []string{".svc", ".cluster.local", ".internal", ".local", ".lan", ".home.arpa", ".test"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast())
}

func findPlainHTTP(s *Subject, report Report) {
	eachAddress(s, func(b *Backend, a address) {
		host := strings.ToLower(a.url.Hostname())
		if a.url.Scheme != "http" || isNear(host) || dynamic(host) || b.Row.Service == "azure" {
			// Azure's client refuses to send a token without TLS.
			return
		}
		f := Finding{Span: a.at, Message: fmt.Sprintf("%s sends its credentials and reads its secrets over http://, which is not encrypted", last(b.Class.Value)),
			Fix: "https://" + a.url.Host + a.url.Path}
		report(f)
	})
}

// fromEnvironment is $NAME or ${NAME}.
var fromEnvironment = lazyregexp.New(`\$\{?([A-Za-z_][A-Za-z0-9_]*)`)

// literalURL is an address that stands in the text itself.
var literalURL = lazyregexp.New(`["'](?:url|vault_url|endpoint_url|idp_url)["']\s*:\s*["']https?://[^"'$]`)

func findForeignURLs(s *Subject, report Report) {
	defined := map[string]bool{}
	for _, p := range settings(s) {
		if p.Key.File != nil && p.Key.File.Kind != project.Process {
			defined[p.Name] = true
		}
	}
	for _, p := range settings(s) {
		if p.Key.File == nil || p.Key.File.Kind != project.DotEnv || !isOfBackend(p.Name) {
			continue
		}
		text := p.Text.Text()
		if !literalURL.MatchString(text) {
			continue
		}
		for _, m := range fromEnvironment.FindAllStringSubmatchIndex(text, -1) {
			name := text[m[2]:m[3]]
			if defined[name] || !secretName(strings.ToUpper(name)) {
				continue
			}
			at := project.Span{File: p.Text.File, Start: p.Text.Start + m[0], End: p.Text.Start + m[3]}
			report(Finding{Span: at, Message: fmt.Sprintf("%s comes from the environment of whoever runs this, and goes to an address that this file names", name),
				Fix: "keep it where you know the address; else write the address and the credential in one place"})
		}
	}
}

// outsideFile is a kwarg that names a file outside the folder as a credential.
var outsideFile = lazyregexp.New(`["'](token_path|kubernetes_jwt_path|jwt_token_path|file)["']\s*:\s*["'](/[^"']*|~[^"']*|\.\.?/[^"']*|\$\{?HOME[^"']*)["']`)

// foreignSource is the address that an external account of Google's sends its
// file to.
var foreignSource = lazyregexp.New(`["'](?:token_url|token_uri)["']\s*:\s*["']https?://[^"'$]`)

// secretFolders are where containers have their own credentials.
var secretFolders = []string{"/run/secrets/", "/var/run/secrets/", "/vault/", "/secrets/", "/mnt/", "/opt/airflow/", "/usr/local/airflow/"}

func findForeignFiles(s *Subject, report Report) {
	for _, p := range settings(s) {
		if p.Key.File == nil || p.Key.File.Kind == project.Process || !isOfBackend(p.Name) {
			continue
		}
		text := p.Text.Text()
		for _, m := range outsideFile.FindAllStringSubmatchIndex(text, -1) {
			name, path := text[m[2]:m[3]], text[m[4]:m[5]]
			to := literalURL
			if name == "file" {
				to = foreignSource
			}
			if !to.MatchString(text) || stays(path) {
				continue
			}
			report(Finding{Span: project.Span{File: p.Text.File, Start: p.Text.Start + m[2], End: p.Text.Start + m[3]},
				Message: fmt.Sprintf("the file that %s names is outside the folder, and goes to an address that this file names", name),
				Fix:     "keep it where you know the address; else put the credential's file into the folder"})
		}
	}
}

// stays reports whether a path is inside the folder, or where a container has
// its own credentials.
func stays(path string) bool {
	inside := !strings.HasPrefix(path, "~") && !strings.HasPrefix(path, "$") && filepath.IsLocal(path)
	return inside || slices.ContainsFunc(secretFolders, func(folder string) bool {
		return strings.HasPrefix(filepath.Clean(path), folder)
	})
}
