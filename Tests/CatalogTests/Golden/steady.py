"""Makes arcee's mergekit choose as we do, where it draws at random or leaves open which of equal entries counts as larger.

Needs torch, mergekit (commit a6e4028 or version 0.1.5), and what choices.py needs. Only choices change: probabilities, ranks of
entries that differ, and all arithmetic stay mergekit's own.
"""

import mergekit.merge_methods.generalized_task_arithmetic as arithmetic
import mergekit.merge_methods.sce as sce
import mergekit.sparsify as sparsify
import numpy as np
import torch

from choices import choices

SEED = 0
_sort, _argsort, _topk = torch.sort, torch.argsort, torch.topk


class Place:
    """What is being merged: where mergekit's functions are not told it."""
    tensor, operands, number, ranks = "", [], 0, False
    order = []  # the models, base left out, as the recipe lists them
    probabilities = None  # a list that takes what entries are kept with, where somebody wants to know


def drawn(probabilities):
    """mergekit draws with these; here entries are kept by the numbers that `dare` and `della` have for them."""
    method = "della" if Place.ranks else "dare"
    numbers = choices(probabilities.numel(), SEED, method, Place.tensor, str(Place.operands[Place.number]))
    shares = probabilities.detach().to(torch.float64).numpy().reshape(-1)
    if Place.probabilities is not None:
        Place.probabilities.append((Place.tensor, Place.operands[Place.number], shares))
    limits = np.clip(np.ceil(shares * 2.0**40), 0, 2.0**40).astype(np.uint64)
    return torch.from_numpy(numbers < limits).to(probabilities.dtype).reshape(probabilities.shape)


def sparsified(tensor, density, method, **settings):
    Place.ranks = method == sparsify.SparsificationMethod.della_magprune
    try:
        return sparsify.sparsify(tensor, density=density, method=method, **settings)
    finally:
        Place.number += 1


def begin(tensor, models):
    Place.tensor, Place.number = tensor, 0
    names = [str(model) for model in models]
    Place.operands = [Place.order.index(name) if Place.order else number for number, name in enumerate(names)]


def falling(entries, **settings):
    """Largest first, of equal ones the lower index first."""
    return _argsort(entries, descending=True, stable=True, **settings)


def rising(entries, dim=-1):
    """Smallest first, of equal ones the higher index first: so that those of lower index count as larger."""
    return falling(entries, dim=dim).flip(dim)


class Sorting:
    """What mergekit/sparsify.py and sce.py call torch, with an order for equal entries."""

    def __getattr__(self, name):
        return getattr(torch, name)

    bernoulli = staticmethod(drawn)

    @staticmethod
    def argsort(entries, dim=-1, descending=False):
        return falling(entries, dim=dim) if descending else rising(entries, dim=dim)

    @staticmethod
    def sort(entries, descending):
        assert not descending
        order = rising(entries)
        return torch.return_types.sort((entries[order], order))

    @staticmethod
    def topk(entries, k, largest):
        assert largest
        order = falling(entries)[:k]
        return torch.return_types.topk((entries[order], order))


def install(draws_only=False):
    """Makes mergekit do so from now on."""
    if draws_only:
        kit = type("Drawing", (), {"__getattr__": lambda self, name: getattr(torch, name), "bernoulli": staticmethod(drawn)})()
    else:
        kit = Sorting()
    sparsify.torch = kit
    sce.torch = kit
    arithmetic.sparsify = sparsified
    if hasattr(arithmetic, "get_task_vectors"):  # commit a6e4028
        collected = arithmetic.get_task_vectors

        def task_vectors(weight, *arguments, **settings):
            found, base = collected(weight, *arguments, **settings)
            begin(weight.name, [vector["model"] for vector in found])
            return found, base

        arithmetic.get_task_vectors = task_vectors
    else:  # version 0.1.5
        merged = arithmetic.GeneralizedTaskArithmeticMerge.merge_group

        def merge_group(self, group, /, **parameters):
            begin(group.metadata.name, [entry.id for entry in group.non_base])
            return merged(self, group, **parameters)

        arithmetic.GeneralizedTaskArithmeticMerge.merge_group = merge_group
