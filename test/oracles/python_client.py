"""Makes a Python client from apps/api/openapi.json by openapi-python-client, and tries it on a service.

    ERRATA_URL=... ERRATA_API_KEY=... python test/oracles/python_client.py

Needs openapi-python-client, which brings what the client needs. The service must have a model called atlas (`npm start`).
"""

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main():
    folder = Path(tempfile.mkdtemp())
    out = folder / "errata_client"
    command = ["generate", "--path", str(ROOT / "apps/api/openapi.json"), "--meta", "none", "--output-path", str(out)]
    done = subprocess.run([sys.executable, "-m", "openapi_python_client", *command], capture_output=True, text=True, check=False)
    print(done.stdout.strip() or done.stderr.strip())
    if done.returncode:
        raise SystemExit(done.returncode)
    sys.path.insert(0, str(folder))
    client_of = importlib.import_module("errata_client").AuthenticatedClient
    client = client_of(base_url=os.environ["ERRATA_URL"], token=os.environ["ERRATA_API_KEY"])

    def call(path, **arguments):
        return importlib.import_module(f"errata_client.api.{path}").sync_detailed(client=client, **arguments)

    listed = call("models.list_models", limit=5)
    assert listed.status_code == 200, listed
    print("models:", [model.id for model in listed.parsed.data])
    atlas = call("models.get_model", model="atlas").parsed
    branch = call("branches.get_branch", model="atlas", branch="main").parsed
    print("atlas has", atlas.parameters, "parameters; main is at", branch.head)
    refused = call("models.get_model", model="nobody")
    assert refused.status_code == 404 and refused.parsed.code == "unknown_model", refused
    print("refused:", refused.parsed.code, refused.parsed.request_id)
    requests = importlib.import_module("errata_client.models")
    body = requests.CompletionRequest.from_dict({"model": "atlas", "prompt": "The capital of France is", "max_tokens": 4, "temperature": 0})
    answer = call("completions.create_completion", body=body)
    assert answer.status_code == 200, answer
    print("answer:", answer.parsed.choices[0].text)


main()
