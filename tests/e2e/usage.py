#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tarn usage: over a period, by hourly samples, and for Prometheus."""

import csv
import datetime
import io
import json
import os
import re
import subprocess
import time

import boto3
import botocore.config

from support.site import TARN, Site
from support.suite import Counts

MIB = 1 << 20
LINE = re.compile(
    r"""(tarn_[a-z_]+)\{organization="([^"]*)"(?:,bucket="([^"]*)")?"""
    r"""(?:,tier="([a-z]+)")?\} ([0-9.e+-]+)""")
WRONG = [
    ["--from", "2026-01-01"],
    ["--to", "2026-01-01"],
    ["--csv"],
    ["--json", "--prometheus"],
    ["--history", "--prometheus"],
    ["--history", "--json", "--csv"],
    ["--history", "--csv", "--prices", "none"],
    ["--history", "--from", "yesterday"],
    ["--history", "--from", "2026-01-01T00:00:00+01:00"],
    ["--history", "--from", "2026-01-02", "--to", "2026-01-01"],
    ["--history", "--from", "2026-01-01", "--to", "2026-01-01"],
    ["--history", "--from", "2199-01-01"],
]


def refused(site, words, status):
    done = subprocess.run([TARN, "usage", *words, "--store", str(site.store)],
                          capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == status and done.stderr, (words, done)
    assert not done.stdout, done
    return done.stderr


def client_of(site):
    keys = site.keys()
    os.environ.update(keys, AWS_EC2_METADATA_DISABLED="true",
                      AWS_CONFIG_FILE=str(site.dir / "none"))
    return boto3.client(
        "s3", endpoint_url=keys["AWS_ENDPOINT_URL"],
        config=botocore.config.Config(s3={"addressing_style": "path"}))


# --- now -------------------------------------------------------------------

def fills_a_bucket(site):
    s3 = client_of(site)
    s3.create_bucket(Bucket="full")
    s3.put_object(Bucket="full", Key="a", Body=bytes(MIB))
    upload = s3.create_multipart_upload(Bucket="full", Key="b")["UploadId"]
    s3.upload_part(Bucket="full", Key="b", UploadId=upload, PartNumber=1,
                   Body=bytes(3 * MIB))
    site.tarn("quota", "set", "--bucket", "full", "--objects", "5")


def prometheus_gets_what_there_is(site):
    prices = site.work / "prices"
    prices.write_text("0 1024\n")

    text = site.tarn("usage", "--prometheus", "--prices", prices)

    found, described, name = {}, [], None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            described.append(name)
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {name} gauge", line
        else:
            match = LINE.fullmatch(line)
            assert match and match[1] == name, line
            key = [word for word in match.groups()[:4] if word]
            found[*key] = float(match[5])
    assert len(described) == len(set(described)) == 13, described
    assert text.endswith("\n"), text
    of = "default", "full"
    assert found["tarn_bucket_objects", *of] == 1, found
    assert found["tarn_bucket_bytes", *of] == MIB, found
    assert found["tarn_bucket_part_bytes", *of] == 3 * MIB, found
    assert found["tarn_bucket_quota_objects", *of] == 5, found
    assert ("tarn_bucket_quota_bytes", *of) not in found, found
    assert found["tarn_bucket_tier_bytes", *of, "hot"] == 4 * MIB, found
    assert found["tarn_bucket_tier_bytes", *of, "archive"] == 0, found
    of = "default",
    assert found["tarn_organization_bytes", *of] == MIB, found
    assert found["tarn_organization_quota_bytes", *of] == 30e12, found
    assert found["tarn_organization_tier_bytes", *of, "hot"] == 4 * MIB, found
    assert found["tarn_organization_dollars_per_month", *of] == 4, found


def a_gb_is_2_to_the_30(site):
    prices = site.work / "prices"
    # The first MiB is dearer.
    prices.write_text("0 2048\n0.0009765625 1024\n")

    found = json.loads(site.tarn("usage", "--json", "--prices", prices))

    assert found[0]["dollarsPerMonth"] == 5, found
    assert found[0]["tiers"] == found[0]["buckets"][0]["tiers"] == {
        "hot": 4 * MIB, "warm": 0, "cold": 0, "archive": 0}, found


def each_tier_has_its_price(site):
    prices = site.work / "prices"
    prices.write_text("hot 0 512\nwarm 0 2\ncold 0 1\n")

    found = json.loads(site.tarn("usage", "--json", "--prices", prices))

    assert found[0]["dollarsPerMonth"] == 2, found
    text = site.tarn("usage", "--prices", prices)
    assert f"({4 * MIB} hot)" in text and "$2.00 a month" in text, text


# --- over a period ---------------------------------------------------------

def words_that_do_not_go_together_are_refused(site):
    for words in WRONG:
        refused(site, words, 2)
    for words in ["--org", "nobody"], ["--org", "nobody", "--csv"]:
        said = refused(site, ["--history", *words], 1)
        assert "no such organization" in said, said


def what_was_there_before_it_was_metered_is_not_known(site):
    said = refused(site, ["--history", "--from", "2020-01-01"], 1)

    assert "400 days" in said, said


def history_of(site, *words):
    return site.tarn("usage", "--history", *words)


def samples_are_told_as_csv(site):
    now = datetime.datetime.now(datetime.timezone.utc)
    deadline = time.monotonic() + 60
    text = history_of(site, "--csv")
    while text.count("\r\n") < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
        text = history_of(site, "--csv")

    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head == ["time", "organization", "bucket", "objects", "bytes",
                    "partBytes", "hotBytes", "warmBytes", "coldBytes",
                    "archiveBytes"], head
    assert [row[1:] for row in rows] == [
        ["default", "metered", "1", str(3 * MIB), "0",
         str(3 * MIB), "0", "0", "0"]], rows
    when = datetime.datetime.fromisoformat(rows[0][0].replace("Z", "+00:00"))
    assert when.minute == 0 and abs(now - when).total_seconds() < 7200, rows


def a_period_is_billed(site):
    prices = site.work / "prices"
    prices.write_text("0 1024\n")

    found = json.loads(history_of(site, "--json", "--prices", prices))

    line = found["organizations"][0]
    hours = line["hours"]
    assert hours in (1, 2) and found["hours"] >= hours, found
    for at in line, line["buckets"][0]:
        assert at["averageBytes"] == 3 * MIB, at
        assert abs(at["gbMonths"] - 3 / 1024 * hours / 730) < 1e-12, at
        assert abs(at["dollars"] - 3 * hours / 730) < 1e-9, at
    assert line["buckets"][0]["name"] == "metered", line
    text = history_of(site, "--from", found["from"], "--to", found["to"])
    assert f"{found['hours']} hours\n" in text and "  metered " in text, text
    day = found["from"][:10]
    assert json.loads(history_of(site, "--json", "--from", day)) == \
        json.loads(history_of(site, "--json", "--from", f"{day}T00:00:00Z"))


def samples_are_in_backups(site):
    site.tarn("backup", "--to", site.dir / "backup")
    site.store = site.dir / "restored"
    site.tarn("restore", "--from", site.dir / "backup")

    assert "metered" in history_of(site, "--csv")
    site.tarn("fsck")


class Metered(Site):
    """A store that was filled before there was a server to meter it."""

    def start(self, *words):
        if words[0] == "serve":
            self.serve = words
            return
        super().start(*words)
        (self.mount / "metered").mkdir()
        (self.mount / "metered/file").write_bytes(bytes(3 * MIB))
        super().start(*self.serve)


def main():
    counts = Counts()
    site = Site()
    try:
        for test in (fills_a_bucket, prometheus_gets_what_there_is,
                     a_gb_is_2_to_the_30, each_tier_has_its_price,
                     words_that_do_not_go_together_are_refused,
                     what_was_there_before_it_was_metered_is_not_known):
            counts.run(test.__name__, test, site)
    finally:
        counts.run("processes end well", site.close)
    tests = samples_are_told_as_csv, a_period_is_billed, samples_are_in_backups
    if not site.is_mounted:
        for test in tests:
            counts.skip(test.__name__, "no /dev/fuse here")
        counts.finish()
    site = Metered()
    try:
        for test in tests:
            counts.run(test.__name__, test, site)
    finally:
        counts.run("processes of the metered store end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
