# SPDX-License-Identifier: Apache-2.0
"""What the server needs of memory, and of others' time."""

import contextlib
import socket
import time

from bench_site import median, pin, resident_mib

KIB, GIB = 1 << 10, 1 << 30
IDLE = 1000
STREAMS = 64
NOTE = ("resident memory of the server but for files that it maps, at its "
        "highest while the streams run; streams are cut off once it has been "
        "looked at. Not pinned.")
TAIL_NOTE = ("8 connections that GET 4 KiB, beside 4 that PUT 1 GiB each; the "
             "99th percentile. Not pinned.")


@contextlib.contextmanager
def idle(server, count):
    with contextlib.ExitStack() as opened:
        for _ in range(count):
            opened.enter_context(
                socket.create_connection(("127.0.0.1", server.port)))
        yield


@contextlib.contextmanager
def streams(site, server, *words):
    """A load that is ended when the block is."""
    child = site.start_load(server, *words, seconds=600, cpus=site.all_cpus)
    try:
        yield
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def highest(server, seconds):
    end = time.monotonic() + seconds
    most = resident_mib(server.pid)
    while time.monotonic() < end:
        time.sleep(0.05)
        most = max(most, resident_mib(server.pid))
    return most


def measure_memory(site, report, server):
    seconds = 2 if site.is_quick else 6
    report.group("Memory of the server", NOTE)
    report.row("at the start", "MiB", resident_mib(server.pid))
    with idle(server, IDLE):
        report.row(f"{IDLE} idle connections", "MiB", highest(server, 0.5))
        words = ("--connections", STREAMS, "--keys", STREAMS)
        with streams(site, server, "/memory/put", "--method", "PUT", "--size",
                     GIB, *words):
            report.row(f"and {STREAMS} PUTs of 1 GiB", "MiB",
                       highest(server, seconds))
        site.load(server, "/memory/get", "--method", "PUT", "--size", GIB,
                  "--requests", 1, seconds=600)
        with streams(site, server, "/memory/get", "--connections", STREAMS):
            report.row(f"and {STREAMS} GETs of 1 GiB", "MiB",
                       highest(server, seconds))


def measure_tail(site, report, server):
    report.group("Latency beside large uploads", TAIL_NOTE)
    site.load(server, "/memory/small", "--method", "PUT", "--size", 4 * KIB,
              "--keys", 100, "--requests", 100, "--connections", 8)

    def get():
        return site.load(server, "/memory/small", "--keys", 100,
                         "--connections", 8, cpus=site.all_cpus)

    alone = median([get() for _ in range(site.repeats)])
    with streams(site, server, "/memory/put", "--method", "PUT", "--size", GIB,
                 "--connections", 4, "--keys", 4):
        time.sleep(0.5)
        beside = median([get() for _ in range(site.repeats)])
    report.row("p99 of GET 4 KiB", "us", beside["p99us"], "without uploads",
               alone["p99us"], serverCpuUs=beside["serverCpuUs"],
               clientCpuUs=beside["clientCpuUs"])


def run(site, report):
    with site.serve() as server:
        pin(server.pid, site.all_cpus)
        site.load(server, "/memory", "--method", "PUT", "--requests", 1)
        measure_memory(site, report, server)
        measure_tail(site, report, server)
