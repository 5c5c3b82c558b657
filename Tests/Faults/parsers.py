"""S1 to S4, S9: whatever a file holds, the program reads it or says what is wrong with it."""

import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys

from campaign import Failed, NotRun, check, fault, limits
from recipes import safetensors

PARSERS = ["safetensors", "json", "csv", "jsonl", "recipe", "elaboration", "yaml", "tokenizer", "receipt"]


@fault("S1", "random inputs to every parser (libFuzzer, address sanitizer)")
def fuzzing(campaign):
    program = os.path.join(campaign.root, ".build", "fuzzing", "fuzz")
    build = subprocess.run(
        [os.path.join(campaign.root, "Tests", "Fuzzing", "build")] + (["--if-built"] if campaign.is_quick else []),
        capture_output=True, text=True)
    if build.returncode == 69:
        raise NotRun(build.stderr.strip().splitlines()[-1])
    check(build.returncode == 0, lambda: build.stderr[-800:])
    # A million inputs: most take a minute, recipes ten and more, since they are checked against the whole catalog.
    runs, seconds = campaign.amount(-1, 1_000_000), campaign.amount(2, 7200)

    def one(parser):
        folder = "recipe" if parser == "elaboration" else parser
        seeds = os.path.join(campaign.root, "Tests", "Fuzzing", "Seeds", folder)
        corpus = campaign.new_folder()
        result = subprocess.run(
            [program, corpus, seeds, f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={campaign.seed + 1}",
             "-timeout=20", "-rss_limit_mb=2048", "-max_len=1024", "-entropic=0", "-reduce_inputs=0",
             f"-artifact_prefix={campaign.folder}/{parser}-"],
            env={**os.environ, "FUZZ_PARSER": parser,
                 "ASAN_OPTIONS": "detect_leaks=0:malloc_context_size=0:quarantine_size_mb=4"},
            capture_output=True, errors="replace", text=True)
        if result.returncode:
            kept = os.path.join("/tmp", "mergekit-crashes")
            os.makedirs(kept, exist_ok=True)
            for name in os.listdir(campaign.folder):
                if name.startswith(parser + "-"):
                    shutil.copy(os.path.join(campaign.folder, name), kept)
            lines = [line for line in result.stderr.splitlines() if "Fatal" in line or "ERROR" in line or "SUMMARY" in line]
            raise Failed(f"{parser}: {' | '.join(lines[:3])}; the input is in {kept}")
        found = re.findall(r"#(\d+)\s+DONE", result.stderr) or re.findall(r"#(\d+)\s", result.stderr)
        return parser, int(found[-1])

    counts = campaign.parallel(PARSERS, one)
    return ", ".join(f"{count:,} {parser}" for parser, count in counts)


F4 = ("F32", [1], b"\0\0\x80\x3f")
VERDICTS = [
    # (what, the file's bytes, whether it is a model)
    ("valid", safetensors({"a": F4}), True),
    ("no tensors", safetensors({}), True),
    ("trailing blanks", safetensors({"a": F4}, '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}   '), True),
    ("zero-size tensor", safetensors({"a": ("F32", [0], b"")}), True),
    ("scalar", safetensors({"a": ("F32", [], F4[2])}), True),
    ("unaligned", safetensors({"a": ("U8", [3], b"123"), "b": F4}), True),
    ("name with a zero byte", safetensors({"a\0b": F4}), True),
    ("name like a path", safetensors({"../x": F4}), True),
    ("metadata of texts", safetensors({"a": F4}, '{"__metadata__":{"x":"y"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'), True),
] + [
    (what, safetensors({"a": F4}, header), False) for what, header in [
        ("byte order mark", b'\xef\xbb\xbf{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
        ("bad UTF-8", b'{"\xff":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
        ("a key twice", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
        ("a field twice", '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
        ("no dtype", '{"a":{"shape":[1],"data_offsets":[0,4]}}'),
        ("lower-case dtype", '{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}'),
        ("negative length", '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}'),
        ("negative zero", '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,-0]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
        ("2.0 as length", '{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}'),
        ("overflow", '{"a":{"dtype":"F32","shape":[9223372036854775808,2],"data_offsets":[0,4]}}'),
        ("overflow times zero", '{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}'),
        ("hole", '{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}'),
        ("trailing bytes", '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}'),
        ("overlap", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}'),
        ("end before begin", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}'),
        ("another size", '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}'),
        ("metadata that is no text", '{"__metadata__":{"x":1},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
        ("a list", "[]"), ("deep", "[" * 100_000), ("lone surrogate", '{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'),
    ]
] + [
    ("header of 2^64-1", b"\xff" * 8 + b"{}", False), ("header longer than the file", struct.pack("<Q", 100) + b"{}", False),
    ("no header", struct.pack("<Q", 0), False), ("seven bytes", b"1234567", False), ("nothing", b"", False),
    ("a pickle", b"\x80\x04\x95\x10\0\0\0\0\0\0\0" + b"x" * 40, False), ("a zip archive", b"PK\x03\x04" + b"\0" * 60, False),
]


@fault("S2", "safetensors headers: what is a model and what is none")
def verdicts(campaign):
    session = campaign.session(None)

    def one(case):
        number, (what, data, isModel) = case
        session.write(f"{number}.safetensors", data)
        result = session.run("show", f"{number}.safetensors", "--tensors")
        check(result.status == (0 if isModel else 65), lambda: f"{what}: {result!r}")

    campaign.parallel(list(enumerate(VERDICTS)), one)
    compared = differential(campaign)
    return f"{len(VERDICTS)} headers; {compared}"


def differential(campaign):
    """Mutated headers: what Python's safetensors refuses is refused here too."""
    python = reference(campaign)
    if not python:
        return "not compared with Python's safetensors, which is not installed and cannot be"
    total, batch = campaign.amount(500, 100_000), 500
    # Mostly of what is a model, so that many of them still are one.
    seeds = [data for _, data, isModel in VERDICTS if 10 < len(data) < 1000 for _ in range(8 if isModel else 1)]
    script = ("import sys, safetensors\nfor n in range(int(sys.argv[1])):\n try: safetensors.deserialize(open("
              "f'm{n}.safetensors','rb').read()); print(n)\n except Exception: pass")

    def one(number):
        generator, session = campaign.random("S2", number), campaign.session()
        for index in range(batch):
            session.write(f"m{index}.safetensors", mutated(generator.choice(seeds), generator))
        # A plan names every file that it cannot read.
        session.write("r.rcp", 'recipe "x"\n' + "".join(
            f'export checkpoint("m{index}.safetensors") to "o/{index}"\n' for index in range(batch)))
        result = session.run("plan", "r.rcp", "-q")
        check(result.status in (0, 65), lambda: f"batch {number}: {result!r}")
        refused = set(re.findall(r"^ +——▶ r.rcp:(\d+):", result.errors, re.MULTILINE))
        ours = {index for index in range(batch) if str(index + 2) not in refused}
        theirs = {int(word) for word in subprocess.run(
            [python, "-c", script, str(batch)], cwd=session.folder, capture_output=True, text=True).stdout.split()}
        for index in ours - theirs:
            with open(session.path(f"m{index}.safetensors"), "rb") as file:
                raise Failed(f"what Python's safetensors refuses is accepted here: {file.read()!r}")
        session.remove()
        return len(ours), len(theirs)

    counts = campaign.parallel(range(total // batch), one)
    ours, theirs = (sum(pair) for pair in zip(*counts))
    return (f"{total:,} mutations, of which Python's safetensors accepts {theirs:,} and mergekit {ours:,}: none that it "
            "refuses")


def mutated(data, generator):
    """A file with a few other signs in its header, now and then a piece of it twice, away or elsewhere."""
    data, size_before, length_before = bytearray(data), len(data), int.from_bytes(data[:8], "little")
    digits = [place for place in range(8, len(data)) if chr(data[place]).isdigit()]
    for _ in range(generator.choice([1, 1, 1, 2, 3])):
        place, length = generator.randrange(8, len(data)), generator.randrange(1, 12)
        how = generator.randrange(12)
        if how == 0:
            del data[place:place + length]
        elif how == 1:
            data[place:place] = data[place:place + length]
        elif how == 2:
            other = generator.randrange(8, len(data))
            data[other:other] = data[place:place + length]
        elif how < 6 and digits:
            data[min(generator.choice(digits), len(data) - 1)] = generator.choice(b"0123456789")
        elif how < 8:
            data.insert(place, generator.choice(b" \t\n0"))
        else:
            data[place] = generator.choice(b'0123456789[]{}",:-.eE \\au')
        if len(data) < 12:
            break
    # What the file says of its header's length stays true more often than not.
    if generator.randrange(8):
        data[:8] = struct.pack("<Q", min(max(length_before + len(data) - size_before, 0), 2 ** 64 - 1))
    return bytes(data)


def reference(campaign):
    """A Python that has safetensors: this one, or in the whole tier one that gets it."""
    place = os.path.join(campaign.root, ".build", "safetensors")
    own = os.path.join(place, "bin", "python")

    def has_it(path):
        return os.path.exists(path) and subprocess.run([path, "-c", "import safetensors"], capture_output=True).returncode == 0

    if not campaign.is_quick and not has_it(sys.executable) and not has_it(own):
        subprocess.run([sys.executable, "-m", "venv", place], capture_output=True)
        subprocess.run([own, "-m", "pip", "install", "-q", "safetensors==0.8.0"], capture_output=True)
    return next((path for path in [sys.executable, own] if has_it(path)), None)


@fault("S3", "headers that ask for more than there is")
def bombs(campaign):
    session = campaign.session(None)
    names = ",".join(f'"t{number}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' for number in range(campaign.amount(50_000, 1_000_000)))
    cases = [
        ("header of 100,000,001 bytes", struct.pack("<Q", 100_000_001), None),
        ("header of 99,999,999 blanks", None, 100_000_000),
        ("very many tensors", safetensors({}, "{" + names + "}"), None),
        ("nested 100,000 deep", safetensors({}, '{"a":' * 100_000), None),
        ("name of 1 MB", safetensors({"a" * (1 << 20): F4}), None),
    ]
    # Swift's libraries alone take some memory: what counts is what the header adds.
    session.write("small.safetensors", safetensors({"a": F4}))
    own, _ = session.measured("show", "small.safetensors")
    slowest, most = 0, 0
    for what, data, blanks in cases:
        if blanks and campaign.is_quick:
            continue
        path = session.write("bomb.safetensors", data or struct.pack("<Q", blanks) + b"{}" + b" " * (blanks - 2))
        length = os.path.getsize(path)
        peak, seconds = session.measured("show", "bomb.safetensors", statuses=(0, 65), limit=limits(AS=6 << 30))
        check(seconds < 3, lambda: f"{what}: it takes {seconds:.1f} s")
        check(peak - own <= 4 * length + (8 << 20), lambda: f"{what}: of {length} bytes it makes {peak - own} in memory")
        slowest = max(slowest, seconds)
        most = max(most, (peak - own) / length if length > 1 << 20 else 0)
        os.unlink(path)
    return f"{len(cases)} headers, at most {slowest:.1f} s and {most:.1f} times the header's memory"


@fault("S3b", "texts of a megabyte that repeat one thing, and short ones that multiply")
def long_texts(campaign):
    session = campaign.session(None)
    total = campaign.amount(1 << 16, 1 << 20)

    def repeated(text, before="", after=""):
        return before + text * (total // len(text)) + after

    lines = [f'let t{number} = "{{t{number - 1}}}{{t{number - 1}}}"' for number in range(1, 40)]
    lists = [f"let m{number} = [m{number - 1}, m{number - 1}]" for number in range(1, 40)]
    calls = [f"fn f{number}(x: number) -> number = f{number - 1}(x) + f{number - 1}(x)" for number in range(1, 40)]
    head = 'recipe "x"\n'
    recipes = {
        "names": repeated("let a = b\n", head), "brackets": repeated("[", head + "let a = "), "sums": repeated("1+", head + "let a = ", "1"),
        "calls": repeated("f(1)", head + "let a = "), "list": repeated("1,", head + "let a = [", "1]"), "comments": repeated("#\n"),
        "quotes": repeated('"\\"', head + "let a = "), "signs": repeated("%", head + "let a = "),
        "texts that double": head + 'let t0 = "xxxxxxxx"\n' + "\n".join(lines) + '\nrequire t39 == "x"\n',
        "lists that double": head + 'let m0 = checkpoint("a")\n' + "\n".join(lists) + '\nexport m39 to "o"\n',
        "functions that double": head + "fn f0(x: number) -> number = x\n" + "\n".join(calls) + "\nrequire f39(1) > 0\n",
    }
    yaml = {
        "flow": repeated("a,", "models: [", "a]"), "keys": "".join(f"k{number}: 1\n" for number in range(total // 9)),
        "flow keys": "x: {" + "".join(f"k{number}: 1," for number in range(total // 9)) + "}", "dashes": repeated("- a\n"),
        "brackets": repeated("[", "a: "), "quotes": repeated('"" ', "a: "), "lines": repeated("a\n", "x: "), "blanks": repeated(" ", "a:", "b"),
        "aliases": "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
    }
    cases = [("check", "r.rcp", name, text) for name, text in recipes.items()] + [
        ("fmt", "r.rcp", name, text) for name, text in recipes.items()] + [
        ("import", "m.yml", name, text) for name, text in yaml.items()]
    slowest = (0, "")
    for command, file, name, text in cases:
        session.write(file, text)
        extra = ["--check"] if command == "fmt" else []
        peak, seconds = session.measured(command, file, *extra, statuses=(0, 1, 64, 65, 66))
        check(seconds < 10 and peak < 2 << 30, lambda: f"{command} of {name}: {seconds:.1f} s, {peak >> 20} MiB")
        slowest = max(slowest, (seconds, f"{command} of {name}"))
    return f"{len(cases)} texts, at most {slowest[0]:.1f} s ({slowest[1]})"


@fault("S4", "things that are no files")
def strange_files(campaign):
    session = campaign.session(None)
    with open(session.path("huge.safetensors"), "wb") as file:
        file.truncate(1 << 40)
    os.mkfifo(session.path("pipe.safetensors"))
    os.mkdir(session.path("folder.safetensors"))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(session.path("s.safetensors"))
    os.symlink("nowhere", session.path("dangling.safetensors"))
    os.symlink("loop.safetensors", session.path("loop.safetensors"))
    os.symlink("/dev/zero", session.path("zero.safetensors"))
    names = sorted(name for name in os.listdir(session.folder) if name.endswith(".safetensors"))
    for name in names:
        session.write("r.rcp", f'## x\nrecipe "x"\nexport average([checkpoint("{name}"), checkpoint("{name}")]) to "out"\n')
        for words in [["show", name], ["plan", "r.rcp"], ["apply", "r.rcp"]]:
            result = session.run(*words, timeout=10)
            check(result.status in (65, 66) and result.seconds < 5, lambda: f"{words} of {name}: {result!r}")
    listener.close()
    return f"{len(names)} of them, refused at once"


@fault("S9", "pickles, whatever they are called")
def pickles(campaign):
    session = campaign.session(None)
    marker = session.path("owned")
    pickle = b"cos\nsystem\n(S'touch " + marker.encode() + b"'\ntR."
    for name in ["pytorch_model.bin", "model.pt", "model.ckpt", "model.safetensors"]:
        session.write(f"{name}-folder/{name}", pickle if name != "model.safetensors" else b"\x80\x04" + pickle)
        result = session.run("show", f"{name}-folder")
        check(result.status == 65 and "pickle" in result.errors, lambda: f"{name}: {result!r}")
    check(not os.path.exists(marker), "a pickle was executed")
    return "refused with how to convert them; none is executed"
