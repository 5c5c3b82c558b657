#!/usr/bin/env python3
"""Writes what `transformers` computes for networks that nobody chose, as networks.py does for those beside it.

    random_networks.py COUNT SEED > held-out.json

Run with NETWORK_GOLDEN=held-out.json, GoldenNetworks compares these.
"""

import random
import sys

from networks import write

ACTIVATIONS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu", "relu", "tanh"]

def random_rope(draw, half, length):
    """Parameters of a rotary embedding of any kind that `transformers` scales; texts may be longer than the original context."""
    kind = draw.choice(["default", "linear", "yarn", "longrope", "llama3"] + ["dynamic"] * (half > 1))
    rope = dict(rope_type=kind, rope_theta=draw.choice([500.0, 10000.0, 1e6]))
    if kind != "default":
        rope["factor"] = draw.choice([1.5, 4.0, 8.0])
    if kind in ("yarn", "longrope", "llama3"):
        rope["original_max_position_embeddings"] = draw.choice([length - 3, 16, 40])
    if kind == "yarn":
        for key, values in (("beta_fast", [16.0]), ("beta_slow", [2.0]), ("attention_factor", [0.8]), ("truncate", [False])):
            if draw.random() < 0.4:
                rope[key] = draw.choice(values)
        if draw.random() < 0.4:
            rope["mscale"], rope["mscale_all_dim"] = 0.7, 1.3
    if kind == "longrope":
        rope["short_factor"] = [1 + draw.random() for _ in range(half)]
        rope["long_factor"] = [1 + 3 * draw.random() for _ in range(half)]
    if kind == "llama3":
        rope["low_freq_factor"], rope["high_freq_factor"] = 1.0, draw.choice([3.0, 4.0])
    return rope


def random_decoder(draw, family, heads_of):
    groups, shared = draw.choice([1, 2, 3, 5]), draw.choice([1, 2, 3])
    head = draw.choice([2, 4, 6, 10])
    own = family in ("Llama", "Qwen2", "SmolLM3", "Olmo2")
    width = groups * shared * (head if own else draw.choice([2, 3, 7]))
    layers = draw.randint(1, 5)
    fields = dict(
        vocab_size=draw.randint(20, 70), hidden_size=width, intermediate_size=draw.randint(9, 50), num_hidden_layers=layers,
        num_attention_heads=groups * shared, num_key_value_heads=groups, max_position_embeddings=draw.choice([5, 7, 12, 32]),
        pad_token_id=draw.choice([0, 0, 3]), bos_token_id=1, eos_token_id=2, rms_norm_eps=draw.choice([1e-6, 1e-5, 1e-3]),
        tie_word_embeddings=draw.random() < 0.5, attn_implementation="eager")
    fields["hidden_activation" if family in ("Gemma2", "Gemma3") else "hidden_act"] = draw.choice(ACTIVATIONS)
    if not own:
        fields["head_dim"] = head
    if family in ("Llama", "Qwen3", "Gemma", "Gemma2", "Gemma3", "SmolLM3", "Olmo2"):
        fields["attention_bias"] = draw.random() < 0.4
    if family in ("Llama", "SmolLM3"):
        fields["mlp_bias"] = draw.random() < 0.4
    if family in ("Mistral", "Gemma2", "Gemma3", "Qwen2", "Qwen3", "SmolLM3"):
        fields["sliding_window"] = draw.choice([4, 5, 30])
    if family == "Mistral" and draw.random() < 0.3:
        fields["sliding_window"] = None
    if family in ("Qwen2", "Qwen3", "SmolLM3"):
        fields["use_sliding_window"] = draw.random() < 0.6
        fields["max_window_layers"] = draw.randint(0, layers)
    if family in ("Gemma2", "Gemma3"):
        fields["query_pre_attn_scalar"] = draw.choice([5, 16])
        fields["attn_logit_softcapping"] = draw.choice([None, 2.0, 50.0])
        fields["final_logit_softcapping"] = draw.choice([None, 1.5, 30.0])
        if draw.random() < 0.5:
            fields["layer_types"] = [draw.choice(["full_attention", "sliding_attention"]) for _ in range(layers)]
    if family == "SmolLM3" and draw.random() < 0.5:
        fields["no_rope_layer_interval"] = draw.randint(1, 4)
    if family == "Gemma3":
        fields["rope_parameters"] = dict(
            full_attention=random_rope(draw, head // 2, 9), sliding_attention=dict(rope_type="default", rope_theta=draw.choice([100.0, 10000.0])))
    else:
        fields["rope_parameters"] = random_rope(draw, head // 2, 9)
    heads_of = {"Gemma3": ["ForCausalLM", "TextForSequenceClassification", "TextModel"], "Olmo2": ["ForCausalLM", "ForSequenceClassification", "Model"]}.get(family, heads_of)
    suffix = draw.choice(heads_of)
    fields["num_labels"] = draw.randint(1, 6)
    return family + suffix, family + ("TextConfig" if family == "Gemma3" else "Config"), fields


def random_encoder(draw, family):
    heads = draw.choice([1, 2, 3, 5])
    width = heads * draw.choice([3, 4, 8])
    fields = dict(
        vocab_size=draw.randint(20, 70), hidden_size=width, intermediate_size=draw.randint(9, 50), hidden_act=draw.choice(ACTIVATIONS),
        num_hidden_layers=draw.randint(1, 4), num_attention_heads=heads, max_position_embeddings=draw.choice([16, 40]),
        type_vocab_size=draw.choice([1, 2, 3]), layer_norm_eps=draw.choice([1e-12, 1e-5]), pad_token_id=draw.choice([0, 1, 4]),
        tie_word_embeddings=draw.random() < 0.7, num_labels=draw.randint(1, 6), attn_implementation="eager")
    if family == "Albert":
        fields["embedding_size"] = draw.choice([5, width])
        fields["num_hidden_groups"] = draw.choice([n for n in (1, 2, 3) if fields["num_hidden_layers"] % n == 0])
        fields["inner_group_num"] = draw.choice([1, 1, 2])
    if family == "DistilBert":
        names = dict(hidden_size="dim", intermediate_size="hidden_dim", num_hidden_layers="n_layers", num_attention_heads="n_heads", hidden_act="activation")
        fields = {names.get(key, key): value for key, value in fields.items() if key not in ("type_vocab_size", "layer_norm_eps")}
        fields["sinusoidal_pos_embds"] = draw.random() < 0.5
    return family + draw.choice(["ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "Model"]), family + "Config", fields


def random_case(draw):
    family = draw.choice([
        "Llama", "Llama", "Mistral", "Qwen2", "Qwen3", "Gemma", "Gemma2", "Gemma3", "SmolLM3", "Olmo2", "Bert", "Roberta", "XLMRoberta",
        "DistilBert", "Albert", "GPT2", "ViT", "ResNet"])
    if family == "GPT2":
        heads = draw.choice([1, 3, 5])
        return "GPT2" + draw.choice(["LMHeadModel", "ForSequenceClassification", "ForTokenClassification", "Model"]), "GPT2Config", dict(
            vocab_size=draw.randint(20, 70), n_embd=heads * draw.choice([4, 7]), n_layer=draw.randint(1, 4), n_head=heads, n_positions=draw.choice([16, 40]),
            n_inner=draw.choice([None, 17]), activation_function=draw.choice(ACTIVATIONS), layer_norm_epsilon=draw.choice([1e-5, 1e-3]),
            scale_attn_weights=draw.random() < 0.7, scale_attn_by_inverse_layer_idx=draw.random() < 0.4,
            tie_word_embeddings=draw.random() < 0.7, pad_token_id=draw.choice([0, 5]), num_labels=draw.randint(1, 6), attn_implementation="eager")
    if family == "ViT":
        heads, patch = draw.choice([1, 3, 5]), draw.choice([2, 3])
        return "ViT" + draw.choice(["ForImageClassification", "Model"]), "ViTConfig", dict(
            hidden_size=heads * draw.choice([3, 8]), num_hidden_layers=draw.randint(1, 3), num_attention_heads=heads, intermediate_size=draw.randint(9, 50),
            image_size=patch * draw.randint(1, 5), patch_size=patch, num_channels=draw.choice([1, 2, 3]), num_labels=draw.randint(2, 6), qkv_bias=draw.random() < 0.5,
            hidden_act=draw.choice(ACTIVATIONS), layer_norm_eps=draw.choice([1e-12, 1e-4]), attn_implementation="eager")
    if family == "ResNet":
        stages = draw.randint(1, 3)
        return "ResNet" + draw.choice(["ForImageClassification", "Model"]), "ResNetConfig", dict(
            num_channels=draw.choice([1, 3]), embedding_size=draw.choice([4, 7]), hidden_sizes=[4 * draw.randint(1, 6) for _ in range(stages)],
            depths=[draw.randint(1, 3) for _ in range(stages)], layer_type=draw.choice(["basic", "bottleneck"]), hidden_act=draw.choice(ACTIVATIONS),
            downsample_in_first_stage=draw.random() < 0.5, downsample_in_bottleneck=draw.random() < 0.5, num_labels=draw.randint(2, 6))
    if family in ("Bert", "Roberta", "XLMRoberta", "DistilBert", "Albert"):
        return random_encoder(draw, family)
    return random_decoder(draw, family, ["ForCausalLM", "ForSequenceClassification", "ForTokenClassification", "Model"])


if __name__ == "__main__":
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    draw = random.Random(seed)
    write({f"random {seed}.{number}": random_case(draw) for number in range(count)})
