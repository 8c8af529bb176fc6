// Package render writes environment variables, and what Airflow keeps in them,
// in the languages of the tools that hand them to Airflow: a .env file, a
// Dockerfile, a shell, YAML for Kubernetes and Helm, Astro's and Airflow's own
// files.
//
// What is written is read back as the same text by the tool it is for, or it is
// not written: a value that a format cannot hold is an error that says so
// without showing it.
package render
