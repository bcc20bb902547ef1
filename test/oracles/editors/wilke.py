"""WilKE: ROME at the layer that scores least (methods card WilKE)."""

import rome
from common import EDITS, NAMES, Watch, contexts_of, tiny, write_updates
from moments import second_moments
from value_search import search

CONFIG = {**{key: value for key, value in rome.CONFIG.items() if key not in ("layer", "second_moment")}, "layers": [0, 1, 2], "steps": 10,
          "choose_by": "mismatch"}


def score(one, layer, edit, config, moment):
    """|delta| |W_out|^2 / |k|^2, with the bare prompt's key (the paper); |change| / |W_out| (the repository)."""
    size = one.value_map(layer).weight.norm()
    if config["choose_by"] == "relative_change":
        change = rome.update(one, edit, {**config, "layer": layer, "second_moment": True}, moment, "rome", None)
        return (change.norm() / size).item()
    contexts = contexts_of(one, edit)
    added, _ = search(one, layer, "mlp", contexts, edit["subject"], config)
    key = Watch(one, layer, contexts[0].ids, contexts[0].subject_last).key
    return (added.norm() * size**2 / key.norm() ** 2).item()


def main():
    cases = {}
    for name in NAMES:
        moments = second_moments(tiny(name))
        variants = [("anna", CONFIG), ("clara", CONFIG), ("clara", {**CONFIG, "choose_by": "relative_change"})]
        for number, (edit, config) in enumerate(variants):
            one = tiny(name)
            scores = {layer: score(one, layer, EDITS[edit], config, moments[layer]) for layer in config["layers"]}
            layer = min(scores, key=scores.get)
            there = {**config, "layer": layer, "second_moment": True}
            change = rome.update(one, EDITS[edit], there, moments[layer], "rome", None)
            cases[f"{name} {number}"] = {
                "model": name, "edits": [edit], "config": config,
                "updates": {one.value_name(layer): one.keys_to_values(layer, change)},
            }
    write_updates("wilke", cases)
