#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ACLs, tags, forms, CORS and presigned URLs by s3cmd, aws, boto3 and curl."""

import datetime
import json
import os

import boto3
import botocore.config
from botocore.exceptions import ClientError

from support.site import Site, run
from support.suite import Counts

BUCKET = "happybucket"
ORIGIN = "https://app.example.com"


class Clients:
    """A site with a bucket that has lists, and what asks it."""

    def __init__(self, site):
        self.site = site
        self.s3cmd_env = site.environment(S3CMD_CONFIG=site.config("s3cmd"))
        keys = site.keys()
        self.aws_env = site.environment(**keys)
        os.environ.update(keys, AWS_EC2_METADATA_DISABLED="true",
                          AWS_CONFIG_FILE=str(site.dir / "none"))
        self.s3 = boto3.client(
            "s3", endpoint_url=keys["AWS_ENDPOINT_URL"],
            config=botocore.config.Config(s3={"addressing_style": "path"},
                                          signature_version="s3v4"))
        self.file = site.file("file", 1000)
        self.aws("create-bucket", "--bucket", BUCKET,
                 "--object-ownership", "ObjectWriter")
        self.s3.put_object(Bucket=BUCKET, Key="a", Body=b"bytes")

    def s3cmd(self, *words):
        return run("s3cmd", "--no-progress", *words, env=self.s3cmd_env)

    def aws(self, *words):
        return run("aws", "--endpoint-url", self.site.endpoint, "s3api",
                   *words, env=self.aws_env)

    def curl(self, url, *options):
        """The status, and the body."""
        body = self.site.work / "body"
        body.unlink(missing_ok=True)
        status = run("curl", "-s", "-o", body, "-w", "%{http_code}", *options,
                     url, env=self.site.environment())
        return int(status), body.read_bytes() if body.exists() else b""

    def url(self, key):
        return f"{self.site.endpoint}/{BUCKET}/{key}"


def expect(code, call, **args):
    try:
        call(**args)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"{code} was expected")


def s3cmd_opens_an_object_and_closes_it(clients):
    clients.s3cmd("setacl", "--acl-public", f"s3://{BUCKET}/a")
    assert clients.curl(clients.url("a")) == (200, b"bytes")
    assert "*anon*: READ" in clients.s3cmd("info", f"s3://{BUCKET}/a")
    clients.s3cmd("setacl", "--acl-private", f"s3://{BUCKET}/a")
    assert clients.curl(clients.url("a"))[0] == 403

    clients.s3cmd("put", "--acl-public", clients.file, f"s3://{BUCKET}/b")
    assert clients.curl(clients.url("b"))[0] == 200
    clients.s3cmd("setacl", "--acl-public", f"s3://{BUCKET}")
    assert b"<Key>a</Key>" in clients.curl(clients.url(""))[1]
    clients.s3cmd("setacl", "--acl-private", f"s3://{BUCKET}")
    assert clients.curl(clients.url(""))[0] == 403


def aws_sets_lists_and_blocks_them(clients):
    clients.aws("put-object-acl", "--bucket", BUCKET, "--key", "a",
                "--acl", "public-read")
    assert clients.curl(clients.url("a"))[0] == 200
    text = clients.site.tarn("policy", "test", "--action", "s3:GetObject",
                             "--bucket", BUCKET, "--key", "a", "--anonymous")
    assert "allowed: a grant of the access control list" in text, text
    clients.aws("put-public-access-block", "--bucket", BUCKET,
                "--public-access-block-configuration",
                "IgnorePublicAcls=true,BlockPublicAcls=true")
    assert clients.curl(clients.url("a"))[0] == 403
    expect("AccessDenied", clients.s3.put_object_acl, Bucket=BUCKET, Key="a",
           ACL="public-read")
    block = json.loads(clients.aws("get-public-access-block", "--bucket",
                                   BUCKET))
    assert block["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True, "IgnorePublicAcls": True,
        "BlockPublicPolicy": False, "RestrictPublicBuckets": False}, block
    clients.aws("delete-public-access-block", "--bucket", BUCKET)
    assert clients.curl(clients.url("a"))[0] == 200

    acl = json.loads(clients.aws("get-object-acl", "--bucket", BUCKET,
                                 "--key", "a"))
    path = clients.site.work / "acl.json"
    acl["Grants"].pop()
    path.write_text(json.dumps(acl))
    clients.aws("put-object-acl", "--bucket", BUCKET, "--key", "a",
                "--access-control-policy", f"file://{path}")
    assert clients.curl(clients.url("a"))[0] == 403


def a_bucket_of_its_owner_alone_refuses_lists(clients):
    clients.s3.create_bucket(Bucket="plain")
    expect("AccessControlListNotSupported", clients.s3.put_bucket_acl,
           Bucket="plain", ACL="public-read")
    controls = clients.s3.get_bucket_ownership_controls(Bucket="plain")
    assert controls["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}], controls
    clients.s3.delete_bucket_ownership_controls(Bucket="plain")
    expect("OwnershipControlsNotFoundError",
           clients.s3.get_bucket_ownership_controls, Bucket="plain")
    clients.s3.delete_bucket(Bucket="plain")


def boto3_tags_objects_and_buckets(clients):
    tags = [{"Key": "colour", "Value": "blue"}, {"Key": "x y", "Value": "é"}]
    clients.s3.put_object_tagging(Bucket=BUCKET, Key="a",
                                  Tagging={"TagSet": tags})
    got = clients.s3.get_object_tagging(Bucket=BUCKET, Key="a")
    assert got["TagSet"] == tags, got
    assert clients.s3.get_object(Bucket=BUCKET, Key="a")["TagCount"] == 2
    clients.s3.copy_object(Bucket=BUCKET, Key="tagged", CopySource={
        "Bucket": BUCKET, "Key": "a"}, TaggingDirective="REPLACE",
                           Tagging="k=v")
    got = clients.s3.get_object_tagging(Bucket=BUCKET, Key="tagged")
    assert got["TagSet"] == [{"Key": "k", "Value": "v"}], got
    clients.s3.delete_object_tagging(Bucket=BUCKET, Key="a")
    expect("InvalidTag", clients.s3.put_object_tagging, Bucket=BUCKET, Key="a",
           Tagging={"TagSet": [{"Key": f"k{i}", "Value": ""}
                               for i in range(11)]})
    clients.s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})
    assert clients.s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == tags
    clients.s3.delete_bucket_tagging(Bucket=BUCKET)
    expect("NoSuchTagSet", clients.s3.get_bucket_tagging, Bucket=BUCKET)


def boto3_asks_for_attributes(clients):
    got = clients.s3.get_object_attributes(
        Bucket=BUCKET, Key="a",
        ObjectAttributes=["ETag", "ObjectSize", "Checksum", "StorageClass"])
    assert got["ETag"] == "4b3a6218bb3e3a7303e8a171a60fcf92", got
    assert got["ObjectSize"] == 5 and got["StorageClass"] == "STANDARD", got
    # Older ones do not know what it says of its kind.
    assert got["Checksum"].get("ChecksumType", "FULL_OBJECT") == (
        "FULL_OBJECT"), got


def form_options(post, file, **more):
    options = []
    for name, value in {**post["fields"], **more}.items():
        options += ["-F", f"{name}={value}"]
    return options + ["-F", f"file=@{file}"]


def a_browser_uploads_what_boto3_has_signed(clients):
    post = clients.s3.generate_presigned_post(
        BUCKET, "form/${filename}",
        Fields={"success_action_status": "201", "acl": "public-read"},
        Conditions=[{"success_action_status": "201"}, {"acl": "public-read"},
                    ["content-length-range", 1, 2000]])

    status, body = clients.curl(post["url"],
                                *form_options(post, clients.file))
    assert status == 201 and b"<Key>form/file</Key>" in body, body
    assert clients.curl(clients.url("form/file")) == (
        200, clients.file.read_bytes())
    status, body = clients.curl(
        post["url"], *form_options(post, clients.file, extra="1"))
    assert status == 403 and b"Extra input fields: extra" in body, body
    large = clients.site.file("large", 3000)
    status, body = clients.curl(post["url"], *form_options(post, large))
    assert status == 400 and b"<Code>EntityTooLarge</Code>" in body, body
    huge = clients.site.file("huge", 20 << 20)
    post = clients.s3.generate_presigned_post(BUCKET, "huge")
    status, body = clients.curl(post["url"], *form_options(post, huge))
    assert status == 204, body
    get = clients.s3.get_object(Bucket=BUCKET, Key="huge")
    assert get["Body"].read() == huge.read_bytes()


def presigned_urls_do_what_was_signed_and_no_more(clients):
    sign = clients.s3.generate_presigned_url
    where = {"Bucket": BUCKET, "Key": "signed"}

    put = sign("put_object", {**where, "ContentType": "text/x"})
    assert clients.curl(put, "-X", "PUT", "-H", "content-type: text/x",
                        "--data-binary", "signed")[0] == 200
    # A header that was signed must be there.
    assert clients.curl(put, "-X", "PUT", "--data-binary", "x")[0] == 403
    assert clients.curl(sign("get_object", where)) == (200, b"signed")
    assert clients.curl(sign("get_object", where), "-X", "DELETE")[0] == 403
    assert clients.curl(sign("head_object", where), "-I")[0] == 200
    copy = sign("copy_object", {**where, "Key": "copied",
                                "CopySource": f"{BUCKET}/signed"})
    assert clients.curl(copy, "-X", "PUT", "-H",
                        f"x-amz-copy-source: {BUCKET}/signed")[0] == 200
    create = sign("create_multipart_upload", where)
    status, body = clients.curl(create, "-X", "POST")
    upload = body.split(b"<UploadId>")[1].split(b"<")[0].decode()
    part = sign("upload_part", {**where, "UploadId": upload, "PartNumber": 1})
    assert clients.curl(part, "-T", clients.file)[0] == 200
    abort = sign("abort_multipart_upload", {**where, "UploadId": upload})
    assert clients.curl(abort, "-X", "DELETE")[0] == 204
    assert clients.curl(sign("list_objects_v2", {"Bucket": BUCKET}))[0] == 200
    assert clients.curl(sign("delete_object", where), "-X", "DELETE")[0] == 204
    assert status == 200

    by_aws = run("aws", "--endpoint-url", clients.site.endpoint, "s3",
                 "presign", f"s3://{BUCKET}/a", "--expires-in", "60",
                 env=clients.aws_env).strip()
    assert clients.curl(by_aws) == (200, b"bytes")
    too_long = sign("get_object", where, ExpiresIn=604801)
    status, body = clients.curl(too_long)
    assert status == 400 and b"AuthorizationQueryParametersError" in body


def pages_of_other_origins_read_what_cors_lets_them(clients):
    clients.s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={
        "CORSRules": [{"AllowedOrigins": ["https://*.example.com"],
                       "AllowedMethods": ["GET", "PUT"],
                       "AllowedHeaders": ["*"], "MaxAgeSeconds": 60,
                       "ExposeHeaders": ["ETag"]}]})
    rules = clients.s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert rules[0]["AllowedMethods"] == ["GET", "PUT"], rules
    preflight = ["-X", "OPTIONS", "-H", "access-control-request-method: PUT",
                 "-H", "access-control-request-headers: content-type"]
    header = clients.site.work / "header"
    assert clients.curl(clients.url("a"), *preflight, "-D", header, "-H",
                        f"origin: {ORIGIN}")[0] == 200
    text = header.read_text().lower()
    assert f"access-control-allow-origin: {ORIGIN}" in text, text
    assert clients.curl(clients.url("a"), *preflight, "-H",
                        "origin: https://example.com.evil")[0] == 403
    clients.s3.delete_bucket_cors(Bucket=BUCKET)
    expect("NoSuchCORSConfiguration", clients.s3.get_bucket_cors,
           Bucket=BUCKET)


def what_is_due_expires(clients):
    clients.s3.put_object(Bucket=BUCKET, Key="logs/old", Body=b"text")
    clients.s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": [
            {"ID": "logs", "Status": "Enabled",
             "Filter": {"Prefix": "logs/"},
             "Expiration": {"Date": datetime.datetime(2026, 1, 1)}},
            {"ID": "left", "Status": "Enabled", "Filter": {},
             "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]})
    rules = json.loads(clients.aws("get-bucket-lifecycle-configuration",
                                   "--bucket", BUCKET))["Rules"]
    assert [rule["ID"] for rule in rules] == ["logs", "left"], rules
    told = clients.s3.head_object(Bucket=BUCKET, Key="logs/old")["Expiration"]
    assert 'rule-id="logs"' in told, told
    said = clients.site.tarn("lifecycle", "--dry-run")
    assert f"would be deleted: {BUCKET}/logs/old" in said, said
    clients.s3.head_object(Bucket=BUCKET, Key="logs/old")
    said = clients.site.tarn("lifecycle")
    assert "1 objects, 0 versions, 4 bytes; 0 uploads" in said, said
    expect("404", clients.s3.head_object, Bucket=BUCKET, Key="logs/old")
    clients.s3cmd("expire", f"s3://{BUCKET}", "--expiry-days=3",
                  "--expiry-prefix=tmp/")
    text = clients.s3cmd("getlifecycle", f"s3://{BUCKET}")
    assert "<Days>3</Days>" in text and "tmp/" in text, text
    clients.s3cmd("dellifecycle", f"s3://{BUCKET}")
    expect("NoSuchLifecycleConfiguration",
           clients.s3.get_bucket_lifecycle_configuration, Bucket=BUCKET)


def tools_read_what_nobody_has_set(clients):
    text = clients.s3cmd("info", f"s3://{BUCKET}")
    assert "Payer:" in text and "BucketOwner" in text, text
    assert clients.s3.get_bucket_versioning(Bucket=BUCKET).get(
        "Status") is None
    assert clients.s3.get_bucket_request_payment(
        Bucket=BUCKET)["Payer"] == "BucketOwner"
    expect("ReplicationConfigurationNotFoundError",
           clients.s3.get_bucket_replication, Bucket=BUCKET)


def main():
    counts = Counts()
    site = Site()
    clients = Clients(site)
    for test in [
            s3cmd_opens_an_object_and_closes_it,
            aws_sets_lists_and_blocks_them,
            a_bucket_of_its_owner_alone_refuses_lists,
            boto3_tags_objects_and_buckets,
            boto3_asks_for_attributes,
            a_browser_uploads_what_boto3_has_signed,
            presigned_urls_do_what_was_signed_and_no_more,
            pages_of_other_origins_read_what_cors_lets_them,
            what_is_due_expires,
            tools_read_what_nobody_has_set,
    ]:
        counts.run(test.__name__, test, clients)
    counts.run("the processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
