"""Writes packages/models/src/fixtures/gguf: tiny models and vocabularies as GGUF files, and what the reference libraries make of them.

Run with a Python that has torch, transformers, gguf, tokenizers and sentencepiece:
    python test/oracles/gguf_files.py
Blocks of every format that is read, with their values by the gguf package; models whose logits are those of transformers, of the model that
was written and, where the file is quantised, of the file as transformers reads it; vocabularies with the ids of tokenizers or sentencepiece.
"""

import io
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import sentencepiece
import torch
from gguf import GGMLQuantizationType as Type
from gguf import quants
from safetensors.numpy import save_file
from tokenizer_files import CORPUS, TEXTS
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma3TextConfig, GPT2Config, LlamaConfig, Phi3Config, Qwen2Config, Qwen3Config

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/models/src/fixtures/gguf"
SEQUENCES = [[3, 17, 39, 5, 21, 0, 12], [9], [30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 1, 2, 3, 4, 5, 6]]

# --- blocks ---


def finite_halves(random, count):
    """Bytes of float16 numbers of every size, subnormal ones among them, and none infinite."""
    bits = random.integers(0, 0x7C00, count, dtype=np.uint16) | (random.integers(0, 2, count, dtype=np.uint16) << 15)
    return bits.astype(np.uint16).view(np.uint8).reshape(count, 2)


# Where a block keeps its float16 numbers.
HALVES = {Type.Q2_K: (80, 82), Type.Q3_K: (108,), Type.Q4_K: (0, 2), Type.Q5_K: (0, 2), Type.Q6_K: (208,)}
QUANTISED = [Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1]


def blocks():
    random = np.random.default_rng(11)
    tensors = {}
    for kind in [*QUANTISED, *HALVES]:
        if kind in HALVES:
            size = gguf.GGML_QUANT_SIZES[kind][1]
            data = random.integers(0, 256, (4, size), dtype=np.uint8)
            for at in HALVES[kind]:
                data[:, at : at + 2] = finite_halves(random, 4)
            data = data.reshape(1, -1)
        else:
            data = quants.quantize((random.standard_normal((2, 128)) * 3).astype(np.float32), kind)
        tensors[f"{kind.value}.bytes"] = np.ascontiguousarray(data).view(np.uint8).ravel()
        tensors[f"{kind.value}.values"] = quants.dequantize(data, kind).astype(np.float32).ravel()
    save_file(tensors, OUT / "blocks.safetensors")


# --- vocabularies ---

GPT4 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def byte_level(pre, size=310):
    def split(pattern):
        return pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )

    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer = Tokenizer(models.BPE(ignore_merges=pre == "llama-bpe"))
    tokenizer.pre_tokenizer = {
        "gpt-2": gpt2,
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2]),
        "llama-bpe": split(GPT4 % r"\p{N}{1,3}"),
        "qwen2": split(GPT4 % r"\p{N}"),
    }[pre]
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([*CORPUS, "1898 2024 314 1000000 123456"] * 2, trainer)
    return tokenizer


def write_byte_level(writer, tokenizer, pre, add_bos):
    data = json.loads(tokenizer.to_str())["model"]
    tokens = [token for token, _ in sorted(data["vocab"].items(), key=lambda item: item[1])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in SPECIALS else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) if isinstance(pair, list) else pair for pair in data["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_eot_token_id(2)
    writer.add_chat_template("{{ messages[0].content }}{{ eos_token }}")
    if add_bos is not None:
        writer.add_add_bos_token(add_bos)
    return len(tokens)


def sentence_piece():
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=360, model_type="bpe", byte_fallback=True, character_coverage=1.0,
        normalization_rule_name="identity", remove_extra_whitespaces=False, minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def write_sentence_piece(writer, sp, space):
    count = sp.get_piece_size()
    kinds = [2 if sp.is_unknown(i) else 3 if sp.is_control(i) else 6 if sp.is_byte(i) else 1 for i in range(count)]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([sp.id_to_piece(i) for i in range(count)])
    writer.add_token_scores([sp.get_score(i) for i in range(count)])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(sp.bos_id())
    writer.add_eos_token_id(sp.eos_id())
    writer.add_unk_token_id(sp.unk_id())
    writer.add_add_bos_token(True)
    if not space:
        writer.add_add_space_prefix(False)
    return count


def vocabularies():
    expected = {}
    for pre in ("gpt-2", "smollm", "llama-bpe", "qwen2"):
        tokenizer = byte_level(pre, 420)
        writer = gguf.GGUFWriter(OUT / f"vocabulary-{pre}.gguf", "llama")
        write_byte_level(writer, tokenizer, pre, None)
        finish(writer)
        expected[pre] = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    sp = sentence_piece()
    writer = gguf.GGUFWriter(OUT / "vocabulary-llama.gguf", "llama")
    write_sentence_piece(writer, sp, True)
    finish(writer)
    expected["llama"] = [sp.encode(text) for text in TEXTS]
    return {"texts": TEXTS, "ids": expected}


# --- models ---


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            one = 1.0 if ("norm" in name or "ln_" in name) and name.endswith("weight") else 0.0
            # Rounded, so that two bytes keep them.
            parameter.copy_((noise * (0.1 if parameter.dim() < 2 else 0.25) + one).half().float())


def write_config(writer, arch, config):
    get = config.get
    writer.add_name(f"tiny {arch}")
    writer.add_context_length(get("max_position_embeddings") or get("n_positions"))
    writer.add_embedding_length(get("hidden_size") or get("n_embd"))
    writer.add_block_count(get("num_hidden_layers") or get("n_layer"))
    writer.add_feed_forward_length(get("intermediate_size") or get("n_inner"))
    writer.add_head_count(get("num_attention_heads") or get("n_head"))
    if arch == "gpt2":
        writer.add_layer_norm_eps(get("layer_norm_epsilon"))
        return
    writer.add_head_count_kv(get("num_key_value_heads"))
    writer.add_layer_norm_rms_eps(get("rms_norm_eps"))
    writer.add_rope_freq_base(get("rope_theta"))
    head = get("head_dim") or get("hidden_size") // get("num_attention_heads")
    if arch in ("llama", "phi3"):
        writer.add_rope_dimension_count(int(head * (get("partial_rotary_factor") or 1)))
    if get("head_dim"):
        writer.add_key_length(head)
        writer.add_value_length(head)
    if get("sliding_window") and arch in ("gemma2", "gemma3", "phi3"):
        writer.add_sliding_window(get("sliding_window"))
    if arch == "gemma2":
        writer.add_attn_logit_softcapping(get("attn_logit_softcapping"))
        writer.add_final_logit_softcapping(get("final_logit_softcapping"))
    scaling = get("rope_scaling") or {}
    if scaling.get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(scaling["factor"])
    if scaling.get("rope_type") == "llama3":
        frequencies = 1.0 / get("rope_theta") ** (torch.arange(0, head, 2, dtype=torch.float32) / head)
        factors = []
        for frequency in frequencies:
            wavelength = 2 * np.pi / frequency
            original, low, high = (scaling[key] for key in ("original_max_position_embeddings", "low_freq_factor", "high_freq_factor"))
            if wavelength < original / high:
                factors.append(1)
            elif wavelength > original / low:
                factors.append(scaling["factor"])
            else:
                smooth = (original / wavelength - low) / (high - low)
                factors.append(1 / ((1 - smooth) / scaling["factor"] + smooth))
        writer.add_tensor("rope_freqs.weight", np.array(factors, dtype=np.float32))


def write_tensors(writer, arch, model, kinds):
    config = model.config
    layers = getattr(config, "num_hidden_layers")
    number = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == arch)
    names = gguf.get_tensor_name_map(number, layers)
    for position, (key, tensor) in enumerate(model.state_dict().items()):
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        values = tensor.numpy().astype(np.float32)
        base, suffix = key.rsplit(".", 1)
        name = f"{names.get_name(base)}.{suffix}"
        if arch == "llama" and (".attn_q." in name or ".attn_k." in name):
            heads = config.num_attention_heads if ".attn_q." in name else config.num_key_value_heads
            values = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)
        if arch in ("gemma2", "gemma3") and name.endswith("norm.weight"):
            values = values + 1
        if arch == "gpt2" and values.ndim == 2 and ".weight" in name and name.startswith("blk."):
            values = values.T
        kind = kinds[position % len(kinds)] if values.ndim == 2 else Type.F32
        writer.add_tensor(name, quants.quantize(np.ascontiguousarray(values), kind), raw_dtype=kind)


WIDE = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
SIZES = WIDE | dict(hidden_size=16, intermediate_size=32)
GEMMA = SIZES | dict(head_dim=8, query_pre_attn_scalar=8, sliding_window=4)
HALF, MIXED = [Type.F16], [Type.Q8_0, Type.Q4_0, Type.Q5_1, Type.Q4_1, Type.Q5_0]
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
MODELS = {
    "llama": ("llama", LlamaConfig, SIZES | dict(rope_theta=500.0, rms_norm_eps=1e-5), HALF),
    "llama3-rope": ("llama", LlamaConfig, SIZES | dict(rope_theta=5e5, rope_scaling=LLAMA3, head_dim=16, tie_word_embeddings=True), HALF),
    "llama-mixed": ("llama", LlamaConfig, WIDE, MIXED),
    "qwen2": ("qwen2", Qwen2Config, SIZES | dict(tie_word_embeddings=True), HALF),
    "qwen2-mixed": ("qwen2", Qwen2Config, WIDE, MIXED),
    "qwen3": ("qwen3", Qwen3Config, SIZES | dict(head_dim=6), HALF),
    "gemma2": ("gemma2", Gemma2Config, GEMMA | dict(attn_logit_softcapping=2.0, final_logit_softcapping=3.0), HALF),
    "gemma3": ("gemma3", Gemma3TextConfig, GEMMA | dict(num_hidden_layers=7, rope_theta=1e6, rope_scaling=dict(rope_type="linear", factor=2.0)), HALF),
    "phi3": ("phi3", Phi3Config, SIZES | dict(pad_token_id=0), HALF),
    "gpt2": ("gpt2", GPT2Config, dict(n_embd=16, n_inner=32, n_layer=2, n_head=4, n_positions=24), HALF),
}
# What transformers makes of these files is another model: it leaves out how positions and scores are scaled and bounded, the size of heads, or how many positions there are.
UNREAD = {"llama3-rope", "gemma2", "gemma3", "qwen3", "gpt2"}


def logits(model):
    with torch.no_grad():
        return [[float(f"{x:.7g}") for x in model(torch.tensor([ids])).logits[0, -1].double().tolist()] for ids in SEQUENCES]


def write_models():
    expected = {}
    tokenizer, sp = byte_level("qwen2"), sentence_piece()
    for seed, (name, (arch, make, settings, kinds)) in enumerate(MODELS.items()):
        path = OUT / f"{name}.gguf"
        writer = gguf.GGUFWriter(path, arch)
        vocabulary = write_sentence_piece(writer, sp, arch == "llama") if arch in ("llama", "gemma2", "gemma3", "phi3") else write_byte_level(
            writer, tokenizer, "qwen2" if arch.startswith("qwen") else "gpt-2", False
        )
        config = make(vocab_size=vocabulary, **settings)
        config._attn_implementation = "eager"
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
        randomise(model, seed)
        write_config(writer, arch, config.to_dict())
        write_tensors(writer, arch, model, kinds)
        finish(writer)
        written = logits(model)
        read = None
        if name not in UNREAD:
            read = logits(AutoModelForCausalLM.from_pretrained(OUT, gguf_file=path.name, attn_implementation="eager", pad_token_id=0).eval())
        if kinds is HALF and read is not None:
            worst = max(abs(a - b) for one, other in zip(written, read) for a, b in zip(one, other))
            assert worst < 1e-5, (name, worst)
        expected[name] = read if kinds is MIXED else written
    return {"sequences": SEQUENCES, "logits": expected}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    blocks()
    expected = {"vocabularies": vocabularies(), "models": write_models()}
    (OUT / "expected.json").write_text(json.dumps(expected, ensure_ascii=True) + "\n")


main()
