"""Renders the Helm chart, and holds what comes of it against the schemas of Kubernetes, strictly.

    python test/oracles/helm_chart.py [1.27 1.31 1.36]

Needs helm on the PATH and kubernetes-validate, which brings the schemas.
"""

import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import yaml

CHART = Path(__file__).resolve().parents[2] / "deploy/helm"
EVERYTHING = (
    "existingSecret=errata,settings.BLOBS_URL=s3://blobs/errata,backup.schedule=20 3 * * *,ingress.enabled=true,ingress.tlsSecret=tls,"
    "ingress.className=nginx,workers.gpu.replicas=1,workers.gpu.settings.ERRATA_PROVIDER=cuda,workers.gpu.nodeSelector.card=h200"
)

for version in sys.argv[1:] or ["1.27", "1.31", "1.36"]:
    command = ["helm", "template", "errata", str(CHART), "--kube-version", f"{version}.0", "--set", EVERYTHING]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    objects = [each for each in yaml.safe_load_all(done.stdout) if each]
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)
    print(f"Kubernetes {version}: {len(objects)} objects, {', '.join(sorted({each['kind'] for each in objects}))}")
