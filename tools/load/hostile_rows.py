# SPDX-License-Identifier: Apache-2.0
"""What clients that mean ill cost those who mean well."""

import pathlib
import sys

import hostile
from bench_site import Process, median, pin

PROGRAM = pathlib.Path(__file__).with_name("hostile.py")
NAMES = {
    "slow headers": f"{hostile.SLOW} headers, a byte every "
    f"{hostile.SLOW_S} s",
    "bodies that stop": f"{hostile.SLOW} uploads that stop",
    "garbage": f"{hostile.GARBAGE_RATE} connections a second with garbage",
    "flood": f"{hostile.FLOODS} floods of pipelined requests",
    "only computes": "a process that only computes",
}
NOTE = ("99th percentile of 8 connections that GET 4 KiB, in turns with and "
        "without one process of hostile clients, which shares the CPUs with "
        "all; what such a process does that computes and never connects is "
        "the last row. Not pinned.")


def run(site, report):
    report.group("Latency beside hostile clients", NOTE)
    with site.serve() as server:
        pin(server.pid, site.all_cpus)
        site.load(server, "/hostile", "--method", "PUT", "--requests", 1)
        site.load(server, "/hostile/small", "--method", "PUT", "--size", 4096,
                  "--keys", 100, "--requests", 100, "--connections", 8)

        def get():
            return site.load(server, "/hostile/small", "--keys", 100,
                             "--connections", 8, cpus=site.all_cpus)

        for kind, name in NAMES.items():
            alone, beside = [], []
            for _ in range(site.repeats):
                alone.append(get())
                with Process(sys.executable, PROGRAM, kind, server.port):
                    beside.append(get())
            now = median(beside)
            report.row(name, "us", now["p99us"], "without",
                       median(alone)["p99us"],
                       serverCpuUs=now["serverCpuUs"],
                       clientCpuUs=now["clientCpuUs"])
