"""Writes packages/models/src/fixtures/safetensors: small files by the reference library, and what numpy makes of halves.

Run with an interpreter that has numpy, torch and safetensors: python test/oracles/safetensors_files.py
"""

import hashlib
import json
import pathlib

import numpy as np
import torch
from safetensors import SafetensorError, deserialize
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


def accepted(data):
    try:
        deserialize(data)
        return True
    except SafetensorError:
        return False


def verdicts():
    """One or two bytes of a file changed, and whether the reference still accepts it."""
    generator = np.random.default_rng(11)
    rows = []
    seeds = {name: (OUT / f"{name}.safetensors").read_bytes() for name in ["f32", "mixed"]}
    printable = list(b'0123456789-.,:"[]{}eF\\ax ')
    for _ in range(4000):
        name = ["f32", "mixed"][generator.integers(2)]
        data = bytearray(seeds[name])
        edits = []
        for _ in range(generator.integers(1, 3)):
            kind = int(generator.integers(3))
            at = int(generator.integers(0, 340 if generator.random() < 0.9 else len(data)))
            value = int(generator.choice(printable) if generator.random() < 0.8 else generator.integers(256))
            edits.append([kind, at, value])
            if kind == 0:
                data[at] = value
            elif kind == 1:
                data.insert(at, value)
            else:
                del data[at]
        # A changed length of the header would hide what was done to it: state it anew.
        header = len(data) - (len(seeds[name]) - 8 - int.from_bytes(seeds[name][:8], "little")) - 8
        if all(at >= 8 for _, at, _ in edits):
            data[:8] = header.to_bytes(8, "little")
        rows.append([name, edits, accepted(bytes(data))])
    # All that was accepted, and as many of the refused.
    kept = [row for row in rows if row[2]]
    kept += [row for row in rows if not row[2]][: max(600, len(kept))]
    return kept


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    document = {"files": files(), "halves": halves()}
    (OUT / "expected.json").write_text(json.dumps(document, indent=1) + "\n")
    (OUT / "verdicts.json").write_text(json.dumps(verdicts(), separators=(",", ":")).replace("],[\"", "],\n[\"") + "\n")
