"""WilKE: ROME at the layer that scores least (methods card WilKE)."""

import rome
from common import EDITS, NAMES, Watch, contexts_of, tiny, write_updates
from moments import second_moments
from value_search import search

CONFIG = {**{key: value for key, value in rome.CONFIG.items() if key not in ("layer", "second_moment")}, "layers": [0, 1, 2], "steps": 10}


def score(one, layer, edit, config):
    """|delta| |W_out|^2 / |k|^2, with the bare prompt's key."""
    contexts = contexts_of(one, edit)
    added, _ = search(one, layer, "mlp", contexts, edit["subject"], config)
    key = Watch(one, layer, contexts[0].ids, contexts[0].subject_last).key
    return (added.norm() * one.value_map(layer).weight.norm() ** 2 / key.norm() ** 2).item()


def main():
    cases = {}
    for name in NAMES:
        moments = second_moments(tiny(name))
        for number, edit in enumerate(["anna", "clara"]):
            one = tiny(name)
            scores = {layer: score(one, layer, EDITS[edit], CONFIG) for layer in CONFIG["layers"]}
            layer = min(scores, key=scores.get)
            config = {**CONFIG, "layer": layer, "second_moment": True}
            change = rome.update(one, EDITS[edit], config, moments[layer], "rome", None)
            cases[f"{name} {number}"] = {
                "model": name, "edits": [edit], "config": CONFIG,
                "updates": {one.value_name(layer): one.keys_to_values(layer, change)},
            }
    write_updates("wilke", cases)
