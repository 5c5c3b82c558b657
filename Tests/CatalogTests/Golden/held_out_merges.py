#!/usr/bin/env python3
"""Merges models that nobody chose, with arcee's mergekit and with ours, and compares each entry.

    held_out_merges.py make DIR SEED COUNT [FAMILIES [METHODS]]     models and files of mergekit's
    held_out_merges.py ours DIR MERGEKIT                            imports and applies the files with a mergekit of ours
    held_out_merges.py peer DIR                                     merges with the mergekit that Python imports, made steady.py
    held_out_merges.py compare DIR

Needs torch, transformers, and what steady.py needs. The peer calculates in float32, as ours does. With DRAWS_ONLY=1 it only draws
as ours does, and orders equal entries by chance; OUT names the folder of its results.
"""

import json
import os
import random
import subprocess
import sys

import torch
import yaml
from safetensors.torch import load_file, save_file

OUT = os.environ.get("OUT", "peer")  # where the peer's results are
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
METHODS = ["dare_linear", "dare_ties", "della", "della_linear", "breadcrumbs", "breadcrumbs_ties", "sce", "ties"]
FILTERS = {
    "llama": ["mlp", "self_attn", "norm"], "wide": ["mlp", "self_attn", "norm"], "long": ["self_attn", "down_proj"],
    "gpt2": ["mlp", "attn", "ln"], "whisper": ["fc", "attn", "conv"]}


def network(family):
    """A small network of odd sizes, with its configuration."""
    import transformers as t
    if family in ("llama", "wide", "long"):
        # The last one has rows of more entries than `della` ranks by counting.
        vocabulary, width, inner, layers = {
            "llama": (211, 70, 173, 3), "wide": (811, 390, 1013, 2), "long": (23, 10, 40013, 1)}[family]
        return t.LlamaForCausalLM(t.LlamaConfig(
            vocab_size=vocabulary, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=5,
            num_key_value_heads=1, tie_word_embeddings=False))
    if family == "gpt2":
        return t.GPT2LMHeadModel(t.GPT2Config(vocab_size=131, n_positions=37, n_embd=45, n_layer=2, n_head=5))
    # Convolutions of three axes.
    return t.WhisperForConditionalGeneration(t.WhisperConfig(
        vocab_size=97, num_mel_bins=13, d_model=42, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3,
        decoder_attention_heads=3, encoder_ffn_dim=71, decoder_ffn_dim=59, max_source_positions=31,
        max_target_positions=23, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1))


def change(shape, draw, noise):
    """What fine-tuning might add: dense, sparse, heavy-tailed, on a grid, hardly anything, or nothing."""
    kind = draw.choice(["dense", "dense", "sparse", "heavy", "grid", "faint", "none"])
    size = draw.choice([0.3, 0.02, 0.003, 0.0004])
    entries = torch.randn(shape, generator=noise) * size
    if kind == "sparse":
        entries *= torch.rand(shape, generator=noise) < 0.3
    if kind == "heavy":
        entries = entries.sign() * entries.abs() ** 2 / size
    if kind == "grid":
        entries = (entries / size * 2).round() * size / 2
    return entries * {"faint": 1e-9, "none": 0}.get(kind, 1)


def make_models(directory, seed, families):
    for family in families:
        model = network(family)
        noise = torch.Generator().manual_seed(seed)
        draw = random.Random(f"{seed} {family}")
        state = {n: torch.randn(p.shape, generator=noise) * draw.choice([1, 0.1, 0.02]) for n, p in model.named_parameters()}
        tuned = [{n: base + change(base.shape, draw, noise) for n, base in state.items()} for _ in range(4)]
        for dtype, torch_dtype in DTYPES.items():
            for name, tensors in [("base", state)] + [(f"m{i}", t) for i, t in enumerate(tuned)]:
                folder = os.path.join(directory, "models", f"{family}-{dtype}", name)
                os.makedirs(folder)
                save_file({n: t.to(torch_dtype).contiguous() for n, t in tensors.items()},
                          os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
                config = json.loads(model.config.to_json_string(use_diff=False))
                config["architectures"] = [type(model).__name__]
                config["dtype"] = config["torch_dtype"] = str(torch_dtype).split(".")[1]
                with open(os.path.join(folder, "config.json"), "w") as file:
                    json.dump(config, file)


def setting(draw, one, filters):
    """A number, a gradient over the layers, or one for tensors of some name."""
    kind = draw.choice(["one", "one", "gradient", "filter"])
    if kind == "gradient":
        return [one() for _ in range(draw.choice([2, 3, 4]))]
    if kind == "filter":
        return [{"filter": draw.choice(filters), "value": one()}, {"value": one()}]
    return one()


def make_merge(method, draw, families):
    family, dtype = draw.choice(families), draw.choice(list(DTYPES))
    folder = f"models/{family}-{dtype}"
    is_whisper = family == "whisper"  # whose layers lie in two modules
    vary = lambda one: one() if is_whisper else setting(draw, one, FILTERS[family])
    low, high = (0.16, 0.84) if method.startswith("della") else (0.03, 0.95)
    models = []
    for number in draw.sample(range(4), draw.choice([1, 2, 2, 3, 3, 4])):
        parameters = {}
        if method != "sce":
            parameters["weight"] = vary(lambda: round(draw.choice([1, 1, 1, -1]) * draw.uniform(0.1, 1.5), 3))
            if draw.random() < 0.9:
                parameters["density"] = vary(lambda: draw.choice([0.5, 1, round(draw.uniform(low, high), 3)]))
            if method.startswith("breadcrumbs"):
                # Fewer than one outlier, and mergekit would lose the task vector (peers.md 2.1).
                parameters["gamma"] = draw.choice([0.05, 0.1, 0.25])
        models.append({"model": f"{folder}/m{number}", "parameters": parameters})
    shared = {}
    if method == "sce":
        shared["select_topk"] = vary(lambda: draw.choice([0.1, 0.3, 0.75, 1, round(draw.uniform(0.01, 1), 3)]))
        models = [{"model": m["model"]} for m in models]
    else:
        for key, values in (("normalize", [True, False]), ("rescale", [True, False])):
            if draw.random() < 0.6:
                shared[key] = draw.choice(values)
        if draw.random() < 0.6:
            shared["lambda"] = vary(lambda: round(draw.uniform(0.2, 1.8), 3))
    if method.startswith("della") and draw.random() < 0.7:
        shared["epsilon"] = draw.choice([0.01, 0.1, 0.15])
    if draw.random() < 0.3:
        shared["int8_mask"] = True
    out = draw.choice([dtype, dtype, "f32"])
    return {"models": models, "base_model": f"{folder}/base", "merge_method": method, "parameters": shared,
            "dtype": "float32", "out_dtype": str(DTYPES[out]).split(".")[1]}


def make(directory, seed, count, families="llama,gpt2,whisper", methods=",".join(METHODS)):
    families, methods = families.split(","), methods.split(",")
    make_models(directory, int(seed), families)
    for number in range(int(count)):
        draw = random.Random(f"{seed} {number}")
        text = yaml.safe_dump(make_merge(methods[number % len(methods)], draw, families), sort_keys=False)
        with open(os.path.join(directory, f"{number:03}.yml"), "w") as file:
            file.write(text)


def files(directory):
    return sorted(name for name in os.listdir(directory) if name.endswith(".yml"))


def ours(directory, program):
    for name in files(directory):
        recipe, out = name.replace(".yml", ".rcp"), os.path.join("ours", name[:-4])
        for arguments in (["import", name, "-o", recipe], ["apply", recipe, "--out", out, "--progress", "none"]):
            run = subprocess.run([program] + arguments + ["--force"], cwd=directory, capture_output=True, text=True)
            if run.returncode:
                print(name, run.stdout, run.stderr)
                break


def peer(directory):
    import mergekit.architecture.base as architecture
    import steady
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions
    steady.install(draws_only=os.environ.get("DRAWS_ONLY") == "1")
    # Whisper's prefix lacks its point in mergekit, whose merges of it fail.
    prefixed = architecture._prefix_weight
    architecture._prefix_weight = lambda weight, prefix: prefixed(
        weight, "model.decoder." if prefix == "model.decoder" else prefix)
    os.chdir(directory)
    for name in files("."):
        with open(name) as file:
            text = file.read()
        document = yaml.safe_load(text)
        base = document.get("base_model")
        listed = document.get("models") or document["slices"][0]["sources"]
        steady.Place.order = [model["model"] for model in listed if model["model"] != base]
        options = MergeOptions(copy_tokenizer=False, quiet=True, write_model_card=False, allow_crimes=True)
        try:
            run_merge(MergeConfiguration.model_validate(document), os.path.join(OUT, name[:-4]), options)
        except Exception as error:  # what mergekit cannot do is a result too
            print(name, type(error).__name__, error)


def tensors(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".safetensors"):
            found |= load_file(os.path.join(folder, name))
    return found


def compare(directory):
    for name in files(directory):
        with open(os.path.join(directory, name)) as file:
            document = yaml.safe_load(file)
        try:
            mine = tensors(os.path.join(directory, "ours", name[:-4], "merged"))
            theirs = tensors(os.path.join(directory, OUT, name[:-4]))
        except OSError as error:
            print(name, error)
            continue
        base = document.get("base_model") or (document.get("models") or document["slices"][0]["sources"])[0]["model"]
        base = tensors(os.path.join(directory, base))
        count = unequal = beyond = 0
        worst, place = 0.0, ""
        missing = set(mine) ^ set(theirs)
        for key in sorted(set(mine) & set(theirs)):
            a, b = mine[key], theirs[key]
            if (a.shape, a.dtype) != (b.shape, b.dtype):
                missing.add(f"{key} as {list(a.shape)} {a.dtype}, not {list(b.shape)} {b.dtype}")
                continue
            origin = base[key].double().abs() if key in base and base[key].shape == a.shape else b.double().abs()
            # A sum of base and task vector is as exact as the larger of them, whatever they cancel to.
            size = torch.maximum(origin, torch.maximum(b.double().abs(), a.double().abs())).clamp(min=1e-30)
            relative = (a.double() - b.double()).abs() / size
            count += a.numel()
            unequal += int((a != b).sum())
            beyond += int((relative > 1e-6).sum())
            if a.numel() and float(relative.max()) > worst:
                worst, place = float(relative.max()), key
        stored = " ".join(sorted({str(t.dtype)[6:] for t in base.values()}))
        kind = f"{document['merge_method']}, {len(document.get('models', []))} of {stored} to {document.get('out_dtype', '')}"
        print(f"{name[:-4]} {kind:45} {count} entries, {unequal} unequal, {beyond} beyond 1e-6, worst {worst:.1e} {place} "
              + (f"only in one: {len(missing)}, {sorted(missing)[:2]}" if missing else ""))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
