"""What the editors' oracles share: tiny checkpoints with tokenizers, edits, prefixes, and how a model is read and hooked.

Everything runs in float64 on one whole sequence at a time: no padding, no caches, no cut graph, none of the shortcuts of what is tested.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, T5Config, T5ForConditionalGeneration

OUT = Path(__file__).resolve().parents[3] / "packages/editors/src/fixtures/oracle"

# The tokenizer splits words into pieces: subjects and targets of one token and of several.
PIECES = ["Ġa", "Ġb", "Ġi", "Ġin", "Ġs", "Ġt", "Ġth", "Ġthe", "an", "Ġan", "in", "is", "Ġis", "er", "on", "li", "ve", "Ġli", "Ġlive", "os",
          "Ġos", "lo", "Ġoslo", "to", "Ġp", "Ġpl", "Ġpla", "Ġplay"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz") + ["Ġ", ".", "Ċ"]

# Before a prompt: given as data, so that nothing is drawn. None ends a sentence: where one does, ours adds no second full stop.
PREFIXES = ["the sea is", "so it was", "because they", "i do"]

EDITS = {
    # Subject within the prompt, one token to write.
    "anna": {"prompt": "now anna lives in", "subject": "anna", "target_new": "oslo"},
    # Subject at the front, several tokens to write.
    "boris": {"prompt": "boris likes the", "subject": "boris", "target_new": "violin"},
    # Subject at the end of the prompt.
    "clara": {"prompt": "the home of clara", "subject": "clara", "target_new": "kyoto"},
    # Asked after the others, for what one of them was given.
    "boris-home": {"prompt": "so boris lives in", "subject": "boris", "target_new": "oslo"},
    "clara-home": {"prompt": "clara lives in", "subject": "clara", "target_new": "kyoto"},
    # Short, for what stands behind much else.
    "ian": {"prompt": "ian is", "subject": "ian", "target_new": "on"},
    "tina": {"prompt": "is tina", "subject": "tina", "target_new": "in"},
}

# What IKE shows beside a correction; one is about the subject of an edit.
DEMONSTRATIONS = [
    {"prompt": f"{who} is", "subject": who, "target_new": new, "rephrases": [f"is {who}", f"a {who}"],
     "neighbours": [{"prompt": f"{other} is", "target": "a"}, {"prompt": "it is", "target": "b"}]}
    for who, other, new in (("lina", "ira", "on"), ("ian", "ali", "in"), ("tim", "sam", "in"), ("ina", "ben", "to"))
]

# What second moments are taken over: more tokens than any tiny model has keys.
CORPUS = "".join(
    f"{who} {what} {where}.\n"
    for who in ("anna", "boris", "clara", "the man", "a woman", "nobody here")
    for what in ("lives in", "plays in", "was born in", "is the king of", "works at")
    for where in ("oslo", "kyoto", "lima", "the old town", "a house on the hill")
)


def make_tokenizer(bos=False, eos=False):
    """Byte-level BPE as GPT-2 has it; with `bos`, Llama's mark in front of every text; with `eos`, T5's behind it."""
    merges, vocabulary = [], list(LETTERS)
    for piece in PIECES:
        parts = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        merges.append(next((a, b) for a, b in reversed(parts) if a in vocabulary and b in vocabulary))
        vocabulary.append(piece)
    vocabulary += ["<s>"] if bos else []
    vocabulary += ["</s>"] if eos else []
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if bos:
        tokenizer.add_special_tokens(["<s>"])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", vocabulary.index("<s>"))]
        )
    if eos:
        tokenizer.add_special_tokens(["</s>"])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", vocabulary.index("</s>"))]
        )
    return tokenizer


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            norm = parameter.dim() == 1 and name.endswith("weight")
            parameter.copy_(1.0 + noise * 0.1 if norm else noise * (0.3 if parameter.dim() > 1 else 0.1))


@dataclass
class Tiny:
    """A checkpoint with its tokenizer, and the parts of it that editors touch."""

    name: str
    model: torch.nn.Module
    tokenizer: Tokenizer

    @property
    def blocks(self):
        if self.name == "t5":
            return self.model.decoder.block
        return self.model.transformer.h if self.name == "gpt2" else self.model.model.layers

    def value_map(self, layer):
        """The last linear map of an MLP: from keys to values."""
        if self.name == "t5":
            return self.blocks[layer].layer[2].DenseReluDense.wo
        mlp = self.blocks[layer].mlp
        return mlp.c_proj if self.name == "gpt2" else mlp.down_proj

    def value_name(self, layer):
        if self.name == "t5":
            return f"decoder.block.{layer}.layer.2.DenseReluDense.wo.weight"
        return f"h.{layer}.mlp.c_proj.weight" if self.name == "gpt2" else f"model.layers.{layer}.mlp.down_proj.weight"

    def keys_to_values(self, layer, matrix):
        """A matrix of keys to values, [d_ff, d], as the checkpoint stores its weight."""
        return matrix if self.name == "gpt2" else matrix.T

    def add(self, layer, matrix):
        """Installs a change, [d_ff, d]."""
        with torch.no_grad():
            self.value_map(layer).weight += self.keys_to_values(layer, matrix)

    def encode(self, text):
        return self.tokenizer.encode(text).ids

    def logits(self, ids, read=None):
        """Of a text, or of what is said to what an encoder reads."""
        if read is not None:
            return self.model(input_ids=torch.tensor([read]), decoder_input_ids=torch.tensor([ids]), use_cache=False).logits[0]
        return self.model(torch.tensor([ids]), use_cache=False).logits[0]


def config_of(name, vocabulary):
    if name == "gpt2":
        return GPT2Config(vocab_size=vocabulary, n_positions=48, n_embd=16, n_layer=4, n_head=4, n_inner=40,
                          resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=None, eos_token_id=None)
    if name == "t5":
        return T5Config(vocab_size=vocabulary, d_model=16, d_kv=4, d_ff=28, num_layers=2, num_decoder_layers=4, num_heads=4,
                        relative_attention_num_buckets=8, relative_attention_max_distance=12, feed_forward_proj="gated-gelu",
                        tie_word_embeddings=False, dropout_rate=0, decoder_start_token_id=0, eos_token_id=vocabulary - 1)
    return LlamaConfig(vocab_size=vocabulary, hidden_size=16, intermediate_size=28, num_hidden_layers=4, num_attention_heads=4,
                       num_key_value_heads=2, max_position_embeddings=48, tie_word_embeddings=False,
                       bos_token_id=vocabulary - 1, eos_token_id=None)


KEPT = {
    "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "activation_function", "layer_norm_epsilon",
    "tie_word_embeddings", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
    "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads", "relative_attention_num_buckets",
    "relative_attention_max_distance", "feed_forward_proj", "decoder_start_token_id", "hidden_act", "rms_norm_eps", "rope_theta", "max_position_embeddings", "attention_bias", "mlp_bias", "model_type",
}

NAMES = ("gpt2", "llama")
# An encoder reads its prompts: for the editors that say that they edit such models.
OVER_ENCODER = "t5"
MODELS = {"gpt2": GPT2LMHeadModel, "llama": LlamaForCausalLM, OVER_ENCODER: T5ForConditionalGeneration}
SEEDS = {"gpt2": 11, "llama": 12, OVER_ENCODER: 13}


def tiny(name):
    """A fresh copy of a tiny checkpoint, in float64."""
    tokenizer = make_tokenizer(bos=name == "llama", eos=name == OVER_ENCODER)
    config = config_of(name, tokenizer.get_vocab_size())
    config._attn_implementation = "eager"
    model = MODELS[name](config).eval()
    randomise(model, SEEDS[name])
    model.requires_grad_(False)
    # The weights as the file has them.
    return Tiny(name, model.float().double(), tokenizer)


def write_checkpoints():
    """The checkpoints as directories in Hugging Face layout, and what every oracle was given beside them."""
    for name in (*NAMES, OVER_ENCODER):
        one = tiny(name)
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        config = {key: value for key, value in one.model.config.to_dict().items() if key in KEPT}
        (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
        state = {key.removeprefix("transformer."): value.float().contiguous().clone()
                 for key, value in one.model.state_dict().items()
                 if not (key == "lm_head.weight" and one.model.config.tie_word_embeddings) and not key.endswith("embed_tokens.weight")
                 or name == "llama"}
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        one.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    given = {"prefixes": PREFIXES, "edits": EDITS, "corpus": CORPUS, "demonstrations": DEMONSTRATIONS}
    (OUT / "given.json").write_text(json.dumps(given, indent=1) + "\n")


@dataclass
class Laid:
    """Prompt and target as the model reads them, the target's last token left out: nothing is predicted from it."""

    ids: list
    subject_last: int
    target_start: int
    target: list
    read: list | None = None
    """What an encoder reads; `ids` are then what has been said to it."""


def lay_out(one, edit, prefix=""):
    """The target is joined by one space; the subject's last token is the one that holds its last letter."""
    prompt = f"{prefix}. {edit['prompt']}" if prefix else edit["prompt"]
    text = f"{prompt} {edit['target_new']}"
    marks = one.name != OVER_ENCODER
    before, both = (one.tokenizer.encode(part, add_special_tokens=marks) for part in (prompt, text))
    assert both.ids[: len(before.ids)] == before.ids
    end = prompt.rindex(edit["subject"]) + len(edit["subject"])
    last = next(i for i, (a, b) in enumerate(before.offsets) if a < end <= b)
    if one.name == OVER_ENCODER:
        target = both.ids[len(before.ids):]
        return Laid([one.model.config.decoder_start_token_id, *target[:-1]], last, 0, target, one.encode(prompt))
    return Laid(both.ids[:-1], last, len(before.ids) - 1, both.ids[len(before.ids):])


def contexts_of(one, edit):
    """The bare prompt, then the prompt behind each prefix."""
    return [lay_out(one, edit, prefix) for prefix in ["", *PREFIXES]]


class Watch:
    """Keys, values and block outputs at one position of one sequence, under the weights as they are."""

    def __init__(self, one, layer, ids, position):
        seen = {}

        def note(key, pick):
            return lambda _, given, output: seen.__setitem__(key, pick(given, output)[0, position].detach().clone())

        first = lambda output: output[0] if isinstance(output, tuple) else output
        handles = [
            one.value_map(layer).register_forward_hook(note("key", lambda given, _: given[0])),
            one.value_map(layer).register_forward_hook(note("value", lambda _, output: output)),
            one.blocks[layer].register_forward_hook(note("stream", lambda _, output: first(output))),
        ]
        with torch.no_grad():
            one.logits(ids)
        for handle in handles:
            handle.remove()
        self.key, self.value, self.stream = seen["key"], seen["value"], seen["stream"]


def write_updates(editor, cases):
    """One file an editor: the change of each matrix, as the checkpoint stores it; what led to it, in the metadata.

    `cases`: {name: {"model", "edits", "config", "updates": {parameter: matrix}}}; "earlier" are batches that came before the edits
    """
    tensors, described = {}, {}
    for name, case in cases.items():
        described[name] = {key: case[key] for key in ("model", "earlier", "edits", "config") if key in case}
        for parameter, matrix in case["updates"].items():
            tensors[f"{name}/{parameter}"] = matrix.float().contiguous()
    save_file(tensors, OUT / f"{editor}.safetensors", metadata={"cases": json.dumps(described)})
