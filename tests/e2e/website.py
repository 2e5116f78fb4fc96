#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Websites, who pays for a bucket, and its logs: s3cmd, aws, boto3, curl."""

import json
import os
import re

import boto3
import botocore.config
import botocore.exceptions
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from support.site import Site, run
from support.suite import Counts

BUCKET = "photos"
LOGS = "logs"
DOMAIN = "web.test"

PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    }],
}

RULES = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [
        {"Condition": {"KeyPrefixEquals": "old/"},
         "Redirect": {"ReplaceKeyPrefixWith": "new/"}},
        {"Condition": {"HttpErrorCodeReturnedEquals": "404",
                       "KeyPrefixEquals": "moved"},
         "Redirect": {"HostName": "a.example", "Protocol": "https",
                      "HttpRedirectCode": "307", "ReplaceKeyWith": "here"}},
    ],
}


def client(site, **keys):
    return boto3.client(
        "s3", endpoint_url=site.endpoint, region_name="us-east-1",
        config=botocore.config.Config(signature_version="s3v4",
                                      s3={"addressing_style": "path"}),
        **keys)


def presigned(site, keys, query):
    """A URL with more in its query than what signs it."""
    request = AWSRequest(
        "GET", f"{site.endpoint}/{BUCKET}/index.html?{query}")
    S3SigV4QueryAuth(Credentials(keys["accessKey"], keys["secretKey"]),
                     "s3", "us-east-1").add_auth(request)
    return request.url


class Clients:
    """A site with a bucket, and what asks it."""

    def __init__(self, site):
        self.site = site
        self.s3cmd_env = site.environment(S3CMD_CONFIG=site.config("s3cmd"))
        keys = site.keys()
        self.aws_env = site.environment(**keys)
        os.environ.update(AWS_EC2_METADATA_DISABLED="true",
                          AWS_CONFIG_FILE=str(site.dir / "none"))
        self.s3 = client(site, aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                         aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])
        for bucket in [BUCKET, LOGS]:
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(PUBLIC))
        for key in ["index.html", "dir/index.html"]:
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode(),
                               ContentType="text/html")

    def s3cmd(self, *words):
        return run("s3cmd", "--no-progress", *words, env=self.s3cmd_env)

    def aws(self, *words):
        return run("aws", "--endpoint-url", self.site.endpoint, "s3api",
                   *words, env=self.aws_env)

    def curl(self, path, *options):
        """The status, where it leads, and the body."""
        host, port = f"{BUCKET}.{DOMAIN}", self.site.address.split(":")[-1]
        text = run("curl", "-s", "--path-as-is", "--resolve",
                   f"{host}:{port}:127.0.0.1", "-w",
                   "\n%{http_code} %{redirect_url}", *options,
                   f"http://{host}:{port}{path}",
                   env=self.site.environment())
        body, end = text.rsplit("\n", 1)
        status, _, location = end.partition(" ")
        return int(status), location, body


def s3cmd_makes_a_website(clients):
    clients.s3cmd("ws-create", "--ws-index=index.html",
                  "--ws-error=error.html", f"s3://{BUCKET}")
    text = clients.s3cmd("ws-info", f"s3://{BUCKET}")
    assert "index.html" in text and "error.html" in text, text

    assert clients.curl("/") == (200, "", "index.html")
    assert clients.curl("/dir/")[2] == "dir/index.html"
    status, location, _ = clients.curl("/dir")
    assert (status, location.rsplit("/", 2)[1:]) == (302, ["dir", ""])
    status, _, body = clients.curl("/none")
    assert status == 404 and "<li>Code: NoSuchKey</li>" in body, body
    assert clients.curl("/", "-X", "DELETE")[0] == 405
    assert clients.curl("/", "-r", "0-4")[2] == "index"

    clients.s3cmd("ws-delete", f"s3://{BUCKET}")
    status, _, body = clients.curl("/")
    assert status == 404 and "NoSuchWebsiteConfiguration" in body, body


def aws_sets_rules_that_redirect(clients):
    clients.aws("put-bucket-website", "--bucket", BUCKET,
                "--website-configuration", json.dumps(RULES))
    told = json.loads(clients.aws("get-bucket-website", "--bucket", BUCKET))
    assert told == RULES, told

    status, location, _ = clients.curl("/old/a%20b?c=d")
    assert status == 301 and location.endswith("/new/a%20b?c=d"), location
    assert clients.curl("/moved") == (307, "https://a.example/here", "")
    clients.s3.put_object(Bucket=BUCKET, Key="error.html", Body=b"sorry")
    assert clients.curl("/none") == (404, "", "sorry")


def boto3_redirects_an_object(clients):
    clients.s3.put_object(Bucket=BUCKET, Key="page",
                          WebsiteRedirectLocation="https://a.example/b")
    head = clients.s3.head_object(Bucket=BUCKET, Key="page")
    assert head["WebsiteRedirectLocation"] == "https://a.example/b"
    assert clients.curl("/page")[:2] == (301, "https://a.example/b")


def others_pay_for_a_bucket(clients):
    site = clients.site
    site.tarn("org", "create", "other")
    keys = json.loads(site.tarn("token", "create", "payer", "--org", "other",
                                "--json"))
    other = client(site, aws_access_key_id=keys["accessKey"],
                   aws_secret_access_key=keys["secretKey"])
    wanted = {"Bucket": BUCKET, "Key": "index.html"}

    clients.aws("put-bucket-request-payment", "--bucket", BUCKET,
                "--request-payment-configuration", "Payer=Requester")
    told = clients.s3.get_bucket_request_payment(Bucket=BUCKET)
    assert told["Payer"] == "Requester", told
    try:
        other.get_object(**wanted)
        raise AssertionError("it need not pay")
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
    got = other.get_object(**wanted, RequestPayer="requester")
    assert got["RequestCharged"] == "requester", got
    url = presigned(site, keys, "x-amz-request-payer=requester")
    assert run("curl", "-sf", url) == "index.html"
    assert clients.curl("/")[0] == 403
    assert "RequestCharged" not in clients.s3.get_object(**wanted)

    clients.s3.put_bucket_request_payment(
        Bucket=BUCKET, RequestPaymentConfiguration={"Payer": "BucketOwner"})
    assert clients.curl("/")[0] == 200


def s3cmd_asks_for_a_log(clients):
    clients.s3cmd("accesslog",
                  f"--access-logging-target-prefix=s3://{LOGS}/s3cmd/",
                  f"s3://{BUCKET}")
    text = clients.s3cmd("accesslog", f"s3://{BUCKET}")
    assert f"s3://{LOGS}/s3cmd/" in text, text
    clients.s3cmd("accesslog", "--no-access-logging", f"s3://{BUCKET}")
    told = clients.s3.get_bucket_logging(Bucket=BUCKET)
    assert "LoggingEnabled" not in told, told


def a_server_that_ends_has_delivered_its_log(clients):
    # Without TargetObjectKeyFormat, which older clients do not know.
    enabled = {"TargetBucket": LOGS, "TargetPrefix": "log/"}
    clients.aws("put-bucket-logging", "--bucket", BUCKET,
                "--bucket-logging-status",
                json.dumps({"LoggingEnabled": enabled}))
    told = clients.s3.get_bucket_logging(Bucket=BUCKET)
    assert told["LoggingEnabled"] == enabled, told
    clients.curl("/none", "-A", 'a "browser"')
    clients.s3.get_object(Bucket=BUCKET, Key="dir/index.html")

    serve = clients.site.processes[0]
    serve.terminate()
    assert serve.wait(120) == 0
    clients.site.processes.remove(serve)
    clients.site.start("serve", "--listen", clients.site.address)

    keys = [item["Key"] for item in clients.s3.list_objects_v2(
        Bucket=LOGS)["Contents"]]
    assert re.fullmatch(r"log/\d{4}(-\d\d){5}-[0-9A-F]{16}", keys[0]), keys
    text = "".join(clients.s3.get_object(Bucket=LOGS, Key=key)["Body"].read()
                   .decode() for key in keys)
    assert re.search(r' WEBSITE\.GET\.OBJECT none "GET /none HTTP/1\.1" 404 '
                     r'NoSuchKey .* "a %22browser%22" ', text), text
    assert re.search(r" arn:aws:iam::default:user/e2e \S+ REST\.GET\.OBJECT "
                     r"dir/index\.html ", text), text


def main():
    counts = Counts()
    site = Site(serve_options=["--website-domain", DOMAIN])
    clients = Clients(site)
    for test in [
            s3cmd_makes_a_website,
            aws_sets_rules_that_redirect,
            boto3_redirects_an_object,
            others_pay_for_a_bucket,
            s3cmd_asks_for_a_log,
            a_server_that_ends_has_delivered_its_log,
    ]:
        counts.run(test.__name__, test, clients)
    counts.run("the processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
