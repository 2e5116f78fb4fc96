#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Object Lock, by boto3 and aws, and against a mount."""

import datetime
import errno
import json
import os
import pathlib

import boto3
import botocore.config
from botocore.exceptions import ClientError

from support.site import Site, run
from support.suite import Counts

BUCKET = "locked"
LATER = datetime.datetime(2096, 1, 2, tzinfo=datetime.timezone.utc)
SOONER = datetime.datetime(2090, 1, 2, tzinfo=datetime.timezone.utc)


class Clients:
    """A site with a bucket that has Object Lock, and what asks it."""

    def __init__(self, site):
        self.site = site
        self.keys = site.keys()
        self.env = site.environment(**self.keys)
        os.environ.update(self.keys, AWS_EC2_METADATA_DISABLED="true",
                          AWS_CONFIG_FILE=str(site.dir / "none"))
        self.s3 = boto3.client(
            "s3", endpoint_url=self.keys["AWS_ENDPOINT_URL"],
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, signature_version="s3v4"))
        self.s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)

    def put(self, key, text, **args):
        return self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode(),
                                  **args)["VersionId"]

    def get(self, key, version):
        return self.s3.get_object(Bucket=BUCKET, Key=key, VersionId=version)[
            "Body"].read().decode()

    def retain(self, key, mode, until, **args):
        self.s3.put_object_retention(
            Bucket=BUCKET, Key=key,
            Retention={"Mode": mode, "RetainUntilDate": until}, **args)

    def aws(self, *words):
        text = run("aws", "--endpoint-url", self.site.endpoint, "s3api",
                   *words, "--bucket", BUCKET, env=self.env)
        return json.loads(text) if text.strip() else {}


def refusal(call, **args):
    """Status and code of what refuses it."""
    try:
        call(**args)
    except ClientError as error:
        return (error.response["ResponseMetadata"]["HTTPStatusCode"],
                error.response["Error"]["Code"])
    raise AssertionError("it was not refused")


def stays(clients, key, version, text):
    denied = refusal(clients.s3.delete_object, Bucket=BUCKET, Key=key,
                     VersionId=version)
    assert denied == (403, "AccessDenied"), denied
    assert clients.get(key, version) == text


def boto3_sets_a_default(clients):
    def rule(**retention):
        return {"ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": retention}}

    def configure(bucket=BUCKET, **retention):
        clients.s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration=rule(**retention))

    configure(Mode="GOVERNANCE", Days=1)
    told = clients.s3.get_object_lock_configuration(Bucket=BUCKET)
    assert told["ObjectLockConfiguration"] == rule(
        Mode="GOVERNANCE", Days=1), told
    stays(clients, "default", clients.put("default", "1"), "1")
    assert refusal(configure, Mode="GOVERNANCE", Days=0) == (
        400, "InvalidRetentionPeriod")
    assert refusal(configure, Mode="GOVERNANCE", Days=1, Years=1) == (
        400, "MalformedXML")
    assert refusal(configure, Mode="abc", Years=1) == (400, "MalformedXML")
    clients.s3.create_bucket(Bucket="plain")
    assert refusal(configure, bucket="plain", Mode="COMPLIANCE", Days=1) == (
        409, "InvalidBucketState")
    assert refusal(clients.s3.get_object_lock_configuration,
                   Bucket="plain") == (
        404, "ObjectLockConfigurationNotFoundError")
    assert refusal(clients.s3.put_bucket_versioning, Bucket=BUCKET,
                   VersioningConfiguration={"Status": "Suspended"}) == (
        409, "InvalidBucketState")
    clients.s3.put_object_lock_configuration(
        Bucket=BUCKET,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def boto3_retains_and_bypasses(clients):
    version = clients.put("retained", "1")

    clients.retain("retained", "GOVERNANCE", LATER)
    told = clients.s3.get_object_retention(Bucket=BUCKET, Key="retained")
    assert told["Retention"] == {
        "Mode": "GOVERNANCE", "RetainUntilDate": LATER}, told
    stays(clients, "retained", version, "1")
    assert refusal(clients.retain, key="retained", mode="GOVERNANCE",
                   until=SOONER) == (403, "AccessDenied")
    clients.retain("retained", "GOVERNANCE", SOONER,
                   BypassGovernanceRetention=True)
    marker = clients.s3.delete_object(Bucket=BUCKET, Key="retained")
    assert marker["DeleteMarker"], marker
    gone = clients.s3.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [
            {"Key": "retained", "VersionId": version}]})
    assert gone["Errors"][0]["Code"] == "AccessDenied", gone
    gone = clients.s3.delete_objects(
        Bucket=BUCKET, BypassGovernanceRetention=True, Delete={"Objects": [
            {"Key": "retained", "VersionId": version}]})
    assert "Errors" not in gone, gone


def boto3_complies(clients):
    version = clients.put("complied", "1", ObjectLockMode="COMPLIANCE",
                          ObjectLockRetainUntilDate=LATER)

    for mode, until in (("GOVERNANCE", LATER), ("COMPLIANCE", SOONER)):
        assert refusal(clients.retain, key="complied", mode=mode, until=until,
                       BypassGovernanceRetention=True) == (
            403, "AccessDenied")
    stays(clients, "complied", version, "1")
    assert refusal(clients.s3.delete_object, Bucket=BUCKET, Key="complied",
                   VersionId=version, BypassGovernanceRetention=True) == (
        403, "AccessDenied")


def boto3_holds(clients):
    version = clients.put("held", "1", ObjectLockLegalHoldStatus="ON")

    stays(clients, "held", version, "1")
    head = clients.s3.head_object(Bucket=BUCKET, Key="held")
    assert head["ObjectLockLegalHoldStatus"] == "ON", head
    clients.s3.put_object_legal_hold(Bucket=BUCKET, Key="held",
                                     LegalHold={"Status": "OFF"})
    told = clients.s3.get_object_legal_hold(Bucket=BUCKET, Key="held")
    assert told["LegalHold"] == {"Status": "OFF"}, told
    clients.s3.delete_object(Bucket=BUCKET, Key="held", VersionId=version)


def boto3_uploads_parts_that_are_locked(clients):
    upload = clients.s3.create_multipart_upload(
        Bucket=BUCKET, Key="parts", ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=LATER)["UploadId"]
    part = clients.s3.upload_part(Bucket=BUCKET, Key="parts", PartNumber=1,
                                  UploadId=upload, Body=b"1")
    done = clients.s3.complete_multipart_upload(
        Bucket=BUCKET, Key="parts", UploadId=upload, MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})

    stays(clients, "parts", done["VersionId"], "1")


def aws_locks_and_tells(clients):
    version = clients.put("by-aws", "1")

    clients.aws("put-object-retention", "--key", "by-aws", "--retention",
                "Mode=GOVERNANCE,RetainUntilDate=2096-01-02T00:00:00Z")
    clients.aws("put-object-legal-hold", "--key", "by-aws", "--legal-hold",
                "Status=ON")
    head = clients.aws("head-object", "--key", "by-aws")
    assert head["ObjectLockMode"] == "GOVERNANCE", head
    assert head["ObjectLockLegalHoldStatus"] == "ON", head
    stays(clients, "by-aws", version, "1")
    clients.aws("put-object-legal-hold", "--key", "by-aws", "--legal-hold",
                "Status=OFF")
    clients.aws("delete-object", "--key", "by-aws", "--version-id", version,
                "--bypass-governance-retention")


def programs_on_a_mount_remove_and_change_nothing(clients):
    version = clients.put("dir/file", "12", ObjectLockMode="COMPLIANCE",
                          ObjectLockRetainUntilDate=LATER)
    top = clients.site.mount / BUCKET
    path = top / "dir" / "file"

    for change in (
            lambda: path.write_text("3"),
            lambda: os.truncate(path, 0),
            lambda: run("dd", "if=/dev/zero", f"of={path}", "bs=1",
                        "count=1", "conv=notrunc,fsync"),
            lambda: run("cp", "-p", "/etc/hostname", path),
            lambda: run("sed", "-i", "s/./x/", path),
            lambda: run("mv", path, top / "moved"),
            lambda: run("touch", path),
            lambda: run("rm", "-r", path.parent)):
        change()
        stays(clients, "dir/file", version, "12")

    clients.put("dir/file", "12")
    clients.s3.put_object_legal_hold(Bucket=BUCKET, Key="dir/file",
                                     LegalHold={"Status": "ON"})
    held = clients.s3.head_object(Bucket=BUCKET, Key="dir/file")["VersionId"]
    for refused in (
            lambda: os.link(path, top / "link"),
            lambda: os.utime(path, (1, 1)),
            lambda: os.setxattr(path, "user.s3.meta.a", b"b")):
        try:
            refused()
            raise AssertionError("it was permitted")
        except PermissionError as error:
            assert error.errno == errno.EPERM, error
    try:
        pathlib.Path(top / "dir").rename(top / "elsewhere")
        raise AssertionError("a directory was moved")
    except OSError as error:
        assert error.errno == errno.EXDEV, error
    run("mv", top / "dir", top / "elsewhere")
    assert (top / "elsewhere" / "file").read_text() == "12"
    stays(clients, "dir/file", held, "12")
    stays(clients, "dir/file", version, "12")


def main():
    counts = Counts()
    site = Site()
    clients = Clients(site)
    for test in [
            boto3_sets_a_default,
            boto3_retains_and_bypasses,
            boto3_complies,
            boto3_holds,
            boto3_uploads_parts_that_are_locked,
            aws_locks_and_tells,
    ]:
        counts.run(test.__name__, test, clients)
    on_mount = programs_on_a_mount_remove_and_change_nothing
    if site.is_mounted:
        counts.run(on_mount.__name__, on_mount, clients)
    else:
        counts.skip(on_mount.__name__, "no /dev/fuse here")
    counts.run("the processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
