package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// listers is how many requests of one List are under way at a time.
const listers = 8

// List implements store.Lister. The server lists one folder at a time, and
// lists deleted secrets as well: so each folder costs a request, and in KV
// version 2 each name one more. A name that may be listed but whose metadata
// may not be read is taken to be readable, and so is one that the server lists
// but takes in no path (of a character that cannot be printed). With an empty Mount the prefix has
// to begin with one.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	const op = "list"
	mount, within, ok := s.split(prefix)
	if !ok {
		return nil, s.fail(op, prefix, &store.Error{Code: store.Unsupported, Err: errors.New("the mounts themselves cannot be listed"),
			Hint: "with mount_point null, list below a mount: give a prefix such as \"secret/\""})
	}
	named := ""
	if s.mount == "" {
		named = mount + "/"
	}
	var names []string
	err := s.run(ctx, op, prefix, func(ctx context.Context, token string) error {
		found, err := s.walk(ctx, token, mount, within)
		names = found
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range names {
		names[i] = named + names[i]
	}
	slices.Sort(names)
	return names, nil
}

// walk lists the names of a mount that start with prefix.
func (s *Store) walk(ctx context.Context, token, mount, prefix string) ([]string, error) {
	var names []string
	folders := []string{prefix[:strings.LastIndex(prefix, "/")+1]}
	for len(folders) > 0 {
		folder := folders[0]
		folders = folders[1:]
		keys, err := s.keys(ctx, token, mount, folder)
		var refusal *ResponseError
		if errors.As(err, &refusal) && refusal.unprintable() && folder != "" {
			s.log.WarnContext(ctx, "a folder is left out: the server lists it and takes no request for it", "store", s.name, "folder", excerpt.Name(folder))
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			name := folder + key
			switch {
			case strings.HasSuffix(name, "/") && (strings.HasPrefix(name, prefix) || strings.HasPrefix(prefix, name)):
				folders = append(folders, name)
			case !strings.HasSuffix(name, "/") && strings.HasPrefix(name, prefix):
				names = append(names, name)
			}
		}
	}
	if s.version == 1 {
		return names, nil
	}
	return s.readable(ctx, token, mount, names)
}

// keys lists one folder, which ends with "/" or is empty; one that does not
// exist holds nothing.
func (s *Store) keys(ctx context.Context, token, mount, folder string) ([]string, error) {
	r := request{method: vault.MethodList, path: s.at(quote(mount), "metadata", quote(folder)), token: token}
	if s.strictHTTP {
		r.method, r.query = "GET", "list=true"
	}
	var res vault.Response
	err := s.send(ctx, r, &res)
	var refusal *ResponseError
	if errors.As(err, &refusal) && refusal.absent() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list vault.KeyList
	if json.Unmarshal(res.Data, &list) != nil {
		return nil, errNotJSON
	}
	return list.Keys, nil
}

// readable keeps the names whose latest version can be read.
func (s *Store) readable(ctx context.Context, token, mount string, names []string) ([]string, error) {
	keep := make([]bool, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(listers)
	for i, name := range names {
		group.Go(func() error {
			m, err := s.metadata(ctx, token, quote(mount), quote(name))
			var refusal *ResponseError
			switch {
			case errors.As(err, &refusal) && (refusal.Status == http.StatusForbidden || refusal.unprintable()):
				keep[i] = true
			case errors.As(err, &refusal) && refusal.absent(): // gone meanwhile
			case err != nil:
				return err
			default:
				keep[i] = readableNow(m, time.Now())
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []string
	for i, name := range names {
		if keep[i] {
			out = append(out, name)
		}
	}
	return out, nil
}
