# SPDX-License-Identifier: Apache-2.0
"""GET beside nginx; PUT beside what bounds it."""

import contextlib
import hashlib
import json
import os
import pathlib
import socket
import subprocess
import time

from bench_site import PATH, median, pin

KIB, MIB = 1 << 10, 1 << 20

# Size, and how many objects of it are asked for in turn.
SIZES = ((4 * KIB, 1000), (100 * KIB, 100), (MIB, 32), (64 * MIB, 4))

GET_NOTE = ("all bytes in the page cache. tarn is sent signed requests and "
            "nginx (sendfile, open_file_cache, as many workers as tarn has "
            "threads) unsigned ones. Pinned.")
COLD_NOTE = ("nothing in the page cache. Beside it fio, which reads the same "
             "data files (psync, 1 MiB at a time). Not pinned.")
PUT_NOTE = ("each reply after data and name are durable. Not pinned: client, "
            "server and disk share all CPUs. Beside 4 KiB: `fdatasync` after "
            "each 4 KiB that one thread appends to a file; beside the rest: "
            "the digests that S3 asks for, computed by one CPU that does "
            "nothing else.")
OTHER_NOTE = ("one object of 4 KiB, and one of 1 GiB that is copied. HEAD is "
              "pinned, what changes the store is not.")


def name_of(size):
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"


def connections_of(count):
    return f"{count} connection{'s' if count > 1 else ''}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def digest_rate(site, *names):
    """Bytes a second of one CPU that computes all of these."""
    piece = os.urandom(256 * KIB)
    digests = [hashlib.new(name) for name in names]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(site.client_cpus)})
    start = time.perf_counter()
    done = 0
    while time.perf_counter() - start < 0.3:
        for digest in digests:
            digest.update(piece)
        done += len(piece)
    rate = done / (time.perf_counter() - start)
    os.sched_setaffinity(0, before)
    return {"bytesPerSecond": rate}


def append_rate(site):
    figures = site.files("append", site.dir, site.seconds)
    return {"requestsPerSecond": figures["append"]}


def in_turns(site, ours, reference):
    pairs = [(ours(), reference()) for _ in range(site.repeats)]
    return (median([first for first, _ in pairs]),
            median([second for _, second in pairs]))


def unit_of(size):
    return ("requestsPerSecond", "/s") if size < MIB \
        else ("bytesPerSecond", "B/s")


def fill(site, server, size, count):
    path = f"/bench/get-{size}"
    site.load(server, path, "--method", "PUT", "--size", size, "--keys",
              count, "--requests", count, "--connections", min(count, 8),
              seconds=600)
    block = os.urandom(min(size, MIB))
    for i in range(count):
        with open(site.dir / "www" / f"get-{size}-{i}", "wb") as file:
            for _ in range(size // len(block)):
                file.write(block)


def get(site, report, server, nginx):
    report.group("GET, hot", GET_NOTE)
    for size, count in SIZES:
        fill(site, server, size, count)
    os.sync()
    for size, count in SIZES:
        for connections in (1, 32):
            words = ("--keys", count, "--connections", connections)
            # Both have every file in the page cache, and open.
            site.load(server, f"/bench/get-{size}", *words, seconds=0.2)
            site.load(nginx, f"/get-{size}", *words, signed=False,
                      seconds=0.2)
            ours, theirs = in_turns(
                site,
                lambda: site.load(server, f"/bench/get-{size}", *words),
                lambda: site.load(nginx, f"/get-{size}", *words,
                                  signed=False))
            field, unit = unit_of(size)
            report.row(f"GET {name_of(size)}, {connections_of(connections)}",
                       unit, ours[field], "nginx", theirs[field],
                       p99us=ours["p99us"],
                       serverCpuUs=ours["serverCpuUs"],
                       referenceCpuUs=theirs["serverCpuUs"],
                       clientCpuUs=ours["clientCpuUs"])


def cool(files):
    for file in files:
        with open(file, "rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def data_files(site, size):
    """Objects of that size, by where they lie."""
    found = []
    for file in (site.store / "data").rglob("*"):
        with contextlib.suppress(OSError):
            if file.is_file() and file.stat().st_size == size:
                found.append(pathlib.Path(file))
    return found


def fio_rate(site, files):
    words = ["fio", "--name=cold", "--rw=read", "--bs=1M", "--ioengine=psync",
             "--filename=" + ":".join(str(file) for file in files),
             "--file_service_type=sequential", "--readonly",
             "--output-format=json"]
    output = subprocess.run(words, check=True, text=True, cwd=site.dir,
                            stdout=subprocess.PIPE,
                            env=dict(os.environ, PATH=PATH)).stdout
    read = json.loads(output)["jobs"][0]["read"]
    return {"bytesPerSecond": read["bw_bytes"]}


def cold(site, report, server):
    report.group("GET, cold", COLD_NOTE)
    pin(server.pid, site.all_cpus)
    size, count = SIZES[-1]
    files = data_files(site, size)

    def ours():
        cool(files)
        return site.load(server, f"/bench/get-{size}", "--keys", count,
                         "--requests", count, seconds=60, cpus=site.all_cpus)

    def theirs():
        cool(files)
        return fio_rate(site, files)

    ours, theirs = in_turns(site, ours, theirs)
    report.row("GET 64 MiB, 1 connection", "B/s", ours["bytesPerSecond"],
               "fio", theirs["bytesPerSecond"], p99us=ours["p99us"],
               serverCpuUs=ours["serverCpuUs"],
               clientCpuUs=ours["clientCpuUs"])
    pin(server.pid, site.server_cpus)


def put_row(site, report, server, size, connections, is_signed):
    words = ["--method", "PUT", "--size", size, "--connections", connections,
             "--keys", 1000 if size < MIB else 8]
    if is_signed:
        words.append("--sign-payload")
    if size == 4 * KIB:
        beside, field, unit = "durable appends", "requestsPerSecond", "/s"

        def reference():
            return append_rate(site)
    else:
        digests = ("md5", "sha256") if is_signed else ("md5",)
        beside = " + ".join(name.upper() for name in digests) + ", one CPU"
        field, unit = "bytesPerSecond", "B/s"

        def reference():
            return digest_rate(site, *digests)

    def ours():
        return site.load(server, f"/bench/put-{size}", *words,
                         cpus=site.all_cpus)

    ours, theirs = in_turns(site, ours, reference)
    report.row(f"PUT {name_of(size)}, {connections_of(connections)}"
               + (", signed payload" if is_signed else ""), unit,
               ours[field], beside, theirs[field], p99us=ours["p99us"],
               serverCpuUs=ours["serverCpuUs"],
               clientCpuUs=ours["clientCpuUs"])


def put(site, report, server):
    report.group("PUT, durable", PUT_NOTE)
    pin(server.pid, site.all_cpus)
    for size, _ in SIZES:
        for connections in (1, 8 if size == 64 * MIB else 32):
            put_row(site, report, server, size, connections, False)
    put_row(site, report, server, 64 * MIB, 1, True)
    pin(server.pid, site.server_cpus)


def other(site, report, server):
    report.group("HEAD, DELETE, COPY", OTHER_NOTE)
    path = f"/bench/get-{4 * KIB}"

    def row(name, runs):
        result = median(runs)
        report.row(name, "/s", result["requestsPerSecond"],
                   p99us=result["p99us"], serverCpuUs=result["serverCpuUs"],
                   clientCpuUs=result["clientCpuUs"])

    for connections in (1, 32):
        row(f"HEAD, {connections_of(connections)}",
            [site.load(server, path, "--method", "HEAD", "--keys", 1000,
                       "--connections", connections)
             for _ in range(site.repeats)])
    pin(server.pid, site.all_cpus)
    gib = 1 << 30
    site.load(server, "/bench/gib", "--method", "PUT", "--size", gib,
              "--requests", 1, seconds=600)
    row("COPY of 1 GiB, 1 connection",
        [site.load(server, "/bench/copied", "--method", "PUT",
                   "--copy-source", "/bench/gib", "--keys", 10)
         for _ in range(site.repeats)])
    for connections in (1, 32):
        count = 100 * connections
        results = []
        for _ in range(site.repeats):
            words = ("--keys", count, "--requests", count, "--connections")
            site.load(server, "/bench/gone", "--method", "PUT", "--size",
                      4 * KIB, *words, 32, seconds=60, cpus=site.all_cpus)
            results.append(site.load(
                server, "/bench/gone", "--method", "DELETE", *words,
                connections, seconds=60, cpus=site.all_cpus))
        row(f"DELETE of 4 KiB, {connections_of(connections)}", results)
    pin(server.pid, site.server_cpus)


def run(site, report):
    with site.serve() as server, site.nginx(free_port()) as nginx:
        site.load(server, "/bench", "--method", "PUT", "--requests", 1)
        get(site, report, server, nginx)
        cold(site, report, server)
        put(site, report, server)
        other(site, report, server)
