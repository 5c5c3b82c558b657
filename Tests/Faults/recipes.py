"""Recipes and files that the fault tests apply."""

import json
import random
import struct

PAIRS = "first,second,larger\n" + "".join(
    f"{row * 37 % 101 / 101},{row * 53 % 103 / 103},{int(row * 37 % 101 * 103 > row * 53 % 103 * 101)}\n"
    for row in range(200))

SMALL = """## As small as a run can be.
recipe "Small"
param seed: count = 1
let start = classifier(sizes: [2, 8, 2], seed:)
let other = classifier(sizes: [2, 8, 2], seed: 99)
let both = average([start, other])
export both to "out/model"
"""

LONG = """## Long enough to be killed in its midst.
recipe "Long"
param epochs: count = 150 epochs
let train = dataset("pairs.csv", label: "larger")
let held_out = dataset("pairs.csv", label: "larger", split: .test)
let one = finetune(classifier(sizes: [2, 16, 2], seed: 1), data: train, epochs:)
let other = finetune(classifier(sizes: [2, 16, 2], seed: 2), data: train, epochs:)
let third = finetune(classifier(sizes: [2, 16, 2], seed: 3), data: train, epochs:)
let both = average([one, other, third])
let scores = [for model in [one, other, third, both]: evaluate(model:, data: held_out)]
export both to "out/model"
export scores to "out/scores.json"
"""

MERGE = """## Half of each of two models on disk.
recipe "Merge"
let a = checkpoint("a")
let b = checkpoint("b")
export average([a, b]) to "out/model"
"""


def safetensors(tensors, header=None):
    """A file's bytes: tensors by name, as (dtype, shape, bytes); or any header's text with some bytes behind it."""
    entries, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = (json.dumps(entries) if header is None else header)
    text = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + data


def floats(count, seed):
    """Random float32 entries that are quick to make: all finite, about one in size."""
    generator = random.Random(seed)
    block = b"".join(struct.pack("<f", generator.gauss(0, 1)) for _ in range(4096))
    return (block * (count // 4096 + 1))[: count * 4]


def write_model(session, name, seed, count=4096, tensors=2):
    config = json.dumps({"model_type": "unknown"})
    session.write(f"{name}/config.json", config)
    session.write(
        f"{name}/model.safetensors",
        safetensors({f"t{number}": ("F32", [count], floats(count, seed * 100 + number)) for number in range(tensors)}))


def merge_session(campaign, count=4096, tensors=2):
    session = campaign.session(MERGE)
    write_model(session, "a", 1, count, tensors)
    write_model(session, "b", 2, count, tensors)
    return session


def long_session(campaign, folder=None):
    session = campaign.session(LONG, folder)
    session.write("pairs.csv", PAIRS)
    return session
