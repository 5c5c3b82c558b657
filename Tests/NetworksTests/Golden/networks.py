#!/usr/bin/env python3
"""Writes networks.json: what `transformers` computes for small random networks of every architecture.

    networks.py [NAME ...] > networks.json      (needs torch and transformers)

Weights are not stored. Entry i of the tensor called `name` comes from a 32-bit hash of both, so that the tests make the same ones.
For each network: its configuration, the batch, the output, and of the gradient of a fixed random combination of the output two
numbers a tensor: its norm, and its product with another random vector. Computed in float64.
"""

import json
import sys

import numpy as np
import torch
import transformers


def hashed(text, count):
    """Numbers from -0.5 to 0.5."""
    seed = 2166136261
    for byte in text.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint64) * 2654435761 + seed) & 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> shift)) * factor) & 0xFFFFFFFF
    x ^= x >> 16
    return (x >> 8).astype(np.float64) / 2**24 - 0.5


def weights(name, shape):
    """As the tests make them: 1-axis weights lie around 1, other entries have a size that keeps activations in bounds."""
    count = int(np.prod(shape)) if len(shape) else 1
    numbers = hashed(name, count).astype(np.float32)
    if name.endswith("running_var"):
        numbers = np.float32(1) + numbers
    elif name.endswith("weight") and len(shape) == 1:
        numbers = np.float32(1) + np.float32(0.5) * numbers
    elif len(shape) >= 2:
        numbers = numbers * np.float32(0.6)
    return torch.tensor(numbers.reshape(shape).astype(np.float64))


def text_batch(vocabulary, lengths, seed):
    longest = max(lengths)
    numbers = (hashed(f"tokens {seed}", len(lengths) * longest) + 0.5) * (vocabulary - 1)
    mask = np.array([[1 if place < length else 0 for place in range(longest)] for length in lengths])
    return (1 + numbers.astype(int).reshape(mask.shape)) * mask, mask


LLAMA = dict(
    vocab_size=43, hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    attn_implementation="eager")
BERT = dict(
    vocab_size=43, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=64, pad_token_id=0, attn_implementation="eager")

GPT2 = dict(
    vocab_size=43, n_embd=24, n_layer=2, n_head=4, n_positions=64, pad_token_id=0, attn_implementation="eager")

CASES = {
    "llama": ("LlamaForCausalLM", "LlamaConfig", LLAMA),
    "llama, biases, tied": (
        "LlamaForCausalLM", "LlamaConfig", LLAMA | dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "llama 3 frequencies": ("LlamaForCausalLM", "LlamaConfig", LLAMA | dict(rope_parameters=dict(
        rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=16))),
    "llama, linear frequencies": ("LlamaForCausalLM", "LlamaConfig", LLAMA | dict(rope_parameters=dict(
        rope_type="linear", rope_theta=10000.0, factor=4.0))),
    "llama classifier": ("LlamaForSequenceClassification", "LlamaConfig", LLAMA | dict(num_labels=3)),
    "mistral": ("MistralForCausalLM", "MistralConfig", LLAMA | dict(sliding_window=4, head_dim=8)),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", LLAMA | dict(
        use_sliding_window=True, sliding_window=4, max_window_layers=1)),
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", LLAMA | dict(head_dim=8)),
    "gemma": ("GemmaForCausalLM", "GemmaConfig", LLAMA | dict(head_dim=8)),
    "gemma2": ("Gemma2ForCausalLM", "Gemma2Config", LLAMA | dict(head_dim=8, sliding_window=4, query_pre_attn_scalar=12)),
    "gemma3": ("Gemma3ForCausalLM", "Gemma3TextConfig", LLAMA | dict(
        head_dim=8, sliding_window=4, query_pre_attn_scalar=12, sliding_window_pattern=2)),
    "smollm3": ("SmolLM3ForCausalLM", "SmolLM3Config", LLAMA),
    "olmo2": ("Olmo2ForCausalLM", "Olmo2Config", LLAMA),
    "bert": ("BertForMaskedLM", "BertConfig", BERT | dict(type_vocab_size=2)),
    "bert classifier": ("BertForSequenceClassification", "BertConfig", BERT | dict(num_labels=3)),
    "bert, classes of tokens": ("BertForTokenClassification", "BertConfig", BERT | dict(num_labels=5)),
    "bert body": ("BertModel", "BertConfig", BERT | dict(hidden_act="relu")),
    "roberta": ("RobertaForMaskedLM", "RobertaConfig", BERT | dict(type_vocab_size=1, pad_token_id=0)),
    "roberta classifier": (
        "RobertaForSequenceClassification", "RobertaConfig", BERT | dict(type_vocab_size=1, num_labels=1)),
    "distilbert": ("DistilBertForMaskedLM", "DistilBertConfig", dict(
        vocab_size=43, dim=24, hidden_dim=40, n_layers=2, n_heads=4, max_position_embeddings=64, pad_token_id=0,
        attn_implementation="eager")),
    "distilbert classifier": ("DistilBertForSequenceClassification", "DistilBertConfig", dict(
        vocab_size=43, dim=24, hidden_dim=40, n_layers=2, n_heads=4, max_position_embeddings=64, pad_token_id=0,
        num_labels=4, attn_implementation="eager")),
    "albert": ("AlbertForMaskedLM", "AlbertConfig", BERT | dict(embedding_size=12)),
    "albert classifier": ("AlbertForSequenceClassification", "AlbertConfig", BERT | dict(embedding_size=12, num_labels=3)),
    "gpt2": ("GPT2LMHeadModel", "GPT2Config", GPT2),
    "gpt2, scores scaled by layer": ("GPT2LMHeadModel", "GPT2Config", GPT2 | dict(
        scale_attn_by_inverse_layer_idx=True, activation_function="gelu", n_inner=36)),
    "gpt2 classifier": ("GPT2ForSequenceClassification", "GPT2Config", GPT2 | dict(num_labels=3)),
    "vit": ("ViTForImageClassification", "ViTConfig", dict(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, image_size=12, patch_size=4,
        num_channels=3, num_labels=5, attn_implementation="eager")),
    "vit body": ("ViTModel", "ViTConfig", dict(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40, image_size=8, patch_size=4,
        num_channels=1, qkv_bias=False, attn_implementation="eager")),
    "resnet": ("ResNetForImageClassification", "ResNetConfig", dict(
        num_channels=3, embedding_size=8, hidden_sizes=[16, 24], depths=[2, 1], layer_type="bottleneck", num_labels=4)),
    "resnet of basic layers": ("ResNetForImageClassification", "ResNetConfig", dict(
        num_channels=1, embedding_size=8, hidden_sizes=[8, 12], depths=[1, 2], layer_type="basic",
        downsample_in_first_stage=True, num_labels=3)),
    "llama body": ("LlamaModel", "LlamaConfig", LLAMA),
}


def case(name):
    model_class, config_class, fields = CASES[name]
    config = getattr(transformers, config_class)(**fields)
    model = getattr(transformers, model_class)(config).double().eval()
    state = model.state_dict()
    # What is tied is written once for each of its names: the first one is to count.
    with torch.no_grad():
        for key, tensor in reversed(state.items()):
            if tensor.is_floating_point():
                tensor.copy_(weights(key, tuple(tensor.shape)))
    result = {"name": name, "config": json.loads(config.to_json_string(use_diff=False))}
    result["config"]["architectures"] = [model_class]
    if hasattr(config, "vocab_size"):
        ids, mask = text_batch(config.vocab_size, [9, 6], name)
        output = model(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask))
        result["tokens"], result["counts"] = ids.tolist(), mask.sum(1).tolist()
    else:
        shape = (2, config.num_channels, config.image_size, config.image_size) if hasattr(config, "image_size") else (2, config.num_channels, 16, 16)
        pixels = 2 * hashed(f"pixels {name}", int(np.prod(shape))).reshape(shape).astype(np.float32)
        output = model(torch.tensor(pixels.astype(np.float64)))
        result["shape"] = list(shape)
    values = output.logits if hasattr(output, "logits") else output.last_hidden_state
    factors = torch.tensor(hashed(f"combination {name}", values.numel()).reshape(values.shape))
    if "counts" in result and values.ndim == 3:
        # What stands at padding means nothing.
        factors = factors * torch.tensor(mask)[..., None]
        values = values * torch.tensor(mask)[..., None]
    (values * factors).sum().backward()
    gradients = {}
    for key, parameter in model.named_parameters():
        if parameter.grad is not None:
            vector = torch.tensor(hashed(f"probe {key}", parameter.numel()))
            gradient = parameter.grad.flatten()
            gradients[key] = [float(f"{gradient.norm().item():.9g}"), float(f"{(gradient * vector).sum().item():.9g}")]
    result["output"] = [float(f"{value:.8g}") for value in values.detach().flatten().tolist()]
    result["gradients"] = gradients
    return result


def main():
    # One network a line.
    lines = [json.dumps(case(name)) for name in (sys.argv[1:] or CASES)]
    print("[\n" + ",\n".join(lines) + "\n]")


if __name__ == "__main__":
    main()
