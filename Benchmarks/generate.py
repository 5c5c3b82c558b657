"""Writes a Llama-shaped base in bfloat16 and three fine-tunes of it: `generate.py FOLDER SHAPE`, the shape as JSON.

A fine-tune is the base plus a change of rank 4, a change of one entry in ten and noise, about 1% of the base in all. With
`"rows": N` in the shape only the first rows of each matrix are written; the others are holes in the files, which read as zeros
and take no disk. Needs numpy.
"""

import json
import os
import struct
import sys

import numpy


def shapes(hidden, ffn, layers, vocabulary, kv):
    yield "model.embed_tokens.weight", (vocabulary, hidden)
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for name, rows in (("q", hidden), ("k", kv), ("v", kv), ("o", hidden)):
            yield f"{prefix}self_attn.{name}_proj.weight", (rows, hidden)
        yield f"{prefix}mlp.gate_proj.weight", (ffn, hidden)
        yield f"{prefix}mlp.up_proj.weight", (ffn, hidden)
        yield f"{prefix}mlp.down_proj.weight", (hidden, ffn)
        yield f"{prefix}input_layernorm.weight", (hidden,)
        yield f"{prefix}post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (vocabulary, hidden)


def main():
    folder, shape = sys.argv[1], json.loads(sys.argv[2])
    rows = shape.pop("rows", None)
    tensors = list(shapes(**shape))

    def bfloat16(values):
        bits = values.astype(numpy.float32).view(numpy.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)

    def base(index, axes):
        draw = numpy.random.default_rng([1, index]).standard_normal(axes, dtype=numpy.float32) * 0.02
        return draw if len(axes) == 2 else draw + 1

    def change(model, index, axes):
        generator = numpy.random.default_rng([2, model, index])
        noise = generator.standard_normal(axes, dtype=numpy.float32)
        if len(axes) == 1:
            return noise * 1e-3
        left = generator.standard_normal((axes[0], 4), dtype=numpy.float32)
        right = generator.standard_normal((4, axes[1]), dtype=numpy.float32)
        sparse = (generator.random(axes, dtype=numpy.float32) < 0.1) * noise
        return left @ right * 5e-5 + sparse * 5e-4 + noise * 2e-5

    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, axes in tensors:
        size = 2
        for axis in axes:
            size *= axis
        header[name] = {"dtype": "BF16", "shape": list(axes), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": shape["hidden"],
        "intermediate_size": shape["ffn"], "num_hidden_layers": shape["layers"], "head_dim": 64,
        "num_attention_heads": shape["hidden"] // 64, "num_key_value_heads": shape["kv"] // 64,
        "vocab_size": shape["vocabulary"], "torch_dtype": "bfloat16", "tie_word_embeddings": False,
        "rms_norm_eps": 1e-5, "max_position_embeddings": 2048, "hidden_act": "silu", "rope_theta": 10000.0,
    }
    for model in range(-1, 3):
        path = os.path.join(folder, "base" if model < 0 else f"m{model}")
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "config.json"), "w") as file:
            json.dump(config, file, indent=2)
        with open(os.path.join(path, "model.safetensors"), "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for index, (name, axes) in enumerate(tensors):
                written = (min(axes[0], rows or axes[0]), *axes[1:])
                values = base(index, written)
                if model >= 0:
                    values = values + change(model, index, written)
                file.write(bfloat16(values).tobytes())
                file.truncate(8 + len(text) + header[name]["data_offsets"][1])
                file.seek(0, os.SEEK_END)


if __name__ == "__main__":
    main()
