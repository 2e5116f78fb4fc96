#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Event notifications: what happens to objects, by boto3, aws and on a mount,
reaches a webhook in order, whatever fails on the way."""

import hashlib
import hmac
import http.server
import json
import os
import queue
import signal
import threading
import urllib.parse

import boto3
import botocore.config
from botocore.exceptions import ClientError

from support.site import Site, run
from support.suite import Counts

BUCKET = "watched"
SECRET = "a secret of some length"
WAIT_SECONDS = 60
AGAIN_SECONDS = 30  # less than a minute: the store is looked over then


class Receiver:
    """A webhook; while it fails it answers 503, and takes nothing."""

    def __init__(self):
        receiver = self
        self.documents = queue.Queue()
        self.refused = queue.Queue()
        self.fails = False

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                fails = receiver.fails
                self.send_response(503 if fails else 204)
                self.send_header("content-length", "0")
                self.end_headers()
                if fails:
                    receiver.refused.put(body)
                else:
                    receiver.documents.put((self.headers, body))

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def document(self):
        """The next one that it takes, with its headers."""
        return self.documents.get(timeout=WAIT_SECONDS)

    def records(self, count):
        """The next ones, which may come in several documents."""
        found = []
        while len(found) < count:
            found += json.loads(self.document()[1])["Records"]
        assert len(found) == count, found
        return found

    def told(self, count):
        return [(each["eventName"],
                 urllib.parse.unquote_plus(each["s3"]["object"]["key"]))
                for each in self.records(count)]


class Watched:
    """A site whose bucket tells a receiver of everything."""

    def __init__(self, site):
        self.site = site
        self.receiver = Receiver()
        self.dead = Receiver()
        self.dead.fails = True
        secret = site.dir / "secret"
        secret.write_text(SECRET + "\n")
        self.arn = self.add("hook", self.receiver.url,
                            "--secret-file", secret)
        self.dead_arn = self.add("dead", self.dead.url)
        keys = site.keys()
        self.env = site.environment(**keys)
        os.environ.update(keys, AWS_EC2_METADATA_DISABLED="true",
                          AWS_CONFIG_FILE=str(site.dir / "none"))
        self.s3 = boto3.client(
            "s3", endpoint_url=site.endpoint,
            config=botocore.config.Config(
                s3={"addressing_style": "path"}, signature_version="s3v4"))
        self.s3.create_bucket(Bucket=BUCKET)

    def add(self, name, url, *words):
        return self.site.tarn("topic", "add", "default", name, "--url", url,
                              *words).strip()

    def ask(self, bucket, *rules):
        self.s3.put_bucket_notification_configuration(
            Bucket=bucket,
            NotificationConfiguration={"TopicConfigurations": list(rules)})

    def put(self, key, text="x", bucket=BUCKET):
        return self.s3.put_object(Bucket=bucket, Key=key, Body=text.encode())

    def topics(self):
        listed = json.loads(self.site.tarn("topic", "list", "--json"))
        return {each["name"]: each for each in listed}

    def path(self, key):
        return self.site.mount / BUCKET / key


def everything(arn):
    return {"TopicArn": arn, "Id": "all", "Events": [
        "s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*",
        "s3:ObjectAcl:Put", "s3:LifecycleExpiration:*"]}


def a_configuration_is_tried_and_told(watched):
    watched.ask(BUCKET, everything(watched.arn))
    headers, body = watched.receiver.document()

    test = json.loads(body)
    assert test["Event"] == "s3:TestEvent", test
    assert test["Bucket"] == BUCKET, test
    assert headers["x-tarn-topic"] == watched.arn, headers
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-tarn-signature"] == "sha256=" + signature
    told = watched.s3.get_bucket_notification_configuration(Bucket=BUCKET)
    rule, = told["TopicConfigurations"]
    assert rule["TopicArn"] == watched.arn and rule["Id"] == "all", told
    assert sorted(rule["Events"]) == sorted(everything("")["Events"]), told


def topics_that_are_not_there_are_refused(watched):
    rule = everything(watched.arn + "x")
    try:
        watched.ask(BUCKET, rule)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidArgument"
        assert "destination" in error.response["Error"]["Message"]
    else:
        raise AssertionError("it was not refused")


def what_boto3_does_is_told(watched):
    put = watched.put("a b/\u00fc", "12345")
    record, = watched.receiver.records(1)

    told = record["s3"]["object"]
    assert record["eventName"] == "ObjectCreated:Put", record
    assert record["eventSource"] == "aws:s3", record
    assert record["requestParameters"]["sourceIPAddress"] == "127.0.0.1"
    assert record["responseElements"]["x-amz-request-id"] == put[
        "ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"], record
    assert record["userIdentity"]["principalId"].endswith("user/e2e"), record
    assert record["s3"]["bucket"]["name"] == BUCKET, record
    assert told["key"] == "a+b/%C3%BC", told
    assert told["size"] == 5, told
    assert told["eTag"] == put["ETag"].strip('"'), told

    watched.s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={
        "Bucket": BUCKET, "Key": "a b/\u00fc"})
    watched.s3.put_object_tagging(Bucket=BUCKET, Key="copy", Tagging={
        "TagSet": [{"Key": "k", "Value": "v"}]})
    watched.s3.delete_object_tagging(Bucket=BUCKET, Key="copy")
    watched.s3.delete_objects(Bucket=BUCKET, Delete={
        "Objects": [{"Key": "copy"}, {"Key": "a b/\u00fc"}]})
    assert watched.receiver.told(5) == [
        ("ObjectCreated:Copy", "copy"), ("ObjectTagging:Put", "copy"),
        ("ObjectTagging:Delete", "copy"), ("ObjectRemoved:Delete", "copy"),
        ("ObjectRemoved:Delete", "a b/\u00fc")]


def what_aws_does_is_told(watched):
    large = watched.site.file("large", 17 << 20)

    run("aws", "--endpoint-url", watched.site.endpoint, "s3", "mv", large,
        f"s3://{BUCKET}/large", env=watched.env)
    run("aws", "--endpoint-url", watched.site.endpoint, "s3", "rm",
        f"s3://{BUCKET}/large", env=watched.env)
    assert watched.receiver.told(2) == [
        ("ObjectCreated:CompleteMultipartUpload", "large"),
        ("ObjectRemoved:Delete", "large")]


def a_filter_picks(watched):
    watched.s3.create_bucket(Bucket="filtered")
    watched.ask("filtered", {
        "TopicArn": watched.arn, "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [
            {"Name": "prefix", "Value": "in/"},
            {"Name": "suffix", "Value": ".jpg"}]}}})
    assert json.loads(watched.receiver.document()[1])["Bucket"] == "filtered"
    for key in ["in/a.png", "a.jpg", "in/a.jpg"]:
        watched.put(key, bucket="filtered")
    assert watched.receiver.told(1) == [("ObjectCreated:Put", "in/a.jpg")]


def what_a_mount_does_is_told(watched):
    path = watched.path("from-mount")

    path.write_text("1234")
    record, = watched.receiver.records(1)
    assert record["eventName"] == "ObjectCreated:Put", record
    assert record["s3"]["object"]["key"] == "from-mount", record
    assert record["s3"]["object"]["size"] == 4, record
    assert record["requestParameters"]["sourceIPAddress"] == "mount", record
    head = watched.s3.head_object(Bucket=BUCKET, Key="from-mount")
    assert record["s3"]["object"]["eTag"] == head["ETag"].strip('"'), record

    with open(path, "a", encoding="ascii") as file:
        file.write("5")
    record, = watched.receiver.records(1)
    assert record["s3"]["object"]["size"] == 5, record
    path.rename(watched.path("renamed"))
    watched.path("renamed").unlink()
    watched.path("dir").mkdir()
    watched.path("dir").rename(watched.path("other"))
    watched.path("other").rmdir()
    assert watched.receiver.told(7) == [
        ("ObjectCreated:Put", "renamed"),
        ("ObjectRemoved:Delete", "from-mount"),
        ("ObjectRemoved:Delete", "renamed"), ("ObjectCreated:Put", "dir/"),
        ("ObjectCreated:Put", "other/"), ("ObjectRemoved:Delete", "dir/"),
        ("ObjectRemoved:Delete", "other/")]


def what_fails_is_told_again_in_order(watched):
    watched.receiver.fails = True
    for i in range(250):
        watched.put(f"again/{i}")
    watched.receiver.refused.get(timeout=WAIT_SECONDS)
    assert watched.topics()["hook"]["waiting"] == 250
    watched.receiver.fails = False

    told = watched.receiver.records(250)
    assert [each["s3"]["object"]["key"] for each in told] == [
        f"again/{i}" for i in range(250)]
    sequencers = [each["s3"]["object"]["sequencer"] for each in told]
    assert sequencers == sorted(sequencers)


def what_fails_is_told_again_while_nothing_else_happens(watched):
    """After a second, two, four: not when the store is next looked over."""
    watched.receiver.fails = True
    watched.put("alone")
    tries = 0
    while tries < 4:
        tries += b'"alone"' in watched.receiver.refused.get(
            timeout=AGAIN_SECONDS)
    watched.receiver.fails = False

    assert watched.receiver.told(1) == [("ObjectCreated:Put", "alone")]


def what_was_of_a_bucket_that_is_gone_is_told(watched):
    watched.s3.create_bucket(Bucket="going")
    watched.ask("going", everything(watched.arn))
    watched.receiver.document()
    watched.receiver.fails = True
    watched.put("a", bucket="going")
    run("aws", "--endpoint-url", watched.site.endpoint, "s3", "rb",
        "--force", "s3://going", env=watched.env)
    watched.receiver.fails = False

    assert watched.receiver.told(2) == [
        ("ObjectCreated:Put", "a"), ("ObjectRemoved:Delete", "a")]


def one_that_is_dead_holds_up_nobody(watched):
    watched.s3.create_bucket(Bucket="unheard")
    watched.ask("unheard", everything(watched.dead_arn))
    watched.dead.refused.get(timeout=WAIT_SECONDS)
    watched.put("a", bucket="unheard")
    watched.put("heard")

    assert watched.receiver.told(1) == [("ObjectCreated:Put", "heard")]
    assert watched.topics()["dead"]["waiting"] == 2
    status = json.loads(watched.site.tarn("status", "--json"))
    assert status["waitingEvents"] >= 2, status
    assert status["droppedEvents"] == 0, status


def a_server_that_is_killed_tells_nothing_less(watched):
    """One may come twice; none is missing."""
    site = watched.site
    watched.receiver.fails = True
    watched.put("before-1")
    watched.put("before-2")
    watched.receiver.refused.get(timeout=WAIT_SECONDS)
    serve = site.processes.pop(0)
    serve.send_signal(signal.SIGKILL)
    serve.wait(WAIT_SECONDS)
    watched.receiver.fails = False
    if site.is_mounted:
        watched.path("meanwhile").write_text("x")
    site.start("serve", "--listen", site.address)
    watched.put("after")

    wanted = ["before-1", "before-2", "after"]
    if site.is_mounted:
        wanted.insert(2, "meanwhile")
    seen = []
    while wanted[-1] not in seen:
        for each in json.loads(watched.receiver.document()[1])["Records"]:
            if each["s3"]["object"]["key"] not in seen:
                seen.append(each["s3"]["object"]["key"])
    assert seen == wanted, seen


def a_topic_goes_with_what_waits(watched):
    watched.site.tarn("topic", "delete", "default", "dead")

    assert list(watched.topics()) == ["hook"]
    watched.put("a", bucket="unheard")
    watched.put("still")
    assert watched.receiver.told(1) == [("ObjectCreated:Put", "still")]


def main():
    counts = Counts()
    site = Site()
    watched = Watched(site)
    for test in [
            a_configuration_is_tried_and_told,
            topics_that_are_not_there_are_refused,
            what_boto3_does_is_told,
            what_aws_does_is_told,
            a_filter_picks,
            what_a_mount_does_is_told,
            what_fails_is_told_again_in_order,
            what_fails_is_told_again_while_nothing_else_happens,
            what_was_of_a_bucket_that_is_gone_is_told,
            one_that_is_dead_holds_up_nobody,
            a_server_that_is_killed_tells_nothing_less,
            a_topic_goes_with_what_waits,
    ]:
        if test is what_a_mount_does_is_told and not site.is_mounted:
            counts.skip(test.__name__, "no /dev/fuse here")
        else:
            counts.run(test.__name__, test, watched)
    counts.run("the processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
