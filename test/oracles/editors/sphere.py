"""SPHERE: AlphaEdit's changes, weakened along the main directions of the matrix they are made to (methods part 3, norm growth)."""

import importlib

import torch

from common import NAMES, tiny, write_updates
from moments import second_moments

alpha_edit = importlib.import_module("alpha-edit")
CONFIG = {**alpha_edit.CONFIG, "steps": 10, "cumulative_ratio": 0.5, "suppression_strength": 0.5}


def guarded(weight, change, config):
    """`weight` and `change` are [d_ff, d]: an output a column."""
    rows = weight.T / (weight.T.norm(dim=1, keepdim=True) + 1e-8)
    values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
    shares = values.flip(0).cumsum(0) / values.sum()
    main = vectors[:, -(int((shares <= config["cumulative_ratio"]).sum()) + 1):]
    return change - config["suppression_strength"] * main @ (main.T @ change)


def main():
    cases = {}
    for name in NAMES:
        moments = second_moments(tiny(name))
        variants = [([["anna", "boris"]], CONFIG), ([["anna"], ["clara"]], {**CONFIG, "layers": [1, 2], "suppression_strength": 0.9,
                                                                           "cumulative_ratio": 0.3})]
        for number, (batches, config) in enumerate(variants):
            one = tiny(name)
            earlier = {layer: torch.zeros_like(moments[layer]) for layer in config["layers"]}
            seen = {layer: [] for layer in config["layers"]}
            for names in batches:
                start = {layer: one.keys_to_values(layer, one.value_map(layer).weight).clone() for layer in config["layers"]}
                changes, keys = alpha_edit.batch(one, names, config, moments, earlier)
                left = {layer: guarded(start[layer], change, config) for layer, change in changes.items()}
                for layer, K in keys.items():
                    seen[layer].append(K)
                    one.add(layer, left[layer] - changes[layer])
            *before, last = batches
            cases[f"{name} {number}"] = {
                "model": name, "earlier": before, "edits": last, "config": config,
                "updates": {
                    **{one.value_name(layer): one.keys_to_values(layer, change) for layer, change in left.items()},
                    **{f"keys of {one.value_name(layer)}": torch.cat(K) for layer, K in seen.items()},
                },
            }
    write_updates("sphere", cases)
