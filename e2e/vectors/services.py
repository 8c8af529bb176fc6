"""The network clients of the stock providers, answering from a script.

Each service replaces one function: the last one before the network. Everything
above it (hvac, botocore, azure-identity, the Google client) is the real thing,
so that what is recorded is what would have been sent.
"""

import base64
import contextlib
import importlib
import io
import json
from unittest import mock

# What `aws login` signs again at every call.
SIGNED_AT_EACH_CALL = {"Authorization", "X-Amz-Date"}


class Service:
    """A store whose answers are a list; the last one repeats."""

    def __init__(self, answers=None):
        self.answers = answers
        self.asked = 0
        self.requests = []
        self.extra = {}

    def next(self):
        """The next scripted answer; None stands for "there is no such secret"."""
        if self.answers is None:
            return None
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return answer


class Vault(Service):
    """Vault behind requests.adapters.HTTPAdapter, which hvac sends through."""

    def __init__(self, answers=None):
        super().__init__(answers)
        self.http = []
        self.lines = []

    @contextlib.contextmanager
    def installed(self):
        import requests
        from hvac.api.secrets_engines.kv_v1 import KvV1
        from hvac.api.secrets_engines.kv_v2 import KvV2

        service = self

        def reader(version, original):
            def read(kv, path, *args, **kwargs):
                mount = kwargs.get("mount_point", "secret")
                service.requests.append({"kv": version, "mount_point": mount, "path": path})
                return original(kv, path, *args, **kwargs)

            return read

        with (
            mock.patch.object(requests.adapters.HTTPAdapter, "send", lambda _, r, **kw: service.send(r)),
            mock.patch.object(KvV1, "read_secret", reader(1, KvV1.read_secret)),
            mock.patch.object(KvV2, "read_secret_version", reader(2, KvV2.read_secret_version)),
        ):
            yield

    def send(self, request):
        body = json.loads(request.body) if request.body else None
        self.http.append(
            {
                "method": request.method,
                "url": request.url,
                "headers": {k: v for k, v in request.headers.items() if k.lower().startswith("x-vault-")},
                "json": readable_aws_login(body),
            }
        )
        self.lines.append(f"{request.method} {request.path_url}")
        if "/auth/" in request.path_url and "/login" in request.path_url:
            return response(request, 200, {"auth": {"client_token": "s.faketoken"}})
        if request.path_url.endswith("/auth/token/lookup-self"):
            # How older providers ask whether their token is one; it is.
            return response(request, 200, {"data": {"policies": ["default"]}})
        if request.method != "GET":
            return response(request, 204, "")
        answer = self.next() or {"status": 404, "body": {"errors": []}}
        return response(request, answer["status"], answer["body"])


def response(request, status, body):
    import requests

    out = requests.Response()
    out.status_code, out.request, out.url = status, request, request.url
    text = body if isinstance(body, str) else json.dumps(body)
    out.raw = io.BytesIO(text.encode())
    if not isinstance(body, str):
        out.headers["Content-Type"] = "application/json"
    return out


def readable_aws_login(body):
    """The signed request inside an aws_iam login, without what the time changes."""
    if not isinstance(body, dict) or "iam_request_headers" not in body:
        return body

    def text(name):
        return base64.b64decode(body[name]).decode()

    headers = json.loads(text("iam_request_headers"))
    authorization = headers["Authorization"]
    if isinstance(authorization, list):
        authorization = authorization[0]
    scope = authorization.split("Credential=")[1].split(",")[0]
    return {
        "role": body["role"],
        "iam_http_request_method": body["iam_http_request_method"],
        "iam_request_url": text("iam_request_url"),
        "iam_request_body": text("iam_request_body"),
        "iam_request_header_names": sorted(headers),
        "iam_request_headers_static": {k: v for k, v in headers.items() if k not in SIGNED_AT_EACH_CALL},
        "credential_scope_tail": "/".join(scope.split("/")[2:]),
        "@note": "decoded from base64; time-dependent values removed",
    }


class AWS(Service):
    """AWS below botocore's retries: what urllib3 would have sent."""

    NOT_FOUND = {"ssm": "ParameterNotFound", "secretsmanager": "ResourceNotFoundException"}
    NAME = {"ssm": "Name", "secretsmanager": "SecretId"}

    def __init__(self, service, answers=None):
        super().__init__(answers)
        self.service = service
        self.attempts = self.sleeps = 0
        self.bodies, self.target, self.url = [], None, None

    @contextlib.contextmanager
    def installed(self):
        import botocore.endpoint
        from botocore.httpsession import URLLib3Session

        def sleep(_):
            self.sleeps += 1

        # The module's own name for time, so that nothing else stops sleeping.
        clock = mock.Mock(wraps=botocore.endpoint.time, sleep=sleep)
        with (
            mock.patch.object(URLLib3Session, "send", lambda _, r: self.send(r)),
            mock.patch.object(botocore.endpoint, "time", clock),
        ):
            yield

    def send(self, request):
        from botocore.awsrequest import AWSResponse

        self.attempts += 1
        target = request.headers["X-Amz-Target"]
        self.target = target.decode() if isinstance(target, bytes) else target
        self.url = request.url
        body = json.loads(request.body)
        name = body[self.NAME[self.service]]
        if not self.requests or self.requests[-1] != name:
            self.requests.append(name)
            self.bodies.append(body)
        answer = self.next() or {"status": 400, "code": self.NOT_FOUND[self.service], "body": {"message": "none"}}
        if "raise" in answer:
            raise sdk_error(answer["raise"])
        content = dict(answer["body"])
        if "code" in answer:
            content["__type"] = answer["code"]
        raw = Chunks(json.dumps(content).encode())
        return AWSResponse(request.url, answer.get("status", 200), {"Content-Type": "application/x-amz-json-1.1"}, raw)


class Chunks(io.BytesIO):
    """The one method of urllib3's response that botocore reads a body with."""

    def stream(self, *_, **__):
        yield self.read()


class Google(Service):
    """Secret Manager at the generated client's method, below the provider."""

    def __init__(self, answers=None, project="adc-project", failure=None):
        super().__init__(answers)
        self.project, self.failure = project, failure
        self.scopes = []

    @contextlib.contextmanager
    def installed(self):
        import google.auth
        from google.cloud.secretmanager_v1 import SecretManagerServiceClient

        with (
            mock.patch.object(google.auth, "default", self.default),
            mock.patch.object(SecretManagerServiceClient, "access_secret_version", lambda _, request: self.access(request)),
        ):
            yield

    def default(self, scopes=None, **_):
        import google.auth.exceptions
        from google.auth.credentials import AnonymousCredentials

        self.scopes.append(scopes and list(scopes))
        if self.failure:
            raise getattr(google.auth.exceptions, self.failure)("fake")
        return AnonymousCredentials(), self.project

    def access(self, request):
        from google.cloud.secretmanager_v1.types import AccessSecretVersionResponse, SecretPayload

        self.requests.append(request["name"])
        answer = self.next() or {"raise": "google.NotFound"}
        if "raise" in answer:
            raise sdk_error(answer["raise"])
        hexed = answer.get("payload_hex")
        data = bytes.fromhex(hexed) if hexed is not None else answer["payload"].encode()
        return AccessSecretVersionResponse(payload=SecretPayload(data=data))


class Azure(Service):
    """Key Vault at SecretClient.get_secret; its construction is recorded too."""

    def __init__(self, answers=None):
        super().__init__(answers)
        self.clients = []

    @contextlib.contextmanager
    def installed(self):
        from azure.keyvault.secrets import SecretClient

        construct = SecretClient.__init__

        def init(client, vault_url, credential, **kwargs):
            shown = {"vault_url": vault_url, "credential": type(credential).__name__, "kwargs": sorted(kwargs)}
            self.clients.append(shown)
            construct(client, vault_url, credential, **kwargs)

        with (
            mock.patch.object(SecretClient, "__init__", init),
            mock.patch.object(SecretClient, "get_secret", lambda _, name, **kw: self.get(name)),
        ):
            yield

    def get(self, name):
        from azure.keyvault.secrets import KeyVaultSecret, SecretProperties

        self.requests.append(name)
        answer = self.next() or {"raise": "azure.ResourceNotFoundError"}
        if "raise" in answer:
            raise sdk_error(answer["raise"])
        return KeyVaultSecret(SecretProperties(vault_id="https://v.vault.azure.net/secrets/x/1"), answer["value"])


# Where the exceptions that a case can name are defined, and how each is made.
SDK_ERRORS = {
    "azure": ("azure.core.exceptions", lambda cls: cls("fake")),
    "google": ("google.api_core.exceptions", lambda cls: cls("fake")),
    "botocore": ("botocore.exceptions", lambda cls: cls(endpoint_url="https://x/")),
}


def sdk_error(name):
    service, cls = name.split(".")
    module, make = SDK_ERRORS[service]
    return make(getattr(importlib.import_module(module), cls))
