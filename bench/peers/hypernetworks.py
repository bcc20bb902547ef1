"""A step of training MEND or MALMEN in eager PyTorch, for bench/learned.ts. Installs nothing; prints one JSON object.

usage: hypernetworks.py MODEL EDITOR RANK BATCH STEPS THREADS
Float32; sequences side by side wherever all share their weights. MEND's edits have weights of their own, and are made and judged one after another.
"""
import json
import resource
import sys
import time
from pathlib import Path

# Beside this file lies one that is named after a package.
sys.path.pop(0)
import torch
from torch.func import functional_call
from transformers import AutoModelForCausalLM, AutoTokenizer

LAYERS = [3, 4, 5]


class Network(torch.nn.Module):
    """Two residual low-rank layers, shared by the maps of one shape."""

    def __init__(self, size, rank, maps, after):
        super().__init__()
        self.after = after
        self.v = torch.nn.ParameterList([torch.randn(rank, size) for _ in range(2)])
        self.u = torch.nn.ParameterList([torch.zeros(size, rank) for _ in range(2)])
        self.bias = torch.nn.ParameterList([torch.zeros(size) for _ in range(2)])
        self.scale = torch.nn.ParameterList([torch.ones(maps, size) for _ in range(2)])
        self.shift = torch.nn.ParameterList([torch.zeros(maps, size) for _ in range(2)])
        self.count, self.mean, self.squares = 0, torch.zeros(size), torch.zeros(size)

    def note(self, rows):
        count = self.count + len(rows)
        own = rows.mean(0)
        self.squares += ((rows - own) ** 2).sum(0) + (own - self.mean) ** 2 * self.count * len(rows) / count
        self.mean += (own - self.mean) * len(rows) / count
        self.count = count

    def forward(self, rows, place):
        y = (rows - self.mean) / ((self.squares / max(1, self.count - 1)).sqrt() + 1e-7)
        for v, u, bias, scale, shift in zip(self.v, self.u, self.bias, self.scale, self.shift):
            raw = y @ v.T @ u.T + bias
            y = y + (raw.clamp(min=0) * scale[place] + shift[place] if self.after else (raw * scale[place] + shift[place]).clamp(min=0))
        return y


def main():
    directory, editor, *numbers = sys.argv[1:]
    rank, batch_size, steps, threads = map(int, numbers)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval().requires_grad_(False)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    lines = [json.loads(line) for line in (Path(directory) / "edits.jsonl").read_text().splitlines()]

    def laid_out(prompt, target):
        before = tokenizer(prompt).input_ids
        return tokenizer(f"{prompt} {target}").input_ids, len(before)

    def packed(items):
        """Ids and labels side by side, nothing asked of prompts and padding."""
        longest = max(len(ids) for ids, _ in items)
        ids = torch.zeros(len(items), longest - 1, dtype=torch.long)
        labels = torch.full((len(items), longest - 1), -100)
        for row, (all_ids, start) in enumerate(items):
            ids[row, : len(all_ids) - 1] = torch.tensor(all_ids[:-1])
            labels[row, start - 1 : len(all_ids) - 1] = torch.tensor(all_ids[start:])
        return ids, labels

    def drawn(step):
        records = [lines[(step * batch_size + at) % len(lines)] for at in range(batch_size)]
        away = [next(iter(record["locality"].values()))[0] for record in records]
        return ([laid_out(record["prompt"], record["target_new"]) for record in records],
                [laid_out(record["rephrases"][0], record["target_new"]) for record in records],
                [laid_out(probe["prompt"], probe["target"]) for probe in away])

    paths = ["c_fc", "c_proj"] if editor == "mend" else ["c_proj"]
    maps = [f"transformer.h.{layer}.mlp.{path}" for layer in LAYERS for path in paths]
    shape = {path: tuple(model.get_submodule(path).weight.shape) for path in maps}
    sharing = {size: [path for path in maps if shape[path] == size] for size in shape.values()}
    networks = {size: Network(sum(size), rank, len(of), editor == "malmen") for size, of in sharing.items()}
    rates = torch.nn.Parameter(torch.full((len(maps),), 1e-4))
    ridges = torch.nn.Parameter(torch.zeros(len(maps)))
    parameters = [p for network in networks.values() for p in network.parameters()]
    optimizer = torch.optim.Adam([{"params": parameters, "lr": 1e-5}, {"params": [rates, ridges], "lr": 1e-4}])

    def factors(items):
        """What goes into maps and the gradients of what comes out, `[B, T, size]`, and the labels."""
        ids, labels = packed(items)
        seen, handles = {}, []
        for path in maps:
            def note(_, given, output, path=path):
                output = output.requires_grad_() if not output.requires_grad else output
                output.retain_grad()
                seen[path] = (given[0].detach(), output)
                return output
            handles.append(model.get_submodule(path).register_forward_hook(note))
        logits = model(ids, use_cache=False).logits
        for handle in handles:
            handle.remove()
        counts = (labels >= 0).sum(1)
        nll = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
        (nll.sum(1) / counts).sum().backward()
        return {path: (x, output.grad) for path, (x, output) in seen.items()}, labels

    def judged(weights, asked, away, share):
        ids, labels = packed(asked)
        logits = functional_call(model, weights, (ids,), {"use_cache": False}).logits
        new = torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none").sum(1) / (labels >= 0).sum(1)
        ids, labels = packed(away)
        with torch.no_grad():
            before = model(ids, use_cache=False).logits.log_softmax(-1)
        after = functional_call(model, weights, (ids,), {"use_cache": False}).logits.log_softmax(-1)
        apart = (before.exp() * (before - after)).sum(-1) * (labels >= 0)
        (share * (new.mean() + (apart.sum(1) / (labels >= 0).sum(1)).mean())).backward()

    def made(path, x, slope):
        return networks[shape[path]](torch.cat([x, slope], 1), sharing[shape[path]].index(path)).split(shape[path], 1)

    def step_of_mend(edits, asked, away):
        found, _ = factors(edits)
        rows = {path: [(x[at][kept], slope[at][kept]) for at in range(len(edits)) for kept in [(slope[at] != 0).any(1)]]
                for path, (x, slope) in found.items()}
        for path in maps:
            networks[shape[path]].note(torch.cat([torch.cat(pair, 1) for pair in rows[path]]))
        for at in range(len(edits)):
            weights = {}
            for index, path in enumerate(maps):
                x, slope = made(path, *rows[path][at])
                weights[f"{path}.weight"] = model.get_submodule(path).weight - rates[index] * x.T @ slope
            judged(weights, asked[at : at + 1], away[at : at + 1], 1 / len(edits))

    def step_of_malmen(edits, asked, away):
        found, labels = factors(edits)
        weights = {}
        for path, (x, slope) in found.items():
            found[path] = (x[labels >= 0], slope[labels >= 0])
            networks[shape[path]].note(torch.cat(found[path], 1))
        for index, path in enumerate(maps):
            keys, slope = found[path]
            pseudo, slope = made(path, keys, slope)
            wanted = -rates[index] * (keys * pseudo).sum(1, keepdim=True) * slope
            system = keys.T @ keys + ridges[index].exp() * torch.eye(keys.shape[1])
            weights[f"{path}.weight"] = model.get_submodule(path).weight + torch.linalg.solve(system, keys.T @ wanted)
        judged(weights, asked, away, 1)

    def step(number):
        optimizer.zero_grad()
        (step_of_mend if editor == "mend" else step_of_malmen)(*drawn(number))
        torch.nn.utils.clip_grad_norm_([*parameters, rates, ridges], 1)
        optimizer.step()

    step(0)
    begun, cpu = time.perf_counter(), time.process_time()
    for number in range(1, steps + 1):
        step(number)
    print(json.dumps({
        "count": steps,
        "seconds": time.perf_counter() - begun,
        "cpuSeconds": time.process_time() - cpu,
        "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }))


main()
