#!/usr/bin/env python3
"""Writes choosing.json: what arcee's mergekit (commit a6e4028) makes of small models where it has to choose among entries.

    choosing.py > choosing.json      (needs what steady.py needs)

DARE and DELLA choose at random, here by the numbers that our operations draw; breadcrumbs, SCE and TIES choose among equal
magnitudes, of which here the lower index counts as larger (`steady.py`). Inputs are not stored: they come from hashes, as in
`networks.py`. All is calculated in float32; results are rounded to what the models are stored in. Of DELLA, the first model's
probabilities are written too.
"""

import json
import os
import sys

import numpy as np
import torch
from mergekit.architecture import WeightInfo
from mergekit.common import ImmutableMap, ModelReference
from mergekit.merge_methods import generalized_task_arithmetic as arithmetic
from mergekit.merge_methods import sce
from mergekit.merge_methods.registry import STATIC_MERGE_METHODS

import steady

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../NetworksTests/Golden"))
from networks import hashed  # noqa: E402

SHAPES = {"rows.weight": [7, 19], "vector.bias": [41], "convolution.weight": [3, 5, 4]}
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}

# `steps`: entries are whole multiples of its inverse, so that differences tie in float32 too.
CASES = [
    dict(method="dare_linear", dtype="f32", weight=[0.7, -0.4], density=[0.35, 0.8], shared={"lambda": 1.3}),
    dict(method="dare_linear", dtype="bf16", weight=[1, 0.5, 0.25], density=[0.1, 0.5, 1], shared=dict(normalize=True)),
    dict(method="dare_ties", dtype="f32", weight=[0.9, 0.6, -0.3], density=[0.6, 0.45, 0.2], shared=dict(rescale=False)),
    dict(method="dare_ties", dtype="f16", weight=[1, 1, 1], density=[0.5, 0.5, 0.5],
         shared=dict(normalize=True, int8_mask=True)),
    dict(method="della", dtype="f32", steps=64, weight=[1, 0.8], density=[0.5, 0.3], shared=dict(epsilon=0.2)),
    dict(method="della", dtype="bf16", weight=[0.5, 0.4, 1.1], density=[0.85, 0.4, 0.25],
         shared={"epsilon": 0.1, "lambda": 0.7, "rescale": False}),
    dict(method="della_linear", dtype="f32", weight=[-1.2, 0.3], density=[0.7, 0.31], shared=dict(epsilon=0.29)),
    dict(method="della_linear", dtype="bf16", weight=[0.6, 0.6], density=[0.5, 0.2], shared={}),
    dict(method="breadcrumbs", dtype="bf16", weight=[1, 0.5, -0.5], density=[0.4, 0.55, 0.9], gamma=[0.1, 0.05, 0.2],
         shared=dict(rescale=True)),
    dict(method="breadcrumbs_ties", dtype="f32", steps=32, weight=[0.8, 1.1], density=[0.3, 0.6], gamma=[0.15, 0.1],
         shared=dict(normalize=True)),
    dict(method="ties", dtype="bf16", weight=[1, 0.5, 1], density=[0.2, 0.5, 0.75], shared={}),
    dict(method="sce", dtype="f32", steps=64, models=3, shared=dict(select_topk=0.35)),
    dict(method="sce", dtype="bf16", models=4, shared=dict(select_topk=0.6, int8_mask=True)),
]


def models(case, name, shape, count):
    """A base's tensor, and what some fine-tunings made of it."""
    def numbers(text, size):
        numbers = hashed(text, int(np.prod(shape))).reshape(shape) * size
        if steps := case.get("steps"):
            numbers = np.round(numbers * steps) / steps
        return torch.from_numpy(numbers.astype(np.float32))

    base = numbers(f"{name} base", 2)
    made = [base] + [base + numbers(f"{name} {number}", 0.5) for number in range(count)]
    return [tensor.to(DTYPES[case["dtype"]]).float() for tensor in made]


def merged(case, name, shape):
    """As mergekit merges it."""
    count = case.get("models") or len(case["weight"])
    base, *tuned = models(case, name, shape, count)
    if case["method"] == "sce":
        return sce.sce_merge(tensors=tuned, base_tensor=base, **case["shared"])
    method = next(m for m in STATIC_MERGE_METHODS if m.name() == case["method"])
    names = [ModelReference.model_validate(text) for text in ["base"] + [f"m{number}" for number in range(count)]]
    shared = {p.name: p.default_value for p in method.parameters()} | case["shared"]
    own = {}
    for number, model in enumerate(names[1:]):
        values = {p.name: shared.get(p.name, p.default_value) for p in method.tensor_parameters()}
        values |= {key: case[key][number] for key in ("weight", "density", "gamma") if key in case}
        own[model] = ImmutableMap(values)
    task = arithmetic.GTATask.model_construct(
        method=method, tensors=None, base_model=names[0], weight_info=WeightInfo(name=name), tensor_parameters=ImmutableMap(own),
        int8_mask=shared["int8_mask"], normalize=shared["normalize"], lambda_=shared["lambda"],
        rescale_norm=arithmetic.RescaleNorm.l1 if shared["rescale"] else None)
    return task.execute(dict(zip(names, [base] + tuned)))


def written(tensor):
    return [float(f"{x:.9g}") for x in tensor.flatten().tolist()]


if __name__ == "__main__":
    steady.install()
    for case in CASES:
        steady.Place.probabilities = []
        case["tensors"] = {
            name: written(merged(case, name, shape).to(DTYPES[case["dtype"]]).float()) for name, shape in SHAPES.items()}
        if case["method"].startswith("della"):
            case["probabilities"] = {
                name: written(torch.from_numpy(shares)) for name, number, shares in steady.Place.probabilities if number == 0}
    print(json.dumps({"shapes": SHAPES, "cases": CASES}, separators=(",", ":")).replace('{"method"', '\n{"method"'))
