// Package settings reads what Airflow and an Astro project are configured
// with, in one folder: the process environment, the folder's .env, the ENV
// lines of its Dockerfile and $AIRFLOW_HOME/airflow.cfg.
//
// # Order
//
// The first three make one environment, as a container of the project would
// have it: a variable of the process wins over .env, .env over the Dockerfile.
// Options are then looked up in it and in airflow.cfg as Airflow's
// AirflowConfigParser does ([Settings.Option]). Everything found says where it
// came from ([Origin]).
//
// # What runs
//
// An option given by a command (_CMD) is run only when the command comes from
// the process environment or from the airflow.cfg of an AIRFLOW_HOME that the
// process environment names (or the default one). A folder that someone cloned
// executes nothing: a command in its .env or Dockerfile is an error that names
// the line.
package settings
