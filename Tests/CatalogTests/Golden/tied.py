#!/usr/bin/env python3
"""Writes tied.json: what PEFT makes of models whose head has the embedding's weight, of trained tokens, and of stacks of experts.

    tied.py [COUNT SEED] > tied.json      (needs torch, transformers and peft)

With a count and a seed the cases are drawn at random. Weights are not stored: entry i of a tensor comes from a hash of its name, as in
networks.py. For each case: the model's configuration and tensors' shapes, the adapter's, and the logits that PEFT gives while the
adapter is beside the model; for stacks of experts, the tensors as `merge_and_unload` leaves them.
"""

import json
import os
import random
import sys
import tempfile
import warnings

import torch
import transformers
from peft import LoraConfig, PeftModel, TrainableTokensConfig, get_peft_model
from safetensors.torch import load_file, save_file

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../NetworksTests/Golden"))
from networks import hashed, weights

warnings.filterwarnings("ignore")

LLAMA = ("LlamaForCausalLM", "LlamaConfig", dict(
    vocab_size=31, hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
    max_position_embeddings=32, tie_word_embeddings=True, pad_token_id=0, bos_token_id=1, eos_token_id=2))
GEMMA = ("GemmaForCausalLM", "GemmaConfig", LLAMA[2] | dict(head_dim=6))
GPT2 = ("GPT2LMHeadModel", "GPT2Config", dict(
    vocab_size=31, n_embd=12, n_layer=1, n_head=2, n_positions=32, pad_token_id=0, bos_token_id=1, eos_token_id=2))
BERT = ("BertForMaskedLM", "BertConfig", dict(
    vocab_size=31, hidden_size=12, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=32))
ROBERTA = ("RobertaForMaskedLM", "RobertaConfig", BERT[2] | dict(type_vocab_size=1, pad_token_id=0))
APART = (LLAMA[0], LLAMA[1], LLAMA[2] | dict(tie_word_embeddings=False))
# The last parts of the paths of the embedding, the head, and a layer between.
PARTS = {"Llama": ("embed_tokens", "lm_head", "q_proj"), "Gemma": ("embed_tokens", "lm_head", "up_proj"), "GPT2": ("wte", "lm_head", "c_proj"),
         "Bert": ("word_embeddings", "cls.predictions.decoder", "query"), "Roberta": ("word_embeddings", "lm_head.decoder", "key")}

CASES = {
    "embedding": (LLAMA, dict(target_modules=["embed_tokens", "q_proj"])),
    "embedding, tied": (LLAMA, dict(target_modules=["embed_tokens", "q_proj"], ensure_weight_tying=True)),
    "head": (LLAMA, dict(target_modules=["lm_head"])),
    "both": (LLAMA, dict(target_modules=["lm_head", "embed_tokens"])),
    "both, tied": (LLAMA, dict(target_modules=["lm_head", "embed_tokens"], ensure_weight_tying=True)),
    "saved embedding": (LLAMA, dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"])),
    "saved embedding, tied": (LLAMA, dict(target_modules=["q_proj"], modules_to_save=["embed_tokens"], ensure_weight_tying=True)),
    "saved head": (LLAMA, dict(target_modules=["q_proj"], modules_to_save=["lm_head"])),
    "tokens": (LLAMA, dict(target_modules=["q_proj"], trainable_token_indices=[3, 7])),
    "tokens by name": (LLAMA, dict(target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [3, 7]})),
    "tokens of the head": (LLAMA, dict(target_modules=["q_proj"], trainable_token_indices={"lm_head": [3, 7]})),
    "tokens of both": (LLAMA, dict(target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [3, 7], "lm_head": [4]})),
    "DoRA of the embedding": (LLAMA, dict(target_modules=["embed_tokens", "q_proj"], use_dora=True)),
    "DoRA of the head": (LLAMA, dict(target_modules=["lm_head"], use_dora=True)),
    "gemma": (GEMMA, dict(target_modules=["embed_tokens"])),
    "gemma, tokens": (GEMMA, dict(target_modules=["q_proj"], trainable_token_indices=[9, 5])),
    "gpt2": (GPT2, dict(target_modules=["wte", "c_attn"], fan_in_fan_out=True)),
    "gpt2, tokens": (GPT2, dict(target_modules=["c_attn"], fan_in_fan_out=True, trainable_token_indices={"wte": [3]})),
    "bert": (BERT, dict(target_modules=["word_embeddings", "query"])),
    "bert, tied": (BERT, dict(target_modules=["word_embeddings"], ensure_weight_tying=True)),
    "bert, position embeddings": (BERT, dict(target_modules=["position_embeddings"])),
    "roberta": (ROBERTA, dict(target_modules=["word_embeddings"])),
    "not tied": (APART, dict(target_modules=["embed_tokens", "lm_head"])),
    "not tied, tokens": (APART, dict(target_modules=["q_proj"], trainable_token_indices=[3, 7])),
    "tokens alone": (LLAMA, TrainableTokensConfig(token_indices=[3, 7, 30], target_modules=["embed_tokens"])),
}


def base(model_class, config_class, fields):
    config = getattr(transformers, config_class)(**fields)
    model = getattr(transformers, model_class)(config).eval()
    tied = model.get_input_embeddings().weight
    name = next(key for key, value in model.state_dict(keep_vars=True).items() if value is tied)
    shapes = {}
    with torch.no_grad():
        for key, tensor in model.state_dict(keep_vars=True).items():
            if tensor is tied and key != name or not tensor.is_floating_point():
                continue
            shared = key.endswith("decoder.bias")
            own = key.replace("decoder.bias", "bias") if shared else key
            tensor.copy_(weights(own, tuple(tensor.shape)).float())
            if not shared:
                shapes[key] = list(tensor.shape)
    return model, shapes


def case(name, model, adapter):
    network, shapes = base(*model)
    config = json.loads(network.config.to_json_string(use_diff=False))
    config["architectures"] = [model[0]]
    settings = adapter if not isinstance(adapter, dict) else LoraConfig(**dict(r=2, lora_alpha=3) | adapter)
    adapted = get_peft_model(network, settings)
    tokens = (1 + (hashed(f"tokens {name}", 12) + 0.5) * 29).astype(int).reshape(2, 6)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        adapted.save_pretrained(folder)
        path = os.path.join(folder, "adapter_model.safetensors")
        stored = json.load(open(os.path.join(folder, "adapter_config.json")))
        state = load_file(path)
        for key, tensor in state.items():
            if ".base_layer." not in key:
                tensor.copy_(1 + hashed_tensor(key, tensor.shape) if "magnitude" in key else hashed_tensor(key, tensor.shape))
        if stored.get("ensure_weight_tying"):
            # The head's tensors are the embedding's.
            for key in state:
                for embedded in [other for other in state if "embed" in other and ".base_layer." not in other]:
                    if key.endswith("lora_A.weight") and embedded.endswith("lora_embedding_B") and is_head(key):
                        state[key] = state[embedded].T.contiguous()
                    if key.endswith("lora_B.weight") and embedded.endswith("lora_embedding_A") and is_head(key):
                        state[key] = state[embedded].T.contiguous()
                    if key != embedded and is_head(key) and embedded.endswith("embed_tokens.weight"):
                        state[key] = state[embedded].clone()
        save_file(state, path)
        logits = PeftModel.from_pretrained(base(*model)[0], folder).eval()(input_ids=torch.tensor(tokens)).logits
    tensors = {key: list(tensor.shape) for key, tensor in state.items()}
    copies = {}
    for key in state:
        own = key.removeprefix("base_model.model.").replace(".base_layer.", ".")
        if ".base_layer." in key:
            copies[key] = own if own in shapes else next(own for own in shapes if own.split(".")[-2] in ("embed_tokens", "wte", "word_embeddings", "position_embeddings")
                               and (own.split(".")[-2] in key or is_head(key)))
    return {"name": name, "config": config, "shapes": shapes, "adapter": stored, "tensors": tensors, "copies": copies,
            "tied": stored.get("ensure_weight_tying", False),
            "tokens": tokens.tolist(), "logits": [float(f"{value:.7g}") for value in logits.flatten().tolist()]}


def is_head(key):
    return "lm_head" in key or "decoder" in key


def hashed_tensor(name, shape):
    count = 1
    for size in shape:
        count *= size
    return torch.tensor(hashed(name, count)).float().reshape(tuple(shape))


class Experts(torch.nn.Module):
    def __init__(self, shapes, turned):
        super().__init__()
        self.is_transposed = turned
        for name, shape in shapes.items():
            setattr(self, name, torch.nn.Parameter(torch.zeros(shape)))

    def forward(self, x):
        return x


class Stacked(torch.nn.Module):
    def __init__(self, shapes, turned):
        super().__init__()
        self.mlp = torch.nn.Module()
        self.mlp.experts = Experts(shapes, turned)

    def forward(self, x):
        return self.mlp.experts(x)


def written(adapted, folder):
    """The configuration and the tensors that PEFT writes, once each factor holds what its name says."""
    for key, parameter in adapted.named_parameters():
        if "lora_" in key:
            parameter.copy_(hashed_tensor(key.replace(".default", ""), parameter.shape))
    adapted.save_pretrained(folder)
    tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
    for key, tensor in tensors.items():
        assert torch.equal(tensor, hashed_tensor(key, tensor.shape)), key
    return json.load(open(os.path.join(folder, "adapter_config.json"))), tensors


def experts(name, shapes, turned, **options):
    model = Stacked(shapes, turned)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.copy_(hashed_tensor(key, parameter.shape))
    adapted = get_peft_model(model, LoraConfig(**dict(r=2, lora_alpha=3, target_modules=[]) | options))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        stored, state = written(adapted, folder)
        merged = adapted.merge_and_unload()
    return {"name": name, "shapes": {key: list(value.shape) for key, value in merged.named_parameters()}, "adapter": stored,
            "model_type": "gpt_oss" if turned else "qwen3_moe",
            "tensors": {key: list(value.shape) for key, value in state.items()},
            "made": {key: [float(f"{x:.7g}") for x in value.flatten().tolist()] for key, value in merged.named_parameters()}}


MOE = dict(
    vocab_size=31, hidden_size=12, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, num_experts_per_tok=2,
    max_position_embeddings=32)


def apart(name, model_class, config_class, fields, **options):
    """A network of `transformers` whose files have tensors for each expert."""
    network = getattr(transformers, model_class)(getattr(transformers, config_class)(**MOE | fields))
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        network.save_pretrained(folder)
        path = os.path.join(folder, "model.safetensors")
        state = {key: hashed_tensor(key, value.shape) for key, value in load_file(path).items()}
        save_file(state, path, metadata={"format": "pt"})
        network = getattr(transformers, model_class).from_pretrained(folder, dtype=torch.float32)
        adapted = get_peft_model(network, LoraConfig(**dict(r=2, lora_alpha=3) | options))
        stored, adapter = written(adapted, folder)
        adapted.merge_and_unload().save_pretrained(folder)
        merged = load_file(path)
    changed = [key for key in merged if not torch.equal(merged[key], state[key])]
    return {"name": name, "shapes": {key: list(value.shape) for key, value in merged.items()}, "adapter": stored,
            "model_type": network.config.model_type, "tensors": {key: list(value.shape) for key, value in adapter.items()},
            "made": {key: [float(f"{x:.7g}") for x in merged[key].flatten().tolist()] for key in changed}}


def stacks():
    both = ["experts.gate_up_proj", "experts.down_proj"]
    plain = dict(gate_up_proj=(3, 10, 4), down_proj=(3, 4, 5))
    return [
        experts("experts", plain, False, target_parameters=both),
        experts("experts, one", plain, False, target_parameters=["mlp.experts.down_proj"], use_rslora=True),
        experts("experts, turned", dict(gate_up_proj=(3, 4, 10), down_proj=(3, 5, 4)), True, target_parameters=both),
        experts("experts, turned squares", dict(gate_up_proj=(2, 4, 4), down_proj=(2, 5, 4)), True, target_parameters=both),
        experts("experts, patterns", plain, False, target_parameters=both, alpha_pattern={"experts.down_proj": 5}, rank_pattern={"experts.down_proj": 1}),
        apart("qwen3, experts apart", "Qwen3MoeForCausalLM", "Qwen3MoeConfig", dict(
            intermediate_size=20, moe_intermediate_size=8, head_dim=6, num_experts=3), target_modules=["q_proj"], target_parameters=both),
        apart("mixtral, experts apart", "MixtralForCausalLM", "MixtralConfig", dict(
            intermediate_size=8, num_local_experts=3), target_modules=[], target_parameters=["mlp.experts.gate_up_proj"]),
        apart("gpt_oss", "GptOssForCausalLM", "GptOssConfig", dict(
            intermediate_size=8, head_dim=6, num_local_experts=3, layer_types=["full_attention"] * 2), target_modules=[], target_parameters=both),
        experts("a matrix", dict(weight=(6, 4)), False, target_parameters=["experts.weight"]),
    ]


def drawn(draw, number, seed):
    model = draw.choice([LLAMA, LLAMA, GEMMA, GPT2, BERT, ROBERTA, APART])
    embedding, head, layer = PARTS[model[1].removesuffix("Config")]
    # PEFT's layer for tokens leaves a head's bias out (F.linear without it), which its own merge does not; it is not followed there.
    kinds = ["targets", "targets", "saved"] + ["tokens", "tokens"] * (model not in (BERT, ROBERTA))
    kind = draw.choice(kinds)
    options = dict(r=draw.choice([1, 2, 3]), lora_alpha=draw.choice([2, 5]), use_rslora=draw.random() < 0.3, fan_in_fan_out=model is GPT2)
    if kind == "targets":
        options["target_modules"] = draw.choice([[embedding], [embedding, layer], [head], [head, embedding, layer]])
        options["use_dora"] = draw.random() < 0.3 and model is not GPT2
        if head in options["target_modules"]:
            options["fan_in_fan_out"] = False
            options["target_modules"] = [part for part in options["target_modules"] if part != "c_proj"]
    else:
        options["target_modules"] = [layer]
    if kind == "saved":
        options["modules_to_save"] = [draw.choice([embedding, head])]
    if kind == "tokens":
        indices = draw.sample(range(31), draw.choice([1, 3]))
        options["trainable_token_indices"] = draw.choice([{embedding: indices}, {embedding: indices, head: draw.sample(range(31), 2)}, {head: indices}])
    return f"random {seed}.{number}", (model, options)


if __name__ == "__main__":
    cases = CASES
    if len(sys.argv) > 2:
        draw = random.Random(int(sys.argv[2]))
        cases = dict(drawn(draw, number, sys.argv[2]) for number in range(int(sys.argv[1])))
    lines = [json.dumps(case(name, *parts)) for name, parts in cases.items()]
    if len(sys.argv) < 3:
        lines += [json.dumps(stack) for stack in stacks()]
    print("[\n" + ",\n".join(lines) + "\n]")
