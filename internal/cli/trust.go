package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/trust"
)

func (a *app) trustCommand() *cobra.Command {
	var list, remove bool
	c := &cobra.Command{
		Use:   "trust HOST[:PORT] [DIR]",
		Short: "Let a folder send your credentials to an address that it names",
		Long: `Let a folder send your credentials to an address that it names. A folder that
somebody else wrote can name any server in its .env, Dockerfile or airlock.yaml.
airlock gives such a server only the credentials that are in the folder itself,
until you trust the address for that folder. The default folder is the current
one. Where the folder also names a CA file, or switches the check of the
certificate off, that is trusted too; another CA file has to be trusted again.

The list is $XDG_STATE_HOME/airlock/trust.json, by default in ~/.local/state.
AIRLOCK_TRUST=HOST:PORT,... in the environment trusts addresses for one run.`,
		Example: `  airlock trust vault.example.com:8200
  airlock trust --list
  airlock trust --remove vault.example.com:8200 ~/project`,
		Args: args(cobra.MaximumNArgs(2)),
		RunE: func(c *cobra.Command, words []string) error {
			switch {
			case list && (remove || len(words) > 0):
				return usage(c, errors.New("--list takes no address and no --remove"))
			case list:
				return a.listTrusted()
			case len(words) == 0:
				return usage(c, errors.New("HOST is missing: airlock trust HOST:PORT"))
			}
			dir, err := trust.RealDir(a.dir(strings.Join(words[1:], "")))
			if err != nil {
				return err
			}
			if remove {
				return a.distrust(words[0], dir)
			}
			return a.trustHost(c.Context(), words[0], dir)
		},
	}
	c.Flags().BoolVar(&list, "list", false, "list the addresses that you trust, and for which folder")
	c.Flags().BoolVar(&remove, "remove", false, "take an address off the list")
	return c
}

func (a *app) trustFile() trust.File { return trust.In(a.getenv) }

func (a *app) listTrusted() error {
	entries, err := a.trustFile().Entries()
	for _, e := range entries {
		line := e.Host + "\t" + e.Dir
		if e.Pin != "" {
			line += "\t" + e.Pin
		}
		a.println(visible(line))
	}
	if err == nil && len(entries) == 0 {
		a.say("airlock: no address is trusted")
	}
	return err
}

func (a *app) distrust(address, dir string) error {
	removed := 0
	for _, host := range hostsOf(address) {
		n, err := a.trustFile().Remove(dir, host)
		if err != nil {
			return err
		}
		removed += n
	}
	if removed == 0 {
		return usageError{msg: fmt.Sprintf("%s is not trusted for %s", excerpt.Host(address), dir), hint: "the list: airlock trust --list"}
	}
	a.say("airlock: %s is not trusted for %s any more", excerpt.Host(address), dir)
	return nil
}

// trustHost puts an address on the list, with the CA that the folder names
// for it now.
func (a *app) trustHost(ctx context.Context, address, dir string) error {
	points, err := a.foreignPoints(ctx, dir)
	if err != nil {
		return err
	}
	hosts := hostsOf(address)
	var entries []trust.Entry
	var lines []string
	for _, p := range points {
		if !slices.Contains(hosts, p.Host) && (hasPort(address) || !strings.EqualFold(hostOnly(p.Host), hostOnly(hosts[0]))) {
			continue
		}
		entries = append(entries, trust.Entry{Dir: dir, Host: p.Host, Pin: p.Pin})
		lines = append(lines, p.String())
	}
	if entries == nil {
		if !hasPort(address) {
			return usageError{msg: fmt.Sprintf("no setting in %s names %s", dir, excerpt.Host(address)), hint: "write the port too: airlock trust HOST:PORT"}
		}
		entries = append(entries, trust.Entry{Dir: dir, Host: hosts[0]})
		lines = append(lines, excerpt.Host(hosts[0])+" (no setting names it now)")
	}
	if err := a.trustFile().Add(entries...); err != nil {
		return err
	}
	for _, line := range lines {
		a.say("airlock: trusted for %s: %s", dir, line)
	}
	return nil
}

// foreignPoints are the addresses that the files of a folder name.
func (a *app) foreignPoints(ctx context.Context, dir string) ([]route.Point, error) {
	there := *a
	there.Dir, there.settings, there.file = dir, nil, nil
	seen := &everything{}
	there.trust = seen
	r, err := there.layers(ctx, true)
	if err != nil {
		return nil, err
	}
	return seen.points, r.Close()
}

// everything trusts every address and remembers them: for what sends nothing.
type everything struct {
	dir    string
	points []route.Point
}

// Trusts implements airlock.Trust.
func (e *everything) Trusts(dir string, p route.Point) bool {
	e.dir = dir
	if !slices.Contains(e.points, p) {
		e.points = append(e.points, p)
	}
	return true
}

// Agree implements airlock.Trust.
func (*everything) Agree(*airlock.WithheldError) bool { return true }

// hostsOf are the "host:port" that a person may mean by an address.
func hostsOf(address string) []string {
	if isSocket(address) {
		return []string{address}
	}
	if strings.Contains(address, "://") {
		return []string{route.Host(address, "https")}
	}
	if hasPort(address) {
		return []string{route.Host(address, "https")}
	}
	return []string{route.Host(address, "https"), route.Host(address, "http")}
}

func hasPort(address string) bool {
	if strings.Contains(address, "://") || isSocket(address) {
		return true
	}
	_, _, err := net.SplitHostPort(address)
	return err == nil
}

// isSocket reports whether an address is that of a unix socket: a path, or a
// name of Linux's own that begins with @.
func isSocket(address string) bool {
	return strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@")
}

func hostOnly(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		return host
	}
	return name
}

// trusted is what the user has said, or says when asked.
type trusted struct {
	app *app
	// now has what the user has answered in this run.
	now map[trust.Entry]bool
	// warned is set once the list could not be read.
	warned bool
}

// Trusts implements airlock.Trust.
func (t *trusted) Trusts(dir string, p route.Point) bool {
	if p.Pin == "" && slices.ContainsFunc(strings.Split(t.app.getenv("AIRLOCK_TRUST"), ","), func(address string) bool {
		return namesHost(strings.TrimSpace(address), p.Host)
	}) {
		return true
	}
	e, err := entryOf(dir, p)
	if err == nil && t.now[e] {
		return true
	}
	listed := false
	if err == nil {
		listed, err = t.app.trustFile().Trusts(e)
	}
	if err != nil && !t.warned {
		t.warned = true
		t.app.say("airlock: %v", err)
	}
	return err == nil && listed
}

// namesHost reports whether an entry of AIRLOCK_TRUST means a host; one without
// a port means every port.
func namesHost(address, host string) bool {
	switch {
	case address == "":
		return false
	case isSocket(address):
		return address == host
	case hasPort(address):
		return route.Host(address, "https") == host
	}
	return strings.EqualFold(strings.Trim(address, "[]"), hostOnly(host))
}

func entryOf(dir string, p route.Point) (trust.Entry, error) {
	real, err := trust.RealDir(dir)
	return trust.Entry{Dir: real, Host: p.Host, Pin: p.Pin}, err
}

// Agree implements airlock.Trust: it asks once for each address.
func (t *trusted) Agree(w *airlock.WithheldError) bool {
	if !t.app.interactive() {
		return false
	}
	entries := make([]trust.Entry, 0, len(w.Points))
	for _, p := range w.Points {
		e, err := entryOf(w.Dir, p)
		if err != nil {
			return false
		}
		if yes, answered := t.now[e]; answered && !yes {
			return false
		}
		entries = append(entries, e)
	}
	t.app.say("airlock: %v", w)
	yes, err := t.app.yes(t.app.Context, "may the folder "+w.Dir+" send your credentials to "+list(w.Points)+"?")
	for _, e := range entries {
		t.now[e] = yes && err == nil
	}
	if err != nil || !yes {
		return false
	}
	if err := t.app.trustFile().Add(entries...); err != nil {
		t.app.say("airlock: the answer counts for this run only: %v", err)
	}
	return true
}

func list(points []route.Point) string {
	words := make([]string, len(points))
	for i, p := range points {
		words[i] = p.String()
	}
	return strings.Join(slices.Compact(words), " and ")
}

// yes asks a question on a terminal; no answer is no.
func (a *app) yes(ctx context.Context, question string) (bool, error) {
	a.bar.clear()
	_, _ = fmt.Fprintf(a.Stderr, "%s [y/N] ", visible(question))
	answer, err := lineOf(cmp.Or(ctx, context.Background()), a.Stdin)
	if err != nil {
		return false, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}
