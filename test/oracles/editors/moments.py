"""Second moments of keys over a text, which ROME and MEMIT solve with."""

import torch
from safetensors.torch import save_file

from common import CORPUS, NAMES, OUT, tiny


def second_moments(one):
    """C of every layer, float64: the text cut into windows of what the model reads, every token of each counted."""
    layers = range(len(one.blocks))
    mark = len(one.encode(""))
    room = one.model.config.max_position_embeddings - mark
    front, ids = one.encode("")[:mark], one.tokenizer.encode(CORPUS, add_special_tokens=False).ids
    keys = {layer: [] for layer in layers}
    handles = [one.value_map(layer).register_forward_hook(lambda _, given, __, layer=layer: keys[layer].append(given[0][0]))
               for layer in layers]
    with torch.no_grad():
        for start in range(0, len(ids), room):
            one.logits([*front, *ids[start : start + room]])
    for handle in handles:
        handle.remove()
    return {layer: (stacked.T @ stacked) / len(stacked) for layer, stacked in ((l, torch.cat(keys[l])) for l in layers)}


def main():
    for name in NAMES:
        moments = second_moments(tiny(name))
        save_file({f"{layer}": moment.contiguous() for layer, moment in moments.items()}, OUT / name / "moments.safetensors")
