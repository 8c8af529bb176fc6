package cli

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/config"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/hostname"
	"github.com/airlock-secrets/airlock/internal/server"
)

// vaultClass is the provider that Airflow is told to use.
const vaultClass = "airflow.providers.hashicorp.secrets.vault.VaultBackend"

func (a *app) serve() *cobra.Command {
	var c server.Config
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the secrets over the protocols that Airflow's providers speak",
		Long: `Serve what the configured secrets backend and the embedded store hold to Airflow,
which needs nothing but its own stock Vault provider and two settings. Writes go
to the embedded store. Environment variables and the metadata database are left
to Airflow, which asks them itself after airlock. airlock.yaml can name several
backends, which are asked in order, and how to serve; flags win over it. What lets
other machines in counts in a file that --config names, and not in the one that
airlock finds in the folder.

Over plain HTTP airlock answers to IP addresses, to localhost, to names without a
dot and to names under .localhost, .internal, .svc and .svc.cluster.local; any
other name needs --host. Web pages are not answered.

With --dev the daemon makes itself a client and prints exactly what to put into
Airflow's environment. While it runs, the other commands reach the embedded
store through a socket in the data folder.

Each request leaves a line in audit.log in the data folder, which is rotated by
size and age. SIGHUP opens the log again where the daemon has no terminal, as a
service; in a terminal it ends the daemon.`,
		Example: `  airlock serve --dev
  airlock serve --data-dir /var/lib/airlock --listen 127.0.0.1:8477`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd, c) },
	}
	f := cmd.Flags()
	f.BoolVar(&c.Dev, "dev", false, "make a client for development and print what to paste into Airflow's environment")
	f.StringVar(&c.Listen, "listen", server.DefaultListen, "`address` for HTTP")
	f.BoolVar(&c.PlainHTTP, "plain-http", false, "allow an address beyond this machine, without encryption")
	f.StringArrayVar(&c.Hosts, "host", nil, "a host `name` by which clients reach airlock over plain HTTP; may be repeated")
	f.DurationVar(&c.CacheTTL, "cache-ttl", 0, "how `long` an answer of the backend is served without asking again")
	return cmd
}

// run serves as the flags say in c, then airlock.yaml.
func (a *app) run(cmd *cobra.Command, c server.Config) error {
	f, err := a.configured(cmd.Context())
	if err != nil {
		return err
	}
	if f != nil && f.Index(f.WriteTo) >= 0 {
		a.say("airlock: clients of serve write to the embedded store: write_to counts for commands")
	}
	c.Audit, c.Stale = auditLimits(f), server.DefaultStale
	serveAs(&c, f, cmd.Flags().Changed)
	if err := checkServe(&c); err != nil {
		return err
	}
	folder, daemon, err := a.admit(cmd.Context())
	switch {
	case err == nil: // it holds the folder, which is told below
		err = daemon.Close()
	case errors.Is(err, control.ErrNoDaemon):
		err = nil
	}
	if err != nil {
		return err
	}
	c.DataDir, c.Made = folder.path, a.made(&folder)
	c.Warn = func(text string) { a.say("airlock: %s", text) }
	c.Ready = func(info server.Info) {
		a.serving = true
		if a.Serving != nil {
			a.Serving()
		}
		a.adoptFolder(&folder)
		a.ready(info)
	}
	if c.Backends, err = a.backends(cmd.Context()); err != nil {
		return err
	}
	return server.Run(cmd.Context(), c)
}

// checkServe refuses what could not be meant.
func checkServe(c *server.Config) error {
	_, port, err := net.SplitHostPort(c.Listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return usageError{msg: fmt.Sprintf("%q is no address to listen on", excerpt.Name(c.Listen)),
			hint: "write HOST:PORT with a port up to 65535, for instance " + server.DefaultListen}
	}
	for _, name := range c.Hosts {
		if !hostname.Valid(name) {
			return usageError{msg: fmt.Sprintf("%q is no host name", excerpt.Name(name)),
				hint: "write a name such as airlock.example.com, without scheme and port"}
		}
	}
	if c.CacheTTL < 0 {
		return usageError{msg: "--cache-ttl is below zero", hint: "0 asks the backend each time"}
	}
	return nil
}

// serveAs takes from airlock.yaml what no flag says. A source's own cache_ttl
// counts before that of all, and --cache-ttl before both.
func serveAs(c *server.Config, f *config.File, given func(flag string) bool) {
	if f == nil {
		return
	}
	if f.Serve.Listen != "" && !given("listen") {
		c.Listen = f.Serve.Listen
	}
	c.Hosts = append(c.Hosts, f.Serve.Hosts...)
	c.Proxies, c.Timeout = f.Serve.Proxies, f.Serve.Timeout
	if stale := f.Serve.Stale; stale != nil {
		c.Stale = *stale
	}
	if !given("plain-http") {
		c.PlainHTTP = f.Serve.PlainHTTP
	}
	if given("cache-ttl") {
		return
	}
	c.CacheTTL = f.Serve.CacheTTL
	for i := range f.Sources {
		ttl := f.Serve.CacheTTL
		if own := f.Sources[i].CacheTTL; own != nil {
			ttl = *own
		}
		c.CacheTTLs = append(c.CacheTTLs, ttl)
	}
}

// auditLimits are those of airlock.yaml, and what it does not say.
func auditLimits(f *config.File) audit.Limits {
	l := audit.Limits{MaxSize: 100 << 20, MaxAge: 7 * 24 * time.Hour}
	if f == nil {
		return l
	}
	if size := f.Serve.Audit.MaxSize; size != nil {
		l.MaxSize = int64(*size)
	}
	if age := f.Serve.Audit.MaxAge; age != nil {
		l.MaxAge = *age
	}
	l.Keep = f.Serve.Audit.Keep
	return l
}

// ready says that the daemon answers; what is to be pasted goes to standard
// output, the rest to standard error.
func (a *app) ready(info server.Info) {
	a.say("airlock: serving %s on %s", shortList(info.Sources), info.URL)
	if info.Token == "" {
		a.say("airlock: give a client access with `airlock client add NAME`")
		return
	}
	a.say("airlock: put these two lines into Airflow's environment:")
	a.println("export AIRFLOW__SECRETS__BACKEND=" + vaultClass)
	a.println("export AIRFLOW__SECRETS__BACKEND_KWARGS='" + vaultKwargs(info) + "'")
	if err := a.flush(); err != nil {
		a.say("airlock: %v", err)
	}
	a.say("airlock: stop with Ctrl-C")
}

// vaultKwargs is what the stock provider needs to ask us. No member of it can
// hold a single quote.
func vaultKwargs(info server.Info) string {
	o := pyjson.NewObject()
	o.Set("url", info.URL)
	o.Set("token", info.Token)
	o.Set("mount_point", "secret")
	o.Set("connections_path", "connections")
	o.Set("variables_path", "variables")
	o.Set("config_path", "config")
	return pyjson.Encode(o)
}

func shortList(classes []string) string {
	names := make([]string, len(classes))
	for i, class := range classes {
		names[i] = airlock.ShortClass(class)
	}
	return strings.Join(names, ", then ")
}
