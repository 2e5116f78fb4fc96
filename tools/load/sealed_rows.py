# SPDX-License-Identifier: Apache-2.0
"""PUT and GET of objects sealed with a customer's key (SSE-C)."""

import os
import re
import subprocess

from bench_site import pin
from s3_rows import MIB, connections_of, in_turns, name_of

# Size, and how many ask at a time.
ROWS = ((64 * MIB, 1), (64 * MIB, 8), (MIB, 32))
KEYS = 4

NOTE = ("with a key of the customer's, beside what binds: the same in plain, "
        "or AES-256-GCM of 64 KiB pieces by one CPU that does nothing else "
        "(`openssl speed`). Client, server and disk share all CPUs.")


def gcm_rate(site):
    text = subprocess.run(
        ["openssl", "speed", "-mr", "-evp", "aes-256-gcm", "-bytes", "65536",
         "-seconds", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(
            0, {min(site.client_cpus)})).stdout
    return float(re.search(r"\+F:.*:([0-9.]+)", text).group(1))


def row(site, report, server, method, size, connections, gcm):
    words = ("--method", method, "--size", size, "--keys", KEYS,
             "--connections", connections)

    def load(name, *more):
        return site.load(server, f"/sealed/{name}-{size}", *words, *more,
                         cpus=site.all_cpus)

    sealed, plain = in_turns(site, lambda: load("sealed", "--sse-c"),
                             lambda: load("plain"))
    field = "bytesPerSecond"
    beside, reference = min(("in plain", plain[field]),
                            ("AES-256-GCM, one CPU", gcm),
                            key=lambda pair: pair[1])
    report.row(f"{method} {name_of(size)}, sealed, "
               f"{connections_of(connections)}", "B/s", sealed[field],
               beside, reference, p99us=sealed["p99us"],
               serverCpuUs=sealed["serverCpuUs"],
               clientCpuUs=sealed["clientCpuUs"])


def run(site, report):
    gcm = gcm_rate(site)
    with site.serve() as server:
        site.load(server, "/sealed", "--method", "PUT", "--requests", 1)
        pin(server.pid, site.all_cpus)
        report.group("SSE-C", NOTE)
        for size in sorted({size for size, _ in ROWS}):
            for words in (["sealed", "--sse-c"], ["plain"]):
                site.load(server, f"/sealed/{words[0]}-{size}", "--method",
                          "PUT", "--size", size, "--keys", KEYS,
                          "--requests", KEYS, *words[1:], seconds=60,
                          cpus=site.all_cpus)
        for method in "PUT", "GET":
            for size, connections in ROWS:
                row(site, report, server, method, size, connections, gcm)
