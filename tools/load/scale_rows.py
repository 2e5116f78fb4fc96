# SPDX-License-Identifier: Apache-2.0
"""What an object costs when there are many."""

import shutil

from bench_site import median, pin

KIB = 1 << 10
NOTE = ("4 KiB objects put into a bucket that holds that many, and got from "
        "all over it, with 32 connections; in turns with the same on a store "
        "of its own that holds 20 k. What fills the bucket is empty. Not "
        "pinned.")
FEW = 20000
PUTS = 3000
GETS = 20000


def fill(site, server, first, count):
    """Keys first to count; the load generator signs a million at a time."""
    while first < count:
        part = min(count - first, 1000000)
        site.load(server, f"/scale/{first // 1000000}/key", "--method", "PUT",
                  "--keys", part, "--requests", part, "--connections", 64,
                  seconds=36000, cpus=site.all_cpus)
        first += part


def path_of(count):
    """Where the last of the keys are."""
    return f"/scale/{(count - 1) // 1000000}/key"


def gets_of(count):
    stride = max(1, min(count, 1000000) // GETS)
    return "--keys", GETS, "--stride", stride, "--connections", 32


def fill_to(site, server, first, count):
    fill(site, server, first, count)
    # What is got has bytes, among those that have none.
    site.load(server, path_of(count), "--method", "PUT", "--size", 4 * KIB,
              "--requests", GETS, *gets_of(count), seconds=3600,
              cpus=site.all_cpus)


def put(site, server, name):
    return site.load(server, f"/scale/new/{name}/key", "--method", "PUT",
                     "--size", 4 * KIB, "--keys", PUTS, "--requests", PUTS,
                     "--connections", 32, seconds=3600, cpus=site.all_cpus)


def get(site, server, count):
    return site.load(server, path_of(count), *gets_of(count),
                     cpus=site.all_cpus)


def measure(site, report, server, few, count):
    turns = range(site.repeats)
    puts = [(put(site, server, f"{count}-{i}"), put(site, few, f"{count}-{i}"))
            for i in turns]
    gets = [(get(site, server, count), get(site, few, FEW)) for _ in turns]
    for name, pairs in ("PUT", puts), ("GET", gets):
        ours, least = (median(one) for one in zip(*pairs))
        report.row(f"{name} 4 KiB at {count // 1000} k objects", "/s",
                   ours["requestsPerSecond"], f"at {FEW // 1000} k",
                   least["requestsPerSecond"], p99us=ours["p99us"],
                   serverCpuUs=ours["serverCpuUs"],
                   referenceCpuUs=least["serverCpuUs"],
                   clientCpuUs=ours["clientCpuUs"])


def run(site, report):
    counts = [100000] if site.is_quick else [1000000]
    if site.is_long:
        counts += [10000000]
    report.group("Many objects", NOTE)
    # With the same token.
    beside = site.dir / "few"
    shutil.copytree(site.store, beside)
    with site.serve() as server, site.serve(store=beside) as few:
        for one in server, few:
            pin(one.pid, site.all_cpus)
            site.load(one, "/scale", "--method", "PUT", "--requests", 1)
        fill_to(site, few, 0, FEW)
        first = 0
        for count in counts:
            fill_to(site, server, first, count)
            first = count
            measure(site, report, server, few, count)
    shutil.rmtree(beside)
