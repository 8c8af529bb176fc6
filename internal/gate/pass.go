package gate

import (
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// pass is one request on its way through the gate.
type pass struct {
	g     *Gate
	c     *Caller
	entry audit.Entry
	start time.Time
	// ref is what the line is about, as it was typed; of no kind where it is
	// about something else. source is what answered, -1 while none has.
	ref    airflow.Ref
	source int
	typed  string // Name.Typed
	// intended says that the line of an intent is on the disk, and that the
	// own store may have been changed.
	intended bool
}

// enter authorises the caller to do action to everything that n may stand for
// and starts the audit line. The pass must be left whatever enter answers.
func (g *Gate) enter(c *Caller, action acl.Action, n *Name) (*pass, error) {
	p := g.start(c, string(action))
	p.typed = n.Typed
	ref, err := g.authorise(c, action, n)
	if p.ref = ref; len(n.Refs) == 0 {
		p.about(plainObject(n.Plain))
	}
	return p, err
}

func (g *Gate) start(c *Caller, action string) *pass {
	now := time.Now()
	p := &pass{g: g, c: c, start: now, source: -1, entry: audit.Entry{Time: now, Request: c.Request, Protocol: c.Protocol,
		Remote: c.Remote, Action: action}}
	if c.Principal != nil {
		p.entry.Principal = c.Principal.Name
	}
	return p
}

func (g *Gate) allows(c *Caller, action acl.Action, o acl.Object) bool {
	return c.Principal != nil && c.Principal.Deployment == g.cfg.Deployment && c.Principal.Allows(action, o)
}

// about names what the line is about.
func (p *pass) about(o acl.Object) {
	p.entry.Kind, p.entry.Team, p.entry.Name = string(o.Kind), o.Team, o.ID
}

func (p *pass) aboutRef(r airflow.Ref) { p.ref = r }

// spell names the secret as its store does, once it is known which that is. Of
// an id like "/" the store's spelling leaves nothing: the line has it as typed.
func (p *pass) spell() {
	if p.ref.Kind != "" {
		stored := p.g.spelling(p.source, p.ref)
		if stored.ID == "" {
			stored = p.ref
		}
		if p.about(refObject(stored)); stored != p.ref {
			p.entry.Typed = p.ref.ID
		}
	}
	if p.typed != "" {
		p.entry.Typed = p.typed
	}
}

// from names the layer that answered: a source by its index, -1 for plain
// secrets of the own store.
func (p *pass) from(source int) {
	if source < 0 {
		p.entry.Layer = "plain secrets"
		return
	}
	p.source = source
	s := &p.g.sources[source]
	p.entry.Layer, p.entry.Source = string(s.Layer), s.Class
}

// stale notes that the source could not be asked, and when it gave s.
func (p *pass) stale(s *store.Secret) { p.entry.Stale = s.Stale }

// leave writes the audit line and returns err, or why the line could not be
// written: then nothing may be answered but that failure. What a caller asked
// who has not proved who it is is counted.
func (p *pass) leave(done string, err error) error {
	if err == nil && !p.intended {
		err = p.c.ended()
	}
	return p.note(done, err)
}

// note is leave without a look at whether the caller may still ask.
func (p *pass) note(done string, err error) error {
	p.spell()
	p.entry.Outcome = done
	if err != nil {
		p.entry.Outcome = outcome(err)
	}
	p.entry.Duration = time.Since(p.start)
	p.c.audited = true
	if p.c.Principal == nil {
		p.g.cfg.Audit.Count(&p.entry) // which is of no use to whoever fills a disk
		return err
	}
	if p.intended {
		return p.g.cfg.Audit.Settle(&p.entry, err)
	}
	if failed := p.g.cfg.Audit.Write(&p.entry); failed != nil {
		return failed
	}
	return err
}

// intend writes the line that comes before a change. After an error nothing
// may be changed.
func (p *pass) intend() error {
	if err := p.c.ended(); err != nil {
		return err
	}
	p.spell()
	err := p.g.cfg.Audit.Intend(&p.entry)
	p.intended = err == nil
	return err
}

// outcome names a failure in an audit line. A refusal by our own rules reads
// "refused", one by the store behind reads "denied".
func outcome(err error) string {
	if _, ok := err.(*refusal); ok {
		return "refused"
	}
	return audit.Outcome(err)
}

// refusal is what a caller gets that no rule allows. Its store code is Denied.
type refusal struct {
	action acl.Action
	object acl.Object
}

// Error says what was refused.
func (r *refusal) Error() string {
	return fmt.Sprintf("no rule allows to %s %s %q", r.action, r.object.Kind, store.Clip(r.object.ID))
}

// Unwrap gives a store error of code Denied.
func (r *refusal) Unwrap() error {
	return &store.Error{Op: string(r.action), Name: r.object.ID, Code: store.Denied,
		Hint: "`airlock client list` shows the rules of every client"}
}

// Note writes the line of a request that asks for no secret: a login, a
// renewal, a token or a request that was refused. It returns err, or why the
// line could not be written. Without a principal the request is counted, and
// err is returned.
func (g *Gate) Note(c *Caller, action, done string, err error) error {
	return g.start(c, action).note(done, err)
}

// Allows answers whether c may do action to everything that n may stand for.
// It reads nothing and writes no line: protocols have a question for it.
func (g *Gate) Allows(c *Caller, action acl.Action, n Name) bool {
	_, err := g.authorise(c, action, &n)
	return err == nil
}
