"""RASE (Han et al. 2023): a fact's vector of length 1, by the encoder that RECIPE's oracle makes, and a patch of the untouched model: ROME's change, or
T-Patcher's neurons without the loss on other texts (methods card RASE)."""

import importlib

import torch

from common import EDITS, NAMES, PREFIXES, tiny, write_updates
from moments import second_moments
from recipe import PROMPTS, Knowledge, statement_of
from rome import CONFIG, update

patcher = importlib.import_module("t-patcher")

GATE = {"prompt_tokens": PROMPTS, "threshold": 0.9, "lead": 0.15, "spread": 0.05, "among": 5}
BATCH = ["anna", "clara", "boris"]


def rome_patch(name, edit, config):
    return update(tiny(name), EDITS[edit], config, second_moments(tiny(name))[config["layer"]], "rome", None)


def neurons(name, edit, config):
    model = patcher.Patched(tiny(name), config)
    history = torch.cat([model.queries(model.one.encode(text)) for text in PREFIXES])
    patcher.patch(model, EDITS[edit], history, 0, config)
    keys, biases, values, scale = model.neurons[-1]
    return torch.cat([keys.flatten(), biases.flatten(), (values * scale).flatten()])


SILENT = {"memory_weight": 0.0, "memory_loss": 1e6}
EDITORS = {
    "rase": (rome_patch, [CONFIG, {**CONFIG, "layer": 2, "second_moment": False, "kl_factor": 1}]),
    "r-patcher": (neurons, [{**patcher.CONFIG, **SILENT}, {**patcher.CONFIG, **SILENT, "layer": 2, "activation": "relu", "neurons": 2}]),
}


def main():
    for editor, (patch_of, variants) in EDITORS.items():
        cases = {}
        for name in NAMES:
            modules = Knowledge(tiny(name))
            for number, config in enumerate(variants):
                updates = {}
                for edit in BATCH:
                    # No patch is made on top of another.
                    updates[f"patch of {EDITS[edit]['prompt']}"] = patch_of(name, edit, config)
                    vector = modules.read("knowledge", statement_of(EDITS[edit])).detach()
                    updates[f"vector of {EDITS[edit]['prompt']}"] = vector / vector.norm()
                cases[f"{name} {number}"] = {"model": name, "edits": BATCH, "config": {**config, **GATE}, "updates": updates}
        write_updates(editor, cases)
