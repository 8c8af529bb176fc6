package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/store"
)

// DefaultNamespace is the namespace that a command asks unless it says
// another.
const DefaultNamespace = "default"

// Hooks are what a daemon does beside its stores, which write the lines of
// what they are asked themselves. Each may be nil.
type Hooks struct {
	// Refused hears of a call that reached no store, and why. When it returns
	// an error the command gets that one.
	Refused func(op string, err error) error
	// Suspend takes the access of a client away until the daemon ends, also
	// where that cannot be stored.
	Suspend func(client string) error
}

// Server answers commands on the socket of a data folder.
type Server struct {
	dir      string
	stores   map[string]store.Store // :: namespace -> store
	hooks    Hooks
	listener net.Listener
	http     *http.Server
	remove   func()
	close    sync.Once
	closeErr error
}

// Listen binds the socket of the data folder dir, which must be there, and
// replaces one that a dead daemon left behind. Calls go to stores, by their
// namespace; the server does not close them. It fails with Unavailable while
// another daemon answers.
func Listen(dir string, stores map[string]store.Store, hooks Hooks) (*Server, error) {
	l, remove, err := listen(dir)
	if err != nil {
		return nil, &store.Error{Op: "listen", Store: "control socket of " + dir, Code: store.Unavailable, Err: err,
			Hint: "stop the other daemon, or remove what is in the way"}
	}
	s := &Server{dir: dir, stores: stores, hooks: hooks, listener: l, remove: remove}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	return s, nil
}

// Serve answers until Close; it then returns http.ErrServerClosed.
func (s *Server) Serve() error { return s.http.Serve(s.listener) }

// Close lets the calls under way end, for a short while, and removes the
// socket. A second Close is a no-op.
func (s *Server) Close() error {
	s.close.Do(func() {
		s.remove() // first, so that a command that comes now sees no daemon
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if s.closeErr = s.http.Shutdown(ctx); s.closeErr != nil {
			s.closeErr = errors.Join(s.closeErr, s.http.Close())
		}
		if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.closeErr = errors.Join(s.closeErr, err)
		}
	})
	return s.closeErr
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	if !ok || r.Method != http.MethodPost {
		s.unread(w, "POST /v1/<operation>", http.StatusNotFound)
		return
	}
	var q request
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err != nil || !utf8.Valid(body) || d.Decode(&q) != nil { // the decoder's own text could quote a secret
		s.unread(w, "the request is not understood", http.StatusBadRequest)
		return
	}
	a := s.answer(r.Context(), op, &q)
	b, err := json.Marshal(a)
	if err != nil {
		http.Error(w, "the answer cannot be encoded", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// unread answers what is no call of a command.
func (s *Server) unread(w http.ResponseWriter, message string, status int) {
	_ = s.refuse("request", &store.Error{Op: "read", Code: store.Invalid, Err: errors.New(message)})
	http.Error(w, message, status)
}

// answer does one call.
func (s *Server) answer(ctx context.Context, op string, q *request) *answer {
	var a *answer
	var err error
	switch to, ok := s.stores[q.Namespace]; {
	case op == opHello:
		return s.hello()
	case op == opSuspend && s.hooks.Suspend != nil:
		a, err = &answer{}, s.hooks.Suspend(string(q.Name))
	case !ok:
		err = s.refuse(op, &store.Error{Op: op, Code: store.NotFound, Name: q.Namespace,
			Err: errors.New("the daemon has no such namespace")})
	case !slices.Contains(operations, op):
		err = s.refuse(op, &store.Error{Op: op, Code: store.Unsupported, Err: errors.New("the daemon does not know this operation"),
			Hint: "restart the daemon with the same version of airlock as the command"})
	default:
		a, err = call(ctx, to, op, q)
	}
	if err != nil {
		return &answer{Error: fromError(err)}
	}
	return a
}

func (s *Server) refuse(op string, err error) error {
	if s.hooks.Refused == nil {
		return err
	}
	if failed := s.hooks.Refused(op, err); failed != nil {
		return failed
	}
	return err
}

func (s *Server) hello() *answer {
	a := &answer{Labels: map[string]string{}, Folder: identityOf(s.dir)}
	for namespace, of := range s.stores {
		a.Labels[namespace] = fmt.Sprintf("%s through its daemon (process %d)", store.Label(of), os.Getpid())
	}
	return a
}

// call does one operation by the free functions of package store, so that a
// store that cannot do it says so.
func call(ctx context.Context, to store.Store, op string, q *request) (*answer, error) {
	name := string(q.Name)
	switch op {
	case opGet:
		found, err := to.Get(ctx, name)
		return &answer{Secret: fromSecret(found)}, err
	case opList:
		names, err := store.List(ctx, to, name)
		a := &answer{}
		for _, n := range names {
			a.Names = append(a.Names, []byte(n))
		}
		return a, err
	case opPut:
		o := &store.PutOptions{IfVersion: q.IfVersion}
		stored, err := store.Put(ctx, to, name, q.Secret.secret(), o)
		return &answer{Secret: fromSecret(stored)}, err
	case opDelete:
		return &answer{}, store.Delete(ctx, to, name)
	case opCheck:
		return &answer{}, store.Check(ctx, to)
	case opLocate:
		return &answer{Location: []byte(store.Locate(to, name))}, nil
	}
	return callVersions(ctx, to, op, q)
}

func callVersions(ctx context.Context, to store.Store, op string, q *request) (*answer, error) {
	v, err := store.Versions(to)
	if err != nil {
		return nil, err
	}
	name := string(q.Name)
	switch op {
	case opGetVersion:
		found, err := v.GetVersion(ctx, name, q.Version)
		return &answer{Secret: fromSecret(found)}, err
	case opRecord:
		r, err := v.Record(ctx, name)
		return &answer{Record: r}, err
	case opHide:
		return &answer{}, v.Hide(ctx, name, q.Protocol, q.Versions...)
	case opRestore:
		return &answer{}, v.Restore(ctx, name, q.Protocol, q.Versions...)
	case opDestroy:
		return &answer{}, v.Destroy(ctx, name, q.Versions...)
	case opSetAttributes:
		return &answer{}, v.SetAttributes(ctx, name, q.Protocol, q.Attributes)
	}
	return nil, store.ErrUnsupported
}
