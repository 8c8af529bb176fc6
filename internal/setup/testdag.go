package setup

import _ "embed"

// What proves that a backend is read. None of it is a secret.
const (
	// TestID is the variable and the connection that the test DAG asks for.
	TestID = "airlock_test"
	// TestValue is what the variable holds.
	TestValue = "airlock-found-it"
	// TestURI is the connection.
	TestURI = "http://airlock-login@airlock.example:8477/found-it"
)

// DAGPath is where the test DAG goes.
const DAGPath = "dags/airlock_test.py"

// testDAG runs on Airflow 2.10 and 3.
//
//go:embed airlock_test.py.txt
var testDAG string
