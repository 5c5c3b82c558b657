#!/usr/bin/env python3
"""Writes networks.json: what `transformers` computes for small random networks of every architecture.

    networks.py [NAME ...] > networks.json      (needs torch and transformers)

Weights are not stored. Entry i of the tensor called `name` comes from a 32-bit hash of both, so that the tests make the same ones.
For each network: its configuration, the batch, the output, and of the gradient of a fixed random combination of the output two
numbers a tensor: its norm, and its product with another random vector. Computed in float64; `float32` says how far PyTorch's own
float32 is from that: the largest difference of an output, and the largest of a gradient, and of a Fisher
information, beside its norm.
"""

import copy
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
    "llama, odd heads, gelu": ("LlamaForTokenClassification", "LlamaConfig", LLAMA | dict(
        hidden_size=30, num_attention_heads=5, num_key_value_heads=1, hidden_act="gelu", rms_norm_eps=1e-3, num_labels=3)),
    "llama, yarn": ("LlamaForCausalLM", "LlamaConfig", LLAMA | dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16, beta_fast=2.0))),
    "llama, yarn, not truncated": ("LlamaForCausalLM", "LlamaConfig", LLAMA | dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=10000.0, factor=8.0, original_max_position_embeddings=40, mscale=0.7, mscale_all_dim=1.3,
        truncate=False))),
    "llama, dynamic frequencies": ("LlamaForCausalLM", "LlamaConfig", LLAMA | dict(
        max_position_embeddings=7, rope_parameters=dict(rope_type="dynamic", rope_theta=10000.0, factor=4.0))),
    "gemma, dynamic frequencies of texts that are all too long": ("GemmaForCausalLM", "GemmaConfig", LLAMA | dict(
        head_dim=6, max_position_embeddings=5, rope_parameters=dict(rope_type="dynamic", rope_theta=500.0, factor=1.5))),
    "llama, longrope": ("LlamaForCausalLM", "LlamaConfig", LLAMA | dict(rope_parameters=dict(
        rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=7, short_factor=[1.0, 1.1, 1.5],
        long_factor=[1.3, 2.0, 4.0]))),
    "mistral classifier, no window": ("MistralForSequenceClassification", "MistralConfig", LLAMA | dict(
        sliding_window=None, num_labels=4, pad_token_id=7)),
    "qwen3, biases, window in some layers": ("Qwen3ForCausalLM", "Qwen3Config", LLAMA | dict(
        head_dim=6, attention_bias=True, use_sliding_window=True, sliding_window=4, max_window_layers=2)),
    "gemma2 without caps": ("Gemma2ForSequenceClassification", "Gemma2Config", LLAMA | dict(
        head_dim=6, attn_logit_softcapping=None, final_logit_softcapping=None, layer_types=["full_attention", "sliding_attention", "full_attention"],
        sliding_window=5, num_labels=2, hidden_activation="relu")),
    "gemma3, long and capped": ("Gemma3ForCausalLM", "Gemma3TextConfig", LLAMA | dict(
        head_dim=8, sliding_window=4, final_logit_softcapping=2.0, attn_logit_softcapping=3.0, rope_parameters=dict(
            full_attention=dict(rope_type="linear", rope_theta=1000.0, factor=8.0),
            sliding_attention=dict(rope_type="default", rope_theta=100.0)))),
    "smollm3, windows where nothing turns": ("SmolLM3ForCausalLM", "SmolLM3Config", LLAMA | dict(
        use_sliding_window=True, sliding_window=4, no_rope_layer_interval=2, tie_word_embeddings=False)),
    "bert, untied, padding in texts": ("BertForMaskedLM", "BertConfig", BERT | dict(
        tie_word_embeddings=False, pad_token_id=5, type_vocab_size=3, num_attention_heads=3)),
    "xlm-roberta, padding in texts": ("XLMRobertaForTokenClassification", "XLMRobertaConfig", BERT | dict(
        type_vocab_size=1, pad_token_id=4, num_labels=3, hidden_act="gelu_new")),
    "roberta, untied": ("RobertaForMaskedLM", "RobertaConfig", BERT | dict(
        type_vocab_size=1, pad_token_id=1, tie_word_embeddings=False, hidden_act="relu")),
    "distilbert, classes of tokens": ("DistilBertForTokenClassification", "DistilBertConfig", dict(
        vocab_size=43, dim=21, hidden_dim=40, n_layers=1, n_heads=3, max_position_embeddings=16, pad_token_id=0, activation="relu",
        sinusoidal_pos_embds=True, num_labels=4, attn_implementation="eager")),
    "albert in groups": ("AlbertForTokenClassification", "AlbertConfig", BERT | dict(
        embedding_size=9, num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2, num_labels=3)),
    "gpt2, classes of tokens, untied": ("GPT2ForTokenClassification", "GPT2Config", GPT2 | dict(
        n_embd=21, n_head=3, scale_attn_weights=False, tie_word_embeddings=False, activation_function="quick_gelu", num_labels=3)),
    "vit of one patch": ("ViTForImageClassification", "ViTConfig", dict(
        hidden_size=15, num_hidden_layers=1, num_attention_heads=5, intermediate_size=7, image_size=3, patch_size=3,
        num_channels=2, num_labels=2, hidden_act="silu", attn_implementation="eager")),
    "resnet with gelu": ("ResNetForImageClassification", "ResNetConfig", dict(
        num_channels=1, embedding_size=7, hidden_sizes=[8, 12, 20], depths=[1, 2, 1], layer_type="bottleneck", hidden_act="gelu",
        downsample_in_first_stage=True, downsample_in_bottleneck=True, num_labels=3)),
}


def outcome(output):
    return output.logits if hasattr(output, "logits") else output.last_hidden_state


def forgetting(model):
    """A function after which a model is as it was when it was made: where rotary frequencies follow from how long texts are,
    `transformers` keeps those of a longer text for a shorter one that comes later, unless that fits into the context."""
    kept = {module: copy.deepcopy(module.__dict__) for module in model.modules() if hasattr(module, "max_seq_len_cached")}

    def forget():
        for module, state in kept.items():
            module.__dict__.update(copy.deepcopy(state))

    return forget


def run(model, config, batch, mask, forget):
    """The outputs of all texts; each alone where rotary frequencies follow from the longest of a batch."""
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = {part["rope_type"] for part in ([rope] if "rope_type" in rope else rope.values())}
    if not kinds & {"dynamic", "longrope"}:
        return outcome(model(**batch))
    counts = mask.sum(1).tolist()
    rows = {}
    for row in range(len(counts)):
        forget()
        values = outcome(model(**{key: value[row : row + 1, : counts[row]] for key, value in batch.items()}))
        if values.ndim == 3:
            values = torch.nn.functional.pad(values, (0, 0, 0, mask.shape[1] - counts[row]))
        rows[row] = values
    return torch.cat([rows[row] for row in range(len(counts))])


def loss(model, config, batch, mask, name):
    """The mean cross-entropy as `transformers` has it: of next tokens, or of labels drawn for texts or tokens."""
    kind = type(model).__name__
    if kind.endswith(("ForCausalLM", "LMHeadModel")):
        labels = np.where(mask == 1, batch["input_ids"].numpy(), -100)
    elif config.num_labels > 1 and kind.endswith("ForSequenceClassification"):
        labels = np.arange(len(mask)) % config.num_labels
    elif kind.endswith(("ForTokenClassification", "ForMaskedLM")):
        classes = config.num_labels if kind.endswith("ForTokenClassification") else config.vocab_size
        drawn = ((hashed(f"labels {name}", mask.size) + 0.5) * classes).astype(int).reshape(mask.shape)
        # Some tokens do not count.
        labels = np.where((mask == 1) & (np.arange(mask.size).reshape(mask.shape) % 3 > 0), drawn, -100)
    else:
        return {}
    rope = getattr(config, "rope_parameters", None) or {}
    if "dynamic" in json.dumps(rope) or "longrope" in json.dumps(rope):
        return {}
    with torch.no_grad():
        value = model(**batch, labels=torch.tensor(labels)).loss.item()
    return {"labels": labels.flatten().tolist(), "loss": float(f"{value:.9g}")}


def probed(name, vector):
    """Its norm, and its product with a random vector."""
    along = vector @ torch.tensor(hashed(f"probe {name}", vector.numel()))
    return [float(f"{vector.norm().item():.9g}"), float(f"{along.item():.9g}")]


def fisher(model, config, inputs, counts, forget):
    """Diagonal Fisher information by its definition, one example and one label at a time: over the labels that the model expects
    where it classifies, and over the examples' own labels, or next tokens."""
    kind = type(model).__name__
    isClassifier = kind.endswith(("ForSequenceClassification", "ForImageClassification")) and config.num_labels > 1
    if not isClassifier and not kind.endswith(("ForCausalLM", "LMHeadModel")):
        return {}
    examples = len(next(iter(inputs.values())))
    sums = {key: {name: torch.zeros(p.numel(), dtype=torch.float64) for name, p in model.named_parameters()}
            for key in (["expected"] if isClassifier else []) + ["empirical"]}

    def add(key, value, weight):
        model.zero_grad()
        value.backward(retain_graph=True)
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                sums[key][name] += weight * parameter.grad.flatten().double() ** 2 / examples

    for row in range(examples):
        forget()
        one = {key: value[row : row + 1, : counts[row]] if counts else value[row : row + 1] for key, value in inputs.items()}
        chances = torch.log_softmax(model(**one).logits[0], -1)
        if isClassifier:
            for label in range(config.num_labels):
                add("expected", chances[label], chances[label].exp().item())
            add("empirical", chances[row % config.num_labels], 1)
        else:
            following = one["input_ids"][0, 1:]
            add("empirical", chances[:-1].gather(1, following[:, None]).sum(), 1)
    model.zero_grad()
    return sums


def combined(name, output, model):
    """The gradients of a fixed random combination of a network's outputs."""
    factors = torch.tensor(hashed(f"combination {name}", output.numel()).reshape(output.shape))
    (output.double() * factors).sum().backward()
    return {key: parameter.grad.double() for key, parameter in model.named_parameters() if parameter.grad is not None}


def case(name, model_class, config_class, fields):
    config = getattr(transformers, config_class)(**fields)
    model = getattr(transformers, model_class)(config).double().eval()
    state = model.state_dict()
    # What is tied is called as embeddings, and as the bias of a head without a layer, are called.
    is_embedding = lambda key: "embed" in key or "wte" in key
    own = {}
    for key, tensor in state.items():
        old = own.get(tensor.data_ptr())
        if old is None or is_embedding(key) or (len(key) < len(old) and not is_embedding(old)):
            own[tensor.data_ptr()] = key
    with torch.no_grad():
        for key, tensor in state.items():
            if tensor.is_floating_point() and tensor.numel() > 0:
                tensor.copy_(weights(own[tensor.data_ptr()], tuple(tensor.shape)))
    single = copy.deepcopy(model).float()
    both = [(network, forgetting(network)) for network in (model, single)]
    result = {"name": name, "config": json.loads(config.to_json_string(use_diff=False))}
    result["config"]["architectures"] = [model_class]
    if hasattr(config, "vocab_size"):
        ids, mask = text_batch(config.vocab_size, [9, 6], name)
        ids[mask == 0] = config.pad_token_id or 0
        batch = dict(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask))
        result["tokens"], result["counts"] = ids.tolist(), mask.sum(1).tolist()
        kinds = getattr(config, "type_vocab_size", 1)
        if kinds > 1:
            types = np.array([[min(place // 3, kinds - 1) for place in range(ids.shape[1])]] * 2) * mask
            batch["token_type_ids"], result["types"] = torch.tensor(types), types.tolist()
        result |= loss(model, config, batch, mask, name)
        squares, rough_squares = (fisher(network, config, batch, mask.sum(1).tolist(), forget) for network, forget in both)
        values, rough = (run(network, config, batch, mask, forget) for network, forget in both)
    else:
        shape = (2, config.num_channels, config.image_size, config.image_size) if hasattr(config, "image_size") else (2, config.num_channels, 16, 16)
        pixels = torch.tensor(2 * hashed(f"pixels {name}", int(np.prod(shape))).reshape(shape).astype(np.float32))
        mask = None
        batches = [{"pixel_values": pixels.double()}, {"pixel_values": pixels}]
        squares, rough_squares = (fisher(network, config, batch, None, forget) for (network, forget), batch in zip(both, batches))
        values, rough = (outcome(network(**batch)) for (network, _), batch in zip(both, batches))
        result["shape"] = list(shape)
    if mask is not None and values.ndim == 3:
        # What stands at padding means nothing.
        values, rough = (output * torch.tensor(mask)[..., None] for output in (values, rough))
    exact, inexact = combined(name, values, model), combined(name, rough, single)
    result["output"] = [float(f"{value:.8g}") for value in values.detach().flatten().tolist()]
    names = {key: own[parameter.data_ptr()] for key, parameter in model.named_parameters()}
    result["gradients"] = {names[key]: probed(names[key], gradient.flatten()) for key, gradient in exact.items()}
    if squares:
        result["fisher"] = {
            kind: {names[key]: probed(names[key], value) for key, value in parts.items()} for kind, parts in squares.items()}

    def apart(found, expected, least):
        """The largest difference of two vectors, beside their length; short ones count as if they were longer."""
        return max(((found[key] - value).norm() / (value.norm() + least)).item() for key, value in expected.items())

    errors = [(rough - values).abs().max().item(), apart(inexact, exact, 0.1)]
    if squares:
        errors.append(max(apart(rough_squares[kind], parts, 1e-5) for kind, parts in squares.items()))
    result["float32"] = [float(f"{error:.2g}") for error in errors]
    return result


def write(cases):
    """One network a line."""
    print("[\n" + ",\n".join(json.dumps(case(name, *parts)) for name, parts in cases.items()) + "\n]")


if __name__ == "__main__":
    write({name: CASES[name] for name in (sys.argv[1:] or CASES)})
