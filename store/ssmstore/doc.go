// Package ssmstore reads and writes AWS Systems Manager Parameter Store. It is
// the driver of Airflow's SystemsManagerParameterStoreBackend; how it finds
// its region, endpoint and credentials is package awsconn's.
//
// Names are parameter names, with their leading slash. A secret is text; it is
// written as a SecureString under the account's own key. Parameter Store
// numbers versions but cannot hide or destroy one, so the store is no
// Versioner.
package ssmstore
