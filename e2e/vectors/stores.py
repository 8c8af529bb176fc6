"""lookup_paths and store_values: the stock backends before a scripted store.

A case with a `store` belongs to store_values: its store answers. Without one
the store has nothing, and what counts is what it was asked for.
"""

import contextlib
import functools
import importlib
import inspect
import os
import tempfile
import warnings

import services
from observe import (
    NotApplicable,
    Records,
    deserialize,
    environment,
    error,
    error_with_bases,
    put,
    sdk_connection,
    with_files,
)

BACKENDS = {
    "vault": "airflow.providers.hashicorp.secrets.vault.VaultBackend",
    "ssm": "airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend",
    "secretsmanager": "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend",
    "gcp": "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend",
    "azure": "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend",
}
# The argument that holds the id, by operation.
ARGUMENT = {"get_conn_value": "conn_id", "get_variable": "key", "get_config": "key"}
VAULT_HOME = "@a home directory whose .vault-token holds file-token"
# Which credentials were found and how: no part of what a look-up answers.
CREDENTIAL_CHATTER = ("airflow.providers.amazon.aws.hooks", "airflow.providers.amazon.aws.utils")
CONNECTION = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")
LOUD = {"warning", "error", "critical"}


@functools.cache
def records():
    """The one place that log records go to, put up after Airflow's own."""
    importlib.import_module("airflow.models")
    out = Records()
    out.install()
    return out


def service_of(case):
    kind, answers = case["backend"], case.get("store")
    if kind == "vault":
        return services.Vault(answers)
    if kind == "gcp":
        return services.Google(answers, case.get("adc_project", "adc-project"), case.get("adc_error"))
    if kind == "azure":
        return services.Azure(answers)
    return services.AWS(kind, answers)


def expect(case):
    with tempfile.TemporaryDirectory() as folder:
        changes = {"HOME": folder, "AWS_EC2_METADATA_DISABLED": "true", **case.get("env", {})}
        if changes["HOME"] == VAULT_HOME:
            changes["HOME"] = folder
            with open(os.path.join(folder, ".vault-token"), "w", encoding="utf-8") as file:
                file.write("file-token")
        if case["multi_team"] is not None:
            changes["AIRFLOW__CORE__MULTI_TEAM"] = str(case["multi_team"])
        module, name = BACKENDS[case["backend"]].rsplit(".", 1)
        with environment(changes):
            cls = getattr(importlib.import_module(module), name)
            records().take()
            service = service_of(case)
            with service.installed():
                return observed(case, cls, service, folder)


def observed(case, cls, service, folder):
    out = {}
    kwargs = with_files(case["backend_kwargs"], folder, keyfile)
    try:
        with noted_warnings(out):
            backend = cls(**kwargs)
    except Exception as exc:
        return {**out, "construction_error": error(exc), "requests": service.requests}
    operation = operation_of(backend, case)
    arguments = {ARGUMENT[case["operation"]]: case["id"]}
    if case["team_name"] is not None:
        if "team_name" not in inspect.signature(operation).parameters:
            raise NotApplicable(f"{cls.__name__} knows no teams")
        arguments["team_name"] = case["team_name"]
    answers = "store" in case
    if answers:
        # The construction belongs to lookup_paths, with what it logs.
        records().take()
    try:
        result = operation(**arguments)
    except Exception as exc:
        out["error"] = (error_with_bases if answers else error)(exc)
    else:
        out["result"] = result = described(result)
        if answers and result is not None and not isinstance(result, str):
            out["result_type"] = type(result).__name__
    log = records().take()
    if not answers:
        return {**out, **asked(case, service, log)}
    out["logs"] = [
        {"level": r["level"], "message": r["message"]} for r in log if not r["logger"].startswith(CREDENTIAL_CHATTER)
    ]
    if isinstance(service, services.AWS):
        out["http_attempts"], out["retry_sleeps"] = service.attempts, service.sleeps
    out["requests"] = service.lines if isinstance(service, services.Vault) else service.requests
    if case["operation"] == "get_conn_value" and "error" not in out:
        connections(out, case["id"], result)
    return out


def operation_of(backend, case):
    """The method to call: an older backend may only have get_connection."""
    from airflow.secrets import BaseSecretsBackend

    name = case["operation"]
    if name == "get_conn_value" and type(backend).get_conn_value is BaseSecretsBackend.get_conn_value:
        name = "get_connection"
    return getattr(backend, name)


def described(result):
    """A result as it is, but a Connection by its serialized form."""
    return result.as_json() if hasattr(result, "as_json") else result


@contextlib.contextmanager
def noted_warnings(out):
    """Airflow's own warnings; those of other libraries come and go."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    ours = [w for w in caught if w.category.__module__.startswith("airflow.")]
    if ours:
        out["construction_warnings"] = [{"category": w.category.__name__, "message": str(w.message)} for w in ours]


def asked(case, service, log):
    """What went out, as the cases of lookup_paths have it."""
    out = {"requests": service.requests}
    if isinstance(service, services.Vault):
        out["http"] = service.http
    elif isinstance(service, services.AWS) and service.bodies:
        out["http"] = {"target": service.target, "url": service.url, "bodies": service.bodies}
    elif isinstance(service, services.Google) and service.scopes:
        out["google_auth_default_scopes"] = service.scopes
    elif isinstance(service, services.Azure):
        out["client"] = service.clients
    out["warnings_logged"] = [r for r in log if r["level"] in LOUD]
    return out


def connections(out, conn_id, value):
    from airflow.models import Connection as orm

    for name, cls in (("get_connection_sdk", sdk_connection()), ("get_connection_orm", orm)):
        if cls is not None:
            put(out, name, lambda: connection(cls, conn_id, value))


def connection(cls, conn_id, value):
    # The same test as BaseSecretsBackend.get_connection: empty is not found.
    if not value:
        return None
    read = deserialize(cls, conn_id, value)
    return {**{name: getattr(read, name) for name in CONNECTION}, "get_uri": read.get_uri()}


@functools.cache
def private_key():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, plain).decode()


def keyfile(marked):
    """A well-formed service account key for {"@keyfile": project}."""
    if "@keyfile" not in marked:
        return None
    project = marked["@keyfile"]
    out = {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "0123456789abcdef",
        "private_key": private_key(),
        "client_email": f"airflow@{project}.iam.gserviceaccount.com",
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return {name: value for name, value in out.items() if name not in marked.get("@without", ())}
