#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# timeout: 14400
"""Power cuts at thousands of moments: what a workload does to the store's files
is recorded, and the store is looked at as any cut may leave it.

Each chain begins with a new store.  Of its last log one cut's store goes on as
the next generation, in another boot, so that recovery is cut off, too.  Then
the same with bugs to order: a flush that is not made, a pin released early,
files that are used again before a checkpoint covers their end.
Cuts must do harm then, or all of this would prove nothing.

The recorder is record.c, the disk disk.c, what is looked for promises.c.
"""

import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Three times as fast as with sanitizers, which other suites have.
PLAIN = pathlib.Path(os.environ.get("PLAIN", ROOT / "build/plain"))
RECORD = PLAIN / "tests/crash/crash_record"
REPLAY = PLAIN / "tests/crash/crash_replay"
MEMORY = "/dev/shm"
IS_LONG = bool(os.environ.get("TEST_LONG"))
CHAINS, CUTS = (14, 2500) if IS_LONG else (3, 240)
GENERATIONS = 3
BUGS = ["data", "packs", "dirs", "tables", "side", "pin", "early"]
BUG_CUTS = {"early": 240}  # others do more harm: 60


def run(*command, seconds=600):
    result = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", timeout=seconds, check=False)
    assert result.returncode == 0, (
        f"{command[0].name}: status {result.returncode}:\n{result.stdout}")
    return result.stdout


def record(work, generation, bug="none"):
    (work / "boot_id").write_text(f"{uuid.uuid4()}\n")
    run(RECORD, work / "store", work / "log", work / "boot_id", generation,
        bug)


def cut(work, cuts, seed, *promises):
    """How many cuts were made, how many did harm, and what was said of it."""
    text = run(REPLAY, work / "log", work, cuts, seed, *promises,
               seconds=600 + cuts)
    made, harmed = re.search(r"^(\d+) cuts, (\d+) did harm$", text,
                             re.M).groups()
    return int(made), int(harmed), text


def go_on(work, seed, promises):
    """Leaves the store of one cut, and what it must hold."""
    shutil.rmtree(work / "store")
    (work / "next").mkdir()
    step = random.Random(seed).randrange(500, 9000)
    run(REPLAY, work / "log", work / "next", "export", seed, promises, step)
    (work / "next/store").rename(work / "store")
    (work / "next").rmdir()


def no_cut_does_harm(work, seed):
    total = 0
    promises = work / "promises"
    for generation in range(1, GENERATIONS + 1):
        record(work, generation)
        known = [promises] if generation > 1 else []
        made, harmed, text = cut(work, CUTS, seed + generation, *known)
        total += made
        assert not harmed, f"generation {generation}, seed {seed}:\n{text}"
        if generation < GENERATIONS:
            go_on(work, seed + generation, promises)
    print(f"chain {seed}: {total} cuts did no harm", flush=True)


def the_bug_does_harm(work, bug):
    """Which writes one recording has is up to the moment."""
    for seed in range(1, 4):
        shutil.rmtree(work / "store", ignore_errors=True)
        record(work, 1, bug)
        made, harmed, text = cut(work, BUG_CUTS.get(bug, 60), seed)
        if harmed:
            break
    assert harmed, f"{made} cuts and no harm:\n{text}"
    print(f"bug {bug}: {harmed} of {made} cuts did harm", flush=True)


def attempt(test, *args):
    work = pathlib.Path(tempfile.mkdtemp(prefix="tarn-power-cut.",
                                         dir=MEMORY))
    try:
        test(work, *args)
        return True
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        print(f"not ok - {test.__name__} {args}: {error}", flush=True)
        return False
    finally:
        shutil.rmtree(work, ignore_errors=True)


def is_in_memory():
    """Inode numbers must not be used again, which tmpfs sees to."""
    mounts = pathlib.Path("/proc/mounts").read_text().splitlines()
    return any(line.split()[1:3] == [MEMORY, "tmpfs"] for line in mounts)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not is_in_memory():
        print(f"skipped: power_cut: no tmpfs at {MEMORY}")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    first = int(sys.argv[1]) if len(sys.argv) > 1 else (
        random.randrange(1 << 30))
    results = [attempt(no_cut_does_harm, first + 1000 * i)
               for i in range(CHAINS)]
    results += [attempt(the_bug_does_harm, bug) for bug in BUGS]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return not all(results)


sys.exit(main())
