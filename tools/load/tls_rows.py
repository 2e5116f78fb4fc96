# SPDX-License-Identifier: Apache-2.0
"""The same requests through TLS 1.3 and without it."""

from bench_site import median, pin
from s3_rows import KIB, MIB, connections_of, in_turns, name_of, unit_of

NOTE = ("TLS 1.3 beside the same requests to the same server without it; "
        "connections stay, so handshakes are not in it. What the client "
        "needs for its own half of TLS is in its column. GET is pinned, PUT "
        "is not.")
# Method, size, connections, keys.
ROWS = (("GET", 4 * KIB, 1, 1000), ("GET", 4 * KIB, 32, 1000),
        ("GET", 100 * KIB, 32, 100), ("GET", MIB, 1, 32),
        ("GET", 64 * MIB, 1, 4), ("PUT", 4 * KIB, 32, 1000),
        ("PUT", 64 * MIB, 1, 4))


def row(site, report, server, method, size, connections, keys):
    words = ["--method", method, "--keys", keys, "--connections", connections]
    cpus = site.client_cpus
    if method == "PUT":
        words += ["--size", size]
        cpus = site.all_cpus
    path = f"/tls/{method}-{size}"
    ours, plain = in_turns(
        site,
        lambda: site.load(server, path, *words, cpus=cpus, with_tls=True),
        lambda: site.load(server, path, *words, cpus=cpus))
    field, unit = unit_of(size)
    report.row(f"{method} {name_of(size)}, {connections_of(connections)}",
               unit, ours[field], "without TLS", plain[field],
               p99us=ours["p99us"], serverCpuUs=ours["serverCpuUs"],
               referenceCpuUs=plain["serverCpuUs"],
               clientCpuUs=ours["clientCpuUs"])


def handshakes(site, report, server):
    """A connection for one request each."""
    words = ("--connections", 64, "--requests", 64)
    runs = [site.load(server, f"/tls/GET-{4 * KIB}-0", *words, with_tls=True)
            for _ in range(site.repeats)]
    report.row("CPU of a handshake, ECDSA P-256, and one GET", "us",
               median(runs)["serverCpuUs"])


def run(site, report):
    with site.serve(with_tls=True) as server:
        report.group("TLS 1.3", NOTE)
        site.load(server, "/tls", "--method", "PUT", "--requests", 1)
        for method, size, _, keys in ROWS:
            if method == "GET":
                site.load(server, f"/tls/GET-{size}", "--method", "PUT",
                          "--size", size, "--keys", keys, "--requests", keys,
                          "--connections", min(keys, 8), seconds=600)
        for line in ROWS:
            pin(server.pid, site.server_cpus if line[0] == "GET"
                else site.all_cpus)
            row(site, report, server, *line)
        pin(server.pid, site.server_cpus)
        handshakes(site, report, server)
