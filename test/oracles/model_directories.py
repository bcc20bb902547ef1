"""Writes packages/models/src/fixtures/directories.json: what transformers takes small model directories to be.

Each variant is a set of files over the vocabularies in fixtures/tokenizers, and what AutoTokenizer makes of it: ids of texts with
all that belongs around them, the ids of named special tokens, a conversation in words, and the tokens that end a text. Beside them,
tensors that lie among the weights of tiny models, and which of those from_pretrained calls unexpected. Run with an interpreter that
has transformers 4.57 and torch: python test/oracles/model_directories.py
"""

import json
import logging
import pathlib
import tempfile

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig

OUT = pathlib.Path(__file__).parents[2] / "packages/models/src/fixtures/directories.json"
TOKENIZERS = OUT.parent / "tokenizers"

TEXTS = [
    "Paris",
    "The <|user|> capital  of France",
    "<|user|>Rome<|end|> Rome",
    "Romeo or xRome, Rome",
    "a <|endoftext|> b<s>c</s> [MASK] <mask> d ",
    "  <|user|>  <|pad|>\n x",
]


def stored(name, **patch):
    """A file of fixtures/tokenizers, with some of its fields replaced."""
    return {"stored": name, "patch": patch} if patch else {"stored": name}


def token(content, **flags):
    return {
        "content": content,
        "lstrip": False,
        "rstrip": False,
        "single_word": False,
        "normalized": False,
        "special": True,
        **flags,
    }


def named(content, **flags):
    return {"__type": "AddedToken", **token(content, **flags)}


GPT2 = {"config.json": {"model_type": "gpt2", "vocab_size": 428}}
LLAMA = {"config.json": {"model_type": "llama", "vocab_size": 528}}
MERGES = {**GPT2, "vocab.json": stored("byte-level-vocab.json"), "merges.txt": stored("byte-level-merges.txt")}
BYTES = {**GPT2, "tokenizer.json": stored("byte-level.json")}
PIECES = {**LLAMA, "tokenizer.json": stored("llama.json")}
WORDS = {
    "config.json": {"model_type": "bert", "vocab_size": 308},
    "vocab.txt": stored("word-piece-vocab.txt"),
}
WORD_JSON = {"config.json": {"model_type": "bert", "vocab_size": 308}, "tokenizer.json": stored("word-piece.json")}
OWN = json.loads((TOKENIZERS / "byte-level.json").read_text())["added_tokens"]
SPACED = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}


def settings(base, **fields):
    return {**base, "tokenizer_config.json": fields}


def of(model_type, base):
    return {**base, "config.json": {**base["config.json"], "model_type": model_type}}


USERS = {"420": token("<|user|>"), "421": token("<|end|>", rstrip=True), "422": token("<|pad|>", lstrip=True)}

VARIANTS = {
    # vocab.json and merges.txt.
    "merges alone": MERGES,
    "merges with added_tokens.json": {**MERGES, "added_tokens.json": {"<|user|>": 420, "<|pad|>": 421}},
    "merges with added_tokens.json and the names of special tokens": {
        **settings(MERGES, tokenizer_class="GPT2Tokenizer", pad_token="<|pad|>", additional_special_tokens=["<|user|>"]),
        "added_tokens.json": {"<|user|>": 420, "<|pad|>": 421},
    },
    "merges with ids that do not follow the vocabulary": {
        **MERGES,
        "added_tokens.json": {"<|user|>": 424, "<|pad|>": 422},
    },
    "merges with a space in front": settings(MERGES, tokenizer_class="GPT2Tokenizer", add_prefix_space=True),
    "merges with BOS": settings(MERGES, tokenizer_class="GPT2Tokenizer", add_bos_token=True, bos_token="<|user|>"),
    "merges with added_tokens_decoder": settings(MERGES, added_tokens_decoder=USERS, pad_token="<|pad|>"),
    "merges with the old map": {
        **settings(MERGES, pad_token="<|end|>"),
        "special_tokens_map.json": {"pad_token": "<|pad|>", "eos_token": {**token("<|end|>", lstrip=True)}},
    },
    "merges of Qwen2": settings(of("qwen2", MERGES), tokenizer_class="Qwen2Tokenizer", added_tokens_decoder=USERS),
    "merges of Qwen2 by its family": of("qwen3", MERGES),
    "merges of RoBERTa": settings(
        of("roberta", MERGES),
        tokenizer_class="RobertaTokenizer",
        cls_token="<|endoftext|>",
        sep_token="<|endoftext|>",
        bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
    ),
    "merges of CodeGen": settings(of("gptj", MERGES), tokenizer_class="CodeGenTokenizer", eos_token="<|end|>"),
    # tokenizer.json of bytes.
    "tokenizer.json alone": BYTES,
    "tokenizer.json that puts a space in front, whose class does not": {
        **GPT2,
        "tokenizer.json": stored("byte-level.json", pre_tokenizer=SPACED),
    },
    "tokenizer.json with a space in front by its settings": settings(BYTES, add_prefix_space=True),
    "tokenizer.json with a space in front left to it": settings(
        {**GPT2, "tokenizer.json": stored("byte-level.json", pre_tokenizer=SPACED)}, add_prefix_space=None
    ),
    "tokenizer.json with added_tokens_decoder": settings(
        BYTES, tokenizer_class="PreTrainedTokenizerFast", added_tokens_decoder=USERS, eos_token="<|end|>"
    ),
    "tokenizer.json with flags that its settings change": settings(
        {**GPT2, "tokenizer.json": stored("byte-level.json", added_tokens=[*OWN, {"id": 420, **token("<|user|>")}])},
        tokenizer_class="PreTrainedTokenizerFast",
        added_tokens_decoder={"420": token("<|user|>", lstrip=True, rstrip=True)},
    ),
    "tokenizer.json with added_tokens.json": {**BYTES, "added_tokens.json": {"<|user|>": 420, "Rome": 421}},
    "tokenizer.json with words that stand alone": settings(
        BYTES,
        added_tokens_decoder={
            "420": token("Rome", single_word=True, special=False),
            "421": token("<|user|>", normalized=True, special=False),
        },
    ),
    "tokenizer.json with more special tokens": settings(
        BYTES, additional_special_tokens=["<|user|>", named("<|end|>", rstrip=True)], unk_token=None
    ),
    "tokenizer.json with more special tokens in two files": {
        **settings(BYTES, additional_special_tokens=["<|user|>"]),
        "special_tokens_map.json": {"additional_special_tokens": ["<|pad|>", token("<|end|>")]},
    },
    "tokenizer.json with special tokens of its own": settings(
        BYTES, tokenizer_class="PreTrainedTokenizerFast", extra_special_tokens={"user_token": "<|user|>"}
    ),
    "tokenizer.json with the old map, which is not read beside added_tokens_decoder": {
        **settings(BYTES, added_tokens_decoder=USERS, eos_token="<|end|>"),
        "special_tokens_map.json": {"eos_token": "<|pad|>", "pad_token": "<|user|>"},
    },
    "tokenizer.json with BOS that its class does not read": settings(BYTES, add_bos_token=True),
    "tokenizer.json of GPT-NeoX": of("gpt_neox", BYTES),
    "tokenizer.json of GPT-NeoX with BOS and EOS": settings(
        of("gpt_neox", BYTES), tokenizer_class="GPTNeoXTokenizer", add_bos_token=True, add_eos_token=True
    ),
    "tokenizer.json of SmolLM3": of("smollm3", BYTES),
    "tokenizer.json of Qwen2": settings(of("qwen2", BYTES), added_tokens_decoder=USERS, eos_token="<|end|>"),
    "tokenizer.json of Gemma": settings(
        of("gemma2", BYTES), bos_token="<|user|>", eos_token="<|end|>", pad_token="<|pad|>"
    ),
    "tokenizer.json of OLMo 2 with a class of another": settings(
        of("olmo2", BYTES), tokenizer_class="GPT2Tokenizer", add_bos_token=True
    ),
    # tokenizer.json of sentencepiece's kind.
    "pieces alone": PIECES,
    "pieces without BOS": settings(PIECES, tokenizer_class="LlamaTokenizer", add_bos_token=False),
    "pieces with BOS and EOS": settings(PIECES, tokenizer_class="LlamaTokenizer", add_bos_token=True, add_eos_token=True),
    "pieces with added_tokens_decoder": settings(
        PIECES,
        tokenizer_class="LlamaTokenizerFast",
        added_tokens_decoder={
            "0": token("<unk>", normalized=True),
            "1": token("<s>", normalized=True),
            "2": token("</s>", normalized=True),
            "520": token("<|user|>"),
            "521": token("<|end|>", rstrip=True),
        },
        pad_token="<unk>",
    ),
    "pieces with tokens looked for in what is normalised": settings(
        PIECES,
        tokenizer_class="LlamaTokenizer",
        added_tokens_decoder={
            "520": token("Rome", normalized=True, special=False),
            "521": token("<|user|>", normalized=True, special=False, lstrip=True),
        },
    ),
    "pieces of Phi-3": settings(
        of("phi3", PIECES),
        tokenizer_class="LlamaTokenizer",
        add_bos_token=False,
        eos_token="<|user|>",
        pad_token="<|user|>",
        added_tokens_decoder={
            "520": token("<|user|>", rstrip=True),
            "521": token("<|end|>", rstrip=True),
            "522": token("<|pad|>", rstrip=True),
        },
    ),
    "pieces of Mistral by its family": of("mistral", PIECES),
    "pieces whose class puts nothing around": settings(PIECES, tokenizer_class="PreTrainedTokenizerFast"),
    "pieces with a class by config.json": {
        **PIECES,
        "config.json": {**LLAMA["config.json"], "tokenizer_class": "PreTrainedTokenizerFast"},
    },
    # Chat templates and ends of texts.
    "a chat template in a file": {**BYTES, "chat_template.jinja": "file {{ messages[0].content }}{{ eos_token }}"},
    "a chat template in the settings": settings(BYTES, chat_template="settings {{ messages[0].content }}{{ pad_token }}"),
    "chat templates by name": settings(
        BYTES,
        chat_template=[
            {"name": "default", "template": "default {{ messages[0].content }}"},
            {"name": "tool_use", "template": "tools"},
        ],
    ),
    "a chat template in a file and another in the settings": {
        **settings(BYTES, chat_template="settings"),
        "chat_template.jinja": "file {{ messages[0].content }}",
    },
    "chat templates in a folder": {
        **settings(BYTES, chat_template="settings"),
        "chat_template.jinja": "file {{ messages[0].content }}",
        "additional_chat_templates/rag.jinja": "rag",
    },
    "a chat template of a processor, which is none of the tokenizer": {
        **BYTES,
        "chat_template.json": {"chat_template": "processor"},
    },
    "ends of texts in generation_config.json": {
        **settings(BYTES, added_tokens_decoder=USERS, eos_token="<|end|>"),
        "generation_config.json": {"eos_token_id": [421, 420]},
    },
    "an end of texts in config.json": {
        **BYTES,
        "config.json": {**GPT2["config.json"], "eos_token_id": 7},
    },
    # BERT's.
    "words": WORDS,
    "words with their letter case": settings(WORDS, do_lower_case=False, tokenizer_class="BertTokenizer"),
    "words with added tokens": {
        **settings(WORDS, additional_special_tokens=["<|user|>"]),
        "added_tokens.json": {"<|user|>": 300, "Rome": 301},
    },
    "words in tokenizer.json with their letter case": settings(WORD_JSON, do_lower_case=False),
}


def write_files(directory, files):
    for name, contents in files.items():
        if isinstance(contents, dict) and "stored" in contents:
            text = (TOKENIZERS / contents["stored"]).read_text()
            if "patch" in contents:
                text = json.dumps({**json.loads(text), **contents["patch"]})
        else:
            text = contents if isinstance(contents, str) else json.dumps(contents)
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)


def expected(files):
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder)
        write_files(directory, files)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        row = {"ids": [tokenizer.encode(text) for text in TEXTS]}
        row |= {name: getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
        if tokenizer.chat_template is not None:
            row["chat"] = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
        if "generation_config.json" in files:
            row["stops"] = ends(GenerationConfig.from_pretrained(folder))
        elif "eos_token_id" in files["config.json"]:
            row["stops"] = ends(GenerationConfig.from_model_config(AutoConfig.from_pretrained(folder)))
        return row


def ends(generation):
    return generation.eos_token_id if isinstance(generation.eos_token_id, list) else [generation.eos_token_id]


# By the folders of tiny models in fixtures: tensors that lie among their weights.
BESIDE = {
    "gpt2-tied": [
        "transformer.h.0.attn.bias",
        "transformer.h.0.attn.masked_bias",
        "lm_head.weight",
        "v_head.summary.weight",
        "transformer.h.9.ln_1.weight",
    ],
    # Of GPT-J transformers names the masks too, which follow from its sizes all the same.
    "gptj": ["transformer.h.0.attn.rotary.weight", "transformer.h.9.mlp.fc_in.bias"],
    "gpt-neox": [
        "gpt_neox.layers.0.attention.bias",
        "gpt_neox.layers.0.attention.masked_bias",
        "gpt_neox.layers.0.attention.rotary_emb.inv_freq",
        "gpt_neox.layers.9.attention.dense.bias",
    ],
    "llama-tied": ["model.layers.0.self_attn.rotary_emb.inv_freq", "lm_head.weight", "score.weight"],
    "llama-grouped": ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.layers.7.mlp.up_proj.weight", "value.bias"],
    "qwen2": ["model.layers.0.self_attn.q_norm.weight", "lm_head.extra"],
    "qwen3": ["model.layers.0.self_attn.q_rescale.weight", "model.rotary_emb.inv_freq"],
    "gemma2": ["lm_head.weight", "model.layers.0.extra_layernorm.weight"],
}


def unexpected(name, beside):
    """The names that from_pretrained calls unexpected, of a model with random weights and those beside them."""
    config = AutoConfig.from_pretrained(OUT.parent / name)
    weights = {key: value.contiguous() for key, value in AutoModelForCausalLM.from_config(config).state_dict().items()}
    if config.tie_word_embeddings:
        weights.pop("lm_head.weight")
    weights |= {key: torch.ones(3) for key in beside if key != "lm_head.weight"}
    if "lm_head.weight" in beside:
        weights["lm_head.weight"] = torch.ones(config.vocab_size, config.hidden_size)
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        save_file(weights, f"{folder}/model.safetensors", metadata={"format": "pt"})
        _, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    return sorted(info["unexpected_keys"])


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    logging.disable(logging.WARNING)
    rows = []
    for name, files in VARIANTS.items():
        try:
            rows.append({"name": name, "files": files, **expected(files)})
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}")
    models = [{"model": name, "beside": beside, "unread": unexpected(name, beside)} for name, beside in BESIDE.items()]
    OUT.write_text(
        "{\n"
        + f'"texts": {json.dumps(TEXTS)},\n"variants": [\n'
        + ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        + '\n],\n"models": [\n'
        + ",\n".join(json.dumps(row, separators=(",", ":")) for row in models)
        + "\n]}\n"
    )
    print(f"{len(rows)} directories")
