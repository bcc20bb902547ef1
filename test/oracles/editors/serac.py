"""SERAC (Mitchell et al. 2022): the vectors that an edit writes down, what the counterfactual model says, and one step of training.

Each text, pair and sequence runs alone, so that there is no padding. Nothing of the language model is used but its token embeddings.
"""

import json

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, linear, relu, softplus
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from common import EDITS, NAMES, OUT, randomise, tiny
from recipe import BATCH, END, START, statement_of

R, LONGEST, RATE, WEIGHT, LEAST = 12, 64, 0.01, 0.1, 1e-2
TEMPLATE = "{prompt}.{target}\n"
KEPT = {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act", "layer_norm_eps",
        "max_position_embeddings", "type_vocab_size", "model_type"}
# What is in the scope of each edit; a probe of the first is in that of the last.
IN_SCOPE = [[edit["prompt"], other["prompt"]] for edit, other, *_ in BATCH]
IN_SCOPE[2].append(BATCH[0][2]["prompt"])


class Scope:
    """The modules, their parameters by the names of the file."""

    def __init__(self, one):
        self.one, vocabulary = one, one.tokenizer.get_vocab_size()
        self.config = BertConfig(vocab_size=vocabulary, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=3,
                                 max_position_embeddings=LONGEST, type_vocab_size=2, hidden_dropout_prob=0,
                                 attention_probs_dropout_prob=0)
        self.config._attn_implementation = "eager"
        self.encoder = BertModel(self.config, add_pooling_layer=False).eval()
        self.encoder.embeddings.word_embeddings.padding_idx = None
        randomise(self.encoder, 31)
        width = one.model.config.hidden_size
        self.sizes = {"model_type": "gpt2", "vocab_size": vocabulary, "n_positions": 48, "n_embd": width, "n_layer": 2, "n_head": 2,
                      "n_inner": 20}
        config = GPT2Config(**self.sizes, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=None, eos_token_id=None)
        config._attn_implementation = "eager"
        self.decoder = GPT2LMHeadModel(config).eval()
        randomise(self.decoder, 32)
        generator = torch.Generator().manual_seed(33)
        self.own = {"scale": torch.full((1,), -3.0)}
        pooled = 4 * self.config.hidden_size
        for name, shape in {"pooler": (12, 12), "edit": (R, pooled), "query": (R, pooled), "pair.in": (R, pooled), "pair.out": (1, R)}.items():
            self.own[f"{name}.weight"] = torch.randn(shape, generator=generator) * 0.3
            self.own[f"{name}.bias"] = torch.randn(shape[0], generator=generator) * 0.1
        # As the file has them, which rounds to float16.
        with torch.no_grad():
            for parameter in [*self.encoder.parameters(), *self.decoder.parameters(), *self.own.values()]:
                parameter.copy_(parameter.half().double())
            self.decoder.transformer.wte.weight.copy_(one.model.get_input_embeddings().weight)
        self.decoder.transformer.wte.weight.requires_grad_(False)
        for parameter in self.own.values():
            parameter.requires_grad_(True)

    def parameters(self):
        answers = {f"counterfactual/{name}": p for name, p in self.decoder.named_parameters() if "wte" not in name}
        return {**{f"encoder/{name}": p for name, p in self.encoder.named_parameters()}, **self.own, **answers}

    def tokens(self, text):
        return self.one.tokenizer.encode(text.strip(), add_special_tokens=False).ids

    def pooled(self, ids, types=None):
        types = types or [0] * len(ids)
        hidden = self.encoder(torch.tensor([ids]), token_type_ids=torch.tensor([types])).last_hidden_state[0]
        pooler = torch.tanh(self.map("pooler", hidden[0]))
        return torch.cat([pooler, hidden.mean(0), hidden.max(0).values, hidden.min(0).values])

    def map(self, name, x):
        return linear(x, self.own[f"{name}.weight"], self.own[f"{name}.bias"])

    def vector(self, head, text):
        return self.map(head, self.pooled([*START, *self.tokens(text), *END]))

    def pair(self, statement, query):
        first = [*START, *self.tokens(statement), *END]
        second = [*self.tokens(query), *END]
        pooled = self.pooled([*first, *second], [0] * len(first) + [1] * len(second))
        return self.map("pair.out", relu(self.map("pair.in", pooled)))[0]

    def answer(self, edit, query, target=""):
        """Logits that predict the target behind a correction and a query, and its tokens; of no target those of what comes next."""
        front = TEMPLATE.replace("{prompt}", edit["prompt"]).replace("{target}", " " + edit["target_new"])
        encode = lambda text: self.one.tokenizer.encode(text, add_special_tokens=False).ids
        mark = self.one.encode("")
        before = [*mark, *encode(front), *encode(query)]
        wanted = encode(f"{query} {target}")[len(encode(query)):] if target else []
        logits = self.decoder(torch.tensor([[*before, *wanted[:-1]]]), use_cache=False).logits[0]
        return logits[len(before) - 1:], wanted

    def save(self, path):
        header = {"model": self.one.name, "config": {key: value for key, value in self.config.to_dict().items() if key in KEPT},
                  "sizes": {"representation": R, "ownTokens": False, "decoder": self.sizes}, "template": TEMPLATE, "tokenizer": None,
                  "details": {}, "bounds": {"start": START, "end": END, "longest": LONGEST}}
        save_file({name: p.detach().half().contiguous() for name, p in self.parameters().items()}, path,
                  metadata={"format": "errata-counterfactual-model/1", "header": json.dumps(header)})


def losses(modules):
    count = len(BATCH)
    inside = [edit if own else other for edit, other, _, own in BATCH]
    asked = [item["prompt"] for item in inside] + [away["prompt"] for _, _, away, _ in BATCH]
    corrections = torch.stack([modules.vector("edit", statement_of(edit)) for edit, *_ in BATCH])
    queries = torch.stack([modules.vector("query", text) for text in asked])
    scaled = modules.own["scale"].exp() * ((queries[:, None] - corrections[None]) ** 2).sum(2)
    closeness = scaled.neg()
    for row, query in enumerate(asked):
        for column, scope in enumerate(IN_SCOPE):
            if row == column or query in scope:
                closeness[row, column] = -1e9
    outside = -torch.log(1 + LEAST - closeness.max(1).values.exp()).mean()
    found = {"vectors": (scaled[:count].diagonal().mean() + outside) / 2}

    pairs = lambda of: torch.stack([modules.pair(statement_of(edit), query) for (edit, *_), query in zip(BATCH, of)])
    turned = [asked[(at + 1) % count] for at in range(count)]
    foreign = torch.tensor([float(query not in scope) for query, scope in zip(turned, IN_SCOPE)])
    positive, away, other = pairs(asked[:count]), pairs(asked[count:]), pairs(turned)
    negative = (softplus(away).sum() + (softplus(other) * foreign).sum()) / (count + foreign.sum())
    found["pairs"] = (softplus(-positive).mean() + negative) / 2

    answers = [modules.answer(edit, item["prompt"], item["target_new"]) for (edit, *_), item in zip(BATCH, inside)]
    found["counterfactual"] = torch.stack([cross_entropy(logits, torch.tensor(wanted)) for logits, wanted in answers]).mean()
    return found, corrections, queries, torch.cat([positive, away, other])


def main():
    tensors, cases = {}, {}
    for name in NAMES:
        modules = Scope(tiny(name))
        modules.save(OUT / name / "counterfactual-model.safetensors")
        cases[name] = {"model": name, "edits": ["anna", "boris"],
                       "config": {"classifier": "vectors", "candidates": 8, "threshold": 0.5, "stop_loss": 0}}
        # By the order of their prompts: boris likes ..., now anna ...
        tensors[f"{name}/vectors"] = torch.cat([modules.vector("edit", statement_of(EDITS[edit])) for edit in ("boris", "anna")])
    save_file({key: value.detach().float().contiguous() for key, value in tensors.items()}, OUT / "serac.safetensors",
              metadata={"cases": json.dumps(cases)})

    tensors, told = {}, {}
    for name in NAMES:
        modules = Scope(tiny(name))
        found, corrections, queries, pairs = losses(modules)
        parameters = modules.parameters()
        optimizer = torch.optim.Adam(parameters.values(), lr=RATE)
        (found["vectors"] + found["pairs"] + WEIGHT * found["counterfactual"]).backward()
        told[name] = {term: value.item() for term, value in found.items()}
        edit, other, *_ = BATCH[0]
        given = {"corrections": corrections, "queries": queries, "pairs": torch.sigmoid(pairs),
                 "logits": modules.answer(edit, other["prompt"])[0][-1]}
        tensors |= {f"{name}/{key}": value for key, value in given.items()}
        tensors |= {f"{name}/gradient {key}": p.grad for key, p in parameters.items() if p.grad is not None}
        optimizer.step()
        tensors |= {f"{name}/after {key}": p for key, p in parameters.items()}
    batch = [{"statement": statement_of(edit), "ownFirst": own, "inScope": scope,
              **{sort: {"query": item["prompt"], "target": item["target_new"]}
                 for sort, item in zip(("reliability", "generality", "locality"), (edit, other, away))}}
             for (edit, other, away, own), scope in zip(BATCH, IN_SCOPE)]
    metadata = {"losses": json.dumps(told), "batch": json.dumps(batch), "rate": json.dumps(RATE), "weight": json.dumps(WEIGHT)}
    save_file({key: value.detach().float().contiguous().clone() for key, value in tensors.items()},
              OUT / "serac-training.safetensors", metadata=metadata)
