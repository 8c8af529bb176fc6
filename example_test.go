package airlock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// What a task would get in a project folder, and where it comes from.
func ExampleFromEnvironment() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "project")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	env := "AIRFLOW_VAR_GREETING=hello\nAIRFLOW_CONN_DB=postgresql://app:hunter2@db.example:5432/app\n"
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(env), 0o600); err != nil {
		log.Fatal(err)
	}

	resolver, err := airlock.FromEnvironment(ctx, &airlock.EnvironmentOptions{
		Dir: dir, Environ: []string{"HOME=" + dir}})
	if err != nil {
		log.Fatal(err)
	}
	defer resolver.Close()

	found, err := resolver.Lookup(ctx, airflow.Ref{Kind: airflow.KindVariable, ID: "greeting"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	winner := found.Attempts[found.Winner]
	fmt.Printf("%s, from the %s: %s\n", found.Value.Text(), winner.Layer, winner.Setting)

	found, err = resolver.Lookup(ctx, airflow.Ref{Kind: airflow.KindConnection, ID: "db"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Connection.Type, found.Connection.Host, found.Connection.Port)

	_, err = resolver.Lookup(ctx, airflow.Ref{Kind: airflow.KindConnection, ID: "warehouse"}, nil)
	fmt.Println(errors.Is(err, store.ErrNotFound), err)
	// Output:
	// hello, from the environment: AIRFLOW_VAR_GREETING in .env:1
	// postgres db.example 5432
	// true The conn_id `warehouse` isn't defined
}

// A program that wires its own stores: what every layer answers.
func ExampleResolver_Lookup() {
	ctx := context.Background()
	vault := memstore.New("vault")
	secret := &store.Secret{Payload: []byte(`{"value": "from the backend"}`), Form: store.Object}
	if _, err := vault.Put(ctx, "variables/greeting", secret, nil); err != nil {
		log.Fatal(err)
	}
	resolver := &airlock.Resolver{Sources: []airlock.Source{
		{Layer: airlock.LayerBackend, Class: "airflow.providers.hashicorp.secrets.vault.VaultBackend",
			Store: vault, Dialect: dialect.DefaultVault()},
		{Layer: airlock.LayerEnvironment, Class: airlock.ClassEnvironment, Skip: "this program reads no environment"},
	}}

	result, err := resolver.Lookup(ctx, airflow.Ref{Kind: airflow.KindVariable, ID: "greeting"},
		&airlock.LookupOptions{All: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, attempt := range result.Explain(true).Attempts {
		fmt.Printf("%s: %s %s%s\n", attempt.Layer, attempt.Outcome, attempt.Name, attempt.Reason)
	}
	fmt.Println(result.Value.Text())
	// Output:
	// secrets backend: found variables/greeting
	// environment: skipped this program reads no environment
	// from the backend
}
