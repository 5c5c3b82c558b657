#!/usr/bin/env python3
"""Writes evaluate.json: what `transformers`, `seqeval`, `scipy` and PyTorch make of small random models on a few examples.

    evaluate.py > evaluate.json      (needs torch, transformers, tokenizers, seqeval, scikit-learn)

Weights are not stored: they come from a hash of their names, as in `Tests/NetworksTests/Golden/networks.py`. Computed in float64.
"""

import json
import os
import sys

import numpy as np
import tokenizers
import torch
import transformers
from scipy.stats import pearsonr, spearmanr
from seqeval.metrics import f1_score as entity_f1
from sklearn.metrics import f1_score

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../NetworksTests/Golden"))
from networks import weights  # noqa: E402


def fill(model):
    model = model.double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Words are to matter more than what all places share.
            scale = 0 if name.endswith("bias") else 6 if "word_embeddings" in name else 1
            parameter.copy_(weights(name, tuple(parameter.shape)) * scale)
    return model


def config(model, name):
    result = model.config.to_dict()
    result["architectures"] = [name]
    return {key: value for key, value in result.items() if isinstance(value, (int, float, str, list, dict, bool)) and
            not key.startswith("_")}


LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAMES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def wordpiece():
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + list(LETTERS) + ["##" + letter for letter in LETTERS] + [
        ".", "an", "the", "##er", "river", "##land", "in"]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(
        {token: index for index, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer, len(vocabulary)


def tags():
    tokenizer, size = wordpiece()
    torch.manual_seed(0)
    model = transformers.BertForTokenClassification(transformers.BertConfig(
        vocab_size=size, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=40, num_labels=len(NAMES), attn_implementation="eager"))
    model.config.id2label = dict(enumerate(NAMES))
    model.config.label2id = {name: index for index, name in enumerate(NAMES)}
    fill(model)
    sentences = [
        ("Anna Berg lives in Iceland .", "B-PER I-PER O O B-LOC O"),
        ("the river runs", "O B-LOC O"),
        ("Otto-Karl met U.S. envoys in the Netherlands", "B-PER O B-LOC O O B-LOC I-LOC"),
        ("rain", "O"),
    ]
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]")
    found, labels, losses = [], [], []
    for text, tagged in sentences:
        encoding = wrapped(text.split(), is_split_into_words=True, return_tensors="pt")
        logits = model(**encoding).logits[0]
        first = [encoding.word_ids(0).index(word) for word in range(len(text.split()))]
        found.append([NAMES[int(logits[place].argmax())] for place in first])
        labels.append(tagged.split())
        numbers = torch.tensor([NAMES.index(tag) for tag in labels[-1]])
        losses.append(torch.nn.functional.cross_entropy(logits[first], numbers, reduction="sum").item())
    flat = [tag for row in labels for tag in row], [tag for row in found for tag in row]
    # The data's own numbers are alphabetical: names decide.
    return dict(
        config=config(model, "BertForTokenClassification"), tokenizer=tokenizer.to_str(),
        text=[text for text, _ in sentences], tags=[tagged for _, tagged in sentences], predictions=found,
        loss=sum(losses) / len(flat[0]), accuracy=float(np.mean([a == b for a, b in zip(*flat)])),
        f1=f1_score(*flat, average="macro"), entity_f1=entity_f1(labels, found))


def characters():
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<s>": 0, "</s>": 1, **{letter: 2 + index for index, letter in enumerate(alphabet)}}
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ġ", "a")]
    for a, b in merges:
        vocabulary[a + b] = len(vocabulary)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return tokenizer, len(vocabulary)


def language():
    tokenizer, size = characters()
    model = fill(transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=size, hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=0, eos_token_id=1,
        attn_implementation="eager")))
    questions = [
        ("What is the sky?", ["blue", "a very wide and open sea", "the"], 0),
        ("Two and two make ", ["four", "five hundred"], 1),
        ("Line\n", ["the", "a", "éa", "zz"], 2),
    ]
    rows, generated = [], []
    for text, choices, label in questions:
        row = []
        for choice in choices:
            # As lm-evaluation-harness: what the text ends with in spaces goes over to the choice, else a space comes between.
            kept = text.rstrip(" ")
            gap = text[len(kept):] or ("" if kept[-1].isspace() else " ")
            whole = tokenizer.encode(kept + gap + choice).ids
            before = len(tokenizer.encode(kept).ids)
            logits = torch.log_softmax(model(torch.tensor([whole])).logits[0], -1)
            sums = sum(logits[place - 1, whole[place]].item() for place in range(before, len(whole)))
            row.append(dict(sum=sums, tokens=len(whole) - before, characters=len(choice), bytes=len(choice.encode())))
        rows.append(row)
        prompt = torch.tensor([tokenizer.encode(text.rstrip(" ")).ids])
        out = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=8, do_sample=False)
        generated.append(tokenizer.decode(out[0][prompt.shape[1]:].tolist()).strip())

    def accuracy(size):
        return float(np.mean([
            int(np.argmax([choice["sum"] / (choice[size] if size else 1) for choice in row])) == label
            for row, (_, _, label) in zip(rows, questions)]))

    return dict(
        config=config(model, "LlamaForCausalLM"), tokenizer=tokenizer.to_str(), text=[text for text, _, _ in questions],
        choices=[choices for _, choices, _ in questions], labels=[label for _, _, label in questions],
        likelihoods=[row[label]["sum"] for row, (_, _, label) in zip(rows, questions)],
        predictions={size or "none": [int(np.argmax([c["sum"] / (c[size] if size else 1) for c in row])) for row in rows]
                     for size in (None, "tokens", "characters", "bytes")},
        accuracy={size or "none": accuracy(size) for size in (None, "tokens", "characters", "bytes")},
        generated=generated)


def pooled(states, mask, mode):
    """Embeddings of texts as the `Pooling` module of sentence-transformers defines them; the last token is the last that counts."""
    spread = mask.unsqueeze(-1).to(states.dtype)
    if mode == "mean":
        return (states * spread).sum(1) / spread.sum(1).clamp(min=1e-9)
    if mode == "first":
        return states[:, 0]
    if mode == "max":
        return states.masked_fill(spread == 0, -1e9).max(1).values
    return states[torch.arange(len(states)), mask.sum(1) - 1]


def likeness():
    tokenizer, size = wordpiece()
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")
    model = fill(transformers.BertModel(transformers.BertConfig(
        vocab_size=size, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=40, attn_implementation="eager")))
    pairs = [
        ("anna lives in iceland.", "the river runs", 0.1), ("rain", "rain in the netherlands", 0.9), ("no", "yes and no", 0.4),
        ("they argued about the price of bread", "bread", 0.7), ("a quiet evening by the sea", "a quiet evening", 0.8),
        ("otto met the envoys", "the envoys met otto", 1.0)]
    result = dict(config=config(model, "BertModel"), tokenizer=tokenizer.to_str(), pairs=pairs, cosines={}, figures={})
    for mode in ("mean", "first", "last", "max"):
        sides = []
        for side in (0, 1):
            encodings = tokenizer.encode_batch([pair[side] for pair in pairs])
            mask = torch.tensor([encoding.attention_mask for encoding in encodings])
            with torch.no_grad():
                states = model(torch.tensor([encoding.ids for encoding in encodings]), attention_mask=mask).last_hidden_state
            # The `Normalize` module.
            sides.append(torch.nn.functional.normalize(pooled(states, mask, mode), p=2, dim=1))
        cosines = (sides[0] * sides[1]).sum(1).numpy()
        scores = [pair[2] for pair in pairs]
        result["cosines"][mode] = cosines.tolist()
        result["figures"][mode] = dict(
            spearman=float(spearmanr(cosines, scores).statistic), pearson=float(pearsonr(cosines, scores).statistic),
            loss=float(np.mean((cosines - scores) ** 2)))
    return result


if __name__ == "__main__":
    print(json.dumps(dict(tags=tags(), language=language(), likeness=likeness()), ensure_ascii=False))
