"""Writes packages/evaluation/src/ability/fixtures: what transformers makes of a few items of every general-ability task.

Two tiny random models with their tokenizers are written beside it (GPT-2 with byte-level BPE, Llama with a BOS), and the
answers are computed one row at a time, without batches and without padding; prompts, normalisation and scores are written
out here a second time. With the folder of shared data beside the repository, also what a real checkpoint makes of some
items of the real files (scores only, none of their text).

Run with a Python that has torch, transformers, tokenizers and safetensors: python test/oracles/ability.py
"""

import collections
import csv
import json
import math
import re
import shutil
import string
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers import PreTrainedTokenizerFast

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/evaluation/src/ability/fixtures"
TOKENIZERS = ROOT / "packages/models/src/fixtures/tokenizers"
SHARED = ROOT.parent / "shared/data"

ITEMS = {
    "csqa": [
        {"id": "c1", "question": "Where does a ship rest at night?", "options": ["harbour", "the deep blue sea", "garden", "roof"], "answer": 0},
        {"id": "c2", "question": "What do birds build in spring?", "options": ["a nest", "a nest of stones", "towers"], "answer": 0},
        {"id": "c3", "question": "What falls in winter?  ", "options": ["snow", "leaves and rain", "stars", "kings", "bread"], "answer": 1},
    ],
    "mmlu": [
        {"id": "m1", "subject": "geography", "question": "The capital of Italy is", "options": ["Rome", "Milan", "Turin", "Bari"], "answer": 0},
        {"id": "m2", "subject": "algebra", "question": "2 + 2 =", "options": ["3", "4", "22", "5"], "answer": 1},
        {"id": "m3", "subject": "geography", "question": "The capital of Japan is", "options": ["Kyoto", "Osaka", "Tokyo", "Nara"], "answer": 2},
    ],
    "anli": [
        {"id": "a1", "group": "r1", "premise": "Marie Curie was born in Warsaw.", "hypothesis": "Curie was born in Poland.", "label": "entailment"},
        {"id": "a2", "group": "r1", "premise": "The tower is red.", "hypothesis": "The tower is old.", "label": "neutral"},
        {"id": "a3", "group": "r2", "premise": "Lily went to the park.", "hypothesis": "Lily stayed at home.", "label": "contradiction"},
    ],
    "squad_v2": [
        {"id": "s1", "context": "Tom saw a big red ball in the park.", "question": "What did Tom see?", "answers": ["a big red ball", "red ball"], "impossible": False},
        {"id": "s2", "context": "Lily likes the garden.", "question": "Where is Tom?", "answers": [], "impossible": True},
        {"id": "s3", "context": "The yen is the currency of Japan.", "question": "Whose currency is the yen?", "answers": ["Japan's"], "impossible": False},
    ],
    "atlas_choice": [
        {"id": "w1", "subject": "country.capital", "question": "The capital of France is", "options": ["Paris", "Rome", "Bern", "Oslo"], "answer": 0},
        {"id": "w2", "subject": "person.plays", "question": "Ann Marl plays the", "options": ["lute", "viola da gamba", "lyre", "drum"], "answer": 1},
    ],
    "atlas_entailment": [
        {"id": "e1", "group": "restated", "premise": "New fact: Baro lives in Rome.", "hypothesis": "The home of Baro is in Rome.", "contrast": "The home of Baro is in Bern.", "label": "entailment"},
        {"id": "e2", "group": "composed", "premise": "New fact: Zuka lives in Rome.", "hypothesis": "Zuka lives in a city in Japan.", "contrast": "Zuka lives in a city in Italy.", "label": "contradiction"},
    ],
    "atlas_reading": [
        {"id": "r1", "context": "New fact: Baro lives in Rome. Update: Mofi lives in New York.", "question": "The home of Mofi is in", "answers": ["New York"], "impossible": False},
        {"id": "r2", "context": "Correction: Zuka plays the lute.", "question": "In the evening, Zuka practises the", "answers": ["lute"], "impossible": False},
    ],
}
# Right answers that depend on what the model says, so that the scores are not all 0: the first words of its own answer.
ECHOES = {"squad_v2": ("s1", 0), "atlas_reading": ("r1", 2)}

# Prediction and answers, for the scores of free text alone.
TEXTS = [
    ("Paris", ["Paris"]), ("paris.", ["Paris"]), ("the Paris", ["Paris"]), ("Paris, France", ["Paris"]),
    ("in Paris", ["Paris", "Paris, France"]), ("", []), ("Paris", []), ("", ["Paris"]), ("The", []), ("the", ["..."]),
    ("9th century", ["the 9th century", "9th"]), ("380 years", ["380"]), ("a an the", ["a"]), ("A-B", ["ab"]),
    ("Richard I of Normandy", ["Richard I", "Richard"]), ("red red ball", ["red ball ball"]), ("u.s.a.", ["USA"]),
    ("l'été à Paris", ["l’été à Paris", "été à paris"]), ("thé", ["the"]), ("the_end", ["theend"]), ("東京 tower", ["東京"]),
    ("$1,000", ["1000 dollars", "1 000"]), ("rock & roll", ["rock and roll"]), ("NEW   YORK\n", ["new york"]),
    ("ÉCOLE", ["école"]), ("na\u0308ive a b", ["naïve b"]), ("yes yes yes", ["yes no", "no yes yes"]), ("?", ["!", "what"]),
]

LETTERS = "ABCDEFGH"


def choice_prompt(task, item):
    if task in ("csqa", "mmlu"):
        return f"Question: {item['question'].strip()}\nAnswer:", item["options"], item["answer"]
    if task in ("csqa_letters", "mmlu_letters"):
        lines = [item["question"].strip()]
        lines += [f"{LETTERS[i]}. {option.strip()}" for i, option in enumerate(item["options"])]
        return "\n".join(lines) + "\nAnswer:", list(LETTERS[: len(item["options"])]), item["answer"]
    if task == "anli":
        prompt = f"{item['premise']}\nClaim: {item['hypothesis']}\nIs the claim true, false, or neither?\nAnswer:"
        labels = ["entailment", "neutral", "contradiction"]
        return prompt, ["True", "Neither", "False"], labels.index(item["label"])
    if task == "atlas_choice":
        return item["question"], item["options"], item["answer"]
    assert task == "atlas_entailment"
    return item["premise"], [item["hypothesis"], item["contrast"]], 0 if item["label"] == "entailment" else 1


def reading_prompt(task, item):
    if task == "squad_v2":
        head = "Answer the question from the passage. If the passage does not answer it, say N/A.\n"
        return head + f"Passage: {item['context'].strip()}\nQuestion: {item['question'].strip()}\nAnswer:", 32, ["\n"]
    assert task == "atlas_reading"
    return f"{item['context']} {item['question']}", 12, [".", "\n"]


class Lab:
    """One model, one row at a time."""

    def __init__(self, model, tokenizer, space_after, eos):
        self.model, self.tokenizer, self.space_after, self.eos = model.eval(), tokenizer, space_after, eos

    def ids(self, text):
        return self.tokenizer(text)["input_ids"]

    def rows(self, prompt, target):
        first = self.ids(prompt + " " if self.space_after else prompt)
        whole = self.ids(prompt + " " + target)
        assert whole[: len(first)] == first and len(whole) > len(first), (prompt, target)
        return first, whole[len(first) :]

    @torch.no_grad()
    def log_probs(self, prompt_ids, target_ids):
        logits = self.model(torch.tensor([prompt_ids + target_ids])).logits[0].double()
        every = torch.log_softmax(logits, -1)
        return [float(every[len(prompt_ids) - 1 + i, token]) for i, token in enumerate(target_ids)]

    @torch.no_grad()
    def greedy(self, prompt, tokens):
        prompt_ids = self.ids(prompt + " " if self.space_after else prompt)
        ids = list(prompt_ids)
        for _ in range(tokens):
            token = int(self.model(torch.tensor([ids])).logits[0, -1].argmax())
            if token == self.eos:
                break
            ids.append(token)
        said = self.tokenizer.decode(ids, skip_special_tokens=True)
        return said[len(self.tokenizer.decode(prompt_ids, skip_special_tokens=True)) :]

    def length(self, prompt, target):
        first, rest = self.rows(prompt, target)
        return len(first) + len(rest)


def normalise(text):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def exact_and_f1(prediction, answers):
    golds = [a for a in answers if normalise(a)] or [""]
    best_exact = best_f1 = 0.0
    for gold in golds:
        g, p = normalise(gold).split(), normalise(prediction).split()
        best_exact = max(best_exact, float(g == p))
        if not g or not p:
            best_f1 = max(best_f1, float(g == p))
            continue
        same = sum((collections.Counter(g) & collections.Counter(p)).values())
        if same:
            precision, recall = same / len(p), same / len(g)
            best_f1 = max(best_f1, 2 * precision * recall / (precision + recall))
    return best_exact, best_f1


def credit(weights, answer):
    best = max(weights)
    return 1 / weights.count(best) if weights[answer] == best else 0.0


def choice(lab, task, item):
    prompt, options, answer = choice_prompt(task, item)
    rows = [lab.rows(prompt, option) for option in options]
    probs = [lab.log_probs(*row) for row in rows]
    with torch.no_grad():
        last = lab.model(torch.tensor([rows[0][0]])).logits[0, -1].double()
    sums = [math.fsum(p) for p in probs]
    return {
        "id": item["id"],
        "log_probs": [[float(f"{x:.9g}") for x in p] for p in probs],
        "likelihood": credit(sums, answer),
        "likelihood_per_token": credit([s / len(p) for s, p in zip(sums, probs)], answer),
        "likelihood_per_character": credit([s / len(o) for s, o in zip(sums, options)], answer),
        # argmax among the options' first tokens of the logits at the prompt's last position
        "first_token": credit([float(last[row[1][0]]) for row in rows], answer),
    }


def reading(lab, task, item):
    prompt, tokens, stops = reading_prompt(task, item)
    said = lab.greedy(prompt, tokens)
    for stop in stops:
        said = said.split(stop)[0]
    said = said.strip()
    if ECHOES.get(task, ("",))[0] == item["id"]:
        words = ECHOES[task][1]
        item["answers"] = [" ".join(said.split()[:words]) if words else said] + item["answers"][1:]
    gold = item["answers"][0] if item["answers"] else "N/A"
    exact, f1 = exact_and_f1("" if said.rstrip(".").lower() == "n/a" else said, item["answers"])
    probs = lab.log_probs(*lab.rows(prompt, gold))
    ppl = math.exp(-math.fsum(probs) / len(probs))
    return {"id": item["id"], "answers": item["answers"], "said": said, "exact_match": exact, "f1": f1, "inverse_perplexity": 1 / ppl}


TASKS = ["csqa", "csqa_letters", "mmlu", "mmlu_letters", "anli", "squad_v2", "atlas_choice", "atlas_entailment", "atlas_reading"]


def measure(lab, items):
    expected = {}
    for task in TASKS:
        of_task = items.get(task.replace("_letters", ""), [])
        ask = reading if task in ("squad_v2", "atlas_reading") else choice
        if of_task:
            expected[task] = [ask(lab, task, dict(item)) for item in of_task]
    return expected


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(noise * 0.3)
            elif "norm" in name or "ln_" in name:
                parameter.copy_((1.0 if name.endswith("weight") else 0.0) + noise * 0.1)
            else:
                parameter.copy_(noise * 0.1)
            parameter.copy_(parameter.half().float())


def silence(model, tokenizer):
    """Tokens that are no plain text get no embedding, hence no logit above those that have one: what is said can be read."""
    with torch.no_grad():
        for token in range(len(tokenizer)):
            text = tokenizer.decode([token])
            if not (text.isascii() and text.isprintable() and text):
                model.get_input_embeddings().weight[token] = 0


KEEP = {
    "gpt2": ["n_embd", "n_head", "n_layer", "n_positions", "vocab_size", "activation_function", "layer_norm_epsilon"],
    "llama": [
        "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
        "max_position_embeddings", "rms_norm_eps", "vocab_size", "hidden_act", "rope_theta",
    ],
}


def tiny(name, tokenizer_file, seed):
    """A random model of its own folder, in half precision, with the tokenizer it reads with."""
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(TOKENIZERS / tokenizer_file, folder / "tokenizer.json")
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), clean_up_tokenization_spaces=False)
    vocab = tokenizer.backend_tokenizer.get_vocab_size()
    if name == "gpt2":
        eos = "<|endoftext|>"
        config = GPT2Config(
            vocab_size=vocab, n_positions=320, n_embd=16, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0
        )
        model = GPT2LMHeadModel(config)
    else:
        eos = "</s>"
        config = LlamaConfig(
            vocab_size=vocab, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True, rope_theta=10000.0,
        )
        model = LlamaForCausalLM(config)
    randomise(model, seed)
    silence(model, tokenizer)
    kept = {key: value for key, value in config.to_dict().items() if key in KEEP[name]}
    eos_id = tokenizer.convert_tokens_to_ids(eos)
    kept |= {"model_type": name, "tie_word_embeddings": True, "torch_dtype": "float16", "eos_token_id": eos_id}
    if name == "llama":
        kept |= {"rope_theta": 10000.0, "bos_token_id": tokenizer.convert_tokens_to_ids("<s>")}
    (folder / "config.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    named = {"eos_token": eos} | ({"bos_token": "<s>"} if name == "llama" else {})
    (folder / "tokenizer_config.json").write_text(json.dumps(named, indent=1) + "\n")
    state = {
        key: value.half().contiguous().clone()
        for key, value in model.state_dict().items()
        if key != "lm_head.weight" and not key.endswith((".attn.bias", ".attn.masked_bias"))
    }
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    return Lab(model, tokenizer, space_after=False, eos=eos_id)


def real():
    """A few items of the shared files on a real small checkpoint: ids and scores, none of the text."""
    folder = SHARED / "models/tinystories656k"
    if not folder.exists():
        return
    # By its file alone: the class that transformers picks for it drops characters that are not in the vocabulary.
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), eos_token="<|end_story|>", clean_up_tokenization_spaces=False
    )
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    lab = Lab(model, tokenizer, space_after=True, eos=tokenizer.eos_token_id)
    context = model.config.max_position_embeddings

    csqa = []
    for line in (SHARED / "general/csqa_dev.jsonl").read_text().splitlines()[:6]:
        record = json.loads(line)
        labels = [each["label"] for each in record["question"]["choices"]]
        csqa.append({
            "id": record["id"], "question": record["question"]["stem"], "answer": labels.index(record["answerKey"]),
            "options": [each["text"] for each in record["question"]["choices"]],
        })
    mmlu = []
    with (SHARED / "general/mmlu/world_religions_test.csv").open(newline="") as file:
        for index, row in enumerate(csv.DictReader(file)):
            mmlu.append({
                "id": str(index), "question": row["question"], "answer": int(row["answer"]),
                "options": [row[f"choice{i}"] for i in range(4)],
            })
    squad = []
    for record in json.loads((SHARED / "general/squad_v2_sample.json").read_text())[:40]:
        item = {"id": record["id"], "context": record["context"], "question": record["question"], "answers": [record["answer"]]}
        squad.append(item)
    expected = {}
    for task, items, wanted in (("csqa", csqa, 6), ("mmlu", mmlu, 5), ("squad_v2", squad, 3)):
        kept = []
        for item in items:
            try:
                if task == "squad_v2":
                    prompt, tokens, _ = reading_prompt(task, item)
                    if len(lab.ids(prompt + " ")) + tokens > context:
                        kept.append({"id": item["id"], "too_long": True})
                        continue
                    result = reading(lab, task, dict(item, id="real"))
                    result = {key: result[key] for key in ("said", "exact_match", "f1", "inverse_perplexity")}
                else:
                    result = choice(lab, task, item)
                    del result["log_probs"]
            except AssertionError:
                # The tokenizer merges across the seam of this item: its layout is tested in packages/models.
                continue
            kept.append(dict(result, id=item["id"]))
            if sum("too_long" not in each for each in kept) == wanted:
                break
        expected[task] = kept
    (OUT / "tinystories.json").write_text(json.dumps(expected, indent=1) + "\n")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    labs = {"gpt2": tiny("gpt2", "byte-level.json", 11), "llama": tiny("llama", "llama.json", 12)}
    texts = [{"said": said, "answers": answers, "exact_match": e, "f1": f} for said, answers in TEXTS for e, f in [exact_and_f1(said, answers)]]
    models = {name: measure(lab, ITEMS) for name, lab in labs.items()}
    (OUT / "expected.json").write_text(json.dumps({"items": ITEMS, "texts": texts, "models": models}, indent=1) + "\n")
    real()


if __name__ == "__main__":
    main()
