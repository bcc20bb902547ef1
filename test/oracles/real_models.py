"""Prints what transformers makes of a model directory: a JSON array of texts with their ids and log-probabilities.

    python test/oracles/real_models.py DIRECTORY [TEXTS.json]
    python test/oracles/real_models.py DIRECTORY --fixture > test/fixtures/real-models/NAME.json
TEXTS.json is an array of strings; without it, a few texts in several scripts, one of them longer than the windows of small models.
Every text has `ids` as the tokenizer gives them, special tokens included, and `log_probs` of each id but the first, float32.
A fixture has the short ones of those texts, figures to five places, and `greedy`: what the model goes on with behind some prompts; and of a
model with a chat template `chat`: a conversation, its ids, and those of the answer.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TEXTS = [
    "The capital of France is Paris. The Eiffel Tower was built in 1889, and stands 330 metres tall.",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return fibonacci(n - 1) + fibonacci(n - 2)\n",
    "La langue maternelle de Danielle Darrieux est le français. Où est-elle née ? À Bordeaux, en 1917.",
    "東京は日本の首都であり、人口は約1400万人です。中国的首都是北京。",
    "Москва — столица России. Η Αθήνα είναι η πρωτεύουσα της Ελλάδας. القاهرة هي عاصمة مصر",
    " leading space,  two  spaces,\ttab\n\n\nnewlines   😀 𓀀 x\u0301",
    "Once upon a time there was a little girl named Lily. " * 60,
]

SHORT = TEXTS[:-1]
PROMPTS = ["The capital of France is", "The Eiffel Tower is located in the city of", "The official language of Brazil is"]
GREEDY_TOKENS = 8


CONVERSATION = [
    {"role": "user", "content": "What is the capital of France?"},
    {"role": "assistant", "content": "Paris."},
    {"role": "user", "content": "And where does <|im_end|> stand? Où ça?"},
]


def greedy(model, ids):
    for _ in range(GREEDY_TOKENS):
        with torch.no_grad():
            ids.append(model(torch.tensor([ids])).logits[0, -1].argmax().item())
    return ids[-GREEDY_TOKENS:]


def chat(model, tokenizer):
    if tokenizer.chat_template is None:
        return None
    ids = tokenizer.apply_chat_template(CONVERSATION, add_generation_prompt=True)
    return {"messages": CONVERSATION, "ids": ids, "answer": greedy(model, list(ids))}


def main():
    directory, *rest = sys.argv[1:]
    fixture = rest == ["--fixture"]
    texts = SHORT if fixture else TEXTS
    if rest and not fixture:
        with open(rest[0], encoding="utf-8") as file:
            texts = json.load(file)
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    found = []
    for text in texts:
        ids = tokenizer(text)["input_ids"]
        with torch.no_grad():
            rows = torch.log_softmax(model(torch.tensor([ids])).logits[0], -1)
        log_probs = [rows[at, token].item() for at, token in enumerate(ids[1:])]
        found.append({"text": text, "ids": ids, "log_probs": log_probs})
    if not fixture:
        json.dump(found, sys.stdout, ensure_ascii=False)
        return
    for each in found:
        each["log_probs"] = [round(value, 5) for value in each["log_probs"]]
    written = {"texts": found, "chat": chat(model, tokenizer)}
    written["greedy"] = [
        {"prompt": prompt, "ids": greedy(model, tokenizer(prompt)["input_ids"])} for prompt in PROMPTS
    ]
    print(json.dumps(written, ensure_ascii=False))


if __name__ == "__main__":
    main()
