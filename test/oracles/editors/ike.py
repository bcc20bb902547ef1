"""IKE: demonstrations of three kinds in front of a correction, the most similar last (methods card IKE; Zheng et al. 2023, section 3).

Nothing is computed but texts: they are compared byte for byte. Similarity is the cosine of n-grams of words, weighted by their rarity.
"""

import math
import re
from collections import Counter

import torch

from common import DEMONSTRATIONS, EDITS, config_of, tiny, write_updates

SEQUENCE = ["ian", "tina"]

CONFIG = {"template": "{fact}.{prompt}", "separator": ".", "copy": 1, "update": 1, "retain": 2, "own": False, "context_share": 0.8,
          "threshold": 0.5, "stop_loss": 1e-4}


def grams(text):
    found = Counter()
    for word in re.findall(r"\w+", text.lower()):
        word = f"<{word}>"
        found.update(word[at : at + n] for n in (3, 4, 5) for at in range(len(word) - n + 1))
        if len(word) > 5:
            found[word] += 1
    return found


def statement(one):
    return f"{one['prompt']} {one['target_new']}"


def ranked(fact):
    counted = [grams(statement(one)) for one in DEMONSTRATIONS]
    rows = len(counted)

    def weigh(counts):
        return {gram: (1 + math.log(n)) * (1 + math.log((rows + 1) / (sum(gram in other for other in counted) + 1)))
                for gram, n in counts.items()}

    def cosine(a, b):
        dot = sum(weight * b.get(gram, 0) for gram, weight in a.items())
        return dot / math.sqrt(sum(w * w for w in a.values()) * sum(w * w for w in b.values()))

    asked = weigh(grams(fact))
    scores = [cosine(asked, weigh(each)) for each in counted]
    return sorted(range(rows), key=lambda at: (-scores[at], at))


def kinds(config):
    """At every place the kind that is furthest behind its share."""
    wanted = {kind: config[kind] for kind in ("retain", "update", "copy")}
    total, given = sum(wanted.values()), Counter()
    order = []
    for place in range(1, total + 1):
        left = [kind for kind in wanted if given[kind] < wanted[kind]]
        order.append(max(left, key=lambda kind: wanted[kind] * place / total - given[kind]))
        given[order[-1]] += 1
    return order


def shown(one, kind, place, config):
    if kind == "copy":
        answered = statement(one)
    elif kind == "update":
        answered = f"{one['rephrases'][place % len(one['rephrases'])]} {one['target_new']}"
    else:
        neighbour = one["neighbours"][place % len(one["neighbours"])]
        answered = f"{neighbour['prompt']} {neighbour['target']}"
    return config["template"].format(fact=statement(one), prompt=answered) + config["separator"]


def front(model, edit, config):
    fact = statement(edit)
    longest = int(config["context_share"] * config_of(model.name, 1).max_position_embeddings)
    own = config["template"].format(fact=fact, prompt=fact) + config["separator"] if config["own"] else ""
    text = own + config["template"].format(fact=fact, prompt="")
    others = [DEMONSTRATIONS[at] for at in ranked(fact)]
    others = [one for one in others if one["prompt"] != edit["prompt"] and one["subject"] != edit["subject"]]
    used = 0
    for place, (one, kind) in enumerate(zip(others, kinds(config))):
        longer = shown(one, kind, place, config) + text
        if len(model.tokenizer.encode(longer, add_special_tokens=False).ids) > longest:
            break
        text, used = longer, used + 1
    return text, used


def main():
    cases, seen = {}, set()
    variants = [("gpt2", {}), ("llama", {}), ("gpt2", {"own": True}), ("gpt2", {"copy": 3, "update": 0, "retain": 1})]
    for number, (name, own) in enumerate(variants):
        config = {**CONFIG, **own}
        model = tiny(name)
        updates = {}
        for edit in SEQUENCE:
            text, used = front(model, EDITS[edit], config)
            seen.add(used)
            updates[f"text of {EDITS[edit]['prompt']}"] = torch.tensor([float(byte) for byte in text.encode()])
        cases[f"{name} {number}"] = {"model": name, "edits": SEQUENCE, "config": config, "updates": updates}
    assert max(seen) > 1, seen
    write_updates("ike", cases)
