// Package secretsmanagerstore reads and writes AWS Secrets Manager. It is the
// driver of Airflow's SecretsManagerBackend; how it finds its region, endpoint
// and credentials is package awsconn's.
//
// Names are secret names or ARNs. A secret is text (SecretString) or binary
// (SecretBinary). Versions have ids and stages but no numbers, so the store is
// no Versioner. What is deleted can be restored for the service's recovery
// window; until then it counts as not found, and a Put brings the name back.
package secretsmanagerstore
