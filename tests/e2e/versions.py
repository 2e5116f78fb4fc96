#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Buckets that keep versions, by boto3, aws, rclone, mc, and on a mount."""

import json
import os

import boto3
import botocore.config
from botocore.exceptions import ClientError

from mc import Mc, find_mc
from support.site import Site, run
from support.suite import Counts

BUCKET = "versioned"


class Clients:
    """A site with a bucket that keeps versions, and what asks it."""

    def __init__(self, site):
        self.site = site
        self.keys = site.keys()
        self.env = site.environment(**self.keys)
        self.rclone_env = site.environment(
            RCLONE_CONFIG=site.config("rclone"))
        os.environ.update(self.keys, AWS_EC2_METADATA_DISABLED="true",
                          AWS_CONFIG_FILE=str(site.dir / "none"))
        options = {
            "endpoint_url": self.keys["AWS_ENDPOINT_URL"],
            "config": botocore.config.Config(
                s3={"addressing_style": "path"}, signature_version="s3v4")}
        self.s3 = boto3.client("s3", **options)
        self.resource = boto3.resource("s3", **options)
        self.bucket = self.resource.Bucket(BUCKET)
        self.bucket.create()
        self.bucket.Versioning().enable()

    def put(self, key, text):
        return self.s3.put_object(Bucket=BUCKET, Key=key,
                                  Body=text.encode())["VersionId"]

    def get(self, key, version=None):
        args = {"VersionId": version} if version else {}
        return self.s3.get_object(Bucket=BUCKET, Key=key,
                                  **args)["Body"].read().decode()

    def versions(self, key):
        """Ids, the newest first."""
        return [each.id for each in
                self.bucket.object_versions.filter(Prefix=key)]

    def aws(self, *words):
        text = run("aws", "--endpoint-url", self.site.endpoint, "s3api",
                   *words, "--bucket", BUCKET, env=self.env)
        return json.loads(text) if text.strip() else {}

    def rclone(self, *words):
        return run("rclone", *words, env=self.rclone_env)


def refusal(call, **args):
    """The reply that refuses it."""
    try:
        call(Bucket=BUCKET, **args)
    except ClientError as error:
        return error.response
    raise AssertionError("it was not refused")


def status_of(response):
    return response["ResponseMetadata"]["HTTPStatusCode"]


def boto3_reads_each_version(clients):
    first = clients.put("read", "one")
    second = clients.put("read", "two")

    assert clients.versions("read") == [second, first]
    assert clients.get("read") == "two"
    assert clients.get("read", first) == "one"
    listed = list(clients.bucket.object_versions.filter(Prefix="read"))
    assert [each.is_latest for each in listed] == [True, False], listed
    head = clients.resource.ObjectVersion(BUCKET, "read", first).head()
    assert head["VersionId"] == first and head["ContentLength"] == 3, head
    attributes = clients.s3.get_object_attributes(
        Bucket=BUCKET, Key="read", VersionId=first,
        ObjectAttributes=["ObjectSize"])
    assert attributes["VersionId"] == first and attributes["ObjectSize"] == 3
    url = clients.s3.generate_presigned_url(
        "get_object", {"Bucket": BUCKET, "Key": "read", "VersionId": first})
    assert run("curl", "-sf", url, env=clients.env) == "one"


def boto3_deletes_and_undoes_it(clients):
    version = clients.put("gone", "bytes")
    reply = clients.s3.delete_object(Bucket=BUCKET, Key="gone")
    marker = reply["VersionId"]

    assert reply["DeleteMarker"] is True, reply
    refused = refusal(clients.s3.get_object, Key="gone")
    headers = refused["ResponseMetadata"]["HTTPHeaders"]
    assert refused["Error"]["Code"] == "NoSuchKey", refused
    assert headers["x-amz-delete-marker"] == "true", headers
    assert headers["x-amz-version-id"] == marker, headers
    refused = refusal(clients.s3.head_object, Key="gone", VersionId=marker)
    assert status_of(refused) == 405, refused
    assert refused["ResponseMetadata"]["HTTPHeaders"]["allow"] == "DELETE"
    assert clients.get("gone", version) == "bytes"
    listed = clients.s3.list_object_versions(Bucket=BUCKET, Prefix="gone")
    assert listed["DeleteMarkers"][0]["VersionId"] == marker, listed
    assert listed["DeleteMarkers"][0]["IsLatest"] is True, listed
    assert listed["Versions"][0]["IsLatest"] is False, listed

    reply = clients.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [
        {"Key": "gone", "VersionId": marker}]})
    assert reply["Deleted"] == [{
        "Key": "gone", "VersionId": marker, "DeleteMarker": True,
        "DeleteMarkerVersionId": marker}], reply
    assert clients.get("gone") == "bytes"


def boto3_restores_and_tags_an_old_version(clients):
    first = clients.put("old", "one")
    second = clients.put("old", "two")
    reply = clients.s3.copy_object(
        Bucket=BUCKET, Key="old",
        CopySource={"Bucket": BUCKET, "Key": "old", "VersionId": first})

    assert reply["CopySourceVersionId"] == first, reply
    assert clients.versions("old") == [reply["VersionId"], second, first]
    assert clients.get("old") == "one"
    tags = [{"Key": "state", "Value": "old"}]
    tagged = clients.s3.put_object_tagging(
        Bucket=BUCKET, Key="old", VersionId=first, Tagging={"TagSet": tags})
    assert tagged["VersionId"] == first, tagged
    told = clients.s3.get_object_tagging(Bucket=BUCKET, Key="old",
                                         VersionId=first)
    assert told["TagSet"] == tags and told["VersionId"] == first, told
    assert clients.s3.get_object_tagging(Bucket=BUCKET,
                                         Key="old")["TagSet"] == []


def boto3_goes_through_pages_of_versions(clients):
    made = []
    for key in "page/a", "page/b c", "page/d":
        made += [(key, clients.put(key, text)) for text in "12345"][::-1]
    pages = clients.s3.get_paginator("list_object_versions").paginate(
        Bucket=BUCKET, Prefix="page/", PaginationConfig={"PageSize": 2})

    listed = [(each["Key"], each["VersionId"]) for page in pages
              for each in page["Versions"]]
    assert listed == made, listed


def boto3_uploads_parts_as_one_version(clients):
    upload = clients.bucket.Object("parts").initiate_multipart_upload()
    part = upload.Part(1).upload(Body=b"bytes")
    done = clients.s3.complete_multipart_upload(
        Bucket=BUCKET, Key="parts", UploadId=upload.id,
        MultipartUpload={"Parts": [
            {"PartNumber": 1, "ETag": part["ETag"]}]})

    assert clients.versions("parts") == [done["VersionId"]], done
    assert clients.get("parts", done["VersionId"]) == "bytes"


def boto3_suspends_them(clients):
    kept = clients.put("suspended", "kept")
    versioning = clients.bucket.Versioning()

    versioning.suspend()
    assert clients.put("suspended", "one") == "null"
    assert clients.put("suspended", "two") == "null"
    assert clients.versions("suspended") == ["null", kept]
    assert clients.get("suspended", "null") == "two"
    versioning.enable()
    assert clients.bucket.Versioning().status == "Enabled"


def aws_lists_and_deletes_them(clients):
    first = clients.put("aws", "one")
    clients.put("aws", "two")

    assert clients.aws("get-bucket-versioning") == {"Status": "Enabled"}
    listed = clients.aws("list-object-versions", "--prefix", "aws",
                         "--max-items", "1")
    assert listed["Versions"][0]["IsLatest"] is True, listed
    gone = clients.aws("delete-object", "--key", "aws", "--version-id", first)
    assert gone == {"VersionId": first}, gone
    marker = clients.aws("delete-object", "--key", "aws")
    assert marker["DeleteMarker"] is True, marker
    listed = clients.aws("list-object-versions", "--prefix", "aws")
    assert len(listed["Versions"]) == 1, listed
    assert len(listed["DeleteMarkers"]) == 1, listed


def rclone_reads_what_was_there_before(clients):
    def time_of_newest():
        newest = next(iter(clients.bucket.object_versions.filter(
            Prefix="rclone/")))
        return newest.last_modified

    clients.put("rclone/file.txt", "one")
    before = time_of_newest()
    clients.put("rclone/file.txt", "second")
    while time_of_newest() == before:
        clients.put("rclone/file.txt", "second")
    path = f"tarn:{BUCKET}/rclone"
    copies = clients.site.work / "copies"
    at = before.isoformat().replace("+00:00", "Z")

    names = clients.rclone("lsf", "--s3-versions", path).split()
    assert "file.txt" in names and len(names) >= 2, names
    clients.rclone("copy", "--s3-versions", path, copies)
    assert sorted(each.name for each in copies.iterdir()) == sorted(names)
    old = min(name for name in names if name != "file.txt")
    assert (copies / old).read_text() == "one", old
    assert clients.rclone("cat", "--s3-version-at", at, path) == "one"
    assert clients.rclone("cat", f"{path}/file.txt") == "second"
    assert "Enabled" in clients.rclone("backend", "versioning",
                                       f"tarn:{BUCKET}")
    clients.rclone("backend", "cleanup-hidden", path)
    assert len(clients.versions("rclone/")) == 1


def mc_lists_and_undoes_them(clients):
    mc = Mc(clients.site)
    clients.put("mc", "one")
    clients.put("mc", "two")

    assert "enabled" in mc.mc("version", "info", f"tarn/{BUCKET}").lower()
    text = mc.mc("ls", "--versions", f"tarn/{BUCKET}/mc")
    assert len(text.splitlines()) == 2, text
    mc.mc("undo", f"tarn/{BUCKET}/mc")
    assert clients.get("mc") == "one"
    mc.mc("rm", "--versions", "--force", f"tarn/{BUCKET}/mc")
    assert clients.versions("mc") == []


def bodies(clients, key):
    """Of each version, the newest first; None: one is deleted by now."""
    page = clients.s3.list_object_versions(Bucket=BUCKET, Prefix=key)
    found = [clients.get(key, each["VersionId"]) for each in page["Versions"]]
    is_deleted = any(each["IsLatest"]
                     for each in page.get("DeleteMarkers", []))
    return [None, *found] if is_deleted else found


def what_programs_do_on_a_mount_is_kept(clients):
    path = clients.site.mount / BUCKET / "mounted.txt"
    edited = path.with_name("edited.txt")

    clients.put("mounted.txt", "by S3\n")
    run("sh", "-c", f"echo shell > {path}")
    run("sh", "-c", f"echo more >> {path}")
    run("sed", "-i", "s/shell/sed/", path)
    run("cp", path, edited)
    run("truncate", "-s", "3", path)
    run("rm", path)
    assert bodies(clients, "mounted.txt") == [
        None, "sed", "sed\nmore\n", "shell\nmore\n", "shell\n", "by S3\n"]
    assert not path.exists()
    marker, = clients.s3.list_object_versions(
        Bucket=BUCKET, Prefix="mounted.txt")["DeleteMarkers"]
    clients.s3.delete_object(Bucket=BUCKET, Key="mounted.txt",
                             VersionId=marker["VersionId"])
    assert path.read_text() == "sed", "the mount shows what came back"
    clients.s3.put_object(Bucket=BUCKET, Key="edited.txt", Body=b"by S3\n")
    assert edited.read_text() == "by S3\n"
    run("mv", path, edited)
    assert bodies(clients, "edited.txt") == ["sed", "by S3\n", "sed\nmore\n"]


def a_large_file_is_kept_whole(clients):
    path = clients.site.mount / BUCKET / "large.bin"
    source = clients.site.file("large", 24 << 20)
    first = source.read_bytes()

    run("cp", source, path)
    run("dd", "if=/dev/zero", f"of={path}", "bs=1M", "count=1", "seek=3",
        "conv=notrunc,fsync")
    changed = first[:3 << 20] + bytes(1 << 20) + first[4 << 20:]
    assert path.read_bytes() == changed
    older = clients.versions("large.bin")
    assert len(older) == 2, older
    for version, wanted in zip(older, (changed, first)):
        body = clients.s3.get_object(Bucket=BUCKET, Key="large.bin",
                                     VersionId=version)["Body"].read()
        assert body == wanted, version


def a_bucket_goes_with_its_last_version(clients):
    refused = refusal(clients.s3.delete_bucket)

    assert refused["Error"]["Code"] == "BucketNotEmpty", refused
    clients.bucket.object_versions.delete()
    clients.bucket.delete()


OF_MOUNTS = [what_programs_do_on_a_mount_is_kept, a_large_file_is_kept_whole]


def main():
    counts = Counts()
    site = Site()
    clients = Clients(site)
    for test in [
            boto3_reads_each_version,
            boto3_deletes_and_undoes_it,
            boto3_restores_and_tags_an_old_version,
            boto3_goes_through_pages_of_versions,
            boto3_uploads_parts_as_one_version,
            boto3_suspends_them,
            aws_lists_and_deletes_them,
            rclone_reads_what_was_there_before,
            mc_lists_and_undoes_them,
            what_programs_do_on_a_mount_is_kept,
            a_large_file_is_kept_whole,
            a_bucket_goes_with_its_last_version,
    ]:
        if test is mc_lists_and_undoes_them and not find_mc():
            counts.skip(test.__name__, "no minio-client here")
        elif test in OF_MOUNTS and not site.is_mounted:
            counts.skip(test.__name__, "no /dev/fuse here")
        else:
            counts.run(test.__name__, test, clients)
    counts.run("the processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
