//go:build !race

// Each command of a script is a process, whose start takes the race detector
// half a second. What runs side by side within one is tested under it in
// internal/cli, internal/server and the facades.

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/cli"
)

// servers :: work folder of a script -> its OpenBao
var servers sync.Map

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"airlock": func() { os.Exit(cli.Main(cli.Process())) }})
}

// TestScripts runs the stories of testdata/script, one topic for each file.
// Beside testscript's own, they have the commands
//
//	bao            start OpenBao; sets BAO_ADDR and BAO_TOKEN
//	approle NAME   make an AppRole with the policy of file NAME.hcl; sets ROLE_ID and SECRET_ID
//	kv PATH K=V    write a secret into it
//	port VAR       set VAR to a free port of 127.0.0.1
//	fill FILE      replace ${NAME} by the variable's value in a file
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("AIRFLOW_HOME", filepath.Join(e.WorkDir, "airflow"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"bao": startBao(t), "approle": appRole(t), "kv": putKV(t), "port": freePort, "fill": fill,
		},
	})
}

func startBao(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		s := baotest.Start(t)
		servers.Store(ts.Getenv("WORK"), s)
		ts.Setenv("BAO_ADDR", s.Addr)
		ts.Setenv("HOST", strings.TrimPrefix(s.Addr, "http://"))
		ts.Setenv("BAO_TOKEN", s.Token)
	}
}

func appRole(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		role, secret := server(ts).AppRole(t, args[0], ts.ReadFile(args[0]+".hcl"))
		ts.Setenv("ROLE_ID", role)
		ts.Setenv("SECRET_ID", secret)
	}
}

func putKV(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		data := map[string]any{}
		for _, pair := range args[1:] {
			k, v, _ := strings.Cut(pair, "=")
			data[k] = v
		}
		server(ts).MustDo(t, "POST", "/v1/secret/data/"+args[0], map[string]any{"data": data})
	}
}

func server(ts *testscript.TestScript) *baotest.Server {
	s, ok := servers.Load(ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no OpenBao: start it with bao")
	}
	return s.(*baotest.Server)
}

func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
	ts.Check(l.Close())
}

func fill(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, []byte(os.Expand(string(b), ts.Getenv)), 0o600))
}
