"""MEND (Mitchell et al. 2022): what trained networks make of an edit's gradients, and one step of their training (methods card MEND).

One sequence at a time, weights replaced one update after another; factors are caught by hooks. Where the authors' code departs from the
paper (the sign of the update, the mean over a batch of edits) this follows the paper.
"""

import json

import torch
from safetensors.torch import save_file
from torch.func import functional_call
from torch.nn.functional import log_softmax

from common import EDITS, NAMES, OUT, lay_out, tiny, write_updates
from recipe import BATCH, laid_out

LAYERS, RANK, COUNTED, EDIT_WEIGHT, RATE, RATES_RATE = [1, 2], 5, 40, 0.3, 1e-3, 1e-2


class Networks:
    """One network a shape, its numbers by the names of the file."""

    method, kind = "mend", "gradient-transform"
    paths = {"gpt2": ["c_fc", "c_proj"], "llama": ["gate_proj", "up_proj", "down_proj"]}
    # Beside the networks, one number a map.
    singles = {"rates": (0.01, 0.003)}

    def __init__(self, one):
        self.one = one
        blocks = "transformer.h" if one.name == "gpt2" else "model.layers"
        self.maps = [f"{blocks}.{layer}.mlp.{path}" for layer in LAYERS for path in self.paths[one.name]]
        generator = torch.Generator().manual_seed(31)
        self.learned, self.counted = {}, {}
        self.draw(lambda scale, *shape: (torch.randn(shape, generator=generator) * scale).float().double())
        for numbers in (self.learned, self.counted):
            for name in numbers:
                numbers[name] = numbers[name].float().double()
        for parameter in self.learned.values():
            parameter.requires_grad_(True)

    def draw(self, draw):
        self.sharing = {}
        for path in self.maps:
            self.sharing.setdefault(self.shape(path), []).append(path)
        for (size_in, size_out), sharing in self.sharing.items():
            size, at = size_in + size_out, f"{size_in}x{size_out}"
            for layer in range(2):
                self.learned |= {
                    f"{at}.{layer}.u": draw(0.1, size, RANK), f"{at}.{layer}.v": draw(0.3, RANK, size), f"{at}.{layer}.bias": draw(0.1, size),
                    f"{at}.{layer}.scale": 1 + draw(0.2, len(sharing), size), f"{at}.{layer}.shift": draw(0.1, len(sharing), size),
                }
            self.counted |= {f"{at}.count": torch.tensor([float(COUNTED)]), f"{at}.mean": draw(0.01, size),
                             f"{at}.squares": COUNTED * draw(0.3, size) ** 2}
        for name, (mean, spread) in self.singles.items():
            self.learned[name] = mean + draw(spread, len(self.maps))

    def shape(self, path):
        stored = tuple(self.one.model.get_submodule(path).weight.shape)
        return stored if self.one.name == "gpt2" else stored[::-1]

    def save(self):
        header = {"model": self.one.name, "method": self.method, "layers": LAYERS, "rank": RANK, "details": {}}
        numbers = {name: value.detach().float().flatten().contiguous() for name, value in (self.learned | self.counted).items()}
        metadata = {"format": f"errata-{self.kind}/1", "header": json.dumps(header)}
        save_file(numbers, OUT / self.one.name / f"{self.kind}.safetensors", metadata=metadata)

    def is_factor(self, slope, laid):
        """Which tokens count."""
        return (slope != 0).any(1)

    def factors(self, laid):
        """By map: what went in, and the gradient of the mean loss with respect to what came out, of the tokens that have one."""
        seen, handles = {}, []
        for path in self.maps:
            def note(_, given, output, path=path):
                output = output.detach().requires_grad_() if not output.requires_grad else output
                output.retain_grad()
                seen[path] = (given[0], output)
                return output
            handles.append(self.one.model.get_submodule(path).register_forward_hook(note))
        rows = self.one.logits(laid.ids)[laid.target_start :].log_softmax(-1)
        (-rows[range(len(laid.target)), laid.target].mean()).backward()
        for handle in handles:
            handle.remove()
        found = {}
        for path, (given, output) in seen.items():
            x, slope = given[0].detach(), output.grad[0]
            kept = self.is_factor(slope, laid)
            found[path] = (x[kept], slope[kept])
        return found

    def count(self, all_factors):
        """Every token by itself, in order (Welford)."""
        for (size_in, size_out), sharing in self.sharing.items():
            at = f"{size_in}x{size_out}"
            k, m, s = (self.counted[f"{at}.{part}"].clone() for part in ("count", "mean", "squares"))
            for path in sharing:
                for factors in all_factors:
                    for row in torch.cat(factors[path], 1):
                        k = k + 1
                        before = m
                        m = before + (row - before) / k
                        s = s + (row - before) * (row - m)
            self.counted |= {f"{at}.count": k, f"{at}.mean": m, f"{at}.squares": s}

    def residual(self, raw, scale, shift):
        return (raw * scale + shift).clamp(min=0)

    def transformed(self, path, x, slope):
        """What the networks make of both."""
        size_in, size_out = self.shape(path)
        at, mode = f"{size_in}x{size_out}", self.sharing[(size_in, size_out)].index(path)
        deviation = (self.counted[f"{at}.squares"] / (self.counted[f"{at}.count"] - 1)).sqrt()
        y = (torch.cat([x, slope], 1) - self.counted[f"{at}.mean"]) / (deviation + 1e-7)
        for layer in range(2):
            part = lambda name: self.learned[f"{at}.{layer}.{name}"]
            before = (part("u") @ (part("v") @ y.T)).T + part("bias")
            y = y + self.residual(before, part("scale")[mode], part("shift")[mode])
        return y[:, :size_in], y[:, size_in:]

    def rate(self, path):
        return self.learned["rates"][self.maps.index(path)]

    def change(self, path, all_factors):
        """What the factors of some edits together add to a map, [in, out]."""
        pairs = (self.transformed(path, *factors[path]) for factors in all_factors)
        return sum(-self.rate(path) * x.T @ slope for x, slope in pairs)

    def stored(self, change):
        return change if self.one.name == "gpt2" else change.T

    def edited(self, all_factors):
        """The weights that the factors of some edits lead to together."""
        weights = {}
        for path in self.maps:
            weights[f"{path}.weight"] = self.one.model.get_submodule(path).weight + self.stored(self.change(path, all_factors))
        return weights


def rows_of(one, weights, laid):
    logits = functional_call(one.model, weights, (torch.tensor([laid.ids]),)).logits[0]
    return log_softmax(logits[laid.target_start :], 1)


def divergence(one, weights, laid):
    before, after = rows_of(one, {}, laid).detach(), rows_of(one, weights, laid)
    return (before.exp() * (before - after)).sum(1).mean()


def weighed(edit_weight):
    """The loss and its terms, means over edits; `per_update` edits are made at once."""
    def losses(one, networks, per_update):
        all_factors = [networks.factors(laid_out(one, edit)) for edit, *_ in BATCH]
        networks.count(all_factors)
        new, kept = [], []
        for start in range(0, len(BATCH), per_update):
            weights = networks.edited(all_factors[start : start + per_update])
            for _, other, away, _ in BATCH[start : start + per_update]:
                laid = laid_out(one, other)
                new.append(-rows_of(one, weights, laid)[range(len(laid.target)), laid.target].mean())
                kept.append(divergence(one, weights, laid_out(one, away)))
        generality, locality = torch.stack(new).mean(), torch.stack(kept).mean()
        return edit_weight * generality + locality, generality, locality
    return losses


def changes(networks_of, variants):
    """What edits change of matrices, by case."""
    cases = {}
    for name in NAMES:
        for number, (batches, config) in enumerate(variants):
            networks = networks_of(tiny(name))
            for edits in batches:
                found = networks.edited([networks.factors(lay_out(networks.one, EDITS[edit])) for edit in edits])
                state = networks.one.model.state_dict()
                updates = {path: (weight - state[path]).detach().clone() for path, weight in found.items()}
                with torch.no_grad():
                    for path, change in updates.items():
                        state[path] += change
            *before, last = batches
            cases[f"{name} {number}"] = {"model": name, "earlier": before, "edits": last, "config": config,
                                         "updates": {path.removeprefix("transformer."): change for path, change in updates.items()}}
    return cases


def write_step(editor, networks_of, per_updates, losses, settings):
    """Losses, gradients, counts and one step of training, `per_updates` edits made at once."""
    tensors, told = {}, {}
    for name in NAMES:
        for per_update in per_updates:
            one = tiny(name)
            networks = networks_of(one)
            loss, generality, locality = losses(one, networks, per_update)
            loss.backward()
            case = f"{name} {per_update}"
            told[case] = {"loss": loss.item(), "generality": generality.item(), "locality": locality.item()}
            tensors |= {f"{case}/gradient {key}": p.grad for key, p in networks.learned.items()}
            tensors |= {f"{case}/counted {key}": value for key, value in networks.counted.items()}
            optimizer = torch.optim.Adam([
                {"params": [p for key, p in networks.learned.items() if key not in networks.singles], "lr": RATE},
                {"params": [networks.learned[key] for key in networks.singles], "lr": RATES_RATE},
            ])
            optimizer.step()
            tensors |= {f"{case}/after {key}": p for key, p in networks.learned.items()}
    batch = [{"statement": items[0]["prompt"], "ownFirst": True,
              **{sort: {"query": item["prompt"], "target": item["target_new"]}
                 for sort, item in zip(("reliability", "generality", "locality"), items)}}
             for *items, _ in BATCH]
    rates = {"learning_rate": RATE, "rates_learning_rate": RATES_RATE, **settings}
    metadata = {"losses": json.dumps(told), "batch": json.dumps(batch), "settings": json.dumps(rates)}
    save_file({key: value.detach().float().flatten().contiguous().clone() for key, value in tensors.items()},
              OUT / f"{editor}-training.safetensors", metadata=metadata)


def main():
    for name in NAMES:
        Networks(tiny(name)).save()
    config = {"layers": LAYERS, "batch_size": 10, "stop_loss": 0}
    variants = [([["anna"]], config), ([["anna", "boris", "clara"]], {**config, "batch_size": 2}), ([["boris"], ["clara"]], config)]
    write_updates("mend", changes(Networks, variants))
    write_step("mend", Networks, (1, 3), weighed(EDIT_WEIGHT), {"edit_weight": EDIT_WEIGHT})
