"""S5 to S8 and S10 to S16: nothing outside is read or written, and names are only names."""

import ctypes
import json
import os
import re
import subprocess
import threading
import time
import unicodedata

from campaign import NotRun, check, fault
from recipes import MERGE, SMALL, floats, merge_session, safetensors, write_model

F4 = ("F32", [1], b"\0\0\x80\x3f")


def opened(session, *words):
    """The paths that a command opens for reading or writing, as strace tells, and its result."""
    log = session.path("trace")
    result = session.run(*words, before=["strace", "-f", "-qq", "-y", "-o", log, "-e", "trace=openat,openat2,open,creat"])
    with open(log, errors="replace") as file:
        text = file.read()
    os.unlink(log)
    # Where it succeeded, `-y` writes behind the descriptor what really was opened.
    return re.findall(r"= \d+<([^>]*)>", text), result


@fault("S5", "an index that names shards elsewhere")
def shards_elsewhere(campaign):
    campaign.needs_strace()
    session = campaign.session(None)
    secret = session.write("secret.safetensors", safetensors({"a": F4}))
    values = ["../secret.safetensors", secret, "a/../../secret.safetensors", "..\\secret.safetensors", "C:\\x.safetensors",
              "\\\\host\\x.safetensors", "", ".", "x\0.safetensors", "x" * 300 + ".safetensors", "link.safetensors",
              "missing.safetensors", 7, None, ["x"]]
    for number, value in enumerate(values):
        folder = f"m{number}"
        session.write(f"{folder}/config.json", "{}")
        session.write(f"{folder}/model.safetensors.index.json", json.dumps({"weight_map": {"a": value}}))
        os.symlink(secret, session.path(folder, "link.safetensors"))
        session.write("r.rcp", f'## x\nrecipe "x"\nexport average([checkpoint("{folder}"), checkpoint("{folder}")]) to "out"\n')
        for words in [["show", folder], ["apply", "r.rcp"]]:
            paths, result = opened(session, *words)
            check(result.status in (65, 66), lambda: f"{value!r}: {result!r}")
            check(secret not in paths, f"{value!r}: the file outside was opened")
    # A shard that becomes a link between one look and the next.
    session.write("race/config.json", "{}")
    session.write("race/other.safetensors", safetensors({"a": ("F32", [1], b"\0\0\0\x40")}))
    session.write("race/model.safetensors.index.json", json.dumps({"weight_map": {"a": "s.safetensors"}}))
    leaks = race_links(session.path("race/s.safetensors"), session.path("race/other.safetensors"), secret, lambda: opened(
        session, "show", "race"), secret, campaign.amount(10, 100))
    check(leaks == 0, f"the file outside was opened {leaks} times")
    return f"{len(values)} names refused, a link that is swapped meanwhile led outside 0 times"


def race_links(path, inside, outside, body, forbidden, times):
    """Swaps a link as fast as can be while `body` runs; gives how often it opened what it must not."""
    stop = threading.Event()
    for number, target in enumerate([inside, outside]):
        os.symlink(target, f"{path}.{number}")

    def swap():
        number = 0
        while not stop.is_set():
            try:
                os.symlink([inside, outside][number % 2], path + ".new")
                os.replace(path + ".new", path)
            except OSError:
                pass
            number += 1

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        return sum(forbidden in body()[0] for _ in range(times))
    finally:
        stop.set()
        thread.join()


@fault("S6", "recipes that would write or read elsewhere")
def recipes_elsewhere(campaign):
    session = campaign.session(None)
    os.mkdir(session.path("work"))
    outside = session.path("outside")
    os.mkdir(outside)
    os.symlink(outside, session.path("work/link"))
    targets = ["../outside/x", outside + "/x", "a/../../outside/x", "link/x", "link", "./../outside/x", "..", ".", ""]
    for target in targets:
        session.write("work/r.rcp", SMALL.replace("out/model", target))
        result = session.run("apply", "r.rcp", "--force", "-C", session.path("work"))
        check(result.status in (65, 73), lambda: f"{target!r}: {result!r}")
        check(os.listdir(outside) == [], f"{target!r} was written outside")
    return f"{len(targets)} places refused, nothing written outside"


@fault("S7", "exports beside somebody who swaps folders for links")
def raced_exports(campaign):
    session = campaign.session(SMALL.replace("out/model", "out/deep/model"))
    session.must("apply", "r.rcp", "-q")
    outside = session.path("outside")
    os.makedirs(outside + "/model")
    stop = threading.Event()
    swaps = 0

    def swap():
        nonlocal swaps
        deep, aside = session.path("out/deep"), session.path("out/aside")
        while not stop.is_set():
            try:
                os.rename(deep, aside)
                os.symlink(outside, deep)
                time.sleep(0.0005)
                os.unlink(deep)
                os.rename(aside, deep)
                swaps += 1
                # Long enough that some exports get there.
                time.sleep(0.0005 if swaps % 10 else 0.3)
            except OSError:
                if os.path.islink(deep):
                    os.unlink(deep)
                if os.path.isdir(aside) and not os.path.exists(deep):
                    os.rename(aside, deep)

    thread = threading.Thread(target=swap)
    thread.start()
    written = 0
    try:
        for seed in range(campaign.amount(15, 150)):
            result = session.run("apply", "r.rcp", "-q", "--force", "--seed", str(seed + 2))
            check(result.status in (0, 66, 73, 74), lambda: f"{result!r}")
            written += result.status == 0
            check(os.listdir(outside) == ["model"] and os.listdir(outside + "/model") == [], "something was written outside")
    finally:
        stop.set()
        thread.join()
    return f"{swaps} swaps, {written} exports written, 0 outside"


@fault("S8", "archives")
def archives(campaign):
    raise NotRun("mergekit reads no archives")


@fault("S10", "NaN, infinities, empty and unaligned tensors through every operation")
def nonfinite(campaign):
    raise NotRun("the laws of the unit tests do this for the whole catalog: `swift test --filter Laws`")


@fault("S11", "models that do not fit each other, and headers that lie")
def misfits(campaign):
    session = campaign.session(MERGE)
    write_model(session, "a", 1, 64)
    write_model(session, "b", 2, 32)
    result = session.run("apply", "r.rcp")
    check(result.status not in (0, -4, -5) and "error: " in result.errors, lambda: f"{result!r}")
    check(session.receipts() == 0, "something ran before it was found")
    write_model(session, "b", 2, 64)
    session.write("b/model.safetensors", safetensors({"other": ("F32", [64], floats(64, 1))}))
    result = session.run("plan", "r.rcp")
    check(result.status not in (0, -4, -5) and "error: " in result.errors, lambda: f"{result!r}")
    return "found by the plan, before anything runs"


EVIL = ["\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "\x1b]52;c;b3duZWQ=\x07", "a\rb", "a\nb", "\u202etxt", "\u2066x", "\x00z",
        "<script>alert(1)</script>", "'); DROP TABLE tensor; --", "\"><img src=x onerror=alert(1)>", "\x7f", "\u2028"]


@fault("S12", "names that would command a terminal, in all that every command says")
def harmless_names(campaign):
    session = campaign.session(MERGE)
    tensors = {name + str(number): ("F32", [2], floats(2, number)) for number, name in enumerate(EVIL)}
    for number, name in enumerate(["a", "b"]):
        session.write(f"{name}/config.json", json.dumps({"model_type": EVIL[number], EVIL[0]: EVIL[1]}))
        tensors[EVIL[0] + "0"] = ("F32", [2], floats(2, 90 + number))
        session.write(f"{name}/model.safetensors", safetensors(tensors))
    commands = [["plan", "r.rcp"], ["apply", "r.rcp"], ["log"], ["log", "--table"], ["log", "--json"], ["log", "--jsonl"],
                ["show", "a", "--tensors"], ["show", "a", "--json"], ["show", "3", "--tensors"], ["show", "r.rcp"], ["diff", "a", "b"],
                ["diff", "a", "b", "--json"], ["diff", "1", "2"], ["why", "a"], ["why", "1", "3"], ["verify"], ["gc"],
                ["gc", "--keep-runs", "0", "--keep-within", "0s"], ["doctor"], ["ref", "list"], ["ref", "add", EVIL[0], "a"],
                ["show", EVIL[0]], ["log", EVIL[1] + ".rcp"], ["show", "a", "--tensors=" + EVIL[2]], ["gc", "--why-kept", EVIL[0]],
                ["why", EVIL[0]], ["plan", "r.rcp", "--why", EVIL[0]], [EVIL[0]], ["log", "--" + EVIL[0]], ["diff", EVIL[0], "b"],
                ["export", "3", "x" + EVIL[0]], ["plan", EVIL[0] + ".rcp"], ["check", EVIL[0] + ".rcp"]]
    for words in commands:
        words = [word.replace("\0", "") for word in words]
        result = session.run(*words)
        for stream in [result.output, result.errors]:
            raw = [character for character in stream if unicodedata.category(character) == "Cc" and character != "\n"
                   or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
            check(not raw, lambda: f"{words} prints {raw[:3]!r} as it is: {stream[:300]!r}")
        if "--json" in words:
            json.loads(result.output)
        for line in result.output.splitlines() if "--jsonl" in words else []:
            json.loads(line)
    return f"{len(commands)} command lines, {len(EVIL)} names, no control character"


@fault("S13", "names that would be SQL")
def sql_names(campaign):
    session = merge_session(campaign)
    tensors = {name: ("F32", [2], floats(2, 1)) for name in ["'); DROP TABLE tensor; --", "\" OR 1=1", "%_'"]}
    for name in ["a", "b"]:
        session.write(f"{name}/model.safetensors", safetensors(tensors))
    session.must("apply", "r.rcp", "-q")
    shown = json.loads(session.must("show", "1", "--json").output)
    session.must("verify", "--full", "--rebuild-index")
    names = {tensor["name"] for tensor in json.loads(session.must("show", "out/model", "--json").output)["tensors"]}
    check(names == set(tensors), f"they became {names}")
    for word in ["' OR 1=1 --", "%", "_"]:
        check(session.run("show", word).status == 66, f"`{word}` is something")
    return "they come out as they went in"


@fault("S14", "plugins from elsewhere")
def plugins(campaign):
    raise NotRun("plugins are compiled in: nothing is loaded when it runs")


@fault("S15", "secrets of the environment")
def secrets(campaign):
    session = campaign.session(SMALL)
    session.must("apply", "r.rcp", "-q", environment={"API_TOKEN": "s3cr3t-value", "HOME": "/home/someone-named"})
    for folder in [".mergekit", "out"]:
        for top, _, files in os.walk(session.path(folder)):
            for name in files:
                with open(os.path.join(top, name), "rb") as file:
                    data = file.read()
                check(b"s3cr3t" not in data and b"someone-named" not in data, f"{name} holds a secret")
    return "neither the registry nor the export holds any"


@fault("S16", "names that look alike")
def unicode_names(campaign):
    session = campaign.session(MERGE)
    names = ["é", "a b", "-x", ".x", "x\ny", "X", "x"]
    for number, folder in enumerate(["a", "b"]):
        session.write(f"{folder}/model.safetensors", safetensors(
            {name: ("F32", [1], floats(1, 10 * number + index)) for index, name in enumerate(names)}))
    session.must("apply", "r.rcp", "-q")
    shown = json.loads(session.must("show", "out/model", "--json").output)["tensors"]
    check({tensor["name"] for tensor in shown} == set(names), "names were changed")
    for name in ["new\nline", "-dash", ".dot", "e\u0301"]:
        os.rename(session.path("a"), session.path(name))
        session.must("show", "--", name)
        os.rename(session.path(name), session.path("a"))
    # Two spellings that Unicode holds for one name would be one name to half of the programs that read them.
    session.write("two.safetensors", safetensors({"é": F4, "e\u0301": F4}))
    result = session.run("show", "two.safetensors")
    check(result.status == 65 and "spelling" in result.errors, lambda: f"{result!r}")
    return f"{len(names)} names of tensors stay apart, four of folders are read, two spellings of one name are refused"
