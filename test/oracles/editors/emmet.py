"""EMMET: a batch of edits in one MLP by equality constraints (methods card EMMET)."""

import torch

import memit
from common import EDITS, NAMES, tiny, write_updates
from moments import second_moments

SEARCH = {key: value for key, value in memit.CONFIG.items() if key not in ("layers", "distribution", "second_moment_weight")}
CONFIG = {**SEARCH, "layer": 1, "alpha": 0.1}


def equality(config, moments):
    """R (K^T C^-1 K + alpha I)^-1 K^T C^-1, transposed; alpha only where there are several keys."""

    def solve(layer, K, R):
        inverse = torch.linalg.inv(moments[layer])
        inner = K.T @ inverse @ K
        if K.shape[1] > 1:
            inner = inner + config["alpha"] * torch.eye(K.shape[1])
        return (R @ torch.linalg.inv(inner) @ K.T @ inverse).T

    return solve


def main():
    cases = {}
    for name in NAMES:
        moments = second_moments(tiny(name))
        variants = [(["anna", "boris", "clara"], CONFIG), (["anna"], CONFIG),
                    (["boris", "clara"], {**CONFIG, "layer": 2, "alpha": 5, "clamp_factor": 4, "weight_decay": 1e-3}),
                    (["anna", "clara"], {**CONFIG, "alpha": 0})]
        for number, (edits, config) in enumerate(variants):
            one = tiny(name)
            spread = {**config, "layers": [config["layer"]], "distribution": "spread"}
            changes = memit.updates(one, [EDITS[edit] for edit in edits], spread, equality(config, moments))
            cases[f"{name} {number}"] = {
                "model": name, "edits": edits, "config": config,
                "updates": {one.value_name(layer): one.keys_to_values(layer, change) for layer, change in changes.items()},
            }
    write_updates("emmet", cases)
