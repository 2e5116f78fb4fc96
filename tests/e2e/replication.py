#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replication: what comes to a bucket, by boto3, aws and a mount, comes to
another as the same version, also where the server is killed on the way."""

import json
import os
import signal
import time

import boto3
import botocore.config
from botocore.exceptions import ClientError

from support.site import Site, run
from support.suite import Counts

SOURCE = "source"
REPLICAS = "replicas"
WAIT_SECONDS = 60
ROLE = "arn:aws:iam::default:role/replication"


def configuration(bucket=REPLICAS, **more):
    return {"Role": ROLE, "Rules": [{
        "ID": "all", "Priority": 1, "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{bucket}"}, **more}]}


def until(look, wanted):
    """Looks again and again, up to a minute."""
    deadline = time.monotonic() + WAIT_SECONDS
    found = look()
    while found != wanted:
        assert time.monotonic() < deadline, (found, wanted)
        time.sleep(0.05)
        found = look()


class Replicated:
    """A site with a bucket that is replicated to another."""

    def __init__(self, site):
        self.site = site
        keys = site.keys()
        self.env = site.environment(**keys)
        os.environ.update(keys, AWS_EC2_METADATA_DISABLED="true",
                          AWS_CONFIG_FILE=str(site.dir / "none"))
        self.s3 = boto3.client(
            "s3", endpoint_url=site.endpoint,
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, signature_version="s3v4"))
        for bucket in [SOURCE, REPLICAS]:
            self.make(bucket)

    def make(self, bucket):
        self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def aws(self, *words):
        return run("aws", "--endpoint-url", self.site.endpoint, *words,
                   env=self.env)

    def put(self, key, text, **more):
        return self.s3.put_object(Bucket=SOURCE, Key=key, Body=text.encode(),
                                  **more)

    def status(self, key, bucket=SOURCE, **more):
        head = self.s3.head_object(Bucket=bucket, Key=key, **more)
        return head.get("ReplicationStatus")

    def wait(self, key, status="COMPLETED"):
        until(lambda: self.status(key), status)

    def versions(self, bucket, prefix=""):
        """Of each: key, id, ETag; None for a marker."""
        page = self.s3.list_object_versions(Bucket=bucket, Prefix=prefix)
        return sorted(
            [(each["Key"], each["VersionId"], each["ETag"])
             for each in page.get("Versions", [])] +
            [(each["Key"], each["VersionId"], "")
             for each in page.get("DeleteMarkers", [])])

    def expect_same(self, prefix=""):
        until(lambda: self.versions(REPLICAS, prefix),
              self.versions(SOURCE, prefix))

    def site_status(self, name):
        return json.loads(self.site.tarn("status", "--json"))[name]

    def path(self, bucket, key):
        return self.site.mount / bucket / key


def aws_puts_and_tells_it(it):
    path = it.site.dir / "replication.json"
    path.write_text(json.dumps(configuration()))
    it.aws("s3api", "put-bucket-replication", "--bucket", SOURCE,
           "--replication-configuration", f"file://{path}")

    told = json.loads(it.aws("s3api", "get-bucket-replication", "--bucket",
                             SOURCE))
    assert told["ReplicationConfiguration"] == configuration(), told


def refusals_have_the_codes_of_s3(it):
    def refuse(code, bucket, wanted):
        try:
            it.s3.put_bucket_replication(
                Bucket=bucket, ReplicationConfiguration=wanted)
        except ClientError as error:
            assert error.response["Error"]["Code"] == code, error
        else:
            raise AssertionError("it was not refused")

    it.s3.create_bucket(Bucket="plain")
    refuse("InvalidRequest", "plain", configuration())
    refuse("InvalidRequest", SOURCE, configuration("plain"))
    refuse("InvalidRequest", SOURCE, configuration("gone-for-good"))
    refuse("InvalidRequest", SOURCE, configuration(SOURCE))
    refuse("NotImplemented", SOURCE, configuration(
        ExistingObjectReplication={"Status": "Enabled"}))
    try:
        it.s3.put_bucket_versioning(
            Bucket=SOURCE, VersioningConfiguration={"Status": "Suspended"})
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidBucketState", error
    else:
        raise AssertionError("it was not refused")
    try:
        it.s3.get_bucket_replication(Bucket="plain")
    except ClientError as error:
        assert error.response["Error"]["Code"] == (
            "ReplicationConfigurationNotFoundError"), error


def what_is_put_comes_with_all_that_it_has(it):
    it.put("dir/a", "12345", Metadata={"m": "v"}, Tagging="k=v",
           ContentType="text/plain", ChecksumAlgorithm="SHA256")
    it.wait("dir/a")

    source = it.s3.get_object(Bucket=SOURCE, Key="dir/a",
                              ChecksumMode="ENABLED")
    replica = it.s3.get_object(Bucket=REPLICAS, Key="dir/a",
                               ChecksumMode="ENABLED")
    assert replica["Body"].read() == b"12345"
    assert replica["ReplicationStatus"] == "REPLICA", replica
    for name in ["ETag", "VersionId", "LastModified", "Metadata",
                 "ContentType", "ChecksumSHA256", "TagCount"]:
        assert source[name] == replica[name], name


def uploads_and_copies_come_too(it):
    large = it.site.file("large", 17 << 20)

    it.aws("s3", "cp", large, f"s3://{SOURCE}/large")
    it.s3.copy_object(Bucket=SOURCE, Key="copy", CopySource={
        "Bucket": SOURCE, "Key": "large"})
    it.wait("large")
    it.wait("copy")
    it.expect_same()
    part = it.s3.head_object(Bucket=REPLICAS, Key="large", PartNumber=1)
    assert part["PartsCount"] > 1, part


def tags_and_markers_follow(it):
    it.put("tagged", "1")
    it.wait("tagged")
    it.s3.put_object_tagging(Bucket=SOURCE, Key="tagged", Tagging={
        "TagSet": [{"Key": "k", "Value": "v"}]})
    until(lambda: it.s3.get_object_tagging(
        Bucket=REPLICAS, Key="tagged")["TagSet"],
          [{"Key": "k", "Value": "v"}])
    it.s3.delete_object(Bucket=SOURCE, Key="tagged")
    it.expect_same("tagged")


def deleting_a_version_stays_where_it_is(it):
    version = it.put("kept", "1")["VersionId"]
    it.wait("kept")
    it.s3.delete_object(Bucket=SOURCE, Key="kept", VersionId=version)
    it.put("later", "1")
    it.wait("later")

    assert it.status("kept", REPLICAS, VersionId=version) == "REPLICA"


def sealed_objects_come_as_they_are(it):
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    it.put("sealed", "12345", **key)
    until(lambda: it.status("sealed", **key), "COMPLETED")

    got = it.s3.get_object(Bucket=REPLICAS, Key="sealed", **key)
    assert got["Body"].read() == b"12345"


def what_a_mount_writes_comes(it):
    it.path(SOURCE, "from-mount").write_text("1")
    it.wait("from-mount")
    assert it.path(REPLICAS, "from-mount").read_text() == "1"
    it.path(SOURCE, "from-mount").write_text("22")
    it.wait("from-mount")
    assert it.path(REPLICAS, "from-mount").read_text() == "22"
    it.path(SOURCE, "from-mount").rename(it.path(SOURCE, "renamed"))
    it.wait("renamed")
    assert it.path(REPLICAS, "renamed").read_text() == "22"
    until(it.path(REPLICAS, "from-mount").exists, False)
    it.path(REPLICAS, "renamed").write_text("own")
    assert it.status("renamed", REPLICAS) is None
    got = it.s3.get_object(Bucket=SOURCE, Key="renamed")
    assert got["Body"].read() == b"22"


def two_that_replicate_each_other_come_to_rest(it):
    it.make("left")
    it.make("right")
    for source, target in [("left", "right"), ("right", "left")]:
        it.s3.put_bucket_replication(
            Bucket=source, ReplicationConfiguration=configuration(target))
        it.s3.put_object(Bucket=source, Key=f"from-{source}", Body=b"1")
    until(lambda: len(it.versions("left")), 2)
    until(lambda: it.versions("right"), it.versions("left"))
    until(lambda: it.site_status("waitingReplicas"), 0)
    assert len(it.versions("left")) == 2


def a_server_that_is_killed_loses_nothing(it):
    site = it.site
    serve = site.processes.pop(0)

    for i in range(200):
        it.put(f"kill/{i}", str(i))
        it.put(f"kill/{i}", f"again {i}")
    serve.send_signal(signal.SIGKILL)
    serve.wait(WAIT_SECONDS)
    site.start("serve", "--listen", site.address)
    it.expect_same("kill/")
    until(lambda: it.site_status("waitingReplicas"), 0)
    assert it.site_status("failedReplicas") == 0


def what_cannot_be_made_is_told(it):
    it.make("away")
    it.make("sender")
    it.s3.put_bucket_replication(
        Bucket="sender", ReplicationConfiguration=configuration("away"))
    it.s3.delete_bucket(Bucket="away")
    it.s3.put_object(Bucket="sender", Key="a", Body=b"1")
    until(lambda: it.site_status("waitingReplicas"), 1)
    assert it.status("a", "sender") == "PENDING"
    it.s3.delete_bucket_replication(Bucket="sender")
    until(lambda: it.status("a", "sender"), "FAILED")
    assert it.site_status("failedReplicas") == 1
    assert "1 were given up" in it.site.tarn("status")


def main():
    counts = Counts()
    site = Site(serve_options=["--sse-c-without-tls"])
    it = Replicated(site)
    for test in [
            aws_puts_and_tells_it,
            refusals_have_the_codes_of_s3,
            what_is_put_comes_with_all_that_it_has,
            uploads_and_copies_come_too,
            tags_and_markers_follow,
            deleting_a_version_stays_where_it_is,
            sealed_objects_come_as_they_are,
            what_a_mount_writes_comes,
            two_that_replicate_each_other_come_to_rest,
            a_server_that_is_killed_loses_nothing,
            what_cannot_be_made_is_told,
    ]:
        if test is what_a_mount_writes_comes and not site.is_mounted:
            counts.skip(test.__name__, "no /dev/fuse here")
        else:
            counts.run(test.__name__, test, it)
    counts.run("the processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
