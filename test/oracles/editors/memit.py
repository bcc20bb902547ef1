"""MEMIT: a batch of edits spread over several MLPs (methods card MEMIT)."""

import torch

from common import EDITS, NAMES, Watch, contexts_of, tiny, write_updates
from moments import second_moments
from value_search import search

CONFIG = {"layers": [0, 1, 2], "steps": 20, "learning_rate": 0.5, "weight_decay": 0.5, "clamp_factor": 0.75, "kl_factor": 0.0625,
          "stop_loss": 0.05, "distribution": "spread", "second_moment_weight": 2.0, "merge_same_subject": False}


def key_of(one, layer, contexts):
    bare, *behind = [Watch(one, layer, c.ids, c.subject_last).key for c in contexts]
    return (bare + torch.stack(behind).mean(0)) / 2


def least_squares(config, moments):
    """Equation 14 of MEMIT: keys `[d_ff, u]` and residuals `[d, u]` to a change `[d_ff, d]`."""
    return lambda layer, K, R: torch.linalg.solve(config["second_moment_weight"] * moments[layer] + K @ K.T, K) @ R.T


def updates(one, edits, config, solve):
    """The change of each layer, [d_ff, d]; `one` is left changed.

    With the distribution `ends` (BLUE) the first layer and the last, one after the other, as if each were the only one.
    """
    if config["distribution"] == "ends":
        ends = [{**config, "layers": [config["layers"][at]], "distribution": "spread"} for at in (0, -1)]
        return {layer: change for end in ends for layer, change in updates(one, edits, end, solve).items()}
    last = config["layers"][-1]
    laid = [contexts_of(one, edit) for edit in edits]
    wanted = []
    for edit, contexts in zip(edits, laid):
        added, _ = search(one, last, "block", contexts, edit["subject"], config)
        wanted.append(Watch(one, last, contexts[0].ids, contexts[0].subject_last).stream + added)
    changes = {}
    for number, layer in enumerate(config["layers"]):
        keys, missing = [], []
        for contexts, stream in zip(laid, wanted):
            keys.append(key_of(one, layer, contexts))
            missing.append(stream - Watch(one, last, contexts[0].ids, contexts[0].subject_last).stream)
        K = torch.stack(keys, 1)
        R = torch.stack(missing, 1) / (len(config["layers"]) - number)
        changes[layer] = solve(layer, K, R)
        one.add(layer, changes[layer])
    return changes


def main():
    cases = {}
    for name in NAMES:
        moments = second_moments(tiny(name))
        variants = [(["anna", "boris", "clara"], CONFIG), (["anna"], CONFIG),
                    (["boris", "clara"], {**CONFIG, "layers": [1, 2], "clamp_factor": 4, "weight_decay": 1e-3,
                                          "second_moment_weight": 0.05}),
                    (["anna", "boris", "clara"], {**CONFIG, "distribution": "ends", "second_moment_weight": 0.5})]
        for number, (edits, config) in enumerate(variants):
            one = tiny(name)
            changes = updates(one, [EDITS[edit] for edit in edits], config, least_squares(config, moments))
            cases[f"{name} {number}"] = {
                "model": name, "edits": edits, "config": config,
                "updates": {one.value_name(layer): one.keys_to_values(layer, change) for layer, change in changes.items()},
            }
    write_updates("memit", cases)
