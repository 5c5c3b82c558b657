"""R1, R2, R14, R20: processes that end before they are done."""

import json
import os
import signal
import time

from campaign import Failed, check, fault, kill
from recipes import LONG, SMALL, long_session

def traced(calls, injection):
    """A command line's beginning: one processor, so that calls come in one order, and a fault at one of the calls."""
    return ["taskset", "-c", "0", "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
            f"inject={calls}:{injection}"]


def undisturbed(session, *arguments):
    """The bytes that an undisturbed run gives, and its seconds."""
    result = session.must("apply", "r.rcp", *arguments)
    return session.digest(), result.seconds


@fault("R1", "kill -9 at a random moment, then verify, then resume")
def random_kills(campaign):
    # The first run also brings the program into memory; and as many run at once as will be killed at once.
    undisturbed(long_session(campaign))
    runs = campaign.parallel(range(8), lambda _: undisturbed(long_session(campaign)))
    expected, seconds = runs[0][0], sorted(seconds for _, seconds in runs)[4]
    total = campaign.amount(8, 200)
    generator = campaign.random("R1")
    # Half of them at any time of an undisturbed run, half as soon as so many steps are done, for on a machine that others use
    # too one run may be much slower than another.
    moments = [
        (0, generator.uniform(0, 1.1 * seconds)) if number % 2 else (
            generator.randrange(1, 14), generator.uniform(0, seconds / 14)) for number in range(total)]

    def one(plan):
        steps, moment = plan
        # Who comes too late tries earlier.
        for _ in range(6):
            session = long_session(campaign)
            process = session.start("apply", "r.rcp", "-q")
            while session.receipts() < steps and process.poll() is None:
                time.sleep(0.001)
            time.sleep(moment)
            hit = process.poll() is None
            kill(process)
            process.communicate()
            if hit:
                break
            moment /= 2
            steps -= steps // 4
        done = session.receipts()
        if hit and os.path.exists(session.path(".mergekit", "index.sqlite")):
            session.must("log", "--json")
            # `plan` may write, and so also finds an apply whose process died just before it told the index.
            said = "was killed before it was done" in session.must("plan", "r.rcp").errors
            applies = json.loads(session.must("log", "--json").output)
            check(said == bool(applies and applies[0]["status"] == "killed"), "the next command does not say what died")
        session.recovers(expected)
        session.remove()
        return hit, done

    results = campaign.parallel(moments, one)
    hits = sum(hit for hit, _ in results)
    depths = sorted(done for hit, done in results if hit)
    check(hits >= (0.85 if total > 50 else 0.6) * total, f"only {hits} of {total} kills came in time")
    return (f"{total} kills, {hits} of them in midst of it, after {depths[0]} to {depths[-1]} steps (half of them "
            f"after {depths[len(depths) // 2]}): all resumed, same bytes")


def every_point(campaign, calls, injection, body, every=1, is_new=True):
    """Calls `body(session, result, number)` for each number of a call at which a fault can be put, until none is left.

    The number counts the calls of each thread by itself. So what a worker does first is also tried where the registry is there
    already (`is_new` is false) and the main thread has little to do before it.
    """
    def one(number):
        session = campaign.session(SMALL)
        if not is_new:
            session.must("apply", "r.rcp", "-q", "--seed", "7", "--out", "before")
            session.write("r.rcp", SMALL.replace("99", "98"))
        result = session.run("apply", "r.rcp", "-q", before=traced(calls, injection.format(number)))
        reached = result.status != 0
        body(session, result, number)
        session.remove()
        return reached

    count, number, batch = 0, 1, 4
    while True:
        numbers = [number + every * offset for offset in range(batch)]
        reached = campaign.parallel(numbers, one)
        count += sum(reached)
        # A call that cannot fail in a way that matters ends nothing: only a whole batch of successes does.
        if not any(reached):
            return count
        number = numbers[-1] + every


@fault("R2", "kill at every call that changes something on disk")
def crash_points(campaign):
    campaign.needs_strace()
    expected, _ = undisturbed(campaign.session(SMALL))
    other, _ = undisturbed(campaign.session(SMALL.replace("99", "98")))
    groups = [("link", 1)] if campaign.is_quick else [
        ("link", 1), ("rename", 1), ("renameat2", 1), ("fsync", 1), ("fdatasync", 1), ("mkdir", 1), ("mkdirat", 1),
        ("fallocate", 1), ("ftruncate", 1), ("fchmod", 1), ("unlink", 1), ("pwrite64", 7), ("openat", 1)]
    counts = []
    for is_new in [False] if campaign.is_quick else [True, False]:

        def body(session, result, number):
            check(result.status in (0, 137, -9), lambda: f"call {number}: {result!r}")
            session.recovers(expected if is_new else other, before=0 if is_new else 3)

        for calls, every in groups:
            count = every_point(campaign, calls, "signal=KILL:when={}", body, every, is_new)
            counts.append(f"{count} {calls}{'' if is_new else ' later'}")
    return f"{sum(int(text.split()[0]) for text in counts)} points ({', '.join(counts)})"


@fault("R14", "interrupt, terminate, hang up; a reader that goes")
def signals(campaign):
    expected, seconds = undisturbed(long_session(campaign))
    total = campaign.amount(6, 50)
    generator = campaign.random("R14")
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
    plans = [(numbers[index % 3], generator.uniform(0.1, 1.0) * seconds) for index in range(total)]

    def one(plan):
        number, moment = plan
        session = long_session(campaign)
        process = session.start("apply", "r.rcp", "-q")
        time.sleep(moment)
        process.send_signal(number)
        started = time.monotonic()
        result = session.finish(process)
        # Before it listens, a process dies of a signal as any other; at its end it may be done already.
        check(result.status in (0, 128 + number, -number), lambda: f"signal {number}: {result!r}")
        check(time.monotonic() - started < 5, "it took longer than 5 s to stop")
        if result.status == 128 + number and session.receipts():
            status = json.loads(session.must("log", "--json").output)[0]["status"]
            check(status == "interrupted", f"the log calls it {status}")
        check(result.status == -number or not session.leftovers(), lambda: f"left behind: {session.leftovers()}")
        session.recovers(expected)
        session.remove()
        return result.status != 0

    stopped = sum(campaign.parallel(plans, one))
    session = long_session(campaign)
    session.must("apply", "r.rcp", "-q")
    status = os.system(f"cd {session.folder} && {campaign.program} log | head -1 > /dev/null")
    check(status == 0, "`mergekit log | head -1` fails")
    return f"{total} signals, {stopped} in time; a closed pipe"


@fault("R20", "kill -9 who holds a step's lock: who waits for it goes on")
def dead_lock_holders(campaign):
    worst = 0
    _, seconds = undisturbed(long_session(campaign), "--epochs", "800")
    for _ in range(campaign.amount(1, 10)):
        session = long_session(campaign)
        first = session.start("apply", "r.rcp", "-q", "--epochs", "800", "--jobs", "1")
        while session.receipts() < 3 and first.poll() is None:
            time.sleep(0.005)
        second = session.start("apply", "r.rcp", "-q", "--epochs", "800", "--jobs", "1", "--force")
        time.sleep(0.1)
        kill(first)
        first.communicate()
        started = time.monotonic()
        result = session.finish(second)
        check(result.status == 0, lambda: f"the one that waited: {result!r}")
        worst = max(worst, time.monotonic() - started - seconds)
        session.must("verify", "--full")
        session.remove()
    # It is only the waiting that is bounded: the run itself takes what it takes, twice that beside others.
    check(worst < seconds + 1, f"it went on only {worst:.1f} s later than a run alone takes")
    return f"at most {max(worst, 0):.2f} s later than a run alone"
