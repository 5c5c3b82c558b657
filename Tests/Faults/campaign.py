"""What a fault test is, and how a campaign of them is run and told of.

A test is a function under `@fault("R1", "what it does")`. It gets a `Campaign`, and gives the figures that it reached as a text;
it raises `Failed` where something was lost or wrong, and `NotRun` where the machine lacks what it needs.
"""

import concurrent.futures
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback


class Failed(Exception):
    """Something was lost, wrong or left behind."""


class NotRun(Exception):
    """The machine lacks what the test needs."""


TESTS = []


def fault(name, what, quick=True):
    """Registers a test. `quick` says whether it also belongs to the quick tier."""

    def register(function):
        TESTS.append((name, what, quick, function))
        return function

    return register


def check(condition, message):
    if not condition:
        raise Failed(message() if callable(message) else message)


class Campaign:
    """The program under test, the tier, the seed, and a folder that is removed at the end."""

    def __init__(self, program, root, is_quick, seed, build):
        self.program = program
        self.root = root
        self.is_quick = is_quick
        self.seed = seed
        self.build = build
        self.folder = tempfile.mkdtemp(prefix="mergekit-faults-")
        self.count = 0

    def amount(self, quick, whole):
        return quick if self.is_quick else whole

    def random(self, *names):
        return random.Random(f"{self.seed} {names}")

    def new_folder(self):
        self.count += 1
        path = os.path.join(self.folder, str(self.count))
        os.mkdir(path)
        return path

    def session(self, recipe=None, folder=None):
        return Session(self, folder or self.new_folder(), recipe)

    def parallel(self, items, body):
        """Does `body` for each item, as many at once as there are processors; the results are in order."""
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(body, items))

    def needs(self, *programs):
        for name in programs:
            if not shutil.which(name):
                raise NotRun(f"`{name}` is not installed")

    def needs_root(self):
        if os.geteuid() != 0:
            raise NotRun("it takes root")

    def needs_strace(self):
        self.needs("strace", "taskset")
        probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
        if probe.returncode != 0:
            raise NotRun("this process may not trace others (ptrace)")


class Result:
    def __init__(self, process, output, errors, seconds):
        self.status, self.output, self.errors, self.seconds = process.returncode, output, errors, seconds

    def __repr__(self):
        return f"status {self.status}: {self.errors[-400:] or self.output[-400:]}"


class Session:
    """A folder with a recipe in it, and a registry of its own."""

    def __init__(self, campaign, folder, recipe):
        self.campaign = campaign
        self.folder = folder
        if recipe:
            self.write("r.rcp", recipe)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    @property
    def registry(self):
        return self.path(".mergekit")

    def start(self, *arguments, before=(), limit=None, environment=None):
        def prepare():
            os.setpgid(0, 0)
            if limit:
                limit()

        return subprocess.Popen(
            [*before, self.campaign.program, *arguments], cwd=self.folder, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", preexec_fn=prepare,
            env={**os.environ, **(environment or {})})

    def finish(self, process, timeout=120):
        # From when it runs: starting it takes a while, too.
        started = time.monotonic()
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            kill(process)
            process.communicate()
            raise Failed(f"it hung: {' '.join(map(str, process.args))}")
        return Result(process, output, errors, time.monotonic() - started)

    def run(self, *arguments, timeout=120, **options):
        return self.finish(self.start(*arguments, **options), timeout)

    def must(self, *arguments, status=0, **options):
        """Runs what has to end with a status."""
        result = self.run(*arguments, **options)
        check(result.status == status, lambda: f"`mergekit {' '.join(arguments)}` ended with {result!r}, not {status}")
        return result

    def measured(self, *arguments, statuses=(0,), limit=None):
        """Runs what has to end with one of some statuses: the most memory it held, in bytes, and its processor time, in seconds.

        A small process starts it and waits for it: what this one holds would count as the program's.
        """
        figures = self.path("figures")
        process = self.start(*arguments, before=[sys.executable, "-c", MEASURING, figures], limit=limit)
        result = self.finish(process, timeout=600)
        check(result.status in statuses, lambda: f"`mergekit {' '.join(arguments)}` ended with {result!r}")
        with open(figures) as file:
            kibibytes, seconds = file.read().split()
        os.unlink(figures)
        return int(kibibytes) << 10, float(seconds)

    def copy(self):
        """The same registry and files elsewhere."""
        folder = self.campaign.new_folder()
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, symlinks=True)
        return Session(self.campaign, folder, None)

    def remove(self):
        subprocess.run(["chmod", "-R", "u+w", self.folder], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # What is there

    def receipts(self):
        return count_files(self.path(".mergekit", "receipts"))

    def digest(self, name="out"):
        """One hash of all names and bytes below a folder."""
        hasher = hashlib.sha256()
        top = self.path(name)
        for folder, folders, files in os.walk(top):
            folders.sort()
            for file in sorted(files):
                path = os.path.join(folder, file)
                hasher.update(os.path.relpath(path, top).encode() + b"\0")
                with open(path, "rb") as opened:
                    hasher.update(hashlib.sha256(opened.read()).digest())
        return hasher.hexdigest()

    def leftovers(self):
        """Files that are only there while something is written."""
        found = []
        for folder, folders, files in os.walk(self.folder):
            if folder.endswith(".mergekit/tmp"):
                found += [os.path.join(folder, name) for name in folders + files]
            found += [os.path.join(folder, name) for name in folders + files if ".mergekit-" in name]
        return found

    def recovers(self, expected, before=0):
        """After a fault: nothing is damaged, the same command goes on, and its bytes are those of an undisturbed run.

        `before` is how many receipts were there before the run that the fault hit.
        """
        found = self.run("verify", "--full") if os.path.exists(self.path(".mergekit", "VERSION")) else None
        check(found is None or found.status == 0, lambda: f"after the fault: {found!r}")
        before = self.receipts() - before
        result = self.must("apply", "r.rcp", "--json", "--force")
        steps = json.loads(result.output)["steps"]
        ran = sum(step["outcome"] == "ran" for step in steps)
        check(ran + before == len(steps), f"{before} steps were done, and {ran} of {len(steps)} ran again")
        check(self.digest() == expected, "the result has other bytes than an undisturbed run's")
        self.must("verify", "--full")
        check(not self.leftovers(), lambda: f"left behind: {self.leftovers()}")


MEASURING = """
import os, sys
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(process, 0)
with open(sys.argv[1], "w") as file:
    print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime, file=file)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""


def count_files(folder):
    return sum(len(files) for _, _, files in os.walk(folder))


def kill(process, number=signal.SIGKILL):
    """Kills a process and all that it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def limits(**values):
    """Limits of a process, by the names of `resource`: `limits(AS=1 << 30)`."""
    return lambda: [
        resource.setrlimit(getattr(resource, "RLIMIT_" + name), (value, value)) for name, value in values.items()
    ]


def processor_seconds():
    """What all processes that were started and have ended have used: on a machine that others use too, it says more than time."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(campaign, chosen, show=print):
    """Runs the tests and prints a table; gives the exit status."""
    rows = []
    for name, what, quick, function in TESTS:
        if chosen and name not in chosen:
            continue
        if not chosen and campaign.is_quick and not quick:
            rows.append((name, what, "not run", "only in the whole tier", 0, 0))
            continue
        started, used = time.monotonic(), processor_seconds()
        try:
            verdict, text = "passed", function(campaign) or ""
        except NotRun as reason:
            verdict, text = "not run", str(reason)
        except Failed as reason:
            verdict, text = "FAILED", str(reason)
        except Exception:
            verdict, text = "FAILED", traceback.format_exc()
        rows.append((name, what, verdict, text, time.monotonic() - started, processor_seconds() - used))
        show(f"{name:4} {verdict:8} {rows[-1][4]:6.1f} s  {what}: {text}", flush=True)
    print(f"\nFault campaign, {'quick' if campaign.is_quick else 'whole'} tier, seed {campaign.seed}")
    for name, what, verdict, text, seconds, _ in rows:
        print(f"  {name:4} {verdict:8} {seconds:6.1f} s  {what}: {text.splitlines()[-1][:160] if text else ''}")
    counts = {verdict: sum(row[2] == verdict for row in rows) for verdict in ("passed", "FAILED", "not run")}
    print(f"{counts['passed']} passed, {counts['FAILED']} failed, {counts['not run']} not run, "
          f"in {sum(row[4] for row in rows):.0f} s, {sum(row[5] for row in rows):.0f} s of processors")
    subprocess.run(["chmod", "-R", "u+w", campaign.folder], capture_output=True)
    shutil.rmtree(campaign.folder, ignore_errors=True)
    return 1 if counts["FAILED"] else 0
