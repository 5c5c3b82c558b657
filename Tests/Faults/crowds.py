"""R6, R7, R21: many processes on one registry, and deletion beside them."""

import os
import signal
import subprocess
import time

from campaign import check, fault, kill
from crashes import traced, undisturbed
from recipes import LONG, SMALL, long_session, merge_session

NEVER = ["database is locked", "damaged", "internal", "Fatal", "precondition"]


@fault("R6", "many processes on one registry, deletion, and one killed every few seconds")
def crowd(campaign):
    seconds, count = campaign.amount(6, 60), campaign.amount(4, 8)
    session = long_session(campaign)
    session.must("apply", "r.rcp", "-q", "--epochs", "20")
    generator = campaign.random("R6")
    running, ended, killed, deleted = [], 0, 0, 0
    digests = {}
    number = 0
    end = time.monotonic() + seconds
    next_kill = time.monotonic() + generator.uniform(1, 3)

    def start(kind):
        nonlocal number
        number += 1
        if kind == "gc":
            return kind, None, None, session.start("gc", "--delete", "--keep-runs", "2", "--keep-within", "1s")
        # The same recipe for all, one for each alone, or one that shares its first steps.
        epochs = {"same": "40", "own": str(50 + number % 20), "shared": str(30 + number % 3)}[kind]
        out = f"out/{number}"
        return kind, epochs, out, session.start("apply", "r.rcp", "-q", "--epochs", epochs, "--out", out)

    def settle(entry):
        nonlocal ended, deleted
        kind, epochs, out, process = entry
        result = session.finish(process)
        if result.status == -9:
            return
        allowed = (0, 75) if kind == "gc" else (0,)
        check(result.status in allowed, lambda: f"{kind}: {result!r}")
        check(not any(word in result.errors for word in NEVER), lambda: f"{kind}: {result!r}")
        ended += kind != "gc"
        deleted += kind == "gc" and result.status == 0
        if out:
            digest = session.digest(out)
            check(digests.setdefault(epochs, digest) == digest, "equal recipes gave other bytes")

    while time.monotonic() < end:
        kinds = [entry[0] for entry in running]
        if "gc" not in kinds:
            running.append(start("gc"))
        while len(running) < count + 1:
            running.append(start(generator.choice(["same", "own", "shared"])))
        if time.monotonic() > next_kill:
            victim = generator.choice([entry for entry in running if entry[0] != "gc"])
            kill(victim[3])
            killed += 1
            next_kill = time.monotonic() + generator.uniform(2, 5)
        # What a process says must be read, or it waits for ever.
        for entry in [entry for entry in running if entry[3].poll() is not None]:
            running.remove(entry)
            settle(entry)
        time.sleep(0.01)
    for entry in running:
        settle(entry)
    session.must("apply", "r.rcp", "-q", "--epochs", "40", "--out", "out/last")
    check(session.digest("out/last") == digests.get("40", session.digest("out/last")), "the last one has other bytes")
    session.must("verify", "--full")
    session.must("gc", "--delete")
    session.must("verify", "--full")
    check(not session.leftovers(), lambda: f"left behind: {session.leftovers()}")
    check(deleted > 0, "nothing was ever deleted")
    return f"{count} at a time for {seconds} s: {ended} applies, {deleted} deletions, {killed} killed, 0 errors"


@fault("R7", "deletion at every point between an object, its receipt and the index")
def deletion_races(campaign):
    campaign.needs_strace()
    expected, _ = undisturbed(campaign.session(SMALL))

    def one(point):
        calls, number = point
        session = campaign.session(SMALL)
        # The registry is there, so that there is something to collect.
        session.must("apply", "r.rcp", "-q", "--seed", "7", "--out", "before")
        process = session.start(
            "apply", "r.rcp", "-q", before=traced(calls, f"signal=STOP:when={number}"))
        stopped = wait_until_stopped(process)
        collecting = session.start("gc", "--delete", "--keep-runs", "0", "--keep-within", "0s")
        time.sleep(0.1)
        if stopped:
            check(collecting.poll() is None or stopped == "early", "it deleted beside a running apply")
        while process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGCONT)
            except ProcessLookupError:
                break
            time.sleep(0.02)
        result = session.finish(process)
        check(result.status == 0, lambda: f"apply: {result!r}")
        collected = session.finish(collecting)
        check(collected.status in (0, 75), lambda: f"gc: {collected!r}")
        check(session.digest() == expected, "the result has other bytes")
        session.must("verify", "--full")
        session.must("apply", "r.rcp", "-q", "--force")
        check(session.digest() == expected, "after deletion the result has other bytes")
        session.remove()
        return bool(stopped)

    points = [(calls, number) for calls, count in [("link", campaign.amount(2, 8)), ("fsync", campaign.amount(2, 20))]
              for number in range(1, count + 1)]
    reached = sum(campaign.parallel(points, one))
    check(reached > 0, "no apply could be stopped at any point")
    return f"{reached} of {len(points)} points reached; deletion waited for each apply"


def wait_until_stopped(process):
    """Whether all threads of the program below `process` stay stopped: `early` before it has its lock on the registry."""
    end, seen = time.monotonic() + 5, 0
    while time.monotonic() < end and process.poll() is None:
        listed = subprocess.run(["pgrep", "-l", "-g", str(process.pid)], capture_output=True, text=True).stdout
        found = [line.split()[0] for line in listed.splitlines() if line.split()[1] not in ("strace", "taskset")]
        try:
            states = []
            for thread in os.listdir(f"/proc/{found[0]}/task") if found else []:
                with open(f"/proc/{found[0]}/task/{thread}/stat") as file:
                    states.append(file.read().rsplit(")", 1)[1].split()[0])
            # Threads stop for a moment at each call that is traced.
            seen = seen + 1 if states and all(state in "tT" for state in states) else 0
            if seen == 10:
                names = [os.readlink(f"/proc/{found[0]}/fd/{name}") for name in os.listdir(f"/proc/{found[0]}/fd")]
                return "held" if any("presence.lock" in name for name in names) else "early"
        except OSError:
            seen = 0
        time.sleep(0.005)
    return None


@fault("R21", "the same first merge by several at once, one of them killed: it is made once")
def first_merges(campaign):
    """Nobody knows the inputs yet, so each would hash them while it merges; all but one are to wait for that one."""
    total, count = campaign.amount(3, 20), 4
    alone = merge_session(campaign, 1 << 22, 6)
    expected, seconds = undisturbed(alone)
    generator = campaign.random("R21")
    killed = 0
    for number in range(total):
        session = merge_session(campaign, 1 << 22, 6)
        running = [(f"out/{place}", session.start("apply", "r.rcp", "-q", "--out", f"out/{place}")) for place in range(count)]
        if number % 3:
            time.sleep(generator.uniform(0.05, 1.5) * seconds)
            kill(running.pop(generator.randrange(count))[1])
            killed += 1
        for out, process in running:
            result = session.finish(process)
            check(result.status == 0, lambda: f"{out}: {result!r}")
            check(session.digest(f"{out}/out") == expected, f"{out}: other bytes")
        check(session.receipts() == 3, lambda: f"two checkpoints and a merge were recorded {session.receipts()} times")
        session.must("verify", "--full")
        session.remove()
    return f"{total} times {count} processes, {killed} killed: each merge was made once"
