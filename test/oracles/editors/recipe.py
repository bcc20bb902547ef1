"""RECIPE (Chen et al. 2024): what an edit writes down, and one step of training, with the gradients that reach every module.

Each text and each sequence runs alone, so that there is no padding. Where the authors' code departs from itself between training and
serving (where prompts stand, which positions they have), this has what is served: prompts behind the mark that begins every text, and
positions counted over prompts and text.
"""

import json

import torch
from safetensors.torch import save_file
from torch.nn.functional import linear, log_softmax, relu, softmax
from transformers import RobertaConfig, RobertaModel

from common import EDITS, NAMES, OUT, lay_out, randomise, tiny

R, PROMPTS, SENTINEL, HINGE, RATE = 16, 3, 4, 1.2, 0.01
START, END, LONGEST = [5], [6, 7], 40
KEPT = {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act", "layer_norm_eps",
        "max_position_embeddings", "type_vocab_size", "pad_token_id", "model_type"}

# Prompt and target of each edit, a rephrasing, a probe about something else, and whether the edit's own prompt is the first query.
BATCH = [
    ({"prompt": "now anna lives in", "target_new": "oslo"}, {"prompt": "the home of anna", "target_new": "oslo"},
     {"prompt": "anna plays the", "target_new": "piano"}, True),
    ({"prompt": "boris likes the", "target_new": "violin"}, {"prompt": "to boris is dear a", "target_new": "violin"},
     {"prompt": "so clara likes the", "target_new": "drums"}, False),
    ({"prompt": "the home of clara", "target_new": "kyoto"}, {"prompt": "clara lives in", "target_new": "kyoto"},
     {"prompt": "the home of the king is in", "target_new": "lima"}, True),
]
THROUGH_MODEL = 2


class Knowledge:
    """The modules, their parameters by the names of the file."""

    def __init__(self, one):
        config = RobertaConfig(vocab_size=one.tokenizer.get_vocab_size(), hidden_size=12, intermediate_size=20, num_hidden_layers=2,
                               num_attention_heads=3, max_position_embeddings=LONGEST + 2, type_vocab_size=1, pad_token_id=1,
                               hidden_dropout_prob=0, attention_probs_dropout_prob=0)
        config._attn_implementation = "eager"
        self.one, self.config = one, config
        self.encoder = RobertaModel(config, add_pooling_layer=False).eval()
        self.encoder.embeddings.word_embeddings.padding_idx = None
        self.encoder.embeddings.position_embeddings.padding_idx = None
        randomise(self.encoder, 21)
        self.width, d = config.hidden_size, one.model.config.hidden_size
        generator = torch.Generator().manual_seed(22)
        self.own = {}
        maps = {"pooler": (self.width, self.width), "prompt.residual": (R, R), "prompt.out": (PROMPTS * d, R)}
        for head in ("knowledge", "query"):
            maps[f"{head}.in"], maps[f"{head}.residual"] = (R, 4 * self.width), (R, R)
        for name, shape in maps.items():
            self.own[f"{name}.weight"] = torch.randn(shape, generator=generator) * 0.4
            self.own[f"{name}.bias"] = torch.randn(shape[0], generator=generator) * 0.1
        self.own["sentinel.tokens"] = torch.randn((SENTINEL, self.width), generator=generator) * 0.5
        # As the file has them, which rounds to float16.
        with torch.no_grad():
            for parameter in [*self.encoder.parameters(), *self.own.values()]:
                parameter.copy_(parameter.half().double())
        for parameter in self.own.values():
            parameter.requires_grad_(True)

    def parameters(self):
        return {**{f"encoder/{name}": p for name, p in self.encoder.named_parameters()}, **self.own}

    def map(self, name, x):
        return linear(x, self.own[f"{name}.weight"], self.own[f"{name}.bias"])

    def pooled(self, hidden):
        pooler = torch.tanh(self.map("pooler", hidden[0]))
        return torch.cat([pooler, hidden.mean(0), hidden.max(0).values, hidden.min(0).values])

    def represent(self, head, pooled):
        x = self.map(f"{head}.in", pooled)
        return x + relu(self.map(f"{head}.residual", x))

    def read(self, head, text):
        ids = [*START, *self.one.tokenizer.encode(text.strip(), add_special_tokens=False).ids, *END]
        return self.represent(head, self.pooled(self.encoder(torch.tensor([ids])).last_hidden_state[0]))

    def sentinel(self):
        hidden = self.encoder.encoder(self.own["sentinel.tokens"][None]).last_hidden_state[0]
        return self.represent("knowledge", self.pooled(hidden))

    def prompts(self, representation):
        y = representation + relu(self.map("prompt.residual", representation))
        return self.map("prompt.out", y).reshape(PROMPTS, -1)

    def save(self, path):
        config = {key: value for key, value in self.config.to_dict().items() if key in KEPT}
        sizes = {"representation": R, "promptTokens": PROMPTS, "promptWidth": self.one.model.config.hidden_size,
                 "sentinelTokens": SENTINEL, "ownTokens": False}
        header = {"model": self.one.name, "config": config, "sizes": sizes, "tokenizer": None, "details": {},
                  "bounds": {"start": START, "end": END, "longest": LONGEST}}
        save_file({name: p.detach().half().contiguous() for name, p in self.parameters().items()}, path,
                  metadata={"format": "errata-knowledge-encoder/1", "header": json.dumps(header)})


def statement_of(edit):
    return f"{edit['prompt']} {edit['target_new']}"


def logits_with(one, prompts, laid):
    """Logits at the positions that predict the target, with prompts in front."""
    start = 1 if one.name == "llama" else 0
    table = one.model.get_input_embeddings()
    rows = table(torch.tensor(laid.ids))
    whole = torch.cat([rows[:start], prompts, rows[start:]])
    logits = one.model(inputs_embeds=whole[None], use_cache=False).logits[0]
    first = len(prompts) + laid.target_start
    return logits[first : first + len(laid.target)]


def laid_out(one, edit):
    return lay_out(one, {**edit, "subject": edit["prompt"][:1]})


def hinged_mean(probabilities, wanted):
    """-log p of what is wanted, averaged over the rows in which it is below 1.2 times the second largest probability."""
    own = probabilities.gather(1, wanted[:, None])[:, 0]
    second = probabilities.topk(2, 1).values[:, 1]
    counted = own[own < HINGE * second]
    return -counted.log().mean() if len(counted) > 0 else torch.zeros(())


def losses(one, modules):
    statements = torch.stack([modules.read("knowledge", statement_of(edit)) for edit, *_ in BATCH])
    sentinel = modules.sentinel()[None]
    everything = torch.cat([statements, sentinel])
    ask = lambda texts: torch.stack([modules.read("query", text) for text in texts])
    q1 = ask([(edit if own else other)["prompt"] for edit, other, _, own in BATCH])
    q2 = ask([(other if own else edit)["prompt"] for edit, other, _, own in BATCH])
    q3 = ask([away["prompt"] for _, _, away, _ in BATCH])
    scale, count = R**-0.5, len(BATCH)
    found = {"query_knowledge": -log_softmax(q1 @ everything.T * scale, 1).diagonal().mean()}
    apart = q2 @ statements.T * scale * (1 - torch.eye(count)) + torch.diag((q2 @ sentinel.T)[:, 0] * scale)
    found["sentinel"] = hinged_mean(softmax(apart, 1), torch.arange(count))
    found["sentinel_locality"] = hinged_mean(softmax(q3 @ everything.T * scale, 1), torch.full((count,), count))
    edits = {"reliability": ([], []), "generality": ([], [])}
    divergences = []
    for row, (edit, other, away, _) in enumerate(BATCH[:THROUGH_MODEL]):
        prompts = modules.prompts(statements[row])
        for term, asked in (("reliability", edit), ("generality", other)):
            laid = laid_out(one, asked)
            edits[term][0].append(softmax(logits_with(one, prompts, laid), 1))
            edits[term][1].extend(laid.target)
        laid = laid_out(one, away)
        before = log_softmax(logits_with(one, prompts[:0], laid), 1).detach()
        after = log_softmax(logits_with(one, prompts, laid), 1)
        divergences.append((before.exp() * (before - after)).sum(1))
    for term, (probabilities, wanted) in edits.items():
        found[term] = hinged_mean(torch.cat(probabilities), torch.tensor(wanted))
    found["locality"] = torch.cat(divergences).mean()
    return found, statements, sentinel, torch.stack([q1, q2, q3])


def main():
    tensors, cases = {}, {}
    for name in NAMES:
        one = tiny(name)
        modules = Knowledge(one)
        modules.save(OUT / name / "knowledge-encoder.safetensors")
        rows = [modules.read("knowledge", statement_of(EDITS[edit])) for edit in ("anna", "boris")]
        cases[name] = {"model": name, "edits": ["anna", "boris"],
                       "config": {"prompt_tokens": PROMPTS, "continuous_prompts": True, "sentinel": True, "threshold": 0, "stop_loss": 0}}
        # By the order of their prompts: boris likes ..., now anna ...
        tensors[f"{name}/representations"] = torch.stack(rows[::-1]).flatten()
        tensors[f"{name}/prompts"] = torch.stack([modules.prompts(row).flatten() for row in rows[::-1]]).flatten()
    save_file({key: value.detach().float().contiguous() for key, value in tensors.items()}, OUT / "recipe.safetensors",
              metadata={"cases": json.dumps(cases)})

    tensors, told = {}, {}
    for name in NAMES:
        one = tiny(name)
        modules = Knowledge(one)
        found, statements, sentinel, queries = losses(one, modules)
        parameters = modules.parameters()
        optimizer = torch.optim.Adam(parameters.values(), lr=RATE)
        sum(found.values()).backward()
        told[name] = {term: value.item() for term, value in found.items()}
        given = {"statements": statements, "sentinel": sentinel, "queries": queries}
        tensors |= {f"{name}/{key}": value for key, value in given.items()}
        tensors |= {f"{name}/gradient {key}": p.grad for key, p in parameters.items()}
        optimizer.step()
        # Of large steps in the direction of small gradients the rounding is told too: they are held to the gradient alone.
        tensors |= {f"{name}/after {key}": p for key, p in parameters.items()}
    batch = [{"statement": statement_of(edit), "ownFirst": own,
              **{sort: {"query": item["prompt"], "target": item["target_new"]}
                 for sort, item in zip(("reliability", "generality", "locality"), (edit, other, away))}}
             for edit, other, away, own in BATCH]
    metadata = {"losses": json.dumps(told), "batch": json.dumps(batch), "rate": json.dumps(RATE), "edits": json.dumps(THROUGH_MODEL)}
    save_file({key: value.detach().float().contiguous().clone() for key, value in tensors.items()},
              OUT / "recipe-training.safetensors", metadata=metadata)
