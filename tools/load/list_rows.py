# SPDX-License-Identifier: Apache-2.0
"""Listings of many keys, through HTTP."""

from urllib.parse import quote

from bench_site import median, pin

NOTE = ("empty objects, pages of 1,000, each asked for when the one before "
        "has come. Pinned.")


def queries(site, count):
    """Those of all pages, as a client would ask for them one by one."""
    keys = sorted(f"key-{i}" for i in range(count))
    path = site.dir / "queries"
    # Canonical: sorted by name.
    path.write_text("".join(
        "list-type=2&max-keys=1000&prefix=key-"
        + (f"&start-after={quote(keys[at - 1])}" if at else "") + "\n"
        for at in range(0, count, 1000)))
    return path, count // 1000


def run(site, report):
    count = 10000 if site.is_quick else 1000000
    with site.serve() as server:
        report.group("LIST", NOTE)
        site.load(server, "/list", "--method", "PUT", "--requests", 1)
        pin(server.pid, site.all_cpus)
        made = site.load(server, "/list/key", "--method", "PUT", "--keys",
                         count, "--requests", count, "--connections", 64,
                         seconds=600, cpus=site.all_cpus)
        report.row(f"PUT of {count // 1000} k empty objects, 64 connections",
                   "/s", made["requestsPerSecond"], p99us=made["p99us"],
                   serverCpuUs=made["serverCpuUs"],
                   clientCpuUs=made["clientCpuUs"])
        site.load(server, "/list/few/key", "--method", "PUT", "--keys", 10,
                  "--requests", 10)
        pin(server.pid, site.server_cpus)
        path, pages = queries(site, count)
        walk = median([site.load(server, "/list", "--queries", path, "--keys",
                                 pages) for _ in range(site.repeats)])
        report.row(f"LIST of {count // 1000} k keys", " keys/s",
                   walk["requestsPerSecond"] * 1000, p99us=walk["p99us"],
                   serverCpuUs=walk["serverCpuUs"],
                   clientCpuUs=walk["clientCpuUs"])
        query = "delimiter=%2F&list-type=2&prefix=few%2F"
        few = median([site.load(server, "/list", "--query", query)
                      for _ in range(site.repeats)])
        report.row(f"LIST of a directory of 10 beside {count // 1000} k keys,"
                   " delimiter", "/s", few["requestsPerSecond"],
                   p99us=few["p99us"],
                   serverCpuUs=few["serverCpuUs"],
                   clientCpuUs=few["clientCpuUs"])
