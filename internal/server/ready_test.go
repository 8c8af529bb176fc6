package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/internal/servertest"
)

// overwrite puts text into a file at an offset.
func overwrite(t *testing.T, path string, at int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte(text), at)
	must(t, err, f.Close())
}

func TestReadinessIsARealRead(t *testing.T) {
	const page = 4096
	database := func(dir string) string { return filepath.Join(dir, "airlock.db") }
	// settled has everything in the file itself, as it is after a checkpoint.
	settled := func(t *testing.T, dir string) string {
		servertest.Execute(t, dir, "PRAGMA wal_checkpoint(TRUNCATE)")
		return database(dir)
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		says   string
	}{
		"the page of the schema is damaged": {func(t *testing.T, dir string) {
			overwrite(t, settled(t, dir), 100, strings.Repeat("\xa5", page-100))
		}, "embedded store"},
		"the file is a text":    {func(t *testing.T, dir string) { overwrite(t, settled(t, dir), 0, strings.Repeat("text", page)) }, "embedded store"},
		"the file is cut short": {func(t *testing.T, dir string) { must(t, os.Truncate(settled(t, dir), page)) }, "embedded store"},
		"the file is empty":     {func(t *testing.T, dir string) { must(t, os.Truncate(settled(t, dir), 0)) }, "embedded store"},
		"the file is gone":      {func(t *testing.T, dir string) { must(t, os.Remove(settled(t, dir))) }, "embedded store"},
		"a table is gone":       {func(t *testing.T, dir string) { servertest.Execute(t, dir, "DROP TABLE version") }, "embedded store"},
		"a column is gone": {func(t *testing.T, dir string) {
			servertest.Execute(t, dir, "ALTER TABLE version DROP COLUMN hidden")
		}, "embedded store"},
		"the audit log is a folder": {func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "audit.log")), os.Mkdir(filepath.Join(dir, "audit.log"), 0o700))
		}, "audit log"},
		"the audit log is a link": {func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "audit.log")), os.Symlink("/dev/full", filepath.Join(dir, "audit.log")))
		}, "audit log"},
	} {
		t.Run(name, func(t *testing.T) {
			listenToLog(t)
			dir := filepath.Join(t.TempDir(), "data")
			r := start(t, server.Config{DataDir: dir, Dev: true})
			r.want(t, "POST", "/v1/secret/data/x", `{"data": {"a": "b"}}`, 200, "")
			c.damage(t, dir)
			r.want(t, "GET", "/-/ready", "", 503, c.says)
			r.want(t, "GET", "/v1/sys/health", "", 503, `"sealed":true`)
			r.want(t, "GET", "/v1/sys/seal-status", "", 200, `"sealed":true`)
			r.want(t, "GET", "/-/healthy", "", 200, "healthy")
		})
	}
}

// TestOneDamagedSecretIsReady is the other side: who asks for that one hears
// of it.
func TestOneDamagedSecretIsReady(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir, Dev: true})
	r.want(t, "POST", "/v1/secret/data/x", `{"data": {"a": "b"}}`, 200, "")
	servertest.FlipPayload(t, dir, "plain/vault/x")
	r.want(t, "GET", "/-/ready", "", 200, "ready")
	r.want(t, "GET", "/v1/sys/health", "", 200, `"sealed":false`)
}

func TestReadinessComesBack(t *testing.T) {
	listenToLog(t)
	dir := filepath.Join(t.TempDir(), "data")
	log := filepath.Join(dir, "audit.log")
	r := start(t, server.Config{DataDir: dir, Dev: true})
	must(t, os.Rename(log, log+".old"), os.Mkdir(log, 0o700))
	r.want(t, "GET", "/-/ready", "", 503, "audit log")
	must(t, os.Remove(log), os.Rename(log+".old", log))
	for { // until the test's own time is over
		if status, _ := r.request(t, "GET", "/-/ready", ""); status == 200 {
			break
		}
	}
}

// TestPollsAreSummed asks many times, which leaves lines that say how many.
func TestPollsAreSummed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir, Dev: true})
	const polls = 300
	for i := range polls {
		r.want(t, "GET", []string{"/-/ready", "/v1/sys/health", "/v1/sys/seal-status"}[i%3], "", 200, "")
	}
	must(t, r.stop())
	b, err := os.ReadFile(filepath.Join(dir, "audit.log"))
	must(t, err)
	var sum, lines int64
	for line := range strings.Lines(string(b)) {
		var l struct {
			Action string
			Count  int64
		}
		must(t, json.Unmarshal([]byte(line), &l))
		if l.Action == "status" {
			lines++
			sum += l.Count
		}
	}
	if sum != polls || lines >= polls/2 {
		t.Errorf("%d lines of %d polls, want %d in few", lines, sum, polls)
	}
}
