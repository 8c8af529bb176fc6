// Package server is the daemon: it holds the data folder's lock, opens the
// embedded store, and serves the facades on one address and the other
// commands on a socket in the folder.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/hostname"
	"github.com/airlock-secrets/airlock/internal/journal"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/cachestore"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// DefaultListen is where the daemon listens for plain HTTP.
const DefaultListen = "127.0.0.1:8477"

// Deployment is the one deployment of a daemon without a configuration file.
const Deployment = "default"

// Config says what to serve. DataDir is required.
type Config struct {
	// DataDir is the folder of the embedded store; it is made where it is
	// missing.
	DataDir string
	// Listen is the address for HTTP; empty means DefaultListen. Port 0 takes
	// a free one.
	Listen string
	// PlainHTTP allows an address beyond loopback, where passwords would
	// travel in the clear.
	PlainHTTP bool
	// Hosts are the names by which clients reach the daemon over plain HTTP,
	// besides those that package hostname always knows.
	Hosts []string
	// Proxies are whose X-Forwarded-For and Forwarded are believed, for the
	// audit lines only. IPv4 networks are not mapped into IPv6.
	Proxies []netip.Prefix
	// Dev gives the daemon a client of its own, whose token is kept in the
	// data folder.
	Dev bool
	// Backends are asked before the embedded store, in order. The daemon
	// closes them.
	Backends []airlock.Source
	// CacheTTL is how long an answer of a backend is served without asking
	// again; 0 asks each time.
	CacheTTL time.Duration
	// CacheTTLs are those of the backends, one for each in their order, in
	// place of CacheTTL; nil leaves that for all.
	CacheTTLs []time.Duration
	// Stale is how much longer a cached value is answered while its backend
	// fails; 0 never answers one.
	Stale time.Duration
	// Timeout is how long the read of a value may take, for each backend no
	// less than the time that its own settings give a request; 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// Audit says when the audit log is rotated; its Warn is not looked at. The
	// zero value never rotates.
	Audit audit.Limits
	// Made is told the identity of a data folder whose store is made now, as
	// sqlstore.Options has it. Nil is fine.
	Made func(id string)
	// Ready is called once, when requests are answered. Nil is fine.
	Ready func(Info)
	// Warn is told what a person should know; nil drops it.
	Warn func(text string)
}

// Info is what a client needs to know of a running daemon.
type Info struct {
	URL string // "http://127.0.0.1:8477"
	// Token is the development client's; empty without Config.Dev.
	Token string
	// Sources are what is asked, in order, by class.
	Sources []string
}

// daemon is a started server.
type daemon struct {
	c         Config
	lock      *sqlstore.FolderLock
	db        *sqlstore.DB
	embedded  store.Store
	registry  *client.Registry
	audit     *audit.Log
	sources   []airlock.Source
	upstreams []upstream   // the backends among the sources
	busy      sync.RWMutex // read while a request is answered
	listener  net.Listener
	hangups   *hangups
	closers   []func() error
}

// Run serves until ctx ends, then gives the requests under way a second, ends
// those that wait for a backend, and returns nil. SIGHUP ends it too where the process has a controlling terminal, and
// else has the audit log opened again. What is wrong with the folder, the address or the backends is an error
// before anything is served.
func Run(ctx context.Context, c Config) error {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Warn == nil {
		c.Warn = func(string) {}
	}
	d := &daemon{c: c, hangups: watchHangups()}
	defer d.hangups.stop()
	err := d.open(ctx)
	if err == nil {
		err = d.serve(ctx)
	}
	return errors.Join(err, d.close())
}

// open takes everything the daemon needs, in an order in which the first
// failure leaves nothing half done.
func (d *daemon) open(ctx context.Context) error {
	for _, s := range d.c.Backends {
		if s.Store != nil {
			d.closers = append(d.closers, s.Store.Close)
		}
		if s.Err != nil {
			return s.Err
		}
	}
	if err := noCoreFiles(); err != nil {
		d.c.Warn("core files could not be switched off: " + err.Error())
	}
	for _, step := range []func(context.Context) error{d.openFolder, d.listen, d.openStores, d.openAudit, d.openClients} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *daemon) openFolder(context.Context) error {
	lock, err := sqlstore.Lock(d.c.DataDir)
	if err != nil {
		return err
	}
	d.lock = lock
	d.closers = append(d.closers, lock.Close)
	return nil
}

func (d *daemon) listen(ctx context.Context) error {
	if _, _, err := net.SplitHostPort(d.c.Listen); err != nil {
		return invalid("the address %q is not HOST:PORT", d.c.Listen)
	}
	if !d.c.PlainHTTP && !hostname.Loopback(d.c.Listen) {
		return inTheClear(d.c.Listen)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", d.c.Listen)
	if err != nil {
		return &store.Error{Op: "listen", Name: d.c.Listen, Code: store.Unavailable, Err: err,
			Hint: "another program listens there, or the address is not this machine's: choose one with --listen"}
	}
	d.listener = l
	d.closers = append(d.closers, func() error { return ignoreClosed(l.Close()) })
	if !d.c.PlainHTTP && !hostname.Loopback(l.Addr().String()) { // localhost is what the resolver says
		return inTheClear(l.Addr().String())
	}
	for _, s := range d.c.Backends {
		if err := leadsBack(ctx, s.Store, l.Addr()); err != nil {
			return err
		}
	}
	return nil
}

func inTheClear(address string) error {
	return &store.Error{Op: "listen", Name: address, Code: store.Invalid,
		Err:  errors.New("passwords would travel in the clear beyond this machine"),
		Hint: "listen on 127.0.0.1, or pass --plain-http where something else encrypts"}
}

func (d *daemon) openStores(ctx context.Context) error {
	db, err := sqlstore.Open(ctx, sqlstore.Options{Dir: d.c.DataDir, Made: d.c.Made})
	if err != nil {
		return err
	}
	d.db = db
	d.closers = append(d.closers, db.Close)
	d.embedded = cachestore.New(db.Namespace(sqlstore.DefaultNamespace), cachestore.Options{TTL: cachestore.Forever})
	d.openUpstreams()
	d.sources = append(d.sources, airlock.Source{Layer: airlock.LayerBackend, Class: airlock.ClassEmbedded,
		Store: d.embedded, Dialect: dialect.Native{}})
	return nil
}

// openAudit opens the log once there is a database beside it. From then on no
// command that has opened the folder itself can change it any more.
func (d *daemon) openAudit(context.Context) error {
	limits := d.c.Audit
	limits.Warn = d.c.Warn
	log, err := audit.Open(filepath.Join(d.c.DataDir, audit.FileName), limits)
	if err != nil {
		return err
	}
	d.audit = log
	d.closers = append(d.closers, log.Close)
	return nil
}

func (d *daemon) openClients(ctx context.Context) error {
	registry, err := client.Open(ctx, journal.New(d.db.Namespace(sqlstore.SystemNamespace), journal.Options{
		Changes: d.audit, Principal: "airlock serve", Protocol: "serve", Clients: true}), nil)
	if err != nil {
		return err
	}
	d.registry = registry
	registry.EndExpired()
	for _, info := range registry.List() {
		if info.Damage != nil {
			d.c.Warn(info.Damage.Error() + "; the client is refused\nhint: " + store.Hint(info.Damage))
		}
	}
	return nil
}

// close gives everything back, the last taken first.
func (d *daemon) close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	return errors.Join(errs...)
}

// serve answers requests until ctx ends.
func (d *daemon) serve(ctx context.Context) error {
	info := Info{URL: "http://" + d.listener.Addr().String()}
	for _, s := range d.sources {
		info.Sources = append(info.Sources, s.Class)
	}
	if d.c.Dev {
		token, err := d.devClient(ctx)
		if err != nil {
			return err
		}
		info.Token = token
	}
	handler, err := d.handler()
	if err != nil {
		return err
	}
	control, err := d.control()
	if err != nil {
		return err
	}
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	web := &http.Server{
		Handler:           d.counted(handler),
		ReadHeaderTimeout: 10 * time.Second,
		// No request is cut off while it has time: it is answered.
		ReadTimeout:    d.longest() + 10*time.Second,
		WriteTimeout:   d.longest() + time.Minute,
		IdleTimeout:    5 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		// OPTIONS * comes to the handler too, and is counted.
		DisableGeneralOptionsHandler: true,
		BaseContext:                  func(net.Listener) context.Context { return requests },
	}
	listener := limited(d.listener, connectionsAt(openFiles(), len(d.c.Backends) > 0))
	web.ConnState = listener.state
	ctx, end := context.WithCancel(ctx)
	defer end()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.onHangups(ctx, end) })
	group.Go(func() error { return ignoreClosed(web.Serve(listener)) })
	group.Go(func() error { return ignoreClosed(control.Serve()) })
	var stop sync.Once
	group.Go(func() error {
		<-ctx.Done()
		var err error
		stop.Do(func() { err = errors.Join(d.shutdown(web, cancel), control.Close()) })
		return err
	})
	if address := d.listener.Addr().String(); !hostname.Loopback(address) {
		d.c.Warn("other machines reach " + address + " over plain HTTP, which encrypts nothing")
	}
	if d.c.Ready != nil {
		d.c.Ready(info)
	}
	return group.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func invalid(format string, values ...any) error {
	return &store.Error{Op: "serve", Code: store.Invalid, Err: fmt.Errorf(format, values...)}
}
