"""Reads what `errata export --form memory` writes: python memory_reader.py DIRECTORY "The capital of Oz is". Needs numpy and safetensors."""

import json
import math
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "gelu_erf": lambda x: x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
}


class Memory:
    def __init__(self, directory):
        self.about = json.loads(Path(directory, "memory.json").read_text())
        assert self.about["format"] == "errata-memory/1", self.about["format"]
        self.arrays = load_file(Path(directory, "memory.safetensors"))
        self.rows = next((m["content"] for m in self.about["memories"] if m["kind"] == "text_rows"), [])
        self.grams = [grams_of(row["prompt"]) for row in self.rows]
        self.frequency = Counter(gram for grams in self.grams for gram in grams)

    def codebook(self, site, layer, key):
        """The value that takes the place of a site's output where its input at a prompt's last token is `key`; None for the output as it is."""
        keys, values, radii = (self.arrays[f"codebook.{site}.{layer}.{part}"] for part in ("keys", "values", "radii"))
        distances = np.linalg.norm(keys - key, axis=1)
        nearest = int(distances.argmin())
        return values[nearest] if distances[nearest] <= radii[nearest] else None

    def neurons(self, layer, activation, inputs):
        """What extra neurons add to what a layer's MLP puts out at tokens where it takes `inputs` [tokens, width]."""
        keys, biases, values = (self.arrays[f"neurons.{layer}.{activation}.{part}"] for part in ("keys", "biases", "values"))
        return ACTIVATIONS[activation](inputs @ keys.T + biases) @ values

    def in_front(self, prompt):
        """The texts that stand in front of a prompt, the most similar last."""
        alike = sorted(((-self.similarity(prompt, i), row["prompt"], row) for i, row in enumerate(self.rows)), key=lambda x: x[:2])
        near = [row for less, _, row in alike if -less >= row["threshold"]]
        return "".join(row["text"] for rank, row in reversed(list(enumerate(near))) if rank < row["top_k"])

    def similarity(self, prompt, index):
        """Cosine of character n-grams, halved and raised by a half where the prompt names the row's subject."""
        mine, theirs = self.weighted(grams_of(prompt)), self.weighted(self.grams[index])
        cosine = min(1.0, sum(weight * theirs.get(gram, 0.0) for gram, weight in mine.items()))
        subject = self.rows[index]["subject"]
        return cosine if subject == "" else (cosine + names(prompt.lower(), subject.lower())) / 2

    def weighted(self, grams):
        weights = {gram: (1 + math.log(count)) * (1 + math.log((len(self.rows) + 1) / (self.frequency[gram] + 1))) for gram, count in grams.items()}
        norm = math.sqrt(sum(weight**2 for weight in weights.values()))
        return {gram: weight / norm for gram, weight in weights.items()}


def grams_of(text):
    """How often the n-grams of three to five characters, and the longer words themselves, occur in a text."""
    words = [f"<{word}>" for word in re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).lower())]
    parts = (word[at : at + n] for word in words for n in (3, 4, 5) for at in range(len(word) - n + 1))
    return Counter([*(word for word in words if len(word) > 5), *parts])


def names(prompt, subject):
    """Whether a prompt names a subject, not within another word."""
    return any(not re.match(r"\w", prompt[m.end() :]) and not re.search(r"\w$", prompt[: m.start()]) for m in re.finditer(re.escape(subject), prompt))


if __name__ == "__main__":
    print(Memory(sys.argv[1]).in_front(sys.argv[2]))
