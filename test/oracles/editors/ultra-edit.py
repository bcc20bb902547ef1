"""UltraEdit: batches of edits by one gradient, scaled by all that was seen (methods card UltraEdit)."""

import torch

from common import EDITS, NAMES, lay_out, tiny, write_updates

CONFIG = {"layers": [1, 2], "learning_rate": 1e-3, "batch_size": 10, "stop_loss": 0}
EPS = torch.finfo(torch.float32).eps


def features(one, edits, config):
    """Keys and output gradients of the target tokens, by layer: `[tokens, d_ff]` and `[tokens, d]`."""
    laid = [lay_out(one, edit) for edit in edits]
    found = {layer: ([], []) for layer in config["layers"]}
    for start in range(0, len(laid), config["batch_size"]):
        run = laid[start : start + config["batch_size"]]
        total = sum(len(sequence.target) for sequence in run)
        for sequence in run:
            seen, handles = {}, []
            for layer in config["layers"]:
                def note(_, given, output, layer=layer):
                    # The frozen weights ask for no gradient: the output does.
                    output = output.detach().requires_grad_() if not output.requires_grad else output
                    output.retain_grad()
                    seen[layer] = (given[0], output)
                    return output
                handles.append(one.value_map(layer).register_forward_hook(note))
            rows = one.logits(sequence.ids)[sequence.target_start :].log_softmax(-1)
            (-rows[range(len(sequence.target)), sequence.target].sum() / total).backward()
            for handle in handles:
                handle.remove()
            for layer, (keys, output) in seen.items():
                found[layer][0].append(keys[0, sequence.target_start :].detach())
                found[layer][1].append(output.grad[0, sequence.target_start :])
    return {layer: (torch.cat(keys), torch.cat(slopes)) for layer, (keys, slopes) in found.items()}


def batch(one, names, config, earlier):
    """The change of each layer, [d_ff, d]; `earlier` grows by all rows that were seen."""
    found = features(one, [EDITS[name] for name in names], config)
    earlier.extend(torch.cat(pair, 1) for pair in found.values())
    seen = torch.cat(earlier)
    mean, squares = seen.mean(0), ((seen - seen.mean(0)) ** 2).sum(0)
    deviation = (squares / (len(seen) - 1 + EPS)).sqrt()
    changes = {}
    for layer, (H, G) in found.items():
        scaled = (torch.cat([H, G], 1) - mean) / (deviation + EPS)
        h, g = scaled[:, : H.shape[1]], scaled[:, H.shape[1] :]
        V = -config["learning_rate"] * (h * h).sum(1, keepdim=True) * g
        changes[layer] = torch.linalg.solve(H.T @ H + torch.eye(H.shape[1]), H.T @ V)
    for layer, change in changes.items():
        one.add(layer, change)
    return changes, mean, squares


def main():
    cases = {}
    for name in NAMES:
        variants = [([["anna", "boris", "clara"]], CONFIG), ([["boris"]], {**CONFIG, "layers": [0], "learning_rate": 0.01}),
                    ([["anna", "boris"], ["clara"]], CONFIG), ([["anna", "boris", "clara"]], {**CONFIG, "batch_size": 2})]
        for number, (batches, config) in enumerate(variants):
            one, earlier = tiny(name), []
            for names in batches:
                changes, mean, squares = batch(one, names, config, earlier)
            *before, last = batches
            cases[f"{name} {number}"] = {
                "model": name, "earlier": before, "edits": last, "config": config,
                "updates": {
                    **{one.value_name(layer): one.keys_to_values(layer, change) for layer, change in changes.items()},
                    "mean": mean, "squares": squares,
                },
            }
    write_updates("ultra-edit", cases)
