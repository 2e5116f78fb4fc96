# SPDX-License-Identifier: Apache-2.0
"""Many small objects: how fast they come, are read and go, and what they
take."""

import time

import list_rows
from bench_site import pin

SIZE = 4 << 10
RETURN_S = 120

NOTE = ("objects of 4 KiB, 32 connections, each reply after data and name are "
        "durable. Not pinned, but for GET. Space is what all files of the "
        "store take on the disk, tables included, over the bytes stored.")


def taken(site):
    """Bytes on the disk."""
    return sum(path.lstat().st_blocks * 512
               for path in site.store.rglob("*"))


def wait_for_space(site, wanted):
    """Seconds until no more than that is taken; and what is then."""
    start = time.monotonic()
    while taken(site) > wanted and time.monotonic() < start + RETURN_S:
        time.sleep(0.2)
    return time.monotonic() - start, taken(site)


def note_rate(report, name, result):
    report.row(name, "/s", result["requestsPerSecond"],
               p99us=result["p99us"], serverCpuUs=result["serverCpuUs"],
               clientCpuUs=result["clientCpuUs"])


def run(site, report):
    count = 100000 if site.is_quick else 1000000
    many = f"{count // 1000} k"
    with site.serve() as server:
        report.group("Small objects", NOTE)
        site.load(server, "/small", "--method", "PUT", "--requests", 1)
        pin(server.pid, site.all_cpus)
        empty = taken(site)
        words = ("--keys", count, "--requests", count, "--connections", 32)

        def load(*more, cpus=None):
            return site.load(server, "/small/key", *words, *more,
                             seconds=3600, cpus=cpus or site.all_cpus)

        note_rate(report, f"PUT of {many}",
                  load("--method", "PUT", "--size", SIZE))
        full = taken(site)
        report.row("space taken", "B", full - empty, "bytes stored",
                   count * SIZE)
        pin(server.pid, site.server_cpus)
        note_rate(report, f"GET of {many}, each once",
                  load(cpus=site.client_cpus))
        path, pages = list_rows.queries(site, count)
        walk = site.load(server, "/small", "--queries", path, "--keys", pages)
        walk["requestsPerSecond"] *= 1000
        report.row(f"LIST of {many} keys", " keys/s",
                   walk["requestsPerSecond"], p99us=walk["p99us"],
                   serverCpuUs=walk["serverCpuUs"],
                   clientCpuUs=walk["clientCpuUs"])
        pin(server.pid, site.all_cpus)
        note_rate(report, f"DELETE of {many}", load("--method", "DELETE"))
        # The tables' file keeps its size; it is used again.
        tables = (site.store / "meta" / "data.mdb").stat().st_blocks * 512
        seconds, left = wait_for_space(site, empty + tables)
        report.row("space returned after another", "s", seconds)
        report.row("still taken then, by the tables", "B", left - empty,
                   "bytes stored", count * SIZE)
