#!/usr/bin/env python3
"""Writes moe.json: the routers that `mergekit` 0.1.5 makes of prompts, for small random models and their tokenizers.

    moe.py > moe.json      (needs mergekit, torch, transformers, tokenizers)

Weights are not stored: they come from a hash of their names, as in `Tests/NetworksTests/Golden/networks.py`. mergekit runs the model
in bfloat16; here its own functions are given the same model in float64. `float32` and `bfloat16` say how far the largest entry is
from that, of rows of length 1, where the model runs in those.
"""

import json
import os
import sys
import tempfile

import tokenizers
import torch
import transformers
from mergekit.common import ModelReference
from mergekit.moe import router
from mergekit.moe.config import Expert
from tokenizers import decoders, models, normalizers, pre_tokenizers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../NetworksTests/Golden"))
from networks import weights  # noqa: E402

SIZES = dict(hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=128)


def bytewise():
    """Bytes and some joined ones, as GPT-2 and Llama 3 have them."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<s>": 0, "</s>": 1, **{letter: 2 + index for index, letter in enumerate(alphabet)}}
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ġ", "a"), ("i", "n"), ("e", "r")]
    for a, b in merges:
        vocabulary[a + b] = len(vocabulary)
    tokenizer = tokenizers.Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return tokenizer


def marked():
    """Spaces as marks, and bytes where a letter is unknown, as Llama 2 has them."""
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + ["▁"] + list("abcdefghijklmnopqrstuvwxyzW?.")
    vocabulary = {token: index for index, token in enumerate(tokens)}
    merges = [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("▁", "a"), ("i", "n"), ("▁", "W")]
    for a, b in merges:
        vocabulary[a + b] = len(vocabulary)
    tokenizer = tokenizers.Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def experts(*prompts):
    return [dict(positive=positive, negative=negative) for positive, negative in prompts]


MIXED = experts(
    (["What is 2 + 2?", "Solve for x: 3x + 2 = 11", "the integral of the sine"], []),
    (["Write a sonnet about the sea.", "a story\nin three acts "], ["What is 2 + 2?", "prove it"]),
    (["def f(x):\n    return x", "naïve café, 漢字 🙂", "def f(x):\n    return x"], ["</s>the end"]))
# Of one prompt each, so that nothing is padded.
ALONE = experts((["the integral of the sine"], ["a story"]), (["Write a sonnet"], []))


def case(architecture, fields, tokenizer, beginning):
    config, causal = (getattr(transformers, architecture + part) for part in ("Config", "ForCausalLM"))
    model = causal(config(vocab_size=tokenizer.get_vocab_size(), bos_token_id=None, eos_token_id=1, **SIZES, **fields))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights(name, tuple(parameter.shape)))
    named = dict(bos_token=beginning) if beginning else {}
    result = dict(
        config=json.loads(model.config.to_json_string()), tokenizer=tokenizer.to_str(), tokenizer_config=named,
        shapes={name: list(parameter.shape) for name, parameter in model.named_parameters()}, routers=[])
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", **named)
        wrapped.save_pretrained(folder)
        # As `mergekit-moe` sets it up.
        wrapped = transformers.AutoTokenizer.from_pretrained(folder)
        wrapped.padding_side = "left"
        wrapped.pad_token_id = wrapped.bos_token_id
        if wrapped.pad_token_id is None:
            wrapped.pad_token = wrapped.eos_token

        def rows(mode, prompts, dtype):
            causal = type(model)

            class Loader:
                @staticmethod
                def from_pretrained(path, **_):
                    return causal.from_pretrained(path, dtype=dtype).eval()

            router.AutoModelForCausalLM = Loader
            return router.get_gate_params(
                ModelReference.parse(folder), wrapped,
                [Expert(source_model=folder, positive_prompts=expert["positive"], negative_prompts=expert["negative"])
                 for expert in prompts], mode=mode).double()

        for mode, prompts in (("hidden", MIXED), ("cheap_embed", MIXED), ("hidden_avg", ALONE)):
            exact = rows(mode, prompts, torch.float64)
            away = {name: (rows(mode, prompts, dtype) - exact).abs().max().item()
                    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16))}
            result["routers"].append(dict(
                mode=mode, experts=prompts, rows=[[[float(f"{entry:.9g}") for entry in row] for row in layer]
                                                  for layer in exact.tolist()], **away))
    return result


if __name__ == "__main__":
    cases = {
        "llama": case("Llama", {}, bytewise(), "<s>"),
        "mistral": case("Mistral", dict(sliding_window=6), marked(), "<s>"),
        "qwen2": case("Qwen2", {}, bytewise(), None),
    }
    print("{" + ",\n".join(f"{json.dumps(name)}: {json.dumps(found, ensure_ascii=False)}" for name, found in cases.items()) + "}")
