#!/usr/bin/env python3
"""Writes merges.json: merges that need data, of two small random BERT classifiers with heads of 3 and 2 classes.

    merges.py > merges.json      (needs torch, transformers, tokenizers)

By definition, in float64, one example at a time: RegMean and RegMean++ with what each linear map sees, Fisher merging of bodies
with the true Fisher, AdaMerging by automatic differentiation. Weights come from hashes of names, as in `evaluate.py`. Of each tensor of a
result two numbers are written: its norm, and its product with a random vector.
"""

import json
import os
import sys

import numpy as np
import torch
import transformers

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from evaluate import wordpiece  # noqa: E402
from networks import hashed, weights  # noqa: E402

TEXTS = [
    ["anna lives in iceland.", "the river runs", "rain on the land", "a quiet evening by the sea"],
    ["otto met the envoys", "in the netherlands it rains", "no", "they argued about the price of bread"],
]
CLASSES = [3, 2]
TOKENIZER, SIZE = wordpiece()


def build(number):
    """Model 1 or 2, or 0, the base of both."""
    torch.manual_seed(0)
    classes = CLASSES[max(number - 1, 0)]
    model = transformers.BertForSequenceClassification(transformers.BertConfig(
        vocab_size=SIZE, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=40, num_labels=classes, attn_implementation="eager")).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            shape = tuple(parameter.shape)
            entries = weights(name, shape)
            if number:
                own = hashed(f"{number} {name}", int(np.prod(shape))).astype(np.float32) * np.float32(0.5)
                entries = (entries.float() + torch.tensor(own.reshape(shape))).double()
            parameter.copy_(entries)
    return model


def ids(text):
    return torch.tensor([TOKENIZER.encode(text).ids])


def linear_inputs(model, text):
    """What goes into each linear map, (tokens, in); the pooler sees the first token alone."""
    seen, hooks = {}, []
    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            hooks.append(module.register_forward_hook(
                lambda module, inputs, output, path=path: seen.__setitem__(path, inputs[0].reshape(-1, inputs[0].shape[-1]))))
    with torch.no_grad():
        model(ids(text))
    for hook in hooks:
        hook.remove()
    return seen


def grams(model, texts):
    sums, rows = {}, {}
    for text in texts:
        for path, x in linear_inputs(model, text).items():
            sums[path] = sums.get(path, 0) + x.T @ x
            rows[path] = rows.get(path, 0) + len(x)
    return {path: sums[path] / rows[path] for path in sums}


def is_head(name):
    return name.startswith("classifier.")


def least_squares(tensors, matrices, alpha=0.9, ridge=1e-6):
    shrunk = [alpha * g + (1 - alpha) * torch.diag(torch.diag(g)) for g in matrices]
    total = sum(shrunk) / len(shrunk)
    total = total + ridge * torch.diag(total).mean() * torch.eye(len(total), dtype=torch.float64)
    average = sum(tensors) / len(tensors)
    target = sum(g @ (w - average).T for g, w in zip(shrunk, tensors)) / len(tensors)
    return average + torch.linalg.solve(total, target).T


def states():
    return [{name: tensor.clone() for name, tensor in build(number).state_dict().items()} for number in (1, 2)]


def regmean():
    found = [grams(build(number), texts) for number, texts in zip((1, 2), TEXTS)]
    both = states()
    result = {}
    for name in both[0]:
        path = name.removesuffix(".weight")
        tensors = [state[name] for state in both]
        if is_head(name):
            result[name] = tensors[0]
        elif path in found[0] and name.endswith(".weight"):
            result[name] = least_squares(tensors, [f[path] for f in found])
        else:
            result[name] = sum(tensors) / 2
    return result


def regmean_plus_plus():
    models = [build(number) for number in (1, 2)]
    both = states()
    result = {}
    stages = ["bert.embeddings.", "bert.encoder.layer.0.", "bert.encoder.layer.1.", "bert.pooler."]
    for stage in stages:
        found = [grams(model, texts) for model, texts in zip(models, TEXTS)]
        for name in both[0]:
            if not name.startswith(stage):
                continue
            path = name.removesuffix(".weight")
            tensors = [state[name] for state in both]
            if path in found[0] and name.endswith(".weight"):
                result[name] = least_squares(tensors, [f[path] for f in found])
            else:
                result[name] = sum(tensors) / 2
        for model in models:
            model.load_state_dict({n: t for n, t in result.items()}, strict=False)
    for name in both[0]:
        result.setdefault(name, both[0][name])
    return result


def true_fisher(model, texts):
    result = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for text in texts:
        probabilities = torch.softmax(model(ids(text)).logits[0], -1).detach()
        for label, probability in enumerate(probabilities):
            model.zero_grad()
            torch.log_softmax(model(ids(text)).logits[0], -1)[label].backward()
            for name, p in model.named_parameters():
                result[name] += probability * p.grad ** 2 / len(texts)
    return result


def fisher_merge():
    fishers = [true_fisher(build(number), texts) for number, texts in zip((1, 2), TEXTS)]
    both = states()
    merged = [name for name in both[0] if not is_head(name)]
    norms = [torch.sqrt(sum((f[name] ** 2).sum() for name in merged)) for f in fishers]
    result = {name: both[0][name] for name in both[0] if is_head(name)}
    for name in merged:
        f = [torch.clamp(fishers[0][name], min=1e-6) / norms[0], fishers[1][name] / norms[1]]
        result[name] = (f[0] * both[0][name] + f[1] * both[1][name]) / (f[0] + f[1])
    return result


def adamerging(per_tensor, steps=6, rate=0.05):
    base, both = build(0).state_dict(), states()
    models = [build(number) for number in (1, 2)]
    names = [name for name, _ in models[0].named_parameters() if not is_head(name)]
    size = (2, len(names)) if per_tensor else (2, 1)
    coefficients = torch.full(size, 0.3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([coefficients], lr=rate)

    def merge(index, name):
        place = index if per_tensor else 0
        return base[name] + sum(coefficients[task, place] * (both[task][name] - base[name]) for task in (0, 1))

    for _ in range(steps):
        merged = {name: merge(index, name) for index, name in enumerate(names)}
        loss = 0
        for model, texts in zip(models, TEXTS):
            p = torch.softmax(torch.func.functional_call(model, merged, (ids(texts[0]),)).logits, -1)
            loss = loss - (p * torch.log(p + 1e-8)).sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    result = {name: both[0][name] for name in both[0]}
    result.update({name: merge(index, name).detach() for index, name in enumerate(names)})
    return result


def numbers(result):
    def pair(name, tensor):
        probe = torch.tensor(hashed(f"probe {name}", tensor.numel()))
        return [tensor.norm().item(), (tensor.reshape(-1) * probe).sum().item()]

    return {name: pair(name, tensor.double()) for name, tensor in result.items()}


if __name__ == "__main__":
    config = {key: value for key, value in build(1).config.to_dict().items()
              if isinstance(value, (int, float, str, list, bool)) and not key.startswith("_")}
    print(json.dumps(dict(
        config=config, tokenizer=TOKENIZER.to_str(), texts=TEXTS, regmean=numbers(regmean()),
        regmean_plus_plus=numbers(regmean_plus_plus()), fisher_merge=numbers(fisher_merge()),
        adamerging_task=numbers(adamerging(False)), adamerging_tensor=numbers(adamerging(True)))))
