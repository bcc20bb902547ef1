"""Writes packages/models/src/fixtures/safetensors: small files by the reference library, and what numpy makes of halves.

Run with an interpreter that has numpy, torch and safetensors: python test/oracles/safetensors_files.py
"""

import hashlib
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parents[2] / "packages/models/src/fixtures/safetensors"


def tensors():
    generator = torch.Generator().manual_seed(7)
    return {
        "a.weight": torch.randn(3, 5, generator=generator),
        "b.bias": torch.randn(4, generator=generator) * 1e-3,
        "edges": torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 1e-5, 2049.0, 2051.0]),
        "empty": torch.zeros(0, 8),
        "scalar": torch.tensor(3.25),
    }


def files():
    expected = {}
    for name, dtype in [("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16)]:
        converted = {key: value.to(dtype) for key, value in tensors().items()}
        save_file(converted, OUT / f"{name}.safetensors", metadata={"format": "pt"})
        expected[name] = {
            key: {"shape": list(value.shape), "values": value.float().flatten().tolist()}
            for key, value in converted.items()
        }
    mixed = {
        "double": torch.arange(3, dtype=torch.float64),
        "flags": torch.tensor([True, False, True]),
        "ids": torch.tensor([[1, -2], [3, 4]], dtype=torch.int64),
        "small": torch.tensor([1, 2, 3], dtype=torch.int32),
        "weight": torch.tensor([0.5, 1.5]),
    }
    save_file(mixed, OUT / "mixed.safetensors")
    expected["mixed"] = {
        key: {"shape": list(value.shape), "bytes": value.numpy().tobytes().hex()} for key, value in mixed.items()
    }
    return expected


def sha256(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


def halves():
    every = np.arange(65536, dtype=np.uint16)
    # Every finite half, the point midway to the next one, and one float32 step to either side of both.
    finite = np.sort(np.arange(0x7C00, dtype=np.uint16).view(np.float16)).astype(np.float32)
    middles = np.append((finite[:-1] + finite[1:]) / np.float32(2), np.float32(65520))
    bits = np.stack([finite.view(np.uint32), middles.view(np.uint32)], axis=1).reshape(-1)
    around = np.concatenate([bits, bits + np.uint32(1), np.maximum(bits, 1) - np.uint32(1)]).astype(np.uint32)
    around = np.concatenate([around, around | np.uint32(0x80000000)])
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            "float16ToFloat32Finite": sha256(every[(every & 0x7C00) != 0x7C00].view(np.float16).astype(np.float32)),
            "bfloat16ToFloat32": sha256((every.astype(np.uint32) << 16).view(np.float32)),
            "float32ToFloat16Around": sha256(around.view(np.float32).astype(np.float16)),
            "aroundCount": int(around.size),
        }


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    document = {"files": files(), "halves": halves()}
    (OUT / "expected.json").write_text(json.dumps(document, indent=1) + "\n")
