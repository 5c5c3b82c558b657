"""What PEFT makes of a small model: writes adapters.json. Run with peft 0.21 and torch 2.13 (CPU)."""

import json
import os
import tempfile

import torch
from peft import IA3Config, LoHaConfig, LoKrConfig, LoraConfig, PeftModel, PolyConfig, get_peft_model
from peft.utils.incremental_pca import IncrementalPCA
from safetensors.torch import load_file
from transformers.pytorch_utils import Conv1D


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = torch.nn.Embedding(7, 4)
        self.first = torch.nn.Linear(4, 6)
        self.turned = Conv1D(5, 6)
        self.last = torch.nn.Linear(5, 8, bias=False)

    def forward(self, x):
        return self.last(self.turned(self.first(self.tokens(x))))


def nested(tensor):
    return json.loads(json.dumps(tensor.tolist()), parse_float=lambda text: float(f"{float(text):.9g}"))


def tensors(state):
    return {name: nested(tensor.float()) for name, tensor in sorted(state.items())}


def small():
    torch.manual_seed(11)
    model = Small()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def scramble(model, seed):
    """Random values where PEFT begins with zeros or ones."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.endswith(".bias") and parameter.requires_grad or any(part in name for part in ["lora_", "lokr_", "hada_", "ia3_", "poly_"]):
            parameter.data = torch.randn(parameter.shape, generator=generator)


def saved(model, **options):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, **options)
        config = json.load(open(os.path.join(folder, "adapter_config.json")))
        return config, load_file(os.path.join(folder, "adapter_model.safetensors"))


def folded(name, config):
    model = get_peft_model(small(), config)
    scramble(model, len(name))
    settings, state = saved(model)
    return {"name": name, "config": settings, "adapter": tensors(state),
            "model": tensors(model.merge_and_unload().state_dict())}


def started(name, start, **options):
    model = get_peft_model(small(), LoraConfig(target_modules=["first", "last"], init_lora_weights=start, **options))
    layers = {}
    for path in ["first", "last"]:
        layer = getattr(model.base_model.model, path)
        layers[path + ".weight"] = {
            "product": nested(layer.get_delta_weight("default")), "residual": nested(layer.base_layer.weight.data)}
    return {"name": name, "rank": options["r"], "alpha": options["lora_alpha"],
            "rslora": options.get("use_rslora", False), "layers": layers}


def converted():
    with tempfile.TemporaryDirectory() as folder:
        model = get_peft_model(small(), LoraConfig(
            target_modules=["first", "last"], init_lora_weights="pissa", r=2, lora_alpha=3))
        model.peft_config["default"].init_lora_weights = True
        model.save_pretrained(os.path.join(folder, "start"))
        _, start = saved(model)
        model.peft_config["default"].init_lora_weights = "pissa"
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.data = parameter.data + 0.1
        settings, trained = saved(model)
        config, state = saved(model, path_initial_model_for_weight_conversion=os.path.join(folder, "start"))
        return {"start": tensors(start), "trained": tensors(trained), "config": settings,
                "converted": tensors(state), "converted_config": config}


def poly():
    torch.manual_seed(5)
    model = torch.nn.Sequential(torch.nn.Linear(4, 6))
    model = get_peft_model(model, PolyConfig(target_modules=["0"], r=3, n_tasks=3, n_skills=2, n_splits=2,
                                             init_weights=False))
    scramble(model, 3)
    model.eval()
    settings, state = saved(model)
    layer = model.base_model.model[0]
    changes = []
    for task in range(3):
        x = torch.eye(4).unsqueeze(0)
        y = layer(x, task_ids=torch.tensor([task])) - layer.base_layer(x)
        changes.append(nested(y[0].detach().T))
    return {"config": settings, "inventory": tensors(state), "changes": changes}


def components(rows, width, count):
    """What EVA keeps of three batches of numbers that both sides make up alike."""
    state = IncrementalPCA(n_components=count, copy=True, lowrank=True, lowrank_seed=42)
    for batch in range(3):
        places = torch.arange(batch * rows * width, (batch + 1) * rows * width, dtype=torch.float64)
        values = torch.frac(torch.sin(places + 1) * 1000).reshape(rows, width)
        state.partial_fit((values * torch.linspace(1, 2, width, dtype=torch.float64)).float())
    return {"rows": rows, "width": width, "count": count, "components": nested(state.components_),
            "values": nested(state.singular_values_), "explained": nested(state.explained_variance_ratio_)}


plain = {"target_modules": ["first", "last"], "r": 2, "lora_alpha": 3}
cases = [
    folded("lora", LoraConfig(**plain)),
    folded("patterns", LoraConfig(**plain, rank_pattern={"last": 3}, alpha_pattern={"l.st": 7}, use_rslora=True)),
    folded("dora", LoraConfig(target_modules=["first", "last", "tokens"], r=2, lora_alpha=3, use_dora=True)),
    folded("transposed", LoraConfig(target_modules=["turned"], r=2, lora_alpha=3, fan_in_fan_out=True)),
    folded("biases", LoraConfig(target_modules=["first"], r=2, lora_alpha=3, lora_bias=True)),
    folded("all_biases", LoraConfig(target_modules=["first"], r=2, lora_alpha=3, bias="all")),
    folded("saved", LoraConfig(target_modules=["first", "tokens"], r=2, modules_to_save=["last"])),
    folded("lokr", LoKrConfig(target_modules=["first", "last"], r=8, alpha=4)),
    folded("lokr_factors", LoKrConfig(target_modules=["last"], r=1, alpha=2, decompose_both=True)),
    folded("loha", LoHaConfig(target_modules=["first", "last"], r=2, alpha=3, alpha_pattern={"last": 5})),
    folded("ia3", IA3Config(target_modules=["first", "last"], feedforward_modules=["last"])),
]
starts = [
    started("pissa", "pissa", r=2, lora_alpha=3), started("pissa", "pissa", r=3, lora_alpha=2, use_rslora=True),
    started("olora", "olora", r=2, lora_alpha=3),
]
result = {
    "_about": "peft 0.21.2, torch 2.13.0: written by adapters.py", "model": tensors(small().state_dict()),
    "folded": cases, "starts": starts, "converted": converted(), "poly": poly(),
    "components": [components(40, 24, 3), components(20, 48, 4), components(30, 6, 3)],
}
with open(os.path.join(os.path.dirname(__file__), "adapters.json"), "w") as file:
    json.dump(result, file, separators=(",", ":"))
    file.write("\n")
