# SPDX-License-Identifier: Apache-2.0
"""What an object costs when there are many."""

from bench_site import median, pin

KIB = 1 << 10
NOTE = ("4 KiB objects put into a bucket that holds that many, and got from "
        "all over it, with 32 connections; beside them the same at 20 k. What "
        "fills the bucket is empty. Not pinned.")
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


def measure(site, server, count):
    cpus = site.all_cpus
    stride = max(1, min(count, 1000000) // GETS)
    words = ("--keys", GETS, "--stride", stride, "--connections", 32)
    # What is got has bytes, among those that have none.
    path = f"/scale/{(count - 1) // 1000000}/key"
    site.load(server, path, "--method", "PUT", "--size", 4 * KIB, "--requests",
              GETS, *words, seconds=3600, cpus=cpus)
    puts = [site.load(server, f"/scale/new/{count}-{i}/key", "--method",
                      "PUT", "--size", 4 * KIB, "--keys", PUTS, "--requests",
                      PUTS, "--connections", 32, seconds=3600, cpus=cpus)
            for i in range(site.repeats)]
    gets = [site.load(server, path, *words, cpus=cpus)
            for _ in range(site.repeats)]
    return median(puts), median(gets)


def run(site, report):
    counts = [20000, 100000] if site.is_quick else [20000, 1000000]
    if site.is_long:
        counts += [10000000]
    report.group("Many objects", NOTE)
    with site.serve() as server:
        pin(server.pid, site.all_cpus)
        site.load(server, "/scale", "--method", "PUT", "--requests", 1)
        first, few = 0, None
        for count in counts:
            fill(site, server, first, count)
            first = count
            now = measure(site, server, count)
            few = few or now
            for name, ours, least in zip(("PUT", "GET"), now, few):
                report.row(f"{name} 4 KiB at {count // 1000} k objects", "/s",
                           ours["requestsPerSecond"],
                           f"at {counts[0] // 1000} k",
                           least["requestsPerSecond"], p99us=ours["p99us"],
                           serverCpuUs=ours["serverCpuUs"],
                           clientCpuUs=ours["clientCpuUs"])
