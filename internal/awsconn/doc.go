// Package awsconn is the connection that Airflow's two AWS backends share:
// what AwsConnectionWrapper and SessionFactory of the Amazon provider, boto3
// and botocore make of backend_kwargs, the environment and the files in
// ~/.aws. The SDK's own rules for regions, credentials, endpoints, retries and
// proxies are not used anywhere.
//
// # What is not kept
//
// assume_role_with_saml (it needs Kerberos), IAM Identity Center (SSO) and
// `aws login` profiles, a role behind an MFA device, google as web identity
// federation, the unsigned signature, and legacy or adaptive retries (they
// become standard ones). All but the last are refused by name, as Unsupported.
package awsconn
