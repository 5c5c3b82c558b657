"""R15, R16, R18, R19: little memory, any number of threads, sanitizers, and a large registry."""

import json
import os
import re
import subprocess
import time

import large
from campaign import Failed, NotRun, check, fault, kill, limits
from crashes import undisturbed
from recipes import SMALL, long_session, merge_session


@fault("R15", "too little memory", quick=False)
def little_memory(campaign):
    expected, _ = undisturbed(campaign.session(SMALL))
    stopped, waiting = 0, 0
    for megabytes in range(100, 1100, 50):
        session = campaign.session(SMALL)
        process = session.start("apply", "r.rcp", "-q", limit=limits(AS=megabytes << 20))
        try:
            process.communicate(timeout=5)
            stopped += process.returncode != 0
        except subprocess.TimeoutExpired:
            # OpenBLAS asks for 128 MiB when it is loaded, and again and again where there are none: before anything begins.
            waiting += 1
            kill(process)
            process.communicate()
            check(not os.path.exists(session.registry), "it waits for memory in midst of its work")
        session.recovers(expected)
        session.remove()
    peak = memory_of(merge_session(campaign, 1 << 21, 4), "--memory", "64MiB")
    return f"{stopped} runs died of it, {waiting} waited for it as they began, the registry was whole each time; a merge of 2 x 32 MiB held {peak >> 20} MiB"


def memory_of(session, *arguments):
    """The most memory that an apply held, in bytes, as `wait4` tells."""
    process = session.start("apply", "r.rcp", "-q", *arguments)
    _, status, usage = os.wait4(process.pid, 0)
    check(status == 0, f"apply ended with {status}")
    return usage.ru_maxrss << 10


@fault("R16", "the same bytes for any number of jobs and processors")
def determinism(campaign):
    expected, _ = undisturbed(long_session(campaign))
    count = 0
    processors = ["0"] + ([f"0-{os.cpu_count() - 1}"] if os.cpu_count() > 1 else [])
    for jobs in ["8"] if campaign.is_quick else ["1", "3", "8"]:
        for mask in processors:
            session = long_session(campaign)
            session.must("apply", "r.rcp", "-q", "--jobs", jobs, before=["taskset", "-c", mask])
            check(session.digest() == expected, f"other bytes with {jobs} jobs on processors {mask}")
            session.remove()
            count += 1
    return f"{count} settings, one digest"


@fault("R18", "the unit tests under the thread sanitizer", quick=False)
def sanitizer(campaign):
    if not campaign.build:
        raise NotRun("it builds everything again; `--sanitize` runs it")
    environment = {**os.environ, "TSAN_OPTIONS": "halt_on_error=0 exitcode=0"}
    result = subprocess.run(
        ["swift", "test", "--sanitize=thread", "--build-path", ".build/thread-sanitizer"], cwd=campaign.root,
        env=environment, capture_output=True, text=True, errors="replace")
    reports = re.findall(r"WARNING: ThreadSanitizer.*?\nSUMMARY[^\n]*", result.stdout + result.stderr, re.DOTALL)
    ours = [report for report in reports if not is_of_the_runtime(report)]
    check(not ours, lambda: f"{len(ours)} reports, the first of which is {ours[0][:2000]}")
    check(result.returncode == 0, lambda: f"{(result.stdout + result.stderr)[-600:]}")
    return f"0 reports, {len(reports)} of Swift's runtime aside"


def is_of_the_runtime(report):
    """Whether a report is of what the sanitizer cannot see in Swift's own libraries, which are built without it.

    All empty arrays are one: the library writes their count, zero, over the zero that is there. And a `Mutex` that has to wait does
    so in the library; both accesses are then below closures of `withLock`, the only ones whose types are `(inout sending) -> sending`.
    """
    if "Location is global '_swiftEmptyArrayStorage'" in report:
        return True
    accesses = report.split("\n\n")[:2]
    return len(accesses) == 2 and all(re.search(r"z(_t)?(Yu)?YTXEfU\d*_", access) for access in accesses)


@fault("R19", "a registry of 10,000 artifacts and a million receipts", quick=False)
def large_registry(campaign):
    session = campaign.session(None)
    artifacts, receipts = 10_000, 1_000_000
    large.make(session, artifacts, receipts)
    first = median(session, "log")
    check(first < 0.2, f"the first page of the log takes {first:.3f} s")
    plan = median(session, "plan", "steps.rcp")
    check(plan < 0.5, f"a plan of 1,000 steps that are there takes {plan:.3f} s")
    times = []
    for share in [4, 2, 1]:
        smaller = campaign.session(None)
        large.make(smaller, artifacts // share, receipts // 100 // share)
        times.append((artifacts // share, median(smaller, "gc", "--keep-runs", "5", "--keep-within", "0s")))
        smaller.remove()
    (few, short), (many, long) = times[0], times[-1]
    check(long < 1.6 * short * many / few, f"gc does not grow linearly: {times}")
    session.remove()
    return f"log {first:.3f} s, plan {plan:.3f} s, gc " + ", ".join(f"{count}: {took:.2f} s" for count, took in times)


def median(session, *arguments):
    """Processor time of the middle one of five runs: wall time on a machine that others use says little."""
    times = []
    for _ in range(5):
        process = session.start(*arguments)
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        check(status == 0, f"`{' '.join(arguments)}` fails")
        times.append(usage.ru_utime + usage.ru_stime)
    return sorted(times)[2]
