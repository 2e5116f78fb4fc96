# SPDX-License-Identifier: Apache-2.0
"""Where tools/bench measures: a folder on the disk, a store, servers."""

import contextlib
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import time

PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/bin"
READY_S = 30

NGINX = """
daemon off;
user root;
worker_processes {threads};
pid {dir}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 3600;
    keepalive_requests 1000000000;
    open_file_cache max=100000 inactive=3600s;
    open_file_cache_valid 3600s;
    client_body_temp_path {dir}/tmp;
    proxy_temp_path {dir}/tmp;
    fastcgi_temp_path {dir}/tmp;
    uwsgi_temp_path {dir}/tmp;
    scgi_temp_path {dir}/tmp;
    server {{ listen 127.0.0.1:{port}; root {dir}/www; }}
}}
"""


def processes(pid):
    """A process and its children."""
    pids = [pid]
    with contextlib.suppress(OSError):
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        pids += [int(child) for child in children.read_text().split()]
    return pids


def tasks(pid):
    """Every thread of a process and of its children."""
    for one in processes(pid):
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                yield one, int(task)


def cpu_seconds(pid):
    """Of all threads, also those that have ended."""
    ticks = 0
    for one in processes(pid):
        with contextlib.suppress(OSError):
            stat = pathlib.Path(f"/proc/{one}/stat").read_text()
            # The name, in parentheses, may hold spaces.
            user, system = stat.rsplit(")", 1)[1].split()[11:13]
            ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    """Without the files that it maps: those are the page cache's."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    kib = sum(int(re.search(rf"^{name}:\s+(\d+)", status, re.M).group(1))
              for name in ("RssAnon", "RssShmem"))
    return kib / 1024


def pin(pid, cpus):
    for _, task in tasks(pid):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(task, cpus)


class Process:
    """One that ends with the block it was started in."""

    def __init__(self, *words, cpus=None, is_ready=None):
        self.child = subprocess.Popen(
            [str(word) for word in words], stdout=subprocess.PIPE,
            env=dict(os.environ, PATH=PATH), text=True)
        self.pid = self.child.pid
        if cpus:
            pin(self.pid, cpus)
        end = time.monotonic() + READY_S
        if not is_ready:
            self.line = self.child.stdout.readline()
            if not self.line:
                raise SystemExit(f"bench: {words[0]} did not start")
        while is_ready and not is_ready():
            if self.child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"bench: {words[0]} did not start")
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.child.stdout.close()


class Site:
    def __init__(self, where, binaries, is_quick, is_long=False,
                 repeats=None):
        self.binaries = binaries
        self.is_quick = is_quick
        self.is_long = is_long
        self.repeats = repeats or (1 if is_quick else 5)
        self.seconds = 0.7 if is_quick else 1.5
        self.all_cpus = os.sched_getaffinity(0)
        cpus = sorted(self.all_cpus)
        half = max(1, len(cpus) // 2)
        # The server has one half of the CPUs and the client the other.
        self.server_cpus = set(cpus[:half])
        self.client_cpus = set(cpus[half:]) or set(cpus)
        self.threads = half
        self.keys = {}
        self.where = where

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(
            prefix="bench-", dir=self.where, ignore_cleanup_errors=True)
        self.dir = pathlib.Path(self.folder.name)
        self.store = self.dir / "store"
        self.tarn("init", "--store", self.store)
        text = self.tarn("token", "create", "bench", "--store", self.store,
                         "--json")
        token = json.loads(text)
        self.keys = {"AWS_ACCESS_KEY_ID": token["accessKey"],
                     "AWS_SECRET_ACCESS_KEY": token["secretKey"]}
        return self

    def __exit__(self, *unused):
        self.folder.cleanup()

    def tarn(self, *words):
        return subprocess.run(
            [str(word) for word in (self.binaries / "tarn", *words)],
            check=True, text=True, stdout=subprocess.PIPE).stdout

    def certificate(self):
        """A key and a certificate of its own, of the kind most have."""
        key, certificate = self.dir / "key.pem", self.dir / "cert.pem"
        if not key.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=localhost", "-keyout", key, "-out",
                 certificate], check=True, stderr=subprocess.DEVNULL)
        return "--tls-cert", certificate, "--tls-key", key

    def serve(self, with_tls=False, cpus=None, store=None):
        tls = ("--tls-listen", "127.0.0.1:0", *self.certificate()) \
            if with_tls else ()
        server = Process(self.binaries / "tarn", "serve", "--store",
                         store or self.store, "--listen", "127.0.0.1:0", *tls,
                         "--threads", self.threads, "--log-level", "warn",
                         "--sse-c-without-tls",
                         cpus=cpus or self.server_cpus)
        ports = dict(re.findall(r"(https?)://\S+?:(\d+)", server.line))
        server.port = int(ports["http"])
        server.tls_port = int(ports.get("https", 0))
        return server

    def mount(self, point, *words, store=None):
        point.mkdir()
        return Process(self.binaries / "tarn", "mount", "--store",
                       store or self.store, point, "--log-level", "warn",
                       *words)

    def nginx(self, port):
        www = self.dir / "www"
        www.mkdir(exist_ok=True)
        (self.dir / "tmp").mkdir(exist_ok=True)
        config = self.dir / "nginx.conf"
        config.write_text(NGINX.format(dir=self.dir, port=port,
                                       threads=self.threads))
        pid_file = self.dir / "nginx.pid"
        server = Process("nginx", "-p", self.dir, "-e", "stderr", "-c",
                         config, cpus=self.server_cpus,
                         is_ready=lambda: pid_file.exists() and
                         pid_file.read_text().strip())
        server.port = port
        pin(server.pid, self.server_cpus)
        return server

    def start_load(self, server, path, *words, signed=True, seconds=None,
                   cpus=None, with_tls=False):
        env = dict(os.environ)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            env.pop(name, None)
        if signed:
            env.update(self.keys)
        cpus = cpus or self.client_cpus
        where = ("--port", server.tls_port, "--tls") if with_tls \
            else ("--port", server.port)
        return subprocess.Popen(
            [str(word) for word in (
                self.binaries / "tools" / "load" / "load",
                *where, "--path", path,
                "--seconds", seconds or self.seconds, *words)],
            env=env, text=True, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def load(self, server, path, *words, **options):
        """One run of the load generator, and what it cost the server."""
        before = cpu_seconds(server.pid)
        output = self.start_load(server, path, *words, **options) \
            .communicate()[0]
        if not output:
            raise SystemExit(f"bench: the load of {path} did not end")
        result = json.loads(output)
        if result["failed"]:
            raise SystemExit(f"bench: {result['failed']} requests for {path} "
                             "failed")
        count = max(1, result["requests"])
        result["serverCpuUs"] = (cpu_seconds(server.pid) - before) \
            / count * 1e6
        result["clientCpuUs"] = result["clientCpuSeconds"] / count * 1e6
        return result

    def files(self, *words, cpus=None):
        cpus = cpus or self.all_cpus
        return json.loads(subprocess.run(
            [str(word) for word in (
                self.binaries / "tools" / "load" / "files", *words)],
            check=True, text=True, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus)).stdout)


def median(results):
    """Of each figure by itself."""
    return {name: statistics.median(result[name] for result in results)
            for name in results[0]}
