#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""boto3, the AWS SDK for Python."""

import functools
import hashlib
import os
import threading

import boto3
import botocore.config
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from support import suite
from support.site import run

PART = 5 << 20


class Boto3:
    def __init__(self, site):
        keys = site.keys()
        os.environ.update(keys, AWS_EC2_METADATA_DISABLED="true",
                          AWS_CONFIG_FILE=str(site.dir / "none"))
        self.s3 = boto3.client(
            "s3", endpoint_url=keys["AWS_ENDPOINT_URL"],
            config=botocore.config.Config(s3={"addressing_style": "path"}))

    def make_bucket(self, bucket):
        self.s3.create_bucket(Bucket=bucket)

    def put(self, file, bucket, key):
        self.s3.upload_file(str(file), bucket, key)

    def get(self, bucket, key, file):
        self.s3.download_file(bucket, key, str(file))

    def keys(self, bucket, prefix):
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": 2})
        return [item["Key"] for page in pages
                for item in page.get("Contents", [])]

    def copy(self, bucket, key, to):
        self.s3.copy({"Bucket": bucket, "Key": key}, bucket, to)

    def delete(self, bucket, key):
        self.s3.delete_object(Bucket=bucket, Key=key)

    def remove_bucket(self, bucket):
        keys = [{"Key": key} for key in self.keys(bucket, "")]
        reply = self.s3.delete_objects(Bucket=bucket,
                                       Delete={"Objects": keys})
        assert not reply.get("Errors"), reply
        self.s3.delete_bucket(Bucket=bucket)


def expect(code, call, **args):
    try:
        call(**args)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response
    raise AssertionError(f"no {code}")


def lists_keys_of_any_bytes(site, client):
    del site
    keys = [f"odd/{name}" for name in (
        "\x01\x1f", "a//b", ".", "..", "dir/", "\u2028\uffff", "\U0001f600",
        "line\nbreak", "&<>\"'", "x" * 1000)]
    for key in keys:
        client.s3.put_object(Bucket=suite.BUCKET, Key=key, Body=key.encode())

    listed = client.keys(suite.BUCKET, "odd/")

    assert listed == sorted(keys, key=str.encode), listed
    for key in keys:
        body = client.s3.get_object(Bucket=suite.BUCKET, Key=key)["Body"]
        assert body.read() == key.encode()
        client.delete(suite.BUCKET, key)
    assert not client.keys(suite.BUCKET, "odd/")


def a_bucket_is_emptied_by_its_versions(site, client):
    client.s3.create_bucket(Bucket="versions")
    keys = [f"dir {number % 3}/\u00e4{number:04}" for number in range(1005)]
    for key in keys:
        client.s3.put_object(Bucket="versions", Key=key, Body=b"x")
    bucket = boto3.resource("s3", endpoint_url=site.endpoint).Bucket(
        "versions")
    versions = list(bucket.object_versions.all())
    assert [version.object_key for version in versions] == sorted(
        keys, key=str.encode)
    assert {version.id for version in versions} == {"null"}, versions[:3]
    assert versions[0].get()["Body"].read() == b"x"
    for reply in bucket.object_versions.delete():
        assert not reply.get("Errors"), reply
    bucket.delete()


def errors_have_their_codes(site, client):
    s3, at = client.s3, {"Bucket": suite.BUCKET, "Key": "none"}
    expect("NoSuchKey", s3.get_object, **at)
    expect("404", s3.head_object, **at)
    expect("NoSuchBucket", s3.get_object, Bucket="none", Key="none")
    expect("NoSuchUpload", s3.upload_part, **at, UploadId="none",
           PartNumber=1, Body=b"")
    expect("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=suite.BUCKET)
    expect("NoSuchWebsiteConfiguration", s3.get_bucket_website,
           Bucket=suite.BUCKET)
    expect("InvalidRange", s3.get_object, Bucket=suite.BUCKET, Key="plain",
           Range="bytes=99999-")
    reply = expect("BadDigest", s3.put_object, **at, Body=b"hello",
                   ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert len(reply["ResponseMetadata"]["RequestId"]) == 16, reply
    stranger = boto3.client("s3", endpoint_url=site.endpoint,
                            aws_access_key_id=site.keys()[
                                "AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key="wrong-secret")
    expect("SignatureDoesNotMatch", stranger.list_buckets)


def uploads_parts_out_of_order_and_at_once(site, client):
    del site
    at = {"Bucket": suite.BUCKET, "Key": "parts"}
    upload = client.s3.create_multipart_upload(**at)["UploadId"]
    parts = {number: os.urandom(PART) for number in (9, 1, 5)}
    etags = {}

    def send(number):
        etags[number] = client.s3.upload_part(
            **at, UploadId=upload, PartNumber=number,
            Body=parts[number])["ETag"]

    threads = [threading.Thread(target=send, args=[n]) for n in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listed = client.s3.list_parts(**at, UploadId=upload)["Parts"]
    assert [part["PartNumber"] for part in listed] == [1, 5, 9], listed
    client.s3.complete_multipart_upload(
        **at, UploadId=upload, MultipartUpload={"Parts": [
            {"PartNumber": n, "ETag": etags[n]} for n in sorted(parts)]})

    got = client.s3.get_object(**at)

    assert got["Body"].read() == parts[1] + parts[5] + parts[9]
    md5s = b"".join(hashlib.md5(parts[n]).digest() for n in sorted(parts))
    assert got["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"', got["ETag"]
    client.delete(**{"bucket": at["Bucket"], "key": at["Key"]})


def presigned_urls_put_and_get(site, client):
    at = {"Params": {"Bucket": suite.BUCKET, "Key": "signed \u00e4"}}
    file = site.work / "small"

    run("curl", "-sSf", "-T", file,
        client.s3.generate_presigned_url("put_object", **at))
    run("curl", "-sSf", "-o", site.work / "curled",
        client.s3.generate_presigned_url("get_object", **at))

    suite.assert_same(file, site.work / "curled")
    client.delete(suite.BUCKET, "signed \u00e4")


def put_with_query(site, client, **params):
    """The status of a PUT by a URL whose query is signed with these in it."""
    keys = site.keys()
    request = AWSRequest(
        "PUT", url=f"{site.endpoint}/{suite.BUCKET}/hoisted",
        params={name.replace("_", "-"): value
                for name, value in params.items()})
    S3SigV4QueryAuth(
        Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]),
        "s3", client.s3.meta.region_name, expires=300).add_auth(request)
    return run("curl", "-s", "-o", site.work / "answer", "-w", "%{http_code}",
               "-T", site.work / "small", request.url)


def headers_may_stand_in_a_presigned_url(site, client):
    assert put_with_query(site, client, x_amz_meta_Color="blue \u00e4",
                          X_Amz_Tagging="a=b",
                          x_amz_checksum_crc32="AAAAAA==") == "200"
    at = {"Bucket": suite.BUCKET, "Key": "hoisted"}
    metadata = client.s3.head_object(**at)["Metadata"]
    assert list(metadata) == ["color"], metadata
    assert client.s3.get_object_tagging(**at)["TagSet"] == [
        {"Key": "a", "Value": "b"}]

    assert put_with_query(site, client,
                          x_amz_server_side_encryption="AES256") == "501"
    assert put_with_query(site, client, x_amz_meta_a="b\r\nc: d") == "400"
    client.delete(suite.BUCKET, "hoisted")


def only_one_of_many_creates(site, client):
    del site
    won = []

    def create(number):
        try:
            client.s3.put_object(Bucket=suite.BUCKET, Key="once",
                                 Body=str(number).encode())
            won.append(number)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"

    def add_condition(request, **_):
        request.headers["If-None-Match"] = "*"

    client.s3.meta.events.register("before-sign.s3.PutObject", add_condition)
    threads = [threading.Thread(target=create, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.s3.meta.events.unregister("before-sign.s3.PutObject",
                                     add_condition)

    assert len(won) == 1, won
    body = client.s3.get_object(Bucket=suite.BUCKET, Key="once")["Body"]
    assert body.read() == str(won[0]).encode()
    client.delete(suite.BUCKET, "once")


# Of b"hello", and of the bytes of that: what an upload of it as one part has.
# The headers are the test's own: botocore knows the latter five since 1.43,
# and computes but one of them without awscrt.
CHECKSUMS = {
    "crc32": ("NhCmhg==", "FKTmaw=="),
    "crc32c": ("mnG7TA==", "VwS2rA=="),
    "crc64nvme": ("M3eFcAZSQlc=", None),
    "sha1": ("qvTGHdzF6KLavt4PO0gs2a6pQ00=", "a0+JpU4tJ+zX6NoFtKuP2dHYsRk="),
    "sha256": ("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
               "lZXJ35AHUUjrBoYDZd8zWEt1v/eCpRDGzUiDpBmDPVA="),
    "sha512": ("m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHXx6zG4U"
               "uMXaDEZjR1wuXDre9G9zvN7AQw==",
               "BZKhBYT/q/llOfPXgNd2goxn2hq1sWnp6K7YOKrsye021J/xQjxV8BngUMZs"
               "YyT1NYi+iIlP703P/bdLmOKyAA=="),
    "md5": ("XUFAKrxLKna5cZ2REBfFkg==", "YhCSBogNOKQBCpjhEkOSSg=="),
    "xxhash64": ("JseCfYifbaM=", "wHwQM4qCWl0="),
    "xxhash3": ("lVXoVVxi3P0=", "TgHCJrIzOAk="),
    "xxhash128": ("tenBrQcbPn/Hec+qXlI4GA==", "+R+iwBIUelCUt9Gj6395bQ=="),
}


def call_with(call, headers, **args):
    """The headers of the reply to a call that has these besides its own, and
    nothing that botocore says of checksums."""
    events = call.__self__.meta.events

    def change(request, **_):
        for name in list(request.headers):
            if name.lower().startswith(("x-amz-checksum", "x-amz-sdk-check")):
                del request.headers[name]
        for name, value in headers.items():
            request.headers[name] = value

    events.register_last("before-sign.s3", change)
    try:
        return call(**args)["ResponseMetadata"]["HTTPHeaders"]
    finally:
        events.unregister("before-sign.s3", change)


def checksums_are_held_against_what_comes(site, client):
    del site
    s3, at = client.s3, {"Bucket": suite.BUCKET, "Key": "summed"}
    for kind, (value, _) in CHECKSUMS.items():
        name = f"x-amz-checksum-{kind}"
        put = call_with(s3.put_object, {name: value}, **at, Body=b"hello")
        head = call_with(s3.head_object, {"x-amz-checksum-mode": "ENABLED"},
                         **at)
        assert put[name] == head[name] == value, (kind, put, head)
        expect("BadDigest",
               functools.partial(call_with, s3.put_object, {name: value}),
               **at, Body=b"other")
    client.delete(suite.BUCKET, "summed")


def checksums_of_parts_make_that_of_an_upload(site, client):
    del site
    s3, at = client.s3, {"Bucket": suite.BUCKET, "Key": "summed"}
    for kind, (value, of_that) in CHECKSUMS.items():
        name = f"x-amz-checksum-{kind}"
        ids = []
        s3.meta.events.register_first(
            "after-call.s3.CreateMultipartUpload",
            lambda parsed, **_: ids.append(parsed["UploadId"]),
            unique_id="ids")
        call_with(s3.create_multipart_upload,
                  {"x-amz-checksum-algorithm": kind.upper()}, **at)
        s3.meta.events.unregister("after-call.s3.CreateMultipartUpload",
                                  unique_id="ids")
        part = call_with(s3.upload_part, {name: value}, **at, PartNumber=1,
                         UploadId=ids[0], Body=b"hello")
        assert part[name] == value, (kind, part)

        complete(client, at, ids[0], part["etag"], kind, value)

        head = call_with(s3.head_object, {"x-amz-checksum-mode": "ENABLED"},
                         **at)
        wanted = f"{of_that}-1" if of_that else value
        assert head[name] == wanted, (kind, head)
    client.delete(suite.BUCKET, "summed")


def complete(client, at, upload, etag, kind, value):
    """Of one part, with its checksum, which an older botocore cannot say."""
    element = f"Checksum{kind.upper()}"
    body = (f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
            f"<ETag>{etag}</ETag><{element}>{value}</{element}></Part>"
            f"</CompleteMultipartUpload>").encode()

    def change(model, params, **_):
        del model
        params["body"] = body

    events = client.s3.meta.events
    events.register("before-call.s3.CompleteMultipartUpload", change)
    client.s3.complete_multipart_upload(
        **at, UploadId=upload, MultipartUpload={"Parts": [
            {"PartNumber": 1, "ETag": etag}]})
    events.unregister("before-call.s3.CompleteMultipartUpload", change)


if __name__ == "__main__":
    suite.main(Boto3, [
        lists_keys_of_any_bytes,
        a_bucket_is_emptied_by_its_versions,
        errors_have_their_codes,
        uploads_parts_out_of_order_and_at_once,
        presigned_urls_put_and_get,
        headers_may_stand_in_a_presigned_url,
        only_one_of_many_creates,
        checksums_are_held_against_what_comes,
        checksums_of_parts_make_that_of_an_upload,
    ])
