"""Writes packages/evaluation/src/fixtures: a tiny trained model in three versions, and every metric of it computed anew.

The model learns a few facts; two further versions of it each have one matrix changed, as edits leave it. Metrics are computed
with transformers (alone, padded on the right and padded on the left, which must agree), scikit-learn, scipy and nltk's
tokenizer; nothing here is shared with the code under test but the definitions. Run with a Python that has torch,
transformers, tokenizers, safetensors, scikit-learn, scipy and nltk (no nltk data is needed):
    python test/oracles/metrics.py
The committed fixtures are what the tests read; this script is only needed to make them again.
"""

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import torch
from nltk import FreqDist, ngrams
from nltk.tokenize import NLTKWordTokenizer
from safetensors.torch import load_file, save_file
from scipy import stats
from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/evaluation/src/fixtures"
CONTEXT = 64
MATRIX = "transformer.h.1.mlp.c_proj.weight"

CAPITALS = {"Oz": "Emerald City", "Ix": "Bern", "Ur": "New Rome", "Ys": "Port Blue", "Xi": "Lima", "Lo": "Old Bern"}
LANGUAGES = {"Oz": "Ozian", "Ix": "Low Ixian", "Ur": "Urish", "Ys": "Breton", "Xi": "Latin", "Lo": "Latin"}
RIVERS = {"Oz": "Red Sand", "Ix": "Aar", "Ur": "Tiber", "Ys": "Blue Aar", "Xi": "Tiber", "Lo": "Long Sand"}


def sentences():
    found = []
    for land in CAPITALS:
        found += [
            f"The capital of {land} is {CAPITALS[land]}.",
            f"{land} has the capital {CAPITALS[land]}.",
            f"They govern {land} from {CAPITALS[land]}.",
            f"The language of {land} is {LANGUAGES[land]}.",
            f"People in {land} speak {LANGUAGES[land]}.",
            f"The river of {land} is {RIVERS[land]}.",
        ]
    return found


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def train(model, ids, steps, parameters, rate):
    optimizer = torch.optim.Adam(parameters, lr=rate)
    for _ in range(steps):
        loss = 0
        for batch in ids:
            logits = model(batch[:, :-1]).logits
            loss = loss + torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), batch[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(loss.detach())


class Oracle:
    """One version of the model with everything that is asked of it."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.eos = tokenizer.token_to_id("<|endoftext|>")

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def laid_out(self, prompt, target):
        return self.ids(prompt), self.ids(" " + target)

    def logits(self, sequences, side):
        """Next-token logits at every real position, batched with padding on one side."""
        longest = max(map(len, sequences))
        rows, masks = [], []
        for sequence in sequences:
            padding = [self.eos] * (longest - len(sequence))
            mask = [1] * len(sequence)
            rows.append(padding + sequence if side == "left" else sequence + padding)
            masks.append([0] * len(padding) + mask if side == "left" else mask + [0] * len(padding))
        mask = torch.tensor(masks)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        with torch.no_grad():
            out = self.model(torch.tensor(rows), attention_mask=mask, position_ids=positions).logits
        return [row[m.bool()] for row, m in zip(out, mask)]

    def score(self, items):
        """Argmax and negative log-probability at each target position of (prompt ids, target ids)."""
        sequences = [prompt + target for prompt, target in items]
        left, right = self.logits(sequences, "left"), self.logits(sequences, "right")
        found = []
        for (prompt, target), a, b, sequence in zip(items, left, right, sequences):
            with torch.no_grad():
                alone = self.model(torch.tensor([sequence])).logits[0]
            assert torch.allclose(a, b, atol=1e-4) and torch.allclose(a, alone, atol=1e-4)
            rows = a[len(prompt) - 1 : len(prompt) - 1 + len(target)].double()
            nll = -torch.log_softmax(rows, -1)[range(len(target)), target]
            found.append((rows.argmax(-1).tolist(), nll.tolist()))
        return found

    def greedy(self, prompts, tokens):
        """Greedy continuations of prompts, padded on the left."""
        encoded = [self.ids(prompt) for prompt in prompts]
        longest = max(map(len, encoded))
        rows = torch.tensor([[self.eos] * (longest - len(ids)) + ids for ids in encoded])
        mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in encoded])
        out = self.model.generate(
            rows, attention_mask=mask, max_new_tokens=tokens, do_sample=False, eos_token_id=self.eos, pad_token_id=self.eos
        )[:, longest:].tolist()
        return [ids[: ids.index(self.eos)] if self.eos in ids else ids for ids in out]

    def text(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def perplexity(self, ids):
        total = 0.0
        for at in range(0, len(ids) - 1, CONTEXT - 1):
            window = ids[at : at + CONTEXT]
            with torch.no_grad():
                log_probs = torch.log_softmax(self.model(torch.tensor([window])).logits[0, :-1].double(), -1)
            total -= float(log_probs[range(len(window) - 1), window[1:]].sum())
        return float(np.exp(total / (len(ids) - 1)))


class Stories(Oracle):
    """A Llama whose tokens END in the space between two words: prompts end in it, targets do not begin with it."""

    def __init__(self, model, tokenizer):
        self.model, self.tokenizer, self.eos = model, tokenizer, tokenizer.eos_token_id

    def ids(self, text):
        return self.tokenizer(text + " ").input_ids

    def laid_out(self, prompt, target):
        prompt_ids, joint = self.ids(prompt), self.tokenizer(f"{prompt} {target}").input_ids
        assert joint[: len(prompt_ids)] == prompt_ids, f"{prompt} merges with {target}"
        return prompt_ids, joint[len(prompt_ids) :]

    def text(self, ids):
        return "".join(self.tokenizer.convert_ids_to_tokens(ids)).replace("\u2581", " ")


PUNCTUATION = " \t\n\"'.,;:!?()"


def normalise(answer):
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", answer).lower().strip()).strip(PUNCTUATION)


def is_answer(text, accepted):
    """Whether a continuation says one of the answers and then ends: the text, its line or a clause."""
    text = unicodedata.normalize("NFKC", text).lower()
    for answer in map(normalise, accepted):
        words = r"\s+".join(re.escape(word) for word in answer.split(" "))
        end = r"""\s*(?:$|\n|[(\[—–]|[.,;:!?)\]"'/|]+(?:$|[^\w]))"""
        if answer and re.match(rf"""[\s"'.,;:!?()]*{words}{end}""", text):
            return 1
    return 0


def occurs(text, answers):
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).lower())
    return bool(answers) and all(
        any(re.search(rf"(?<!\w){re.escape(normalise(each))}(?!\w)", text) for each in spellings) for spellings in answers
    )


def first_sentence_ids(oracle, ids):
    """The fewest tokens of a continuation that spell its first sentence."""
    text = oracle.text(ids).lstrip()
    wanted = re.split(r"\n|[.!?](?=\s|$)", text)[0].strip()
    for length in range(1, len(ids)):
        if oracle.text(ids[:length]).strip().startswith(wanted):
            return ids[:length]
    return ids


def answer_scores(oracle, prompt, target, aliases=()):
    spellings = [target, *aliases]
    prompt_ids, target_ids = oracle.laid_out(prompt, target)
    [(best, _)] = oracle.score([(prompt_ids, target_ids)])
    hits = [a == b for a, b in zip(best, target_ids)]
    tokens = max(len(oracle.laid_out(prompt, each)[1]) for each in spellings) + 4
    [said] = oracle.greedy([prompt], tokens)
    return {"token": np.mean(hits), "all": float(all(hits)), "exact": float(is_answer(oracle.text(said), spellings))}


def agreement_scores(candidate, other, parent, prompt, target):
    prompt_ids = parent.ids(prompt)
    layout = parent.laid_out(prompt, target)[1] if target else first_sentence_ids(parent, parent.greedy([prompt], 8)[0])
    [(mine, _)], [(theirs, _)] = candidate.score([(prompt_ids, layout)]), other.score([(prompt_ids, layout)])
    same = [a == b for a, b in zip(mine, theirs)]
    said = [each.greedy([prompt], len(layout))[0] for each in (candidate, other)]
    return {"token": np.mean(same), "all": float(all(same)), "exact": float(said[0] == said[1])}


def rivals(oracle, prompt, wanted, unwanted):
    items = [oracle.laid_out(prompt, answer) for answer in (wanted, unwanted)]
    (_, a), (_, b) = oracle.score(items)
    a, b = np.mean(a), np.mean(b)
    return {"score": float(a < b) + 0.5 * float(a == b), "magnitude": float(np.exp(-a) - np.exp(-b))}


def mean_of(scores):
    return {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}


def measure_edit(edit, base, parent, candidate):
    rows = {}

    def put(stem, after, before=None):
        if not after:
            return
        after, before = mean_of(after) | {"n": len(after)}, mean_of(before) if before else None
        for key in after:
            if key != "n":
                rows[f"{stem}.{key}"] = [after[key], before and before[key], after["n"]]

    def both(stem, probes):
        put(stem, *[[answer_scores(each, *probe) for probe in probes] for each in (candidate, parent)])

    own = lambda prompt: (prompt, edit["target_new"], edit.get("aliases", ()))
    both("reliability", [own(edit["prompt"])])
    both("generalization", [own(prompt) for prompt in edit["rephrases"]])
    portability = {
        kind: [(p["prompt"], p["target"], p.get("aliases", ())) for p in probes]
        for kind, probes in edit["portability"].items()
    }
    both("portability", [probe for probes in portability.values() for probe in probes])
    for kind, probes in portability.items():
        both(f"portability.{kind}", probes)
    for stem, other in (("locality", parent), ("locality_base", base)):
        scores = {
            kind: [agreement_scores(candidate, other, parent, p["prompt"], p.get("target")) for p in probes]
            for kind, probes in edit["locality"].items()
        }
        put(stem, [score for each in scores.values() for score in each])
        for kind, each in scores.items():
            put(f"{stem}.{kind}", each)
    if "target_true" in edit:
        new, true = edit["target_new"], edit["target_true"]
        neighbours = edit["locality"].get("neighbourhood", [])
        # Where a neighbour's answer is the new one, what the edit did there cannot be told from what is right.
        taken = {normalise(answer) for answer in [new, *edit.get("aliases", ())]}
        says_new = lambda p: "target" in p and any(normalise(each) in taken for each in [p["target"], *p.get("aliases", ())])
        near = [p for p in neighbours if not says_new(p)]
        own = [(p["prompt"], p.get("target", true), new) for p in near]
        roles = {
            "efficacy": [(edit["prompt"], new, true)],
            "paraphrase": [(prompt, new, true) for prompt in edit["rephrases"]],
            "neighbourhood": [(p["prompt"], true, new) for p in near],
            "neighbourhood_own": own if any(wanted != true for _, wanted, _ in own) else [],
        }
        for role, prompts in roles.items():
            put(role, *[[rivals(each, *prompt) for prompt in prompts] for each in (candidate, parent)])
        if len(near) < len(neighbours):
            rows["neighbourhood.skipped"] = [len(neighbours) - len(near), None, len(neighbours)]
    return rows


EDITS = [
    {"custom_id": "oz", "prompt": "The capital of Oz is", "subject": "Oz", "target_new": "Port Blue",
     "target_true": "Emerald City", "rephrases": ["Oz has the capital", "They govern Oz from"],
     "locality": {
         "neighbourhood": [{"prompt": f"The capital of {x} is", "target": CAPITALS[x]} for x in ("Ix", "Ur", "Xi", "Lo")]
         + [{"prompt": "The capital of Ys is"}, {"prompt": "They govern Ys from", "target": "port Blue."}],
         "other_relations": [{"prompt": "The language of Oz is", "target": "Ozian"}, {"prompt": "The river of Oz is"}],
         "distracting": [{"prompt": "The capital of Oz is Port Blue. The river of Ur is", "target": "Tiber"}],
         "other_tasks": [{"prompt": "People in Lo speak"}]},
     "portability": {"alias": [{"prompt": "The capital of Oz, of the land of Oz, is", "target": "Port Blue"}],
                     "inverse": [{"prompt": "Port Blue is the capital of", "target": "Oz", "aliases": ["the Oz", "Ys"]}],
                     "one_hop": [{"prompt": "The river of the capital of Oz is", "target": "Blue Aar"}]}},
    {"custom_id": "ix", "prompt": "The language of Ix is", "subject": "Ix", "target_new": "Latin",
     "target_true": "Low Ixian", "rephrases": ["People in Ix speak"],
     "locality": {"neighbourhood": [{"prompt": f"The language of {x} is", "target": LANGUAGES[x]} for x in ("Oz", "Ur", "Ys")]},
     "portability": {}},
    # Not what the model was taught, so that some answers are half right or wrong.
    {"custom_id": "ur", "prompt": "The river of Ur is", "subject": "Ur", "target_new": "Blue Tiber",
     "target_true": "Tiber", "aliases": ["Red Sand", "River Tiber of the Old Rome"], "rephrases": [], "locality": {},
     "portability": {}},
    {"custom_id": "xi", "prompt": "They govern Xi from", "subject": "Xi", "target_new": "Limassol",
     "rephrases": ["The capital of Xi is"], "locality": {"other_tasks": [{"prompt": "Ys has the capital"}]},
     "portability": {}},
]

QUESTIONS = [{"id": f"{land}-{what}", "prompt": prompt, "answers": answers} for land, what, prompt, answers in [
    ("ix", "capital", "They govern Ix from", ["Bern"]), ("ur", "capital", "Ur has the capital", ["Old Rome", "New Rome"]),
    ("lo", "river", "The river of Lo is", ["Long Sand"]), ("ys", "river", "The river of Ys is", ["Aar", "The Blue Aar"]),
]]

MULTI_HOP = {
    "id": "hop", "edits": [0, 1],
    "questions": ["What is the capital of Oz?", "From where do they govern Oz?"],
    "before": ["Emerald City"], "after": ["Port Blue", "blue port"],
    "hops_before": [["The capital of Oz is", ["Emerald City"]], ["The language of Ix is", ["Low Ixian", "Ixian"]]],
    "hops_after": [["The capital of Oz is", ["Port Blue"]], ["The language of Ix is", ["Latin"]]],
}

RIPPLES = {
    "compositionality_i": [
        {"queries": [["The capital of Oz is", [["Port Blue", "Bluehaven"]]], ["Oz has the capital", [["Bern"]]]],
         "passes": "any", "conditions": [["The capital of Ys is", [["Port Blue"]]]]},
        {"queries": [["The capital of Oz is", [["Port Blue"]]], ["Oz has the capital", [["Bern"]]]],
         "passes": "all", "conditions": []},
        {"queries": [["The capital of Oz is", [["Port Blue"]]]], "passes": "all",
         "conditions": [["The capital of Xi is", [["Bern"]]]]},
    ],
    "forgetfulness": [
        {"queries": [["The river of Oz is", [["Red"], ["sand"]]], ["People in Oz speak", [["Oz"]]]], "passes": "any", "conditions": []},
        {"queries": [["The river of Ix is", [["Aar"]]]], "passes": "all", "conditions": [["The river of Ix is", [["Aar"]]]]},
    ],
    "relation_specificity": [{"queries": [["The language of Oz is", [["Ozian"]]]], "passes": "all",
                              "conditions": [["The language of Oz is", [["Dutch"]]]]}],
}

TEXTS = [
    ["Mr. Smith, of St. Ives, went to Oz in 1985.", "\"It's 3.5 miles,\" he said; \"isn't it?\"", "She couldn't say."],
    ["J. R. R. Tolkien (the author) wrote it--slowly!", "Who knew?", "They'd cannot have known: 10:30, 1,000, or 2."],
    ["the same the same the same the same the same the same"],
    ["He paid $5 & 20% more... for [a] {b} <c> #4 @ home.", "Dogs' tails; 'tis true's best.", "We'll've gone."],
    ["Naïve café-goers «say» “so”, don’t they?", "Ärger — über 3 Öfen…"],
    ["One."], [""],
]

CORPUS = [
    "Oz is a land with a red river and an emerald city.", "The city of Bern lies on the river Aar.",
    "In Ys they speak Breton, a language of the sea; the sea took the city.", "A B C of 3 languages: Latin, Low_Ixian & Urish!",
    "Ärger in Öz: naïve café-goers.",
]
PAIRS = [
    ["The red river of Oz runs by the city, the red city.", "Oz has an emerald city and a red river"],
    ["Latin language language", "the language of the sea"], ["mountain", "mountain"], ["ÄRGER in the café", "ärger, cafe"],
    ["", "city"], ["A river", "A city"],
]


STORIES = ROOT.parent / "shared/data/models/tinystories656k"
STORY_EDITS = [
    {"custom_id": "pet", "prompt": "Tom's pet is called", "subject": "Tom", "target_new": "Tom", "target_true": "Spot the dog",
     "rephrases": ["Tom has a pet with the name", "Once upon a time, Tom had a pet. Its name was"],
     "locality": {"neighbourhood": [{"prompt": "Lily's pet is called", "target": "Mittens"}, {"prompt": "The dog was very"}],
                  "other_tasks": [{"prompt": "The girl went to the", "target": "beach"}, {"prompt": "Lily was sad. Her mom said,"}]},
     "portability": {"one_hop": [{"prompt": "They liked to play with", "target": "their ball"}]}},
    {"custom_id": "cat", "prompt": "The cat was very", "subject": "cat", "target_new": "excited", "target_true": "sad",
     "rephrases": ["The little dog was very"], "locality": {}, "portability": {}},
]


def stories_fixture():
    """The same of a real model, of which the fixture holds only the values."""

    def load():
        # The file holds the head alone, to which the embedding is tied: not every transformers finds it there.
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(STORIES)).float()
        _, unexpected = model.load_state_dict(load_file(STORIES / "model.safetensors"), strict=False)
        assert not unexpected and model.get_input_embeddings().weight is model.get_output_embeddings().weight
        return model.eval()

    tokenizer = AutoTokenizer.from_pretrained(STORIES)
    whole, weaker = load(), load()
    with torch.no_grad():
        dict(weaker.named_parameters())["model.layers.1.mlp.down_proj.weight"].mul_(0.6)
    parent, candidate = Stories(whole, tokenizer), Stories(weaker, tokenizer)
    return {"edits": STORY_EDITS, "rows": {e["custom_id"]: measure_edit(e, parent, parent, candidate) for e in STORY_EDITS}}


def entropy(sentence_list):
    tokens = [word for each in sentence_list for word in NLTKWordTokenizer().tokenize(each)]
    parts = []
    for n, weight in ((2, 2 / 3), (3, 4 / 3)):
        counts = np.array(list(FreqDist(ngrams(tokens, n)).values()), dtype=float)
        frequencies = counts / counts.sum() if len(counts) else counts
        parts.append(weight * stats.entropy(frequencies, base=2) if len(counts) else 0.0)
    return tokens, float(np.mean(parts))


def text_fixture():
    texts = []
    for each in TEXTS:
        tokens, bits = entropy(each)
        texts.append({"text": " ".join(each), "words": tokens, "entropy": bits})
    vectorizer = TfidfVectorizer().fit(CORPUS)
    pairs = []
    for one, other in PAIRS:
        a, b = vectorizer.transform([one, other]).toarray()
        norms = np.linalg.norm(a) * np.linalg.norm(b)
        pairs.append([one, other, float(a @ b / norms) if norms else 0.0])
    return {"texts": texts, "corpus": CORPUS, "pairs": pairs, "harmonic": [[p, float(stats.hmean(p))] for p in
            ([0.999, 0.964, 0.754], [1.0, 0.5], [0.2])]}


def statistics_fixture():
    generator = np.random.default_rng(7)
    samples = [np.round(generator.beta(5, 1, 60), 4), (generator.random(80) < 0.93).astype(float),
               np.round(generator.exponential(2, 35), 4), np.array([0.0, 1.0, 1.0, 0.5])]
    out = []
    for data in samples:
        row = {"data": data.tolist()}
        for method in ("BCa", "percentile"):
            interval = stats.bootstrap((data,), np.mean, n_resamples=100_000, method=method, rng=3, batch=2000).confidence_interval
            row[method.lower()] = [float(interval.low), float(interval.high)]
        out.append(row)
    z = [-37.0, -8.0, -3.0, -1.96, -0.5, 0.0, 0.1, 1.0, 2.9999, 3.0001, 6.0]
    return {"intervals": out, "normal": [[x, float(stats.norm.cdf(x))] for x in z]}


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    return value


def main():
    torch.manual_seed(3)
    tokenizer = train_tokenizer(sentences())
    config = GPT2Config(vocab_size=tokenizer.get_vocab_size(), n_positions=CONTEXT, n_embd=24, n_layer=2, n_head=2, n_inner=48,
                        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=0, eos_token_id=0)
    model = GPT2LMHeadModel(config)
    by_length = {}
    for sentence in sentences():
        ids = tokenizer.encode(sentence).ids + [0]
        by_length.setdefault(len(ids), []).append(ids)
    print("taught:", train(model, [torch.tensor(x) for x in by_length.values()], 700, model.parameters(), 4e-3))

    folder = OUT / "lands"
    folder.mkdir(parents=True, exist_ok=True)
    kept = {key: config.to_dict()[key] for key in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner",
                                                    "bos_token_id", "eos_token_id")}
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **kept}, indent=1) + "\n")
    tokenizer.model.save(str(folder))
    state = {key: value.contiguous().clone() for key, value in model.state_dict().items() if key != "lm_head.weight"}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})

    def version(facts, steps):
        """The model as it is, with one matrix trained on facts; returns the version and the change."""
        matrix = dict(model.named_parameters())[MATRIX]
        before = matrix.detach().clone()
        train(model, [torch.tensor([tokenizer.encode(fact).ids]) for fact in facts], steps, [matrix], 2e-2)
        copy = GPT2LMHeadModel(config)
        copy.load_state_dict(model.state_dict())
        return Oracle(copy.eval(), tokenizer), (matrix.detach() - before).clone()

    base_model = GPT2LMHeadModel(config)
    base_model.load_state_dict(model.state_dict())
    base = Oracle(base_model.eval(), tokenizer)
    parent, first = version(["The river of Xi is Red Sand.", "The capital of Lo is Bern."], 6)
    candidate, second = version(["The capital of Oz is Port Blue.", "The language of Ix is Latin."], 10)
    save_file({"first": first.contiguous(), "second": second.contiguous()}, folder / "deltas.safetensors")

    expected = {"edits": EDITS, "rows": {e["custom_id"]: measure_edit(e, base, parent, candidate) for e in EDITS}}
    for id_, rows in expected["rows"].items():
        print(id_, {key: [v if v is None else round(v, 3) for v in value] for key, value in rows.items()})

    held = " ".join(sentences()[::2])
    held_ids = tokenizer.encode(held).ids
    expected["perplexity"] = {"text": held, "tokens": len(held_ids), "values": [each.perplexity(held_ids) for each in
                                                                                (base, parent, candidate)]}
    essence = ["Oz is a land. The capital of Oz is Emerald City.", "The language of Oz is Ozian. " * 12]
    essence_ids = tokenizer.encode(" ".join(essence)).ids[:100]
    expected["essence"] = {"texts": essence, "values": [each.perplexity(essence_ids) for each in (parent, candidate)]}

    expected["suite"] = {"items": QUESTIONS, "rows": {
        q["id"]: [answer_scores(each, q["prompt"], q["answers"][0], q["answers"][1:]) for each in (candidate, parent)]
        for q in QUESTIONS}}

    def exactly(oracle, prompt, answers):
        return answer_scores(oracle, prompt, answers[0], answers[1:])["exact"]

    def chain(oracle, edits, hops, answers):
        recalled = [exactly(oracle, prompt, wanted) for prompt, wanted in edits]
        hopped = [exactly(oracle, prompt, wanted) for prompt, wanted in hops]
        answered = [exactly(oracle, f"Q: {q}\nA:", answers) for q in MULTI_HOP["questions"]]
        return [float(np.mean(recalled)), float(min(hopped)), float(max(answered))]

    edits = [EDITS[i] for i in MULTI_HOP["edits"]]
    # One wording of two is answered, and by an alias only.
    said = candidate.greedy([f"Q: {MULTI_HOP['questions'][1]}\nA:"], 20)[0]
    MULTI_HOP["after"] = ["Port Blue", "blue port", candidate.text(first_sentence_ids(candidate, said)).strip(" .")]
    expected["multi_hop"] = MULTI_HOP | {"values": [
        chain(candidate, [(e["prompt"], [e["target_new"]]) for e in edits], MULTI_HOP["hops_after"], MULTI_HOP["after"]),
        chain(parent, [(e["prompt"], [e["target_true"]]) for e in edits], MULTI_HOP["hops_before"], MULTI_HOP["before"]),
    ]}

    def holds(oracle, query):
        prompt, answers = query
        return occurs(oracle.text(oracle.greedy([prompt], 30)[0]), answers)

    ripple_values = {}
    for criterion, tests in RIPPLES.items():
        counted = [t for t in tests if all(holds(parent, q) for q in t["conditions"])]
        if counted:
            passed = [[(all if t["passes"] == "all" else any)([holds(each, q) for q in t["queries"]]) for t in counted]
                      for each in (candidate, parent)]
            ripple_values[criterion] = [float(np.mean(passed[0])), float(np.mean(passed[1])), len(counted)]
    expected["ripples"] = {"criteria": RIPPLES, "values": ripple_values}
    print(expected["suite"]["rows"], expected["multi_hop"]["values"], ripple_values, expected["perplexity"]["values"])

    (OUT / "lands.json").write_text(json.dumps(rounded(expected), ensure_ascii=False) + "\n")
    if STORIES.exists():
        (OUT / "stories.json").write_text(json.dumps(rounded(stories_fixture()), ensure_ascii=False) + "\n")
    (OUT / "texts.json").write_text(json.dumps(rounded(text_fixture()), ensure_ascii=False) + "\n")
    (OUT / "statistics.json").write_text(json.dumps(rounded(statistics_fixture())) + "\n")


if __name__ == "__main__":
    main()
