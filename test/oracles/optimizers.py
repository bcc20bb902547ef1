"""Writes packages/graph/src/fixtures/optimizers.json: a few steps of torch's AdamW and Muon, and of Muon in float64.

torch.optim.Muon iterates in bfloat16, so its own numbers are only good to a few per cent; the float64 column is the same
algorithm written out.
"""

import json
from pathlib import Path

import numpy as np
import torch

OUT = Path(__file__).resolve().parents[2] / "packages/graph/src/fixtures"
LEARNING_RATE = 0.01
DECAY = 0.1


def newton_schulz(m):
    a, b, c = 3.4445, -4.775, 2.0315
    x = m / (np.linalg.norm(m) + 1e-7)
    transposed = x.shape[0] > x.shape[1]
    if transposed:
        x = x.T
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if transposed else x


def muon_float64(weight, gradients, blocks=1):
    w, mean = weight.copy(), np.zeros_like(weight)
    for g in gradients:
        mean = 0.95 * mean + 0.05 * g
        update = 0.95 * mean + 0.05 * g
        parts = np.split(update, blocks, axis=1)
        step = np.concatenate([newton_schulz(p) for p in parts], axis=1)
        scale = 0.2 * np.sqrt(max(weight.shape[0], weight.shape[1] // blocks))
        w = w * (1 - LEARNING_RATE * DECAY) - LEARNING_RATE * scale * step
    return w


def run(optimizer_class, weight, gradients, **options):
    p = torch.nn.Parameter(torch.tensor(weight, dtype=torch.float32))
    optimizer = optimizer_class([p], lr=LEARNING_RATE, weight_decay=DECAY, **options)
    for g in gradients:
        p.grad = torch.tensor(g, dtype=torch.float32)
        optimizer.step()
    return p.detach().numpy()


def main():
    rng = np.random.default_rng(5)
    cases = []
    for rows, columns, blocks in [(4, 9, 1), (9, 4, 1), (5, 5, 1), (4, 12, 3)]:
        weight = rng.normal(size=(rows, columns)).astype(np.float32).astype(np.float64)
        gradients = [rng.normal(size=(rows, columns)).astype(np.float32).astype(np.float64) for _ in range(3)]
        case = {
            "rows": rows, "columns": columns, "blocks": blocks,
            "weight": weight.ravel().tolist(), "gradients": [g.ravel().tolist() for g in gradients],
            "adamW": run(torch.optim.AdamW, weight, gradients, betas=(0.9, 0.95)).ravel().tolist(),
            "muon": muon_float64(weight, gradients, blocks).ravel().tolist(),
        }
        if blocks == 1:
            case["muonTorch"] = run(torch.optim.Muon, weight, gradients,
                                    adjust_lr_fn="match_rms_adamw").ravel().tolist()
        cases.append(case)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "optimizers.json").write_text(
        json.dumps({"learningRate": LEARNING_RATE, "weightDecay": DECAY, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
