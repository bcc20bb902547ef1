"""Writes packages/editors/src/fixtures/oracle: what every editor should do to tiny checkpoints, by plain PyTorch.

Run with a Python that has torch, transformers, tokenizers and safetensors:
    python test/oracles/editors [rome memit ...]
Each editor is a module here with a `main` that writes its file. They were written from the methods' equations and what their
authors' code is known to do, and share nothing with the editors they are held against. Tests read the committed files alone.
"""

import importlib
import sys
from pathlib import Path

import torch

import common

SHARED = {"__main__", "common", "moments", "value_search"}
EDITORS = sorted({path.stem for path in Path(__file__).parent.glob("*.py")} - SHARED)

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
common.write_checkpoints()
for module in ["moments", *(sys.argv[1:] or EDITORS)]:
    importlib.import_module(module).main()
