"""A Python environment with another Airflow, made once and kept.

The providers are those of the day: the newest that were published up to a week
after that Airflow, which is when its first users installed it. uv resolves
them; an Airflow from the future of a provider's own promises would otherwise
get today's providers.
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.request

PACKAGES = (
    "apache-airflow",
    "apache-airflow-core",
    "apache-airflow-task-sdk",
    "apache-airflow-providers-amazon",
    "apache-airflow-providers-google",
    "apache-airflow-providers-hashicorp",
    "apache-airflow-providers-microsoft-azure",
    "hvac",
    "boto3",
    "azure-keyvault-secrets",
    "google-cloud-secret-manager",
    "cryptography",
)
PROVIDERS = tuple(name for name in PACKAGES if "-providers-" in name)
GRACE = datetime.timedelta(days=7)
# The registry's index in JSON (PEP 691), whose files have an upload time (PEP
# 700): what uv itself reads for --exclude-newer.
REGISTRY = "https://pypi.org/simple"
INDEX_FORMAT = "application/vnd.pypi.simple.v1+json"


def versions(python):
    """The packages that the answers depend on, as that interpreter has them."""
    script = (
        "import importlib.metadata as m, json, platform, sys\n"
        "out = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: out[name] = m.version(name)\n"
        "    except m.PackageNotFoundError: pass\n"
        "out['python'] = platform.python_version()\n"
        "print(json.dumps(out))\n"
    )
    done = subprocess.run([python, "-c", script, *PACKAGES], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def python_of(version, as_of=None):
    """The interpreter of an environment with that Airflow; made when missing."""
    if not re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?", version):
        raise SystemExit(f"--airflow {version!r} is not a version such as 2.11.0")
    cache = pathlib.Path(os.environ.get("AIRLOCK_DEV_CACHE") or pathlib.Path.home() / ".cache" / "airlock-dev")
    folder = cache / f"py-airflow-{version}"
    python, complete = folder / "bin" / "python", folder / "complete"
    if complete.exists():
        return str(python)
    uv = cache / "uv" / "bin" / "uv"
    if not uv.exists():
        raise SystemExit(f"{uv} is missing: run tools/install")
    install(str(uv), folder, python, version, as_of or published(version))
    complete.touch()
    return str(python)


def published(version):
    """A week after that Airflow was uploaded to the registry."""
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or REGISTRY
    request = urllib.request.Request(index.rstrip("/") + "/apache-airflow/", headers={"Accept": INDEX_FORMAT})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)["files"]
    names = (f"apache_airflow-{version}-", f"apache_airflow-{version}.tar")
    days = [file["upload-time"][:10] for file in files if file["filename"].startswith(names)]
    if not days:
        raise SystemExit(f"the registry has no apache-airflow {version}")
    first = datetime.date.fromisoformat(min(days))
    return (first + GRACE).isoformat()


def install(uv, folder, python, version, as_of):
    print(f"making {folder} with packages as of {as_of}", file=sys.stderr)
    # The registry that pip is told to use is also uv's, as in tools/install.
    environment = dict(os.environ)
    if environment.get("PIP_INDEX_URL"):
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])

    def run(*command):
        subprocess.run([uv, *command], check=True, env=environment)

    with tempfile.TemporaryDirectory() as scratch:
        wanted, pinned = os.path.join(scratch, "in"), os.path.join(scratch, "txt")
        with open(wanted, "w", encoding="utf-8") as file:
            file.write("\n".join((f"apache-airflow=={version}", *PROVIDERS)) + "\n")
        run("pip", "compile", "-q", "--python", sys.executable, "--exclude-newer", as_of, wanted, "-o", pinned)
        if not python.exists():
            run("venv", "-q", "--no-python-downloads", "--python", sys.executable, str(folder))
        run("pip", "sync", "-q", "--python", str(python), pinned)
