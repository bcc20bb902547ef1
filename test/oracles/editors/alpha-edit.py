"""AlphaEdit: batches of edits off the directions of the text's keys and past those of earlier ones (methods card AlphaEdit)."""

import torch

import memit
from common import EDITS, NAMES, contexts_of, tiny, write_updates
from moments import second_moments

SEARCH = {key: value for key, value in memit.CONFIG.items() if key != "second_moment_weight"}
CONFIG = {**SEARCH, "null_threshold": 0.1, "ridge": 0.5}


def projected(config, moments, earlier):
    """(P (K K^T + K_p K_p^T) + L2 I)^-1 P K R^T."""

    def solve(layer, K, R):
        U, S, _ = torch.linalg.svd(moments[layer])
        off = U[:, S < config["null_threshold"]]
        assert 0 < off.shape[1] < len(S)
        P = off @ off.T
        left = P @ (K @ K.T + earlier[layer]) + config["ridge"] * torch.eye(len(S))
        return torch.linalg.solve(left, P @ K @ R.T)

    return solve


def batch(one, names, config, moments, earlier):
    edits = [EDITS[name] for name in names]
    changes = memit.updates(one, edits, config, projected(config, moments, earlier))
    keys = {layer: torch.stack([memit.key_of(one, layer, contexts_of(one, edit)) for edit in edits]) for layer in changes}
    for layer, K in keys.items():
        earlier[layer] = earlier[layer] + K.T @ K
    return changes, keys


def main():
    cases = {}
    for name in NAMES:
        moments = second_moments(tiny(name))
        variants = [([["anna", "boris", "clara"]], CONFIG), ([["anna"]], {**CONFIG, "null_threshold": 0.3}),
                    ([["anna", "boris"], ["clara"]], {**CONFIG, "layers": [1, 2], "ridge": 0.01, "clamp_factor": 4}),
                    ([["boris"], ["boris-home"]], {**CONFIG, "ridge": 0.02}),
                    ([["anna"], ["boris", "clara"]], {**CONFIG, "distribution": "ends"})]
        for number, (batches, config) in enumerate(variants):
            one = tiny(name)
            layers = [config["layers"][0], config["layers"][-1]] if config["distribution"] == "ends" else config["layers"]
            earlier = {layer: torch.zeros_like(moments[layer]) for layer in layers}
            seen = {layer: [] for layer in layers}
            for names in batches:
                changes, keys = batch(one, names, config, moments, earlier)
                for layer, K in keys.items():
                    seen[layer].append(K)
            *before, last = batches
            cases[f"{name} {number}"] = {
                "model": name, "earlier": before, "edits": last, "config": config,
                "updates": {
                    **{one.value_name(layer): one.keys_to_values(layer, change) for layer, change in changes.items()},
                    **{f"keys of {one.value_name(layer)}": torch.cat(K) for layer, K in seen.items()},
                },
            }
    write_updates("alpha-edit", cases)
