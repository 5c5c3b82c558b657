#!/usr/bin/env python3
"""Asks the `tokenizers` package (0.23.3) for the golden files of TokenizerGoldenTests.

    python make.py                          the small files beside this script
    python make.py FOLDER LINES [FILE …]    LINES texts for each kind and for each tokenizer.json named, into FOLDER

Run with TOKENIZER_GOLDEN=FOLDER, TokenizerGoldenTests compares those too.
"""
import base64, json, os, pathlib, random, struct, sys

os.environ["RUST_BACKTRACE"] = "0"
from tokenizers import (AddedToken, Regex, Tokenizer, decoders as D, models as M, normalizers as N, pre_tokenizers as P,
                        processors as O, trainers as T)

HERE = pathlib.Path(__file__).resolve().parent

WORDS = """the of and to in is that it was for on are as with his they at be this from have or by one had not but what all
were when we there can an your which their said if do will each about how up out them then she many some so these would
other into has more her two like him see time could no make than first been its who now people my made over did down only
way find use may water long little very after words called just where most know get through back much before go good new
write our used me man too any day same right look think also around another came come work three word must because does
part even place well such here take why things help put years different away again off went old number don't isn't we've
I'm you're he'd she'll WON'T O'Neill naïve café résumé Zürich façade Ångström coöperate ﬁne ﬂow ½ ² №5 Ⅷ 3.14159 1,234,567
2024-11-05 10:30 https://example.com/a?b=c&d=e user@mail.org C++ foo_bar __init__ camelCase SCREAMING_CASE""".split()
SCRIPTS = [
    "Привет мир это простая строка текста с русскими словами ёлка Йод".split(),
    "Η γρήγορη αλεπού πηδάει πάνω από τον τεμπέλη σκύλο ΟΔΟΣ ςσ".split(),
    "مرحبا بالعالم هذا نص عربي بِسْمِ ٱللَّهِ ١٢٣".split(), "שלום עולם זהו טקסט בעברית נִקּוּד".split(),
    "नमस्ते दुनिया यह हिंदी में एक वाक्य है क्षत्रिय".split(), ["สวัสดีชาวโลกนี่คือข้อความภาษาไทย", "ยินดีต้อนรับ"],
    ["你好世界这是一个测试", "中文没有空格", "漢字", "㐀䶵𠀀𫝆"], ["これはテストです", "カタカナ", "ｶﾀｶﾅ", "ひらがなと漢字が混ざる", "が"],
    "안녕하세요 세계 이것은 한국어 문장입니다 각".split(), "Tiếng Việt rất đẹp ươ ế ậ".split(),
    "İstanbul ıI ŞĞ ẞ ß ſ ǅ ŉ K Å Ω ﬀ".split(), "தமிழ் മലയാളം తెలుగు ಕನ್ನಡ ລາວ ភាសាខ្មែរ မြန်မာ ጤና ᏣᎳᎩ".split()]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪🇫🇷🇩", "❤️", "🏳️‍🌈", "©️", "©", "1️⃣", "🧑🏿‍🚀", "☕", "‼"]
SPACES = [" ", " ", " ", " ", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u200b", "\u2003", "\u2028",
          "\u0085", "\x0b", "\x0c", "\x1f", "\u200d", "\ufeff", "▁", "", "", "", "-", ", ", ". ", "...", "!?", "'", "'S ", "'ſ"]
MARKS = ["\u0301", "\u0323", "\u0308\u0301", "\u0323\u0307", "\u0307\u0323", "\u0345", "\u3099", "\u094d", "\u0e33", "\u0344", "\U0001d165",
         "\u0334", "\ufe0f", "\u20e3", "\u200c", "\u302e", "\u05b0"]
SPECIALS = ["[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<unk>", "<pad>", "<|endoftext|>", "<|im_start|>", "<0x0A>", "[UNK]",
            "<ent>", "Added", "added token", " spaced ", "##ing", "[mask]"]


def garbage(random):
    kind = random.random()
    if kind < 0.3:
        return chr(random.randrange(0, 0x300))
    if kind < 0.6:
        return chr(random.choice([random.randrange(0x300, 0xD800), random.randrange(0xE000, 0x10000)]))
    if kind < 0.9:
        return chr(random.randrange(0x10000, 0x20000))
    return chr(random.randrange(0x20000, 0x110000))


def text(random):
    """One text: words of one script or many, spaces of all kinds, marks, emoji, special tokens, garbage."""
    kind = random.random()
    if kind < 0.01:
        return random.choice(["", " ", "\n", "  ", "\u3000", "a", "é", "\u0301", "\x00", "▁", "[MASK]", " </s> ", "\t\t"])
    if kind < 0.1:
        return "".join(garbage(random) for _ in range(random.randrange(1, 30)))
    if kind < 0.13:
        return random.choice(WORDS + ["ab", "é", "あ", "🙂"]) * random.randrange(1, 120)
    if kind < 0.5:
        return " ".join(random.choice(WORDS) for _ in range(random.randrange(1, 25))) + random.choice(["", ".", "!", "\n", " "])
    parts = []
    script = random.choice(SCRIPTS)
    for _ in range(random.randrange(1, 20)):
        draw = random.random()
        if draw < 0.4:
            parts.append(random.choice(script))
        elif draw < 0.7:
            parts.append(random.choice(WORDS))
        elif draw < 0.75:
            parts.append(random.choice(random.choice(SCRIPTS)))
        elif draw < 0.8:
            parts.append(random.choice(EMOJI))
        elif draw < 0.85:
            parts.append(random.choice(SPECIALS))
        elif draw < 0.9:
            parts.append(random.choice("aeiouAEnsxкأが") + "".join(random.choice(MARKS) for _ in range(random.randrange(1, 4))))
        elif draw < 0.95:
            parts.append(str(random.randrange(10 ** random.randrange(1, 9))))
        else:
            parts.append(garbage(random))
        parts.append(random.choice(SPACES))
        if random.random() < 0.05:
            parts[-1] = random.choice([str.upper, str.title, str.swapcase])(parts[-2])
    return "".join(parts)


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PATTERNS = {
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k": "|".join([
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""\p{N}{1,3}""", r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""", r"""\s*[\r\n]+""", r"""\s+(?!\S)""", r"""\s+"""]),
    "deepseek": r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "kimi": r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "odd": r"""(?<=[a-z])(?=[A-Z])|(?<!\d)\.(?!\d)|\b\w{2,4}?\b|(?>a+)b|x*+y|[[:punct:]]{2,}|\h{4}|^\s|\s$|(?x: q u # comment
        )|[^\x00-\x{7F}&&[^\p{Hiragana}\p{katakana}]]+|\p{^Alpha}{3}|(?i)graBen""",
}


def charsmap():
    """A small SentencePiece map: a trie as a double array, of which each unit has its label's place."""
    rules = {"\u3000": " ", "\u00a0": " ", "\t": " ", "\r": " ", "\n": " ", "ﬁ": "fi", "½": "1⁄2", "か\u3099": "が", "e\u0301": "é", "©": "(c)", "ⅷ": "viii",
             "\u200b": "", "ﬀ": "ff", "A": "a", "Ω": "ω", "🙂": ":)"}
    texts, places = b"", {}
    for old, new in rules.items():
        places[old] = len(texts)
        texts += new.encode() + b"\0"
    tree = {}
    for old in rules:
        node = tree
        for byte in old.encode():
            node = node.setdefault(byte, {})
        node[0] = places[old]
    units, used = {0: 0}, {0}

    def place(node, position):
        labels = [l for l in node]
        offset = 0
        while True:
            offset += 256
            base = position ^ offset
            if all((base ^ l) not in used for l in labels) and offset < 1 << 21:
                break
        units[position] = (units[position] & 0x1FF) | offset << 10 | ((1 << 8) if 0 in node else 0)
        for l in labels:
            used.add(base ^ l)
        for l in labels:
            if l == 0:
                units[base] = 1 << 31 | node[0]
            else:
                units[base ^ l] = l
        for l in labels:
            if l:
                place(node[l], base ^ l)

    place(tree, 0)
    blob = b"".join(struct.pack("<I", units.get(i, 0x1FE)) for i in range(max(units) + 256))
    return base64.b64encode(struct.pack("<I", len(blob)) + blob + texts).decode()


def trained(model, trainer, normalizer, pre, corpus):
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if pre:
        tokenizer.pre_tokenizer = pre
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


def changed(tokenizer, change):
    """The tokenizer after its JSON was changed by hand."""
    data = json.loads(tokenizer.to_str())
    change(data)
    return Tokenizer.from_str(json.dumps(data))


def tokenizers(size, corpus):
    """Every kind of model, with all kinds of parts spread over them."""
    quiet = dict(show_progress=False)
    alphabet = P.ByteLevel.alphabet()
    bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

    def wordpiece(lower, pre=P.BertPreTokenizer()):
        tokenizer = trained(M.WordPiece(unk_token="[UNK]"), T.WordPieceTrainer(vocab_size=size, special_tokens=bert, **quiet),
                            N.BertNormalizer(lowercase=lower), pre, corpus)
        tokenizer.post_processor = O.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
        tokenizer.decoder = D.WordPiece()
        return tokenizer

    yield "wordpiece", wordpiece(True)
    cased = wordpiece(False, P.Sequence([P.Whitespace(), P.Punctuation("merged_with_previous"), P.Digits(True)]))
    cased.post_processor = O.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    cased.enable_truncation(12, stride=2)
    cased.enable_padding(length=16, pad_id=0, pad_token="[PAD]", direction="left")
    cased.add_tokens([AddedToken("added token", single_word=True), AddedToken("Added", lstrip=True, rstrip=True),
                      AddedToken("<ent>", normalized=False, lstrip=True), "##ing"])
    yield "wordpiece-cased", cased

    def bytes_level(prefix=False, pre=None, **model):
        tokenizer = trained(M.BPE(**model), T.BpeTrainer(vocab_size=size, initial_alphabet=alphabet,
                            special_tokens=["<|endoftext|>", "<|im_start|>"], **quiet), None,
                            pre or P.ByteLevel(add_prefix_space=prefix), corpus)
        tokenizer.decoder = D.ByteLevel()
        return tokenizer

    gpt2 = bytes_level()
    gpt2.post_processor = O.ByteLevel(trim_offsets=False)
    yield "gpt2", gpt2
    roberta = bytes_level(True)
    roberta.add_special_tokens(["<s>", "</s>", AddedToken("[MASK]", lstrip=True)])
    roberta.post_processor = O.RobertaProcessing(("</s>", roberta.token_to_id("</s>")), ("<s>", roberta.token_to_id("<s>")))
    yield "roberta", roberta
    for name, pattern in PATTERNS.items():
        split = P.Split(Regex(pattern), "isolated")
        if name == "deepseek":
            split = P.Sequence([P.Split(Regex(r"\p{N}{1,3}"), "isolated"), P.Split(Regex("[一-龥぀-ゟ゠-ヿ]+"), "isolated"),
                                split])
        tokenizer = bytes_level(pre=P.Sequence([split, P.ByteLevel(add_prefix_space=False, use_regex=False)]),
                                ignore_merges=name == "llama3")
        if name == "qwen2":
            tokenizer.normalizer = N.NFC()
        tokenizer.post_processor = O.Sequence([O.ByteLevel(trim_offsets=True, add_prefix_space=False), O.TemplateProcessing(
            single="<|im_start|> $A", pair="<|im_start|> $A <|im_start|>:1 $B:1", special_tokens=[("<|im_start|>", 1)])])
        yield name, tokenizer

    def sentencepiece(pre=False):
        trained_ = trained(
            M.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True),
            T.BpeTrainer(vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)], **quiet),
            N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]), P.Metaspace() if pre else None, corpus)
        trained_.decoder = D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])
        trained_.post_processor = O.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
        return trained_

    def without_fallback_tokens(data):
        data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]

    yield "llama2", changed(sentencepiece(), without_fallback_tokens)
    gemma = changed(sentencepiece(), without_fallback_tokens)
    gemma.normalizer = N.Replace(" ", "▁")
    gemma.pre_tokenizer = P.Split(" ", "merged_with_previous")
    gemma.enable_truncation(8, direction="left", stride=3)
    yield "gemma", gemma
    suffix = trained(M.BPE(unk_token="<unk>", end_of_word_suffix="</w>"),
                     T.BpeTrainer(vocab_size=size, end_of_word_suffix="</w>", special_tokens=["<unk>"], **quiet),
                     N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()]),
                     P.Sequence([P.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True),
                                 P.WhitespaceSplit()]), corpus)
    suffix.decoder = D.BPEDecoder()
    yield "clip", suffix
    prefix = trained(M.BPE(unk_token="<unk>", continuing_subword_prefix="@@", fuse_unk=False),
                     T.BpeTrainer(vocab_size=size, continuing_subword_prefix="@@", special_tokens=["<unk>"], **quiet),
                     N.Sequence([N.NFKD(), N.StripAccents(), N.Strip()]), P.Digits(False), corpus)
    prefix.decoder = D.WordPiece("@@", True)
    yield "prefix", prefix

    known = set("".join(w for script in SCRIPTS[:6] for w in script) + "".join(WORDS))

    def unigram(normalizer, pre, fallback=False):
        special = ["<unk>", "<s>", "</s>", "<pad>"] + (["<0x%02X>" % b for b in range(256)] if fallback else [])
        tokenizer = trained(M.Unigram(), T.UnigramTrainer(vocab_size=size + (256 if fallback else 0), unk_token="<unk>", special_tokens=special, **quiet),
                            normalizer, pre, [t for t in corpus if all(c.isascii() or size > 1000 and c in known for c in t)])
        tokenizer.decoder = D.Metaspace()
        return tokenizer

    t5 = changed(unigram(N.Sequence([N.Nmt(), N.NFKC(), N.Replace(Regex(" {2,}"), " ")]), P.Metaspace()), lambda data: data.update(
        normalizer={"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": charsmap()},
                                                        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]}))
    t5.post_processor = O.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 2)])
    t5.enable_padding(pad_to_multiple_of=8, pad_id=3, pad_token="<pad>")
    yield "t5", t5
    first = unigram(N.Sequence([N.Nmt(), N.NFKC()]), P.Sequence([P.UnicodeScripts(), P.Metaspace(prepend_scheme="first", split=False)]))
    yield "scripts", first

    def fallback(data):
        data["model"]["byte_fallback"] = True
        without_fallback_tokens(data)

    yield "unigram-bytes", changed(unigram(N.NFD(), P.Metaspace(prepend_scheme="never"), True), fallback)
    words = trained(M.WordLevel(unk_token="<unk>"), T.WordLevelTrainer(vocab_size=size, special_tokens=["<unk>", "<pad>", "|"], **quiet),
                    N.Sequence([N.Lowercase(), N.NFKC(), N.Strip(True, False)]),
                    P.Sequence([P.CharDelimiterSplit("-"), P.Split(Regex(r"\s+"), "contiguous"), P.Punctuation("merged_with_next"),
                                P.FixedLength(9)]), corpus)
    words.decoder = D.CTC(pad_token="<pad>", word_delimiter_token="|")
    words.enable_truncation(6, strategy="only_first")
    yield "words", words
    spelled = trained(M.WordPiece(unk_token="[UNK]"), T.WordPieceTrainer(vocab_size=size, special_tokens=bert, **quiet),
                      N.Sequence([N.NFC(), N.ByteLevel()]), None, corpus)
    spelled.decoder = D.Sequence([D.WordPiece("##", False), D.ByteLevel()])
    spelled.pre_tokenizer = P.Split(Regex("Ġ"), "merged_with_next")
    yield "spelled", spelled


def facts(tokenizer, text, pair, special):
    encoding = tokenizer.encode(text, pair, add_special_tokens=special)
    case = {"text": text, "ids": encoding.ids, "places": [n for o in encoding.offsets for n in o],
            "words": [-1 if w is None else w for w in encoding.word_ids]}
    if pair is not None:
        case["pair"] = pair
    if not special:
        case["special"] = False
    for name, values, usual in (("types", encoding.type_ids, 0), ("attention", encoding.attention_mask, 1),
                                ("mask", encoding.special_tokens_mask, 0)):
        if any(v != usual for v in values):
            case[name] = values
    if encoding.overflowing:
        case["overflow"] = [o.ids + [n for p in o.offsets for n in p] for o in encoding.overflowing]
    case["decoded"] = tokenizer.decode(encoding.ids, skip_special_tokens=False) if encoding.ids else ""
    plain = tokenizer.decode(encoding.ids)  if encoding.ids else ""
    if plain != case["decoded"]:
        case["plain"] = plain
    return case


def patterns(path, lines):
    """Where the patterns of well-known models cut: for these the vocabulary does not matter."""
    draw, result = random.Random(2), []
    for name, pattern in sorted(PATTERNS.items()):
        cases = []
        for line in [text(draw)[:60] for _ in range(lines)]:
            pieces = P.Split(Regex(pattern), "isolated").pre_tokenize_str(line)
            cases.append([line] + [end for _, (_, end) in pieces])
        result.append({"pattern": pattern, "cases": cases})
    path.write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")


def write(folder, name, tokenizer, lines, file=None, longest=None):
    draw = random.Random(name)
    cases, failed = [], 0
    for _ in range(lines):
        line = text(draw)[:longest]
        pair = text(draw)[:longest] if draw.random() < 0.1 and tokenizer.truncation is None or draw.random() < 0.02 else None
        try:
            cases.append(facts(tokenizer, line, pair, draw.random() < 0.8))
        except BaseException as error:  # the package gives up
            failed += 1
            if failed < 3:
                print(name, repr(line)[:100], type(error), str(error)[:200])
    data = {"cases": cases}
    if file:
        data["file"] = str(file)
    else:
        data["tokenizer"] = json.loads(tokenizer.to_str())
    path = pathlib.Path(folder) / (name + ".golden.json")
    path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(path.name, len(cases), "cases,", failed, "refused,", path.stat().st_size, "bytes")


def main():
    small = len(sys.argv) == 1
    folder, lines = (HERE, 10) if small else (sys.argv[1], int(sys.argv[2]))
    draw = random.Random(1)
    corpus = [text(draw) for _ in range(300 if small else 3000)]
    if small:  # fewer letters, smaller vocabularies
        corpus = [" ".join(draw.choice(WORDS[:200]) for _ in range(12)) for _ in range(200)] + corpus[:10]
    for name, tokenizer in tokenizers(120 if small else 2000, corpus):
        if not small or name == "llama3" or name not in PATTERNS:
            write(folder, name, tokenizer, lines, longest=36 if small else None)
    if small:
        patterns(HERE / "patterns.json", 30)
    for file in sys.argv[3:]:
        path = pathlib.Path(file).resolve()
        write(folder, path.stem, Tokenizer.from_file(str(path)), lines, path)


if __name__ == "__main__":
    main()
