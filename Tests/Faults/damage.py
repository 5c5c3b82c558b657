"""R8, R9, R11, R12, R13, R17: files that are not what they were."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

from campaign import check, fault, kill
from crashes import undisturbed
from recipes import MERGE, SMALL, long_session, merge_session, write_model


def overwrite(path, data):
    """Puts other bytes where a file is read-only, as a bad disk does."""
    mode = os.stat(path).st_mode
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(data)
    os.chmod(path, mode & 0o7777)


def damaged(data, kind, generator):
    data = bytearray(data)
    place = generator.randrange(len(data)) if data else 0
    if kind == "flip" and data:
        data[place] ^= 1 << generator.randrange(8)
    elif kind == "truncate":
        del data[place:]
    elif kind == "extend":
        data += generator.randbytes(generator.randrange(1, 100))
    elif kind == "zero":
        data[place:place + 64] = bytes(len(data[place:place + 64]))
    return bytes(data)


@fault("R8", "random damages are found before anything is made of them")
def damages(campaign):
    original = long_session(campaign)
    expected, _ = undisturbed(original)
    history = original.must("log", "--json").output
    total = campaign.amount(8, 200)
    kinds = ["flip", "flip", "truncate", "extend", "zero", "delete"]

    def one(number):
        generator = campaign.random("R8", number)
        session = original.copy()
        shutil.rmtree(session.path("out"))
        folder, ending = generator.choice(
            [("objects", ".safetensors")] * 5 + [("receipts", ".json")] * 2 + [("applies", ".json"), ("exports", ".json")]
            + [("", "index.sqlite")] * 2)
        files = [
            os.path.join(top, name) for top, _, names in os.walk(os.path.join(session.registry, folder))
            for name in names if name.endswith(ending)]
        victim, kind = generator.choice(sorted(files)), generator.choice(kinds)
        with open(victim, "rb") as file:
            before = file.read()
        after = damaged(before, kind, generator)
        overwrite(victim, after)
        if kind == "delete":
            os.unlink(victim)
        where = f"damage {number}: {kind} {os.path.relpath(victim, session.registry)}"
        found = session.run("verify", "--full")
        check(found.status in (0, 76), lambda: f"{where}: {found!r}")
        isFound = found.status == 76
        if isFound and folder in ("objects", "receipts"):
            check("help: " in found.output + found.errors, lambda: f"{where}: it does not say what to do")
        # Used as it is: whatever comes out is right, or nothing does.
        used = session.run("apply", "r.rcp", "-q", "--force")
        check(used.status in (0, 74, 76), lambda: f"{where}: {used!r}")
        check(used.status != 0 or session.digest() == expected, f"{where}: it made a wrong result")
        if not isFound and after != before and kind != "delete":
            # Bytes that mean nothing, such as a blank in a header or a free place in the index.
            check(used.status == 0, lambda: f"{where}: not found, and then {used!r}")
            check(session.run("log", "--json", "--limit", "99").status == 0, f"{where}: not found, and the log fails")
        session.run("verify", "--full", "--repair", "--rebuild-index")
        session.must("apply", "r.rcp", "-q", "--force")
        check(session.digest() == expected, f"{where}: after repair the result is wrong")
        session.must("verify", "--full")
        session.remove()
        return isFound

    found = sum(campaign.parallel(range(total), one))
    check(history, "there is no history")
    return f"{total} damages: {found} found by verify, the others in bytes that mean nothing; 0 wrong results"


@fault("R9", "an index that is gone, garbled or old is made again")
def lost_indexes(campaign):
    session = long_session(campaign)
    session.must("apply", "r.rcp", "-q", "--epochs", "10")
    index = session.path(".mergekit", "index.sqlite")
    old = session.path("old.sqlite")
    shutil.copy(index, old)
    session.must("apply", "r.rcp", "-q", "--epochs", "12", "--force")
    session.must("ref", "add", "best", "both")
    expected, shown = session.must("log", "--json").output, session.must("show", "best", "--json").output
    generator = campaign.random("R9")
    losses = ["gone", "garbled", "zeros", "old", "old without log", "log garbled", "memory garbled", "short"]
    for loss in losses:
        copy = session.copy()
        index = copy.path(".mergekit", "index.sqlite")
        if loss == "gone":
            os.unlink(index)
        elif loss in ("garbled", "zeros", "short"):
            size = os.path.getsize(index)
            overwrite(index, bytes(size) if loss == "zeros" else generator.randbytes(size if loss == "garbled" else 50))
        elif loss.startswith("old"):
            overwrite(index, open(old, "rb").read())
            for ending in ["-wal", "-shm"]:
                if loss == "old without log" and os.path.exists(index + ending):
                    os.unlink(index + ending)
        else:
            ending = "-wal" if loss.startswith("log") else "-shm"
            overwrite_or_make(index + ending, generator.randbytes(32768))
        copy.must("verify", "--full", "--rebuild-index")
        check(copy.must("log", "--json").output == expected, f"{loss}: the log is another")
        check(copy.must("show", "best", "--json").output.replace(copy.folder, session.folder) == shown,
              f"{loss}: the artifact is shown otherwise")
        plan = json.loads(copy.must("plan", "r.rcp", "--json", "--epochs", "12").output)
        check(plan["to_run"] == 0, f"{loss}: something is to run again")
        copy.remove()
    return f"{len(losses)} losses, the same log each time"


def overwrite_or_make(path, data):
    with open(path, "wb") as file:
        file.write(data)


@fault("R11", "clocks that go wrong")
def clocks(campaign):
    session = merge_session(campaign)
    for name in ["a/model.safetensors", "b/model.safetensors"]:
        os.utime(session.path(name), (4102444800, 4102444800))
    session.must("apply", "r.rcp", "-q", environment={"TZ": "Pacific/Kiritimati"})
    expected = session.digest()
    result = session.must("apply", "r.rcp", "--json", environment={"TZ": "America/Los_Angeles"})
    check(all(step["outcome"] == "cached" for step in json.loads(result.output)["steps"]), "it ran again")
    for name in ["a/model.safetensors", "b/model.safetensors"]:
        os.utime(session.path(name), (0, 0))
    session.must("apply", "r.rcp", "-q", "--force")
    check(session.digest() == expected, "the time of a file changed the result")
    applies = [entry["apply"] for entry in json.loads(session.must("log", "--json").output)]
    check(applies == sorted(applies, reverse=True), "the log is not in the order of its numbers")
    return f"files from 1970 and 2100, two time zones; {jumping_clock(campaign)}"


def jumping_clock(campaign):
    """A clock that goes back an hour while steps run, between two applies, and far ahead."""
    compiler = shutil.which("clang") or shutil.which("cc")
    library = os.path.join(campaign.folder, "clock.so")
    source = os.path.join(campaign.root, "Tests", "Faults", "clock.c")
    if not sys.platform.startswith("linux") or not compiler or subprocess.run(
            [compiler, "-shared", "-fPIC", "-O", source, "-o", library], capture_output=True).returncode:
        return "not a clock that jumps while it runs: no compiler makes the library for it"
    expected, _ = undisturbed(long_session(campaign))
    session = long_session(campaign)
    offset = session.write("offset", "0\n")
    fake = {"LD_PRELOAD": library, "CLOCK_OFFSET": offset}
    process = session.start("apply", "r.rcp", "-q", environment=fake)
    while session.receipts() < 5 and process.poll() is None:
        time.sleep(0.001)
    session.write("offset", "-3600\n")
    result = session.finish(process)
    check(result.status == 0, lambda: f"the clock went back: {result!r}")
    check(session.digest() == expected, "a clock that went back changed the result")
    for jump in ["-7200", "86400000", "-10"]:
        session.write("offset", jump + "\n")
        steps = json.loads(session.must("apply", "r.rcp", "--json", environment=fake).output)["steps"]
        check(all(step["outcome"] == "cached" for step in steps), f"at {jump} s it ran again")
        session.must("log", "--html", "page.html", environment=fake)
    applies = [entry["apply"] for entry in json.loads(session.must("log", "--json").output)]
    check(applies == [4, 3, 2, 1], "the log is not in the order of its numbers")
    # An apply of the year 2029 must not keep `gc` from ever deleting, nor one of the past lose what was just made.
    session.must("gc", "--delete", environment=fake)
    session.must("verify", "--full")
    check(json.loads(session.must("plan", "r.rcp", "--json").output)["to_run"] == 0, "what was made last was collected")
    return "a clock that jumps back by an hour while it runs, by two after, and ahead by years"


@fault("R12", "inputs that change while they are read")
def changing_inputs(campaign):
    """The process is stopped by a signal at one of the calls that read an input, the input is changed, and it goes on."""
    campaign.needs_strace()
    total = campaign.amount(6, 24)
    generator = campaign.random("R12")
    first = merge_session(campaign, 1 << 20, 4)
    other = first.copy()
    write_model(other, "a", 3, 1 << 20, 4)
    changed, _ = undisturbed(other)
    new = open(other.path("a/model.safetensors"), "rb").read()
    trace, calls = first.path("trace"), ["strace", "-f", "-qq", "-e", "trace=pread64", "-P", first.path("a/model.safetensors")]
    first.must("apply", "r.rcp", "-q", before=["taskset", "-c", "0", *calls, "-o", trace])
    expected = first.digest()
    with open(trace) as lines:
        threads = [line.split()[0] for line in lines]
    # `strace` counts the calls of each thread by itself.
    reads = max(threads.count(thread) for thread in set(threads))
    for name in ["out", ".mergekit"]:
        shutil.rmtree(first.path(name))
    changes = ["append", "truncate", "replace", "rewrite", "rewrite and say it is old", "touch"]
    # Some while its header is read, the others anywhere.
    plans = [(changes[number % 6], generator.randrange(1, 9) if number % 4 == 0 else generator.randrange(1, reads + 1))
             for number in range(total)]

    def one(plan):
        how, number = plan
        stopped = None
        # Which thread reads how much is not the same each time: one that never comes so far is stopped earlier.
        while not stopped:
            session = first.copy()
            path = session.path("a/model.safetensors")
            before = os.stat(path)
            process = session.start("apply", "r.rcp", "-q", before=[
                "taskset", "-c", "0", *calls[:-1], path, "-o", "/dev/null", "-e",
                f"inject=pread64:signal=STOP:when={number}"])
            stopped = until_stopped(process)
            if not stopped:
                check(number > 1, lambda: f"no read was ever reached: {session.finish(process)!r}")
                session.finish(process)
                session.remove()
                number = number * 3 // 4
        change(path, how, new, before)
        os.kill(stopped, signal.SIGCONT)
        result = session.finish(process)
        check(result.status in (0, 65, 66), lambda: f"{how} at read {number}: {result!r}")
        if result.status == 0:
            check(session.digest() in (expected, changed), f"{how} at read {number}: a result of neither the old nor the new input")
        else:
            check("changed while it was read" in result.errors or "safetensors file" in result.errors,
                  lambda: f"{how} at read {number} is refused for another reason: {result!r}")
            check(session.receipts() < 3, f"{how} at read {number}: it is refused, and there is a receipt")
        # A change that comes before anything is looked at is refused without a registry.
        if os.path.exists(session.registry):
            session.must("verify", "--full")
        check(not session.leftovers(), lambda: f"left behind: {session.leftovers()}")
        # Once it stays as it is, its content decides, and what is there from before does no harm.
        if how != "truncate" and how != "append":
            session.must("apply", "r.rcp", "-q", "--force")
            check(session.digest() == (expected if how == "touch" else changed), f"{how} at read {number}: later, too")
        session.remove()
        return result.status != 0

    refused = sum(campaign.parallel(plans, one))
    return (f"{total} changes, each in midst of the {reads} reads of the file: {refused} refused, {total - refused} harmless; "
            "0 mixed results")


def until_stopped(tracer):
    """Waits until a signal has stopped what `strace` runs; its process, or none where it ended before."""
    while tracer.poll() is None:
        try:
            with open(f"/proc/{tracer.pid}/task/{tracer.pid}/children") as file:
                children = file.read().split()
            for child in children:
                states = set()
                for thread in os.listdir(f"/proc/{child}/task"):
                    with open(f"/proc/{child}/task/{thread}/stat") as file:
                        states.add(file.read().rsplit(")", 1)[1].split()[0])
                if states <= {"T", "t"} and is_stopped_by_signal(child):
                    return int(child)
        except (FileNotFoundError, ProcessLookupError):
            pass
        time.sleep(0.005)
    return None


def is_stopped_by_signal(process):
    """Whether it stays stopped: a tracer also stops what it traces at every call, for a moment."""
    for _ in range(4):
        time.sleep(0.01)
        with open(f"/proc/{process}/stat") as file:
            if file.read().rsplit(")", 1)[1].split()[0] not in "Tt":
                return False
    return True


def change(path, how, new, before):
    if how == "append":
        with open(path, "ab") as file:
            file.write(b"x")
    elif how == "truncate":
        os.truncate(path, 1000)
    elif how == "replace":
        with open(path + ".new", "wb") as file:
            file.write(new)
        os.replace(path + ".new", path)
    elif how.startswith("rewrite"):
        with open(path, "r+b") as file:
            file.write(new)
        if how != "rewrite":
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(path)


@fault("R13", "an export onto what it was made from")
def own_sources(campaign):
    session = merge_session(campaign)
    before = session.digest("a")
    session.write("r.rcp", MERGE.replace('"out/model"', '"a"'))
    for flags in [[], ["--force"]]:
        result = session.run("apply", "r.rcp", "-q", *flags)
        check(result.status == 73, lambda: f"{result!r}")
        check(session.digest("a") == before, "the source was changed")
    session.must("export", "1", "a", "--force", status=73)
    check(session.digest("a") == before and not session.leftovers(), "the source was changed")
    return "refused; the source's bytes stay"


@fault("R17", "registries of other versions")
def versions(campaign):
    session = campaign.session(SMALL)
    session.must("apply", "r.rcp", "-q")
    version = session.path(".mergekit", "VERSION")
    newer = session.copy()
    overwrite(newer.path(".mergekit", "VERSION"), b"mergekit registry 99\n")
    newer.must("log", status=78)
    newer.must("apply", "r.rcp", status=78)
    newer = session.copy()
    database = sqlite3.connect(newer.path(".mergekit", "index.sqlite"))
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()
    newer.must("log", status=78)
    newer.must("apply", "r.rcp", status=78)
    overwrite(version, b"nonsense\n")
    session.must("log", status=76)
    return "newer ones are refused with 78; no older version was ever released"
