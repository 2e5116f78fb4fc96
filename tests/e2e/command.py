#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command itself: its words, its exit statuses, what it prints."""

import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from support.site import TARN, can_mount, free_port
from support.suite import Counts

OK, FAILED, USAGE, FOUND = 0, 1, 2, 4
TMP = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / "command"
# With a space in it, for all that follows.
STORE = TMP / "a store"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/tarn.1"
PAIRS = [["init"], ["token", "create"], ["token", "list"], ["token", "show"],
         ["token", "set"], ["token", "delete"], ["token", "revoke"],
         ["token", "config"], ["org", "create"], ["org", "list"],
         ["org", "delete"], ["apply"], ["get", "users"],
         ["delete", "user"], ["idp", "add"], ["idp", "list"],
         ["idp", "delete"], ["idp", "explain"], ["policy", "put"],
         ["policy", "list"], ["policy", "delete"], ["policy", "test"],
         ["quota", "set"], ["topic", "add"], ["topic", "list"],
         ["topic", "delete"], ["usage"], ["serve"], ["mount"], ["fsck"],
         ["scrub"], ["lifecycle"], ["backup"], ["restore"], ["status"]]
TIMEOUT = 120
SECRET = "a/Secret+of'somebody\"s=0123456789"


class Result:
    """How a command ended."""

    def __init__(self, *words, expect=OK, stdin=b"", **options):
        done = subprocess.run(
            [TARN, *map(str, words)], input=stdin, capture_output=True,
            cwd=TMP, timeout=TIMEOUT, check=False, **options)
        self.out = done.stdout.decode()
        self.err = done.stderr.decode()
        assert done.returncode == expect, (
            f"{words}: exit {done.returncode}: {self.out}{self.err}")
        assert expect == OK or expect == FOUND or self.err, f"{words}: silent"


def tarn(*words, **options):
    return Result(*words, "--store", STORE, **options)


class Running:
    """A process that is ready, until it is stopped."""

    def __init__(self, *words, store=STORE, user=None, by=(), **environment):
        self.log = open(TMP / "running.log", "w+b")
        self.process = subprocess.Popen(
            [*by, TARN, *map(str, words), "--store", str(store)], cwd=TMP,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
            env={**os.environ, **environment}, user=user)
        self.ready = self.process.stdout.readline().decode()
        assert self.ready, self.logged()

    def logged(self):
        self.log.seek(0)
        return self.log.read().decode()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.stop()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(TIMEOUT)
        assert status == OK, f"exit {status}: {self.logged()}"


def port_of(running):
    return int(re.search(r"\d:(\d+)", running.ready)[1])


# --- words -----------------------------------------------------------------

def every_command_explains_itself():
    for words in [[], ["token"], ["org"], ["get"], ["delete"], ["idp"],
                  ["policy"], ["quota"], ["topic"], *PAIRS]:
        for flag in "--help", "-h":
            result = Result(*words, flag)
            assert result.out.startswith("Usage: tarn"), result.out
            assert not result.err, result.err
        page = PAGE.read_text().replace("\\-", "-")
        missing = [option for option in re.findall(r"^  (--?[a-z-]+)",
                                                   result.out, re.M)
                   if not re.search(rf"{option}\b(?!-)", page)]
        assert not missing, f"{words}: not in the manual: {missing}"
    listed = re.findall(r"^  ([a-z]+) ", Result("--help").out, re.M)
    assert set(listed) == {pair[0] for pair in PAIRS}, listed
    assert re.fullmatch(r"tarn \d+\.\d+\.\d+\n", Result("--version").out)


def wrong_words_are_usage_errors():
    for words in [[], ["no-such"], ["token"], ["token", "no-such"],
                  ["token", "create", "--store", "x"],
                  ["token", "create", "a", "b", "--store", "x"],
                  ["mount", "--store", "x"],
                  *([*pair, "--no-such", "--store", "x"] for pair in PAIRS),
                  *([*pair, "-x", "--store", "x"] for pair in PAIRS),
                  *([*pair, "--store"] for pair in PAIRS),
                  ["init"], ["fsck"], ["status"], ["serve"]]:
        Result(*words, expect=USAGE)
    for words in [["--threads", "x"], ["--threads", "-1"], ["--umask", "9"],
                  ["--listen", "localhost"], ["--listen", "1.2.3.4:65536"],
                  ["--listen", "::1:9000"], ["--log-level", "loud"],
                  ["--log-format", "xml"], ["--uid", "me"],
                  ["--max-connections", ""], ["--background=yes"],
                  ["--read-only"], ["--uid", "0"], ["--domain", ""],
                  ["--website-domain", "a:80"],
                  ["--domain", "a.test", "--website-domain", "A.test",
                   "--store", "x"],
                  ["--website-domain", "a.test", "--accelerate-domain",
                   "a.test", "--store", "x"],
                  ["--accelerate-domain", "a/b"],
                  ["--domain", "*.example.com"]]:
        tarn("serve", *words, expect=USAGE)
    for words in [["--listen", "127.0.0.1:1", "--listen", "127.0.0.1:2"],
                  ["--threads=1", "--threads=1"]]:
        assert "twice" in tarn("serve", *words, expect=USAGE).err


def a_store_is_made_once():
    for region in "", "a b", "$(id)", "x" * 64:
        tarn("init", "--region", region, expect=USAGE)
    assert not STORE.exists()

    tarn("init", "--region", "eu-north-1")

    assert stat_mode(STORE) == 0o700
    assert "is a store already" in tarn("init", expect=FAILED).err
    (TMP / "full").mkdir()
    (TMP / "full/file").touch()
    assert "not empty" in Result("init", "--store", "full", expect=FAILED).err
    assert "above it" in Result("init", "--store", "no/such", expect=FAILED).err
    assert "directory" in Result("init", "--store", "full/file",
                                 expect=FAILED).err
    assert "key" in Result("init", "--store", "again", "--key-file",
                           "no/key", expect=FAILED).err
    assert not (TMP / "again").exists(), "it is in the way of the next try"
    (TMP / "again").mkdir()
    Result("init", "--store", "again", "--key-file", "no/key", expect=FAILED)
    Result("init", "--store", "again")


def stat_mode(path):
    return path.stat().st_mode & 0o777


def what_is_no_store_is_refused():
    for words in [["status"], ["fsck"], ["fsck", "--repair"], ["serve"],
                  ["mount", "full"], ["token", "list"],
                  ["token", "create", "x"]]:
        for path in "full", "nowhere", "full/file":
            result = Result(*words, "--store", path, expect=FAILED)
            assert "tarn init" in result.err, result.err
    assert not (TMP / "nowhere").exists()


def a_store_of_the_future_or_of_the_past_is_refused():
    Result("init", "--store", "future")
    path = TMP / "future/format"
    assert path.read_text() == "tarn store 2\n"

    for number in 999, 1:
        path.write_text(f"tarn store {number}\n")
        for words in ["status"], ["fsck", "--repair"], ["serve"]:
            said = Result(*words, "--store", "future", expect=FAILED).err
            assert f"format {number}," in said, said
            assert "a format this tarn does not know" in said, said


def a_store_without_its_key_is_refused():
    key = TMP / "future/store.key"
    (TMP / "future/format").write_text("tarn store 2\n")
    key.chmod(0o644)
    assert "chmod 600" in Result("status", "--store", "future",
                                 expect=FAILED).err
    key.unlink()

    assert "store.key" in Result("serve", "--store", "future",
                                 expect=FAILED).err
    assert "--key-file" in Result("fsck", "--store", "future",
                                  expect=FAILED).err


# --- tokens ----------------------------------------------------------------

def a_token_is_a_pair_with_a_level():
    made = json.loads(tarn("token", "create", "one", "--json").out)
    shown = json.loads(tarn("token", "show", "one", "--json").out)
    bare = json.loads(tarn("token", "show", "one", "--json", "--secret").out)

    assert made["name"] == "one" and made["level"] == "full", made
    assert made["region"] == "eu-north-1", made
    assert len(made["accessKey"]) == 20 and len(made["secretKey"]) == 40
    assert "secretKey" not in shown and bare == made, (shown, bare)
    for level in "read", "write", "readwrite":
        made = json.loads(tarn("token", "create", level, "--level", level,
                               "--region", "else", "--json").out)
        assert (made["level"], made["region"]) == (level, "else"), made
    tarn("token", "create", "x", "--level", "some", expect=USAGE)
    tarn("token", "create", "x", "--region", "a b", expect=USAGE)
    tarn("token", "create", "one", expect=FAILED)
    assert "names have" in tarn("token", "create", "a b", expect=FAILED).err


def a_pair_is_taken_over():
    secret = TMP / "secret"
    secret.write_text(SECRET + "\nnot this\n")
    take = ["--access-key", "AKIDTAKENOVER", "--secret-key-file"]

    tarn("token", "create", "taken", *take, secret)
    assert "exists" in tarn("token", "create", "again", *take, secret,
                            expect=FAILED).err
    tarn("token", "delete", "taken")
    tarn("token", "create", "taken", *take, "-", stdin=SECRET.encode())

    shown = json.loads(tarn("token", "show", "taken", "--secret",
                            "--json").out)
    assert shown["accessKey"] == "AKIDTAKENOVER", shown
    assert shown["secretKey"] == SECRET, shown


def a_pair_that_is_none_is_refused():
    take = ["token", "create", "x", "--access-key"]
    tarn(*take, "AKIDX", expect=USAGE)
    tarn("token", "create", "x", "--secret-key-file", "-", expect=USAGE)
    for secret in b"", b"short", b"\nsecond line", b"x" * 129, b"sp ace-space":
        tarn(*take, "AKIDX", "--secret-key-file", "-", stdin=secret,
             expect=FAILED)
    tarn(*take, "", "--secret-key-file", "-", expect=USAGE)
    for key in "ab", "with space", "x" * 129:
        tarn(*take, key, "--secret-key-file", "-", stdin=SECRET.encode(),
             expect=FAILED)
    for path in "/nonexistent", TMP:
        tarn(*take, "AKIDX", "--secret-key-file", path, expect=FAILED)
    tarn("token", "show", "x", expect=FAILED)


def tokens_are_listed_and_deleted():
    names = [token["name"] for token in
             json.loads(tarn("token", "list", "--json").out)]
    text = tarn("token", "list").out

    assert names == ["one", "read", "readwrite", "taken", "write"], names
    assert SECRET not in text and "AKIDTAKENOVER" in text, text
    for name in "read", "readwrite", "write":
        tarn("token", "delete", name)
    assert "no such token" in tarn("token", "delete", "read",
                                   expect=FAILED).err
    assert len(json.loads(tarn("token", "list", "--json").out)) == 2


def a_configuration_is_what_the_client_takes():
    config = ["token", "config", "taken", "--endpoint", "http://[::1]:9000"]
    for client in "s3cmd", "aws", "rclone", "s5cmd":
        text = tarn(*config, "--for", client).out
        assert SECRET in text and "AKIDTAKENOVER" in text, text
    module = {}
    exec(tarn(*config, "--for", "boto3").out, module)
    assert module["CLIENT"]["aws_secret_access_key"] == SECRET, module
    text = tarn(*config, "--for", "env").out
    script = f"{text}printf %s \"$AWS_SECRET_ACCESS_KEY\""
    assert subprocess.run(["sh", "-c", script], capture_output=True,
                          check=True).stdout.decode() == SECRET
    tarn(*config, "--for", "telnet", expect=USAGE)
    for url in "127.0.0.1:9000", "ftp://x", "http://", "http://x;id":
        tarn("token", "config", "one", "--for", "env", "--endpoint", url,
             expect=USAGE)
    tarn("token", "config", "none", "--for", "env", "--endpoint", "http://x",
         expect=FAILED)


# --- organizations ---------------------------------------------------------

def names_are_given_out_once_in_each_organization():
    tarn("org", "create", "acme")
    assert "exists" in tarn("org", "create", "acme", expect=FAILED).err
    assert "names have" in tarn("org", "create", "a/b", expect=FAILED).err
    assert tarn("org", "list").out.split() == ["default", "acme"]
    tarn("token", "create", "one", "--org", "acme")
    assert "exists" in tarn("token", "create", "one", "--org", "acme",
                            expect=FAILED).err
    assert "tarn org create" in tarn("token", "create", "one", "--org",
                                     "none", expect=FAILED).err
    listed = json.loads(tarn("token", "list", "--org", "acme", "--json").out)
    assert [token["organization"] for token in listed] == ["acme"], listed
    assert "acme" in tarn("token", "list").out
    assert "still owns" in tarn("org", "delete", "acme", expect=FAILED).err
    tarn("token", "delete", "one", "--org", "acme")
    tarn("org", "delete", "acme")
    assert "no such organization" in tarn("org", "delete", "acme",
                                          expect=FAILED).err
    assert "always there" in tarn("org", "delete", "default",
                                  expect=FAILED).err
    tarn("token", "show", "one")


def a_token_changes_and_ends():
    made = json.loads(tarn("token", "create", "ends", "--expires", "90d",
                           "--json").out)
    assert made["expires"] > made["created"], made
    changed = json.loads(tarn("token", "set", "ends", "--level", "read",
                              "--region", "mars-1", "--suspend",
                              "--json").out)
    assert (changed["level"], changed["region"], changed["status"]) == (
        "read", "mars-1", "SUSPENDED"), changed
    resumed = json.loads(tarn("token", "set", "ends", "--resume",
                              "--json").out)
    assert resumed["status"] == "ACTIVE", resumed
    for words in ["--level", "some"], [], ["--suspend", "--resume"]:
        tarn("token", "set", "ends", *words, expect=USAGE)
    for time in "0d", "90", "d", "1w", "-1d", "99999d":
        tarn("token", "create", "x", "--expires", time, expect=USAGE)
    tarn("token", "revoke", made["accessKey"])
    tarn("token", "show", "ends", expect=FAILED)
    made = json.loads(tarn("token", "create", "ops", "--control",
                           "--json").out)
    assert made["bearerToken"].startswith(made["accessKey"] + "."), made
    assert "control API" in tarn("token", "config", "ops", "--for", "env",
                                 "--endpoint", "http://x", expect=FAILED).err
    tarn("token", "delete", "ops")


def the_key_lies_where_it_is_told_to():
    apart = {"env": {**os.environ, "TARN_KEY_FILE": "apart.key"}}
    Result("init", "--store", "apart", "--key-file", "apart.key")
    Result("init", "--store", "beside")

    assert not (TMP / "apart/store.key").exists()
    assert (TMP / "apart.key").stat().st_mode & 0o777 == 0o600
    Result("token", "create", "one", "--store", "apart", "--key-file",
           "apart.key")
    Result("token", "show", "one", "--secret", "--store", "apart", **apart)
    Result("token", "list", "--store", "apart", expect=FAILED)
    for key, why in (("beside/store.key", "not the key file"),
                     ("/dev/null", "chmod 600")):
        assert why in Result("token", "list", "--store", "apart",
                             f"--key-file={key}", expect=FAILED).err
    assert "no such" in Result("token", "list", "--store", "apart",
                               "--key-file", "none", expect=FAILED).err
    (TMP / "apart.key").chmod(0o640)
    assert "chmod 600" in Result("token", "list", "--store", "apart",
                                 expect=FAILED, **apart).err
    Result("init", "--store", "x", "--key-file", expect=USAGE)


# --- status and fsck -------------------------------------------------------

def a_backup_leaves_out_a_key_that_lies_elsewhere():
    elsewhere = ["--key-file", TMP / "elsewhere.key"]
    store = ["--store", TMP / "kept-apart"]

    Result("init", *store, *elsewhere)
    Result("token", "create", "one", *store, *elsewhere)
    said = Result("status", *store, expect=FAILED).err
    assert "--key-file" in said and "damaged" not in said, said
    Result("backup", *store, *elsewhere, "--to", TMP / "apart-backup")
    assert not list((TMP / "apart-backup").glob("*/store.key"))
    Result("restore", "--from", TMP / "apart-backup", *elsewhere,
           "--store", TMP / "apart-again")
    assert "one" in Result("token", "list", "--store", TMP / "apart-again",
                           *elsewhere).out


def the_newest_backup_is_the_one_taken_last():
    backups = TMP / "backups"
    first, second = TMP / "line-1", TMP / "line-2"

    Result("init", "--store", first)
    for inside in first / "backups", first / "run", first:
        assert "in the store itself" in Result(
            "backup", "--store", first, "--to", inside, expect=FAILED).err
    assert not (first / "backups").exists()
    Result("backup", "--store", first, "--to", backups)
    (older,) = [path.name for path in backups.iterdir() if path.name.isdigit()]
    for name in "abcdefghij":
        Result("token", "create", name, "--store", first)
    Result("backup", "--store", first, "--to", backups)
    # From the older one another line of history begins, with lower numbers.
    Result("restore", "--from", backups, "--commit", older, "--store", second)
    Result("token", "create", "of-the-second", "--store", second)
    Result("backup", "--store", second, "--to", backups)
    Result("restore", "--from", backups, "--store", TMP / "line-3")
    assert "of-the-second" in Result("token", "list", "--store",
                                     TMP / "line-3").out


def output_that_is_lost_is_a_failure():
    with open("/dev/full", "wb") as full:
        for words in (["--version"], ["--help"],
                      ["status", "--store", STORE],
                      ["org", "list", "--store", STORE]):
            done = subprocess.run([TARN, *map(str, words)], stdout=full,
                                  stderr=subprocess.PIPE, timeout=TIMEOUT,
                                  check=False)
            assert done.returncode == FAILED, words
            assert b"cannot be written" in done.stderr, done.stderr


def closed_streams_are_not_the_store():
    port = free_port()
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', TARN, "serve", "--listen",
         f"127.0.0.1:{port}", "--log-level", "debug", "--store", str(STORE)])
    wait_until(lambda: accepts(port))
    for number in (0, 1, 2):
        assert os.readlink(f"/proc/{process.pid}/fd/{number}") == "/dev/null"
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT) == OK


def status_tells_who_has_the_store_open():
    with Running("serve", "--listen", "127.0.0.1:0") as serve:
        status = json.loads(tarn("status", "--json").out)
        text = tarn("status").out

    assert status["region"] == "eu-north-1", status
    assert [(s["role"], s["pid"], s["alive"]) for s in status["sessions"]] \
        == [("serve", serve.process.pid, True)], status
    assert f"serve pid {serve.process.pid}" in text, text
    assert not status["hasFailed"] and isinstance(status["passthrough"], bool)
    for name in ("lastCommit", "lastCheckpoint", "buckets", "objects", "bytes",
                 "capacityBytes", "freeBytes", "inodes", "freeInodes",
                 "freedBlobs", "unflushedBlobs", "damagedBlobs",
                 "missingBlobs", "unreadAuditFiles"):
        assert isinstance(status[name], int), status
    assert json.loads(tarn("status", "--json").out)["sessions"] == []


def usage_of(name):
    return {entry["name"]: entry for entry in json.loads(
        tarn("usage", "--json").out)}[name]


def quotas_are_set_and_usage_tells_them():
    with Running("serve", "--listen", "127.0.0.1:0") as running:
        pair = json.loads(tarn("token", "create", "counted", "--json").out)
        assert status_of(port_of(running), "PUT", "/counted", pair) == 200
        tarn("quota", "set", "--bucket", "counted", "--objects", "5")
        tarn("quota", "set", "--org", "default", "--bytes", "2TB")
        tarn("quota", "set", "--bucket", "counted", "--bytes", "3Ki")
        found = usage_of("default")
        assert found["quotaBytes"] == 2 * 10 ** 12, found
        bucket = found["buckets"][0]
        assert bucket["quotaObjects"] == 5, bucket
        assert bucket["quotaBytes"] == 3072, bucket
        tarn("quota", "set", "--org", "default", "--bytes", "none")
        assert usage_of("default")["quotaBytes"] == 0
        assert "of at most 3072" in tarn("usage").out
        assert status_of(port_of(running), "DELETE", "/counted", pair) == 204
    for words in (["quota", "set", "--org", "nobody", "--bytes", "1"],
                  ["usage", "--org", "nobody"]):
        assert "no such organization" in tarn(*words, expect=FAILED).err
    for words in (["--bytes", "1"], ["--org", "o"], ["--org", "o", "--bucket",
                  "b", "--bytes", "1"], ["--org", "o", "--bytes", "0"],
                  ["--org", "o", "--bytes", "10X"],
                  ["--org", "o", "--bytes", "99999999P"],
                  ["--org", "o", "--bytes", "-1"]):
        tarn("quota", "set", *words, expect=USAGE)
    tarn("quota", "set", "--bucket", "nobody", "--bytes", "1", expect=FAILED)


def prices_come_from_a_table():
    prices = TMP / "prices"
    prices.write_text("# GB  $\n0 0.03\n\n50000 0.02  # large\n")
    tarn("usage", "--prices", prices)
    prices.write_text("hot 0 0.06\nwarm 0 0.03\ncold 0 0.015\n")
    tarn("usage", "--prices", prices)
    for wrong in ("", "1 0.03\n", "0 0.03\n0 0.02\n", "0 x\n", "0 -1\n",
                  "0 1 2\n", "0 nan\n", "hot 0 0.06\n"):
        prices.write_text(wrong)
        assert "prices" in tarn("usage", "--prices", prices,
                                expect=FAILED).err


def fsck_finds_and_repairs():
    assert "0 findings" in tarn("fsck").out
    stray = STORE / "data/0/fff"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"nobody's")

    found = json.loads(tarn("fsck", "--json", expect=FOUND).out)
    assert found["findings"] == 1 and found["repaired"] == 0, found
    assert len(found["list"]) == 1 and not found["list"][0]["repaired"], found
    assert stray.exists()
    repaired = json.loads(tarn("fsck", "--repair", "--json").out)
    assert repaired["list"][0]["repaired"], repaired
    assert json.loads(tarn("fsck", "--json").out)["findings"] == 0


def fsck_checks_a_store_in_use_and_repairs_it_alone():
    with Running("serve", "--listen", "127.0.0.1:0"):
        tarn("fsck")
        assert "in use" in tarn("fsck", "--repair", expect=FAILED).err


# --- serve and mount -------------------------------------------------------

def serve_refuses_where_it_cannot_listen():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        result = tarn("serve", "--listen", f"127.0.0.1:{port}", expect=FAILED)
        assert "already" in result.err and str(port) in result.err, result.err
    assert "no address" in tarn("serve", "--listen", "192.0.2.1:9000",
                                expect=FAILED).err


def serve_warns_of_what_others_can_read():
    for words, warns in [
            (["--listen", "127.0.0.1:0"], False),
            (["--listen", "localhost:0"], False),
            (["--listen", "0.0.0.0:0"], True),
            (["--listen", "0.0.0.0:0", "--trusted-proxy", "192.0.2.1"],
             False)]:
        with Running("serve", *words) as running:
            assert running.logged().count("without TLS") == warns, words


def serve_leaves_descriptors_to_the_store():
    with Running("serve", "--listen", "127.0.0.1:0",
                 by=["prlimit", "--nofile=656:656"]) as running:
        assert "at most 200 connections" in running.logged(), running.logged()
        held = [socket.create_connection(("127.0.0.1", port_of(running)))
                for _ in range(400)]
        assert tarn("status").out
        for connection in held:
            connection.close()
    with Running("serve", "--listen", "127.0.0.1:0") as running:
        assert "connections" not in running.logged(), running.logged()


def serve_runs_in_the_background():
    port = free_port()
    tarn("serve", "--background", "--listen", f"127.0.0.1:{port}")

    pid, = (session["pid"] for session in
            json.loads(tarn("status", "--json").out)["sessions"])
    assert status_of(port) == 403
    assert pid != os.getpid() and os.getsid(pid) == pid
    tarn("serve", "--background", "--listen", f"127.0.0.1:{port}",
         expect=FAILED)

    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not json.loads(
        tarn("status", "--json").out)["sessions"])


def status_of(port, method="GET", path="/", pair=None):
    host = f"127.0.0.1:{port}"
    headers = sign(method, path, host, pair) if pair else {}
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT)
    connection.request(method, path, headers=headers)
    return connection.getresponse().status


def wait_until(is_true):
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if is_true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def serve_tells_systemd():
    path = TMP / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(path))
        notified.settimeout(TIMEOUT)
        serve = Running("serve", "--listen", "127.0.0.1:0",
                        NOTIFY_SOCKET=str(path))
        assert notified.recv(100) == b"READY=1\n"
        serve.stop(signal.SIGINT)
        assert notified.recv(100) == b"STOPPING=1\n"


def sign(method, path, host, pair):
    """The headers of a request that SigV4 signs, without its payload's sum."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{stamp[:8]}/{pair['region']}/s3/aws4_request"
    names = "host;x-amz-content-sha256;x-amz-date"
    canonical = (f"{method}\n{path}\n\nhost:{host}\n"
                 f"x-amz-content-sha256:UNSIGNED-PAYLOAD\n"
                 f"x-amz-date:{stamp}\n\n{names}\nUNSIGNED-PAYLOAD")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + pair["secretKey"]).encode()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    for word in *scope.split("/"), text:
        key = hmac.digest(key, word.encode(), "sha256")
    return {"Host": host, "X-Amz-Date": stamp,
            "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
            "Authorization": f"AWS4-HMAC-SHA256 Credential="
                             f"{pair['accessKey']}/{scope}, SignedHeaders="
                             f"{names}, Signature={key.hex()}"}


def a_request_in_flight_ends_before_serve_does():
    pair = json.loads(tarn("token", "show", "one", "--secret", "--json").out)
    serve = Running("serve", "--listen", "127.0.0.1:0")
    port = port_of(serve)
    assert status_of(port, "PUT", "/drained", pair) == 200
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(TIMEOUT)
        head = sign("PUT", "/drained/key", f"127.0.0.1:{port}", pair)
        head.update({"Content-Length": "5", "Expect": "100-continue"})
        client.sendall(b"PUT /drained/key HTTP/1.1\r\n" + b"".join(
            f"{name}: {value}\r\n".encode()
            for name, value in head.items()) + b"\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")

        serve.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not accepts(port))
        client.sendall(b"bytes")

        reply = client.recv(65536)
    assert reply.startswith(b"HTTP/1.1 200 "), reply
    assert serve.process.wait(TIMEOUT) == OK, serve.logged()


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT).close()
    except ConnectionError:
        return False
    return True


def the_log_is_json_where_wanted_and_holds_no_secret():
    made = json.loads(tarn("token", "show", "one", "--secret", "--json").out)
    with Running("serve", "--listen", "127.0.0.1:0", "--log-format", "json",
                 "--log-level", "debug") as serve:
        status_of(port_of(serve))
        serve.stop()
        lines = [json.loads(line) for line in serve.logged().splitlines()]

    assert lines and all("level" in line for line in lines), lines
    assert made["secretKey"] not in serve.logged()


def a_secret_is_in_no_command_line_or_core():
    with Running("serve", "--listen", "127.0.0.1:0") as serve:
        proc = pathlib.Path(f"/proc/{serve.process.pid}")
        limits = (proc / "limits").read_text()
        assert re.search(r"core file size +0 +0 ", limits), limits


def a_mount_that_would_hide_the_store_is_refused():
    for path in STORE, TMP, STORE / "data":
        result = tarn("mount", path, expect=FAILED)
        assert "hide it" in result.err, result.err
        tarn("serve", "--listen", "127.0.0.1:0", "--mount", path,
             expect=FAILED)


def a_mount_point_must_be_a_directory():
    assert tarn("mount", "nowhere", expect=FAILED).err.count("\n") == 1
    assert "not a directory" in tarn("mount", "full/file", expect=FAILED).err


def buckets(point):
    return sorted(os.listdir(point))


def mount_announces_itself_and_ends():
    point = TMP / "b"
    point.mkdir()
    with Running("mount", "b", "--uid", "12", "--gid", "34") as mount:
        assert "mounted at b" in mount.ready, mount.ready
        (point / "bucket-one").mkdir()
        assert buckets(point) == ["bucket-one", "drained"]
        again = tarn("mount", point, expect=FAILED).err
        assert "already" in again or "does not answer" in again, again
        assert "in use" in tarn("fsck", "--repair", expect=FAILED).err
    assert os.listdir(point) == []

    with Running("mount", "b", "--read-only") as mount:
        try:
            (point / "bucket-two").mkdir()
        except OSError as error:
            assert error.errno == 30, error
        else:
            raise AssertionError("wrote to a mount that is read-only")
        subprocess.run(["fusermount3", "-u", str(point)], check=True)
        assert mount.process.wait(TIMEOUT) == OK, mount.logged()


def a_mount_goes_to_the_background_and_serve_takes_one_along():
    point = TMP / "b"
    tarn("mount", point, "--background")
    assert point.is_mount() and "bucket-one" in buckets(point)
    subprocess.run(["fusermount3", "-u", str(point)], check=True)
    wait_until(lambda: not json.loads(
        tarn("status", "--json").out)["sessions"])

    with Running("serve", "--listen", "127.0.0.1:0", "--mount", point):
        assert "bucket-one" in buckets(point)
    assert not point.is_mount()


def a_mount_whose_process_was_killed_is_mounted_again():
    point = TMP / "b"
    killed = Running("mount", point)
    killed.process.kill()
    killed.process.wait()

    with Running("mount", point):
        assert "bucket-one" in buckets(point)


def a_mount_whose_process_hangs_is_left_alone():
    point = TMP / "b"
    with Running("mount", point) as hung:
        hung.process.send_signal(signal.SIGSTOP)
        result = tarn("mount", point, expect=FAILED)
        hung.process.send_signal(signal.SIGCONT)
        assert "does not answer" in result.err, result.err
        assert "bucket-one" in buckets(point)


def why_no_pid_namespace():
    """Why there can be no other PID namespace here; None: there can."""
    probe = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", "true"], check=False,
        stderr=subprocess.DEVNULL)
    return "no PID namespace may be made" if probe.returncode else None


def another_pid_namespace_is_refused():
    with Running("serve", "--listen", "127.0.0.1:0"):
        done = subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", TARN, "token",
             "create", "inside", "--store", str(STORE)],
            capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert done.returncode == FAILED, done
        assert "namespace" in done.stderr, done.stderr
    assert "inside" not in tarn("token", "list").out


OWNER = 65534


def why_no_other_user():
    """Why there can be no server of another user here; None: there can."""
    if os.getuid() != 0:
        return "not root"
    for path in TMP.parent, TMP:
        if path.stat().st_mode & 0o777 == 0o700:
            path.chmod(0o711)
    may = subprocess.run(["sh", "-c", f"test -x '{TARN}' -a -x '{TMP}'"],
                         user=OWNER, check=False)
    return "another user cannot reach tarn here" if may.returncode else None


def what_root_makes_is_of_the_stores_owner():
    """Root looks after a store whose server runs as a user of its own."""
    owner = OWNER
    store = TMP / "owned"
    store.mkdir()
    os.chown(store, owner, owner)

    def tarn_on(*words, **options):
        return Result(*words, "--store", store, **options)

    tarn_on("init")
    pair = json.loads(tarn_on("token", "create", "one", "--json").out)
    for user in None, owner:
        with Running("serve", "--listen", "127.0.0.1:0", store=store,
                     user=user) as running:
            status = status_of(port_of(running), "PUT", "/owned", pair)
            assert status == (200 if user is None else 409), status
            status = status_of(port_of(running), "PUT", f"/owned/{user}", pair)
            assert status == 200, status
            tarn_on("scrub")
            tarn_on("fsck")
            tarn_on("token", "create", f"token-{user}")
            status = status_of(port_of(running), "GET", "/owned/None", pair)
            assert status == 200, status
    strangers = [path for path in store.rglob("*")
                 if path.stat().st_uid != owner]
    assert not strangers, strangers
    # A link where root writes is not followed.
    target = TMP / "target"
    (store / "run/scrub.lock").unlink()
    (store / "run/scrub.lock").symlink_to(target)
    tarn_on("scrub", expect=FAILED)
    assert not target.exists()


TESTS = [
    every_command_explains_itself,
    wrong_words_are_usage_errors,
    a_store_is_made_once,
    what_is_no_store_is_refused,
    a_store_of_the_future_or_of_the_past_is_refused,
    a_store_without_its_key_is_refused,
    a_token_is_a_pair_with_a_level,
    a_pair_is_taken_over,
    a_pair_that_is_none_is_refused,
    tokens_are_listed_and_deleted,
    a_configuration_is_what_the_client_takes,
    names_are_given_out_once_in_each_organization,
    a_token_changes_and_ends,
    the_key_lies_where_it_is_told_to,
    a_backup_leaves_out_a_key_that_lies_elsewhere,
    the_newest_backup_is_the_one_taken_last,
    output_that_is_lost_is_a_failure,
    closed_streams_are_not_the_store,
    status_tells_who_has_the_store_open,
    quotas_are_set_and_usage_tells_them,
    prices_come_from_a_table,
    fsck_finds_and_repairs,
    fsck_checks_a_store_in_use_and_repairs_it_alone,
    serve_refuses_where_it_cannot_listen,
    serve_warns_of_what_others_can_read,
    serve_leaves_descriptors_to_the_store,
    serve_runs_in_the_background,
    serve_tells_systemd,
    a_request_in_flight_ends_before_serve_does,
    the_log_is_json_where_wanted_and_holds_no_secret,
    a_secret_is_in_no_command_line_or_core,
    a_mount_that_would_hide_the_store_is_refused,
    a_mount_point_must_be_a_directory,
]
OF_MOUNTS = [
    mount_announces_itself_and_ends,
    a_mount_goes_to_the_background_and_serve_takes_one_along,
    a_mount_whose_process_was_killed_is_mounted_again,
    a_mount_whose_process_hangs_is_left_alone,
]


def main():
    counts = Counts()
    TMP.mkdir()
    for test in TESTS:
        counts.run(test.__name__, test)
    for test, why_not in [
            (another_pid_namespace_is_refused, why_no_pid_namespace()),
            (what_root_makes_is_of_the_stores_owner, why_no_other_user())]:
        if why_not:
            counts.skip(test.__name__, why_not)
        else:
            counts.run(test.__name__, test)
    for test in OF_MOUNTS:
        if can_mount():
            counts.run(test.__name__, test)
        else:
            counts.skip(test.__name__, "no /dev/fuse here")
    shutil.rmtree(TMP, ignore_errors=True)
    counts.finish()


sys.exit(main())
