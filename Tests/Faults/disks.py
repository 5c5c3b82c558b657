"""R3, R4, R5, R10: disks that are full, fail, lose power or cannot be written."""

import contextlib
import json
import os
import subprocess
import time

from campaign import Failed, NotRun, check, fault, kill
from crashes import every_point, traced, undisturbed
from recipes import LONG, SMALL, long_session

GROW = """## A new model of 4 MiB for each seed.
recipe "Grow"
param seed: count = 1
export classifier(sizes: [1000, 1000, 10], seed:) to "out/model"
"""


def command(*words):
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode:
        raise NotRun(f"`{' '.join(words)}` fails: {result.stderr.strip()[:120]}")


@contextlib.contextmanager
def mounted(campaign, kind, megabytes):
    """A small disk: tmpfs, or a file with a file system in it."""
    campaign.needs_root()
    point = campaign.new_folder()
    if kind == "tmpfs":
        command("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", point)
    else:
        campaign.needs(f"mkfs.{kind}")
        image = point + ".img"
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        command(f"mkfs.{kind}", "-q", image)
        command("mount", "-o", "loop", image, point)
    try:
        yield point
    finally:
        for _ in range(50):
            if subprocess.run(["umount", point], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        if kind != "tmpfs":
            os.unlink(point + ".img")


@fault("R3", "a full disk, a failing disk or no more files at every call")
def failing_calls(campaign):
    campaign.needs_strace()
    expected, _ = undisturbed(campaign.session(SMALL))

    def body(session, result, number):
        # 127: the system could not load the program's libraries, and it never began.
        check(result.status in (0, 73, 74, 75, 77, 127), lambda: f"call {number}: {result!r}")
        check(result.status == 0 or "error" in result.errors, lambda: f"call {number} says nothing: {result!r}")
        session.recovers(expected)

    writing = "pwrite64"
    groups = [("ENOSPC", writing, 23, ""), ("ENOSPC", "fallocate", 2, "")] if campaign.is_quick else [
        ("ENOSPC", writing, 1, ""), ("ENOSPC", writing, 5, "+"), ("ENOSPC", "fallocate,ftruncate", 1, ""),
        ("ENOSPC", "link,linkat,rename,renameat,renameat2", 1, ""), ("ENOSPC", "mkdir,mkdirat", 1, ""),
        ("EIO", "fsync,fdatasync", 1, ""), ("EIO", writing, 5, ""), ("EIO", "pread64", 5, "")]
    counts = [
        (f"{error} {calls.split(',')[0]}{more}",
         every_point(campaign, calls, f"error={error}:when={{}}{more}", body, every))
        for error, calls, every, more in groups]
    if not campaign.is_quick:
        counts.append(("EMFILE", few_files(campaign, expected)))
    return ", ".join(f"{count} {name}" for name, count in counts)


def few_files(campaign, expected):
    """No more than so many open files, from too few to enough."""
    import campaign as module

    stopped = 0
    for count in range(8, 48, 2):
        session = campaign.session(SMALL)
        result = session.run("apply", "r.rcp", "-q", limit=module.limits(NOFILE=count))
        # With too few to load its libraries, the program does not begin; and libdispatch traps (4) where it cannot look at its
        # threads in /proc. Either way the registry must be whole.
        check(result.status in (0, 73, 74, 127, -4), lambda: f"{count} open files: {result!r}")
        stopped += result.status != 0
        session.recovers(expected)
        session.remove()
    return stopped


@fault("R4", "disks that fill up until nothing goes")
def full_disks(campaign):
    counts = []
    for kind in ["tmpfs", "ext4"]:
        with mounted(campaign, kind, 24 if kind == "tmpfs" else 32) as point:
            session = campaign.session(GROW, point)
            seed = 0
            for _ in range(campaign.amount(1, 3)):
                for _ in range(30):
                    seed += 1
                    result = session.run("apply", "r.rcp", "-q", "--force", "--seed", str(seed))
                    if result.status:
                        break
                check(result.status == 74 and "full" in result.errors, lambda: f"on a full disk: {result!r}")
                session.must("log")
                session.must("gc", "--delete", "--keep-runs", "1", "--keep-within", "0s")
                session.must("apply", "r.rcp", "-q", "--force", "--seed", str(seed))
                session.must("verify", "--full")
                check(not session.leftovers(), lambda: f"left behind: {session.leftovers()}")
            counts.append(f"{kind} after {seed} models")
    return ", ".join(counts)


@fault("R5", "the power goes while it works", quick=False)
def power_cuts(campaign):
    campaign.needs_root()
    campaign.needs("xfs_io", "mkfs.ext4", "mkfs.xfs")
    total, middle, acknowledged = 30, 0, 0
    for kind in ["ext4", "xfs"]:
        generator = campaign.random("R5", kind)
        point = campaign.new_folder()
        image = point + ".img"
        with open(image, "wb") as file:
            file.truncate(400 << 20)
        command(f"mkfs.{kind}", "-q", image)
        command("mount", "-o", "loop", image, point)
        session = long_session(campaign, point)
        os.sync()
        expected, seconds = undisturbed(session)
        done = []
        for cut in range(total // 2):
            epochs = str(20 + cut)
            process = session.start("apply", "r.rcp", "-q", "--force", "--epochs", epochs)
            time.sleep(generator.uniform(0.02, 1.3 * seconds))
            finished = process.poll() == 0
            subprocess.run(["xfs_io", "-x", "-c", "shutdown", point], capture_output=True)
            kill(process)
            process.communicate()
            middle += not finished
            if finished:
                done.append(epochs)
            for _ in range(50):
                if subprocess.run(["umount", point], capture_output=True).returncode == 0:
                    break
                time.sleep(0.05)
            command("mount", "-o", "loop", image, point)
            session.must("verify", "--full")
            for epochs in done[-3:]:
                plan = session.must("plan", "r.rcp", "--json", "--epochs", epochs)
                check(json.loads(plan.output)["to_run"] == 0, f"after cut {cut} something acknowledged is lost")
        acknowledged += len(done)
        session.must("apply", "r.rcp", "-q", "--force")
        check(session.digest() == expected, "after the cuts the result has other bytes")
        session.must("verify", "--full")
        command("umount", point)
        os.unlink(image)
    return f"{total} cuts on ext4 and xfs, {middle} in midst of it: {acknowledged} acknowledged applies, 0 lost, 0 damaged"


@fault("R10", "a registry that may only be read")
def read_only(campaign):
    campaign.needs_root()
    campaign.needs("unshare")
    session = campaign.session(SMALL)
    session.must("apply", "r.rcp", "-q")
    before = session.must("log", "--json").output
    names = sorted(os.listdir(session.registry))
    inside = " && ".join([
        f"mount --bind {session.registry} {session.registry}",
        f"mount -o remount,ro,bind {session.registry}", "exec \"$@\""])
    wrap = ["unshare", "-m", "sh", "-c", inside, "sh"]
    check(session.must("log", "--json", before=wrap).output == before, "the log differs")
    for words in [["show", "both"], ["why", "both"], ["log", "both"], ["verify", "--full"], ["plan", "r.rcp"],
                  ["export", "both", "elsewhere"], ["ref", "list"], ["gc"], ["doctor"]]:
        result = session.run(*words, before=wrap)
        check(result.status == (1 if words == ["doctor"] else 0), lambda: f"`{' '.join(words)}`: {result!r}")
    check(session.run("diff", "start", "both", before=wrap).status == 1, "diff fails")
    for words in [["apply", "r.rcp", "--seed", "2"], ["gc", "--delete"], ["ref", "add", "x", "both"]]:
        result = session.run(*words, before=wrap)
        check(result.status == 77 and "error: " in result.errors, lambda: f"`{' '.join(words)}`: {result!r}")
    check(sorted(os.listdir(session.registry)) == names, "something was made in it")
    return "reading commands work, writing ones end with 77"
