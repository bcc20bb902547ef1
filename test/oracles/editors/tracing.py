"""Causal tracing: what corrupting a subject takes from an answer, and what each clean state brings back (Meng et al. 2022, section 2.1)."""

import json

import torch

from common import EDITS, NAMES, OUT, tiny

RUNS, WINDOW, SCALE = 3, 1, 0.8


def noise_of(run, tokens, width):
    """Given to both as data: nothing is drawn."""
    steps = torch.arange(tokens * width, dtype=torch.float64)
    return (SCALE * torch.sin(steps * 1.7 + run * 5 + 1)).float().double().reshape(tokens, width)


def probability(one, ids, answer, noise=None, put=None, note=None):
    """p(answer) after a prompt. `noise`: (first position, rows); `put`: (site, layers, position, clean states); `note` takes states."""
    handles = []
    embedding = one.model.transformer.wte if one.name == "gpt2" else one.model.model.embed_tokens

    def corrupt(_, __, output):
        first, rows = noise
        output = output.clone()
        output[0, first : first + len(rows)] += rows
        return output

    if noise is not None:
        handles.append(embedding.register_forward_hook(corrupt))
    for layer, block in enumerate(one.blocks):
        places = {"block_out": block, "mlp_out": block.mlp, "attn_out": block.attn if one.name == "gpt2" else block.self_attn}
        for site, module in places.items():
            def hook(_, __, output, site=site, layer=layer):
                state = output[0] if isinstance(output, tuple) else output
                if put is not None and put[0] == site and layer in put[1]:
                    state = state.clone()
                    state[0, put[2]] = put[3][site, layer][put[2]]
                if note is not None:
                    note[site, layer] = state[0].clone()
                return (state, *output[1:]) if isinstance(output, tuple) else state
            handles.append(module.register_forward_hook(hook))
    with torch.no_grad():
        found = one.logits(ids)[-1].softmax(-1)[answer].item()
    for handle in handles:
        handle.remove()
    return found


def main():
    found = {}
    for name in NAMES:
        one = tiny(name)
        edit = EDITS["anna"]
        encoded = one.tokenizer.encode(edit["prompt"])
        start = edit["prompt"].index(edit["subject"])
        inside = [at for at, (a, b) in enumerate(encoded.offsets) if b > start and a < start + len(edit["subject"])]
        first, last = inside[0], inside[-1]
        ids, width = encoded.ids, one.model.config.hidden_size
        answer, clean = 7, {}
        noises = [(first, noise_of(run, last - first + 1, width)) for run in range(RUNS)]
        mean = lambda put=None: sum(probability(one, ids, answer, noise, put) for noise in noises) / RUNS
        whole = probability(one, ids, answer, note=clean)
        restored = {}
        for site in ("block_out", "mlp_out", "attn_out"):
            reach = 0 if site == "block_out" else WINDOW
            restored[site] = [
                [mean((site, range(layer - reach, layer + reach + 1), at, clean)) if at >= first else None for at in range(len(ids))]
                for layer in range(len(one.blocks))
            ]
        found[name] = {"ids": ids, "subject": [first, last], "answer": answer, "clean": whole, "corrupted": mean(), "restored": restored}
    settings = {"runs": RUNS, "window": WINDOW, "scale": SCALE}
    (OUT / "tracing.json").write_text(json.dumps({**settings, "found": found}) + "\n")
