package storetest_test

import (
	"flag"
	"os"
	"testing"

	"github.com/airlock-secrets/airlock/store/storetest"
)

var update = flag.Bool("update", false, "write docs/misses.md")

func TestMissesDocument(t *testing.T) {
	const path = "../../docs/misses.md"
	want := storetest.MissesDocument()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/misses.md is not what the drivers are tested for (%v): go test ./store/storetest -update", err)
	}
}

func TestNoTwoRowsAreAlike(t *testing.T) {
	seen := map[[2]string]bool{}
	for _, m := range storetest.Misses() {
		row := [2]string{m.Service, m.Answer}
		if seen[row] {
			t.Errorf("%v is there twice", row)
		}
		seen[row] = true
	}
}
