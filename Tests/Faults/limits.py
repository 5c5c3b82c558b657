"""R15, R16, R18, R19: little memory, any number of threads, sanitizers, and a large registry."""

import json
import os
import re
import shutil
import subprocess
import sys

import large
from campaign import Failed, NotRun, check, fault, kill, limits
from crashes import undisturbed
from recipes import SMALL, floats, long_session, safetensors


@fault("R15", "too little memory", quick=False)
def little_memory(campaign):
    expected, _ = undisturbed(campaign.session(SMALL))
    stopped, waiting = 0, 0
    for megabytes in range(100, 1100, 50):
        session = campaign.session(SMALL)
        process = session.start("apply", "r.rcp", "-q", limit=limits(AS=megabytes << 20))
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            # OpenBLAS asks for 128 MiB when it is loaded, and again and again where there are none: before anything begins.
            if not os.path.exists(session.registry):
                kill(process)
                waiting += 1
            try:
                process.communicate(timeout=110)
            except subprocess.TimeoutExpired:
                kill(process)
                process.communicate()
                raise Failed(f"with {megabytes} MiB it waits for memory in midst of its work")
        stopped += process.returncode not in (0, -9)
        session.recovers(expected)
        session.remove()
    bounds = bounded_memory(campaign)
    return f"{stopped} runs died of it, {waiting} waited for it as they began, the registry was whole each time; {bounds}"


BOUNDED = """## Merges that could all run at once.
recipe "Bounded"
let a = checkpoint("a")
let b = checkpoint("b")
let base = checkpoint("base")
export average([a, b]) to "out/average"
export ties(base:, models: [a, b], density: 20%) to "out/ties"
export dare(base:, models: [a, b], density: 50%) to "out/dare"
export slerp(a:, b:, at: 30%) to "out/slerp"
export iso_cts(base:, models: [a, b]) to "out/iso"
export extract_lora(a - base, rank: 8) to "out/lora"
"""


def bounded_memory(campaign):
    """Beside what the program itself takes, all steps together stay within a tenth of `--memory`; a step that alone needs more runs
    alone, within a tenth of what the plan says that it needs."""
    session = campaign.session(BOUNDED)
    side, matrices, count = 512, 16, 1 << 20
    for number, name in enumerate(["a", "b", "base"]):
        session.write(f"{name}/config.json", json.dumps({"model_type": "unknown"}))
        session.write(f"{name}/model.safetensors", safetensors({
            **{f"layers.{index}.weight": ("F32", [side, side], floats(side * side, number * 100 + index))
               for index in range(matrices)},
            **{f"vector.{index}": ("F32", [count], floats(count, number * 100 + 50 + index)) for index in range(8)}}))
    plan = json.loads(session.must("plan", "r.rcp", "--json").output)
    largest, total = (function(step["memory"] for step in plan["steps"]) for function in (max, sum))
    own, _ = session.measured("--version")
    told = []
    for bound in [64 << 20, 128 << 20, 256 << 20]:
        peak, _ = session.measured("apply", "r.rcp", "-q", "--force", "--jobs", "8", "--memory", f"{bound >> 20}MiB")
        held, allowed = peak - own, max(bound, largest)
        check(held <= 1.1 * allowed, f"with --memory {bound >> 20} MiB steps held {held >> 20} MiB, and may hold {allowed >> 20}")
        told.append(f"{held >> 20} of {allowed >> 20}")
        for name in [".mergekit", "out"]:
            shutil.rmtree(session.path(name))
    return (f"merges that ask for {total >> 20} MiB together hold, with three bounds, {', '.join(told)} MiB, beside the "
            f"program's own {own >> 20}")


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


@fault("R18", "the unit tests under the thread and the address sanitizer", quick=False)
def sanitizers(campaign):
    if not campaign.build:
        raise NotRun("it builds everything twice again; `--sanitize` runs it")
    return "; ".join(sanitized(campaign, name, library) for name, library in [("thread", mutex_library(campaign)), ("address", None)])


def mutex_library(campaign):
    """What tells the thread sanitizer of Swift's `Mutex`; see `mutex.c`. With it, no report has to be looked over for locks."""
    library = os.path.join(campaign.folder, "mutex.so")
    compiler = shutil.which("clang")
    if not sys.platform.startswith("linux") or not compiler:
        raise NotRun("`clang`, which comes with Swift's toolchain on Linux, makes a library for it")
    source = os.path.join(campaign.root, "Tests", "Faults", "mutex.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O", source, "-o", library], check=True)
    return library


def sanitized(campaign, name, library):
    """Runs all unit tests, a target of them at a time."""
    place = f".build/{name}-sanitizer"
    flags = [f"--sanitize={name}", "--build-path", place]
    subprocess.run(["swift", "build", "--build-tests", *flags], cwd=campaign.root, check=True, stdout=subprocess.DEVNULL)
    environment = {
        **os.environ, "TSAN_OPTIONS": "halt_on_error=0 exitcode=0", "ASAN_OPTIONS": "detect_leaks=0 halt_on_error=1",
        **({"LD_PRELOAD": library} if library else {})}
    count, aside = 0, 0
    targets = sorted(name for name in os.listdir(os.path.join(campaign.root, "Tests")) if name.endswith("Tests"))
    for target in targets:
        result = subprocess.run(
            ["swift", "test", "--skip-build", "--disable-xctest", *flags, "--filter", rf"^{target}\."], cwd=campaign.root,
            env=environment, capture_output=True, text=True, errors="replace")
        told = result.stdout + result.stderr
        reports = re.findall(r"(?:WARNING: ThreadSanitizer|ERROR: AddressSanitizer).*?\nSUMMARY[^\n]*", told, re.DOTALL)
        ours = [report for report in reports if not is_of_the_runtime(report)]
        check(not ours, lambda: f"{len(ours)} reports in {target}, the first of which is {ours[0][:3000]}")
        check(result.returncode == 0, lambda: f"{target} under the {name} sanitizer: {told[-900:]}")
        aside += len(reports)
        count += sum(int(number) for number in re.findall(r"Test run with (\d+) tests?", told))
    runtime = f", {aside} of Swift's empty array aside" if aside else ""
    return f"{name}: 0 reports in {count} tests of {len(targets)} targets{runtime}"


def is_of_the_runtime(report):
    """Whether a report is of the one place in Swift's library that all threads write to: the empty array that all empty arrays are.

    The library writes its count over it, which is and stays zero. Nothing of ours lies there, so this hides no race of ours.
    """
    return "Location is global '_swiftEmptyArrayStorage'" in report


@fault("R19", "a registry of 10,000 artifacts and a million receipts", quick=False)
def large_registry(campaign):
    session = campaign.session(None)
    artifacts, receipts = 10_000, 1_000_000
    large.make(session, artifacts, receipts)
    first = median(session, "log")
    check(first < 0.2, f"the first page of the log takes {first:.3f} s")
    plan = median(session, "plan", "steps.rcp")
    check(plan < 0.5, f"a plan of 1,000 steps that are there takes {plan:.3f} s")
    session.remove()
    times = []
    for share in [4, 2, 1]:
        smaller = campaign.session(None)
        large.make(smaller, artifacts // share, receipts // share)
        times.append((artifacts // share, median(smaller, "gc", "--keep-runs", "5", "--keep-within", "0s")))
        smaller.remove()
    # Twice as much may take twice as long, and a little more where less of it fits into a cache.
    ratios = [later / earlier for (_, earlier), (_, later) in zip(times, times[1:])]
    check(all(ratio < 2.5 for ratio in ratios), f"gc does not grow linearly: {times}")
    return (f"log {first:.3f} s, plan {plan:.3f} s, gc " + ", ".join(f"{count:,}: {took:.2f} s" for count, took in times)
            + f", which is {' and '.join(f'{ratio:.2f}' for ratio in ratios)} times as long for twice as much")


def median(session, *arguments):
    """Processor time of the middle one of five runs: wall time on a machine that others use says little."""
    return sorted(session.measured(*arguments)[1] for _ in range(5))[2]
