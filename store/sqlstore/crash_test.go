package sqlstore

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// The test binary runs itself with one of these to be a process that is
// killed, or that finds its disk full.
const (
	writeIn     = "AIRLOCK_TEST_WRITE_IN"      // the folder
	writeFrom   = "AIRLOCK_TEST_WRITE_FROM"    // the number of the first write
	writeAtMost = "AIRLOCK_TEST_WRITE_AT_MOST" // bytes in a file, 0: no limit
)

// writes is how many a process makes unless it is killed.
const writes = 200

func TestMain(m *testing.M) {
	if dir := os.Getenv(writeIn); dir != "" {
		os.Exit(writer(dir))
	}
	os.Exit(m.Run())
}

// writer puts writes secrets, new names and new versions in turn, and prints
// the number of each once it is acknowledged. It stops at the first failure.
func writer(dir string) int {
	if most, _ := strconv.ParseUint(os.Getenv(writeAtMost), 10, 64); most > 0 {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			fmt.Println("setrlimit", err)
			return 2
		}
	}
	first, _ := strconv.Atoi(os.Getenv(writeFrom))
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		fmt.Println(store.CodeOf(err), err, "hint:", store.Hint(err))
		return 1
	}
	s := db.Namespace(DefaultNamespace)
	for i := first; i < first+writes; i++ {
		if _, err := s.Put(ctx, crashName(i), &store.Secret{Payload: []byte(crashValue(i))}, nil); err != nil {
			fmt.Println(store.CodeOf(err), err, "hint:", store.Hint(err))
			return 1
		}
		fmt.Println("ok", i)
	}
	return 0
}

// crashName gives every other write a name of its own, and the rest one name.
func crashName(i int) string {
	if i%2 == 0 {
		return "own/" + strconv.Itoa(i)
	}
	return "shared"
}

func crashValue(i int) string { return fmt.Sprintf("value %d %s", i, strings.Repeat("x", 3000)) }

// run starts a writer, kills it after kill acknowledged writes (-1: never),
// and returns the numbers it acknowledged and its last other line.
func run(t *testing.T, dir string, first, kill int, most uint64) (acknowledged []int, said string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writeIn+"="+dir, fmt.Sprintf("%s=%d", writeFrom, first), fmt.Sprintf("%s=%d", writeAtMost, most))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if kill == 0 {
		_ = cmd.Process.Kill()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var i int
		if _, err := fmt.Sscanf(lines.Text(), "ok %d", &i); err != nil {
			said = lines.Text()
			continue
		}
		acknowledged = append(acknowledged, i)
		if len(acknowledged) == kill {
			_ = cmd.Process.Kill() // the writer goes on meanwhile: any moment of the next writes
		}
	}
	_ = cmd.Wait()
	return acknowledged, said
}

func TestKillNineLosesNoAcknowledgedWrite(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{}
	next, shared := 0, 0
	const rounds = 25
	for round := range rounds {
		kill := rand.IntN(writes)
		if round == rounds-1 {
			kill = -1
		}
		acknowledged, said := run(t, dir, next, kill, 0)
		if said != "" {
			t.Fatalf("round %d: the writer says %s", round, said)
		}
		for _, i := range acknowledged {
			want[crashName(i)] = crashValue(i)
			if crashName(i) == "shared" {
				shared++
			}
		}
		check(t, dir, want, next+len(acknowledged))
		next += writes
	}
	t.Logf("%d rounds, %d names, %d versions of one name", rounds, len(want), shared)
}

// check opens the folder and looks for every acknowledged write. The write
// numbered unsure may have been made without being acknowledged; want then
// learns of it.
func check(t *testing.T, dir string, want map[string]string, unsure int) {
	t.Helper()
	db, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := db.Namespace(DefaultNamespace)
	for name, value := range want {
		got, err := s.Get(context.Background(), name)
		if err != nil {
			t.Fatalf("Get(%q): %v", name, err)
		}
		if name == crashName(unsure) && string(got.Payload) == crashValue(unsure) {
			want[name] = crashValue(unsure)
		} else if string(got.Payload) != value {
			t.Fatalf("Get(%q) = %.20q, want %.20q", name, got.Payload, value)
		}
	}
	var problems string
	if err := db.read.QueryRow("PRAGMA integrity_check").Scan(&problems); err != nil || problems != "ok" {
		t.Fatalf("integrity check: %s, %v", problems, err)
	}
}

func TestFullDiskKeepsWhatWasStored(t *testing.T) {
	dir := made(t)
	acknowledged, said := run(t, dir, 0, -1, 400<<10)
	if len(acknowledged) == 0 || len(acknowledged) == writes {
		t.Fatalf("%d writes were acknowledged, want the limit to be met in between", len(acknowledged))
	}
	if !strings.HasPrefix(said, string(store.Unavailable)) || strings.HasSuffix(said, "hint: ") || strings.Contains(said, "xxx") {
		t.Errorf("the writer says %q, want %q with a hint", said, store.Unavailable)
	}
	want := map[string]string{"x": "v"}
	for _, i := range acknowledged {
		want[crashName(i)] = crashValue(i)
	}
	check(t, dir, want, -1)
}

func TestFullDatabaseFailsTheWriteOnly(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, t.TempDir())
	s := db.Namespace(DefaultNamespace)
	mustPut(t, s, "x", "v")
	if _, err := db.write.Exec("PRAGMA max_page_count = 20"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Put(ctx, "x", &store.Secret{Payload: []byte(strings.Repeat("y", 200<<10))}, nil)
	wantCode(t, "Put", err, store.Unavailable)
	if !strings.Contains(store.Hint(err), "space") {
		t.Errorf("Put: hint %q, want it to speak of space", store.Hint(err))
	}
	wantValue(t, s, "x", "v")
	mustPut(t, s, "x", "small")
	wantValue(t, s, "x", "small")
}

func TestNoRoomForANewStore(t *testing.T) {
	dir := t.TempDir()
	_, said := run(t, dir, 0, -1, 1)
	if !strings.HasPrefix(said, string(store.Unavailable)) {
		t.Errorf("the writer says %q, want %q", said, store.Unavailable)
	}
	mustPut(t, openTest(t, dir).Namespace(DefaultNamespace), "x", "v") // once there is room
}
