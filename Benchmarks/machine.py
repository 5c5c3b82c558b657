"""What every benchmark needs: the build to measure, a command's time and memory, and what machine this is."""

import collections
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

Usage = collections.namedtuple("Usage", "wall processor peak")


def build(configuration):
    """Builds mergekit and returns the program's path."""
    command = ["swift", "build", "-c", configuration]
    subprocess.run(command + ["-q"], cwd=ROOT, check=True, stdout=sys.stderr)
    folder = subprocess.run(command + ["--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True)
    return os.path.join(folder.stdout.strip(), "mergekit")


def run(command, folder, environment=None):
    """Runs a command to its end and returns what it took: seconds, seconds of processors, bytes at its peak."""
    start = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} exited with {process.returncode}:\n{errors.decode()}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def describe():
    """This machine and its Swift, in a line."""
    processor = platform.processor() or platform.machine()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    swift = " ".join(swift.split("(")[0].split()[-3:])
    return f"{processor}, {os.cpu_count()} processors, {platform.system()} {platform.release()}, {swift}"
