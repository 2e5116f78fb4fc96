# SPDX-License-Identifier: Apache-2.0
"""PUT and GET of objects sealed with a customer's key (SSE-C)."""

import os
import re
import subprocess

from bench_site import pin
from s3_rows import MIB, connections_of, in_turns, name_of

# Method, size, how many ask at a time, through TLS.
ROWS = (("PUT", 64 * MIB, 1, True), ("PUT", 64 * MIB, 8, True),
        ("GET", 64 * MIB, 1, True), ("GET", 64 * MIB, 8, True),
        ("PUT", 64 * MIB, 1, False), ("PUT", 64 * MIB, 8, False),
        ("PUT", MIB, 32, False), ("GET", 64 * MIB, 1, False),
        ("GET", 64 * MIB, 8, False), ("GET", MIB, 32, False))
KEYS = 4

NOTE = ("with a key of the customer's, beside what binds: the same in plain, "
        "or AES-256-GCM of 64 KiB pieces by one CPU that does nothing else "
        "(`openssl speed`). A server takes such keys through TLS alone, so "
        "these are the rows of use; those without are of "
        "`--sse-c-without-tls`. Client, server and disk share all CPUs.")


def gcm_rate(site):
    text = subprocess.run(
        ["openssl", "speed", "-mr", "-evp", "aes-256-gcm", "-bytes", "65536",
         "-seconds", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, check=True,
        preexec_fn=lambda: os.sched_setaffinity(
            0, {min(site.client_cpus)})).stdout
    return float(re.search(r"\+F:.*:([0-9.]+)", text).group(1))


def row(site, report, server, gcm, line):
    method, size, connections, with_tls = line
    words = ("--method", method, "--size", size, "--keys", KEYS,
             "--connections", connections)

    def load(name, *more):
        return site.load(server, f"/sealed/{name}-{size}", *words, *more,
                         cpus=site.all_cpus, with_tls=with_tls)

    sealed, plain = in_turns(site, lambda: load("sealed", "--sse-c"),
                             lambda: load("plain"))
    field = "bytesPerSecond"
    through = ", TLS" if with_tls else ""
    beside, reference = min((f"in plain{through}", plain[field]),
                            ("AES-256-GCM, one CPU", gcm),
                            key=lambda pair: pair[1])
    report.row(f"{method} {name_of(size)}, sealed{through}, "
               f"{connections_of(connections)}", "B/s", sealed[field],
               beside, reference, p99us=sealed["p99us"],
               serverCpuUs=sealed["serverCpuUs"],
               clientCpuUs=sealed["clientCpuUs"])


def run(site, report):
    gcm = gcm_rate(site)
    with site.serve(with_tls=True) as server:
        site.load(server, "/sealed", "--method", "PUT", "--requests", 1)
        pin(server.pid, site.all_cpus)
        report.group("SSE-C", NOTE)
        for size in sorted({line[1] for line in ROWS}):
            for words in (["sealed", "--sse-c"], ["plain"]):
                site.load(server, f"/sealed/{words[0]}-{size}", "--method",
                          "PUT", "--size", size, "--keys", KEYS,
                          "--requests", KEYS, *words[1:], seconds=60,
                          cpus=site.all_cpus)
        for line in ROWS:
            row(site, report, server, gcm, line)
