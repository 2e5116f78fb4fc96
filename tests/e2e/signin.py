#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens, organizations and signing in, with the clients that people have."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
from botocore.exceptions import ClientError

from support.site import TARN, TOKEN, Site, free_port, run
from support.suite import Counts

BUCKET = "photos"
TIMEOUT = 120


def wait_until(is_true):
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        if is_true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def config(site, client, name, *words):
    """The file that tarn makes for that client and token."""
    path = site.dir / f"{name}.{client}"
    path.write_text(site.tarn("token", "config", name, "--for", client,
                              "--endpoint", site.endpoint, *words))
    return path


def fails(code, *command, **options):
    """Runs what must fail, and say so."""
    try:
        text = run(*command, **options)
    except AssertionError as error:
        assert code in str(error), error
    else:
        raise AssertionError(f"{command} went well: {text}")


def s3cmd(site, name, *words, **options):
    return run("s3cmd", "-c", site.dir / f"{name}.s3cmd", *words,
               env=site.environment(), **options)


# --- tokens ----------------------------------------------------------------

def each_configuration_is_what_its_client_takes(site):
    file = site.file("small", 1000)
    target = f"s3://{BUCKET}/by"
    config(site, "s3cmd", TOKEN)
    s3cmd(site, TOKEN, "mb", f"s3://{BUCKET}")
    s3cmd(site, TOKEN, "put", file, f"{target}/s3cmd")
    # Before 2.13 aws reads no endpoint but from its command line.
    aws = f"aws --endpoint-url {site.endpoint}"
    run(*aws.split(), "s3", "cp", file, f"{target}/aws", env=site.environment(
        AWS_CONFIG_FILE=config(site, "aws", TOKEN),
        AWS_SHARED_CREDENTIALS_FILE="/dev/null"))
    run("rclone", "copyto", file, f"tarn:{BUCKET}/by/rclone",
        env=site.environment(RCLONE_CONFIG=config(site, "rclone", TOKEN)))
    run("sh", "-c", f". {config(site, 'env', TOKEN)}; "
        f"{aws} s3 cp {file} {target}/env", env=site.environment())
    module = {}
    exec(config(site, "boto3", TOKEN).read_text(), module)
    boto3.client(**module["CLIENT"]).upload_file(str(file), BUCKET,
                                                 "by/boto3")
    listed = s3cmd(site, TOKEN, "ls", f"{target}/")
    for client in "s3cmd", "aws", "rclone", "env", "boto3":
        assert f"{target}/{client}\n" in listed, listed
    s5cmd(site, target)


def s5cmd(site, target):
    """Debian has no s5cmd: without one, only the form of its file is seen."""
    path = config(site, "s5cmd", TOKEN)
    if shutil.which("s5cmd"):
        assert "by/aws" in run("s5cmd", "--credentials-file", path,
                               "--endpoint-url", site.endpoint, "ls",
                               f"{target}/", env=site.environment())
        return
    text = path.read_text()
    assert text.splitlines()[1] == "[default]", text
    assert "aws_access_key_id = " in text and site.endpoint in text, text


def a_deleted_token_ends_at_once_and_its_data_stays(site):
    made = json.loads(site.tarn("token", "create", "gone", "--json"))
    config(site, "s3cmd", "gone")
    assert "by/aws" in s3cmd(site, "gone", "ls", "-r", f"s3://{BUCKET}")
    presigned = boto3.client(
        "s3", endpoint_url=site.endpoint, region_name="default",
        aws_access_key_id=made["accessKey"],
        aws_secret_access_key=made["secretKey"],
    ).generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "by/aws"})
    assert urllib.request.urlopen(presigned, timeout=60).status == 200

    site.tarn("token", "delete", "gone")

    try:
        urllib.request.urlopen(presigned, timeout=60)
    except urllib.error.HTTPError as error:
        assert error.code == 403 and b"InvalidAccessKeyId" in error.read()
    else:
        raise AssertionError("its URL is still good")

    fails("InvalidAccessKeyId", "s3cmd", "-c", site.dir / "gone.s3cmd", "ls",
          env=site.environment())
    assert "by/aws" in s3cmd(site, TOKEN, "ls", "-r", f"s3://{BUCKET}")


def a_level_counts_from_the_next_request_on(site):
    site.tarn("token", "create", "changes")
    config(site, "s3cmd", "changes")
    file = site.work / "small"
    s3cmd(site, "changes", "put", file, f"s3://{BUCKET}/before")

    site.tarn("token", "set", "changes", "--level", "read")

    fails("403", "s3cmd", "-c", site.dir / "changes.s3cmd", "put", file,
          f"s3://{BUCKET}/after", env=site.environment())
    assert "before" in s3cmd(site, "changes", "ls", f"s3://{BUCKET}")
    site.tarn("token", "set", "changes", "--suspend")
    fails("suspended", "s3cmd", "-c", site.dir / "changes.s3cmd", "ls",
          f"s3://{BUCKET}", env=site.environment())


def a_token_that_has_expired_is_told_so(site):
    site.tarn("token", "create", "brief", "--expires", "1s")
    config(site, "s3cmd", "brief")
    command = ["s3cmd", "-c", site.dir / "brief.s3cmd", "ls"]

    def has_expired():
        text = subprocess.run([str(word) for word in command],
                              env=site.environment(), capture_output=True,
                              check=False).stderr.decode()
        return "ExpiredToken" in text or "token has expired" in text

    wait_until(has_expired)
    assert "EXPIRED" in site.tarn("token", "show", "brief")


def the_last_use_is_told(site):
    def used(name):
        return json.loads(site.tarn("token", "show", name,
                                    "--json")).get("lastUsed")

    site.tarn("token", "create", "never-used")
    wait_until(lambda: used("changes"))
    assert used("changes")[:4] >= "2024"
    assert used("never-used") is None


# --- organizations ---------------------------------------------------------

def organizations_do_not_see_each_other(site):
    site.tarn("org", "create", "acme")
    site.tarn("token", "create", TOKEN + "-2", "--org", "acme")
    config(site, "s3cmd", TOKEN + "-2", "--org", "acme")

    assert BUCKET not in s3cmd(site, TOKEN + "-2", "ls")
    for words in (["ls", f"s3://{BUCKET}"],
                  ["get", f"s3://{BUCKET}/by/aws", "/dev/null", "--force"],
                  ["put", site.work / "small", f"s3://{BUCKET}/theirs"],
                  ["rb", f"s3://{BUCKET}"]):
        fails("403", "s3cmd", "-c", site.dir / f"{TOKEN}-2.s3cmd", *words,
              env=site.environment())
    s3cmd(site, TOKEN + "-2", "mb", "s3://acmes")
    assert s3cmd(site, TOKEN + "-2", "ls").count("s3://") == 1
    assert "acmes" not in s3cmd(site, TOKEN, "ls")
    fails("still owns", TARN, "org", "delete", "acme", "--store", site.store)


# --- manifests -------------------------------------------------------------

USER = """\
apiVersion: objectstorage.coreweave.com/v1alpha1
kind: User
metadata:
  name: my-example
  namespace: my-namespace
spec:
  owner: my-namespace
  access: full # Possible options are: full, readwrite, read, or write
  secretName: my-example-secret
"""


def apply(site, text, *words, expect=0):
    done = subprocess.run(
        [TARN, "apply", "-f", "-", "--store", str(site.store), *words],
        input=text.encode(), capture_output=True, check=False, timeout=60)
    assert done.returncode == expect, done
    return done.stdout.decode(), done.stderr.decode()


def field(text, name):
    line, = (line for line in text.splitlines() if f"  {name}: " in line)
    return base64.b64decode(line.split()[1]).decode()


def a_manifest_makes_a_user_with_a_secret(site):
    out, err = apply(site, USER, expect=1)
    assert "tarn org create" in err and not out, (out, err)
    site.tarn("org", "create", "my-namespace")

    out, err = apply(site, USER)

    assert err == ("user.objectstorage.coreweave.com/my-example created\n"
                   ), err
    assert "name: my-example-secret\n  namespace: my-namespace" in out, out
    s3 = boto3.client(
        "s3", endpoint_url=site.endpoint, region_name="default",
        aws_access_key_id=field(out, "accessKey"),
        aws_secret_access_key=field(out, "secretKey"))
    s3.create_bucket(Bucket="of-my-namespace")
    table = site.tarn("get", "users").splitlines()
    assert table[0].split() == ["NAME", "OWNER", "ACCESS", "OBJECT",
                                "STORAGE", "ACCESS", "OBJECT", "STORAGE",
                                "ID"], table
    assert table[1].split() == ["my-example", "my-namespace", "full",
                                "ACTIVE", "my-namespace:my-example"], table

    again, err = apply(site, USER)
    assert again == out and "unchanged" in err, err
    again, err = apply(site, USER.replace("access: full", "access: read"))
    assert again == out and "configured" in err, err
    try:
        s3.put_object(Bucket="of-my-namespace", Key="a", Body=b"")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
    else:
        raise AssertionError("a reader wrote")


def a_secret_is_a_file_that_only_its_owner_reads(site):
    secrets = site.dir / "secrets"
    secrets.mkdir(exist_ok=True)
    text = USER.replace("my-example", "filed").replace(
        "  secretName: filed-secret\n", "")
    out, _ = apply(site, text, "--secret-dir", str(secrets))
    path = secrets / "my-namespace-filed-obj-store-creds"

    assert out == "user.objectstorage.coreweave.com/filed created\n", out
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_text()
    path.unlink()
    apply(site, text, "--secret-dir", str(secrets))
    assert path.read_text() == before
    listed = json.loads(site.tarn("get", "users", "-o", "json"))["items"]
    assert [item["metadata"]["name"] for item in listed] == [
        "filed", "my-example"], listed
    assert apply(site, site.tarn("get", "users", "-o", "yaml"))[1].count(
        "unchanged") == 2
    site.tarn("token", "delete", "filed", "--org", "my-namespace")
    assert "DELETED" in site.tarn("get", "users")
    out, _ = apply(site, text, "--secret-dir", str(secrets))
    assert "created" in out, out
    out = site.tarn("delete", "user", "filed", "--secret-dir", secrets)
    assert out == ('user.objectstorage.coreweave.com "filed" deleted\n'), out
    assert not path.exists()
    fails("no user filed", TARN, "delete", "user", "filed", "--store",
          site.store)


def namespaces_keep_their_secrets_apart(site):
    secrets = site.dir / "apart"
    others = site.dir / "apart-other"
    secrets.mkdir()
    others.mkdir()
    site.tarn("org", "create", "other-namespace")
    mine = USER.replace("my-example\n", "apart\n").replace(
        "my-example-secret", "same")
    theirs = mine.replace("my-namespace", "other-namespace")

    # Both at once, and one after the other.
    _, err = apply(site, mine + "---\n" + theirs, "--secret-dir",
                   str(secrets), expect=1)
    assert "SecretNameConflict" in err, err
    assert "apart" not in site.tarn("get", "users")
    apply(site, mine, "--secret-dir", str(secrets))
    before = (secrets / "same").read_text()
    _, err = apply(site, theirs, "--secret-dir", str(secrets), expect=1)
    assert "SecretNameConflict" in err and err.count("\n") == 1, err
    assert "other-namespace" not in site.tarn("get", "users")
    assert (secrets / "same").read_text() == before

    apply(site, theirs, "--secret-dir", str(others))
    assert "namespace: other-namespace" in (others / "same").read_text()
    site.tarn("delete", "user", "apart", "--namespace", "other-namespace",
              "--secret-dir", secrets)
    assert (secrets / "same").read_text() == before
    apply(site, mine, "--secret-dir", str(secrets))
    site.tarn("delete", "user", "apart", "--secret-dir", secrets)
    assert not (secrets / "same").exists()
    # Nobody's file either.
    (secrets / "same").write_text("a file of another kind\n")
    _, err = apply(site, mine, "--secret-dir", str(secrets), expect=1)
    assert "SecretNameConflict" in err, err


def nothing_of_a_manifest_counts_where_one_is_refused(site):
    good = USER.replace("my-example\n", "good\n").replace(
        "my-example-secret", "good-secret")
    bad = good.replace("good", "bad")
    site.tarn("token", "create", "taken", "--org", "my-namespace")
    for text, words in [
            (bad.replace("owner: my-namespace", "owner: default"),
             "Forbidden"),
            (bad.replace("my-namespace", "nowhere"), "no such organization"),
            (bad.replace("bad-secret", "good-secret"), "SecretNameConflict"),
            (bad.replace("name: bad\n", "name: taken\n"), "AlreadyExists"),
            (good.replace("namespace: my-namespace", "namespace: default"),
             "AlreadyExists")]:
        admin = ["--admin"] if words == "AlreadyExists" else []
        out, err = apply(site, good + "---\n" + text, *admin, expect=1)
        assert words in err and not out and err.count("\n") == 1, (words, err)
        assert "good" not in site.tarn("get", "users")
    _, err = apply(site, good + "---\n" + bad, "--secret-dir",
                   str(site.dir / "none"), expect=1)
    assert "No such file" in err and "good" not in site.tarn("get", "users")


def a_manifest_that_is_wrong_says_where(site):
    other = USER.replace("my-example\n", "another\n")
    for text, words in [
            (USER.replace("full", "all"), "spec.access"),
            (USER.replace("owner: my-namespace", "owner: default"),
             "spec.owner"),
            (USER.replace("  owner: my-namespace\n", ""), "spec.owner"),
            (USER.replace("kind: User", "kind: Pod"), "kind"),
            (USER.replace("v1alpha1", "v2"), "apiVersion"),
            (USER.replace("name: my-example\n", "name: My_Example\n"),
             "metadata.name"),
            (USER.replace("secretName", "secretname"), "spec.secretname"),
            (USER.replace("secretName: my", "secretName: ../my"),
             "spec.secretName"),
            (USER + "spec: {}\n", "twice"),
            (USER.replace("name: my-example\n", "name: &a x\n"), "anchors"),
            (USER.replace("name: my-example\n", "name: *a\n"), "alias"),
            (USER.replace("metadata:\n", "metadata:\n" + "  a: " + "[" * 50
                          + "\n"), "deep"),
            (other, "SecretNameConflict"),
            ("", "nothing"), ("- a\n", "not a resource"),
            ("a: [", "line"), ("\0", "NUL"), ("x" * (1 << 20) + "y",
                                              "larger")]:
        out, err = apply(site, text, expect=1)
        assert words in err and not out, (words, err)
        assert err.count("\n") == 1, err
    text = USER.replace("owner: my-namespace", "owner: default").replace(
        "my-example", "lent")
    apply(site, text, "--admin")
    site.tarn("delete", "user", "lent")


# --- signing in ------------------------------------------------------------

ORG = "my-namespace"
ISSUER = "https://idp.example/entity"
AUDIENCE = "https://tarn.example/sp"
ATTRIBUTES = "https://coreweave.com/SAML/Attributes/"
SAML = "urn:oasis:names:tc:SAML:2.0"
EXAMPLE = f"""\
<samlp:Response xmlns:samlp="{SAML}:protocol"
 Destination="https://signin.aws.amazon.com/saml" InResponseTo=""
 IssueInstant="2024-08-19T21:56:05" Version="2.0">
<saml:Issuer xmlns:saml="{SAML}:assertion">my-org.com</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="{SAML}:status:Success"/></samlp:Status>
<saml:Assertion xmlns:saml="{SAML}:assertion"
 IssueInstant="2024-08-19T21:56:05" Version="2.0">
<saml:Issuer>my-org.com</saml:Issuer><saml:Subject>
<saml:NameID>ann@my-org.com</saml:NameID>
<saml:SubjectConfirmation Method="{SAML}:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="2024-08-19T22:01:05"
 Recipient="https://signin.aws.amazon.com/saml"/>
</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="2024-09-18" NotOnOrAfter="2024-10-19T22:01:05">
<saml:AudienceRestriction>
<saml:Audience>https://signin.aws.amazon.com/saml</saml:Audience>
</saml:AudienceRestriction></saml:Conditions></saml:Assertion>
</samlp:Response>
"""


def at(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                         time.gmtime(time.time() + seconds))


def template(number, role):
    dsig = "http://www.w3.org/2000/09/xmldsig#"
    more = "http://www.w3.org/2001/04/"
    c14n = "http://www.w3.org/2001/10/xml-exc-c14n#"
    return f"""\
<samlp:Response xmlns:samlp="{SAML}:protocol" ID="_r{number}" Version="2.0"
 IssueInstant="{at(0)}"><samlp:Status>
<samlp:StatusCode Value="{SAML}:status:Success"/></samlp:Status>
<saml:Assertion xmlns:saml="{SAML}:assertion" ID="_a{number}" Version="2.0"
 IssueInstant="{at(0)}"><saml:Issuer>{ISSUER}</saml:Issuer>
<ds:Signature xmlns:ds="{dsig}"><ds:SignedInfo>
<ds:CanonicalizationMethod Algorithm="{c14n}"/>
<ds:SignatureMethod Algorithm="{more}xmldsig-more#rsa-sha256"/>
<ds:Reference URI="#_a{number}"><ds:Transforms>
<ds:Transform Algorithm="{dsig}enveloped-signature"/>
<ds:Transform Algorithm="{c14n}"/></ds:Transforms>
<ds:DigestMethod Algorithm="{more}xmlenc#sha256"/><ds:DigestValue/>
</ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>
<saml:Subject><saml:NameID>ann</saml:NameID>
<saml:SubjectConfirmation Method="{SAML}:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{at(300)}"
 Recipient="{AUDIENCE}"/></saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{at(-5)}" NotOnOrAfter="{at(300)}">
<saml:AudienceRestriction><saml:Audience>{AUDIENCE}</saml:Audience>
</saml:AudienceRestriction></saml:Conditions><saml:AttributeStatement>
<saml:Attribute Name="{ATTRIBUTES}Role">
<saml:AttributeValue>{role}</saml:AttributeValue></saml:Attribute>
<saml:Attribute Name="{ATTRIBUTES}PrincipalName">
<saml:AttributeValue>ann@example.org</saml:AttributeValue></saml:Attribute>
</saml:AttributeStatement></saml:Assertion></samlp:Response>
"""


class Idp:
    """A key and a certificate; xmlsec1 signs with them."""

    number = 0

    def __init__(self, site, name="idp"):
        self.dir = site.work
        self.key = site.work / f"{name}.key"
        self.cert = site.work / f"{name}.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
            "-keyout", self.key, "-out", self.cert, "-subj", "/CN=idp",
            "-days", "2")

    def respond(self, role):
        """The path of a response that is signed."""
        Idp.number += 1
        path = self.dir / f"response-{Idp.number}.xml"
        bare = self.dir / "template.xml"
        bare.write_text(template(Idp.number, role))
        run("xmlsec1", "--sign", "--privkey-pem", self.key, "--id-attr:ID",
            f"{SAML}:assertion:Assertion", "--output", path, bare)
        return path


def packed(path):
    return base64.b64encode(path.read_bytes()).decode()


def sign_in(endpoint, kind, expect, **more):
    """Asks for keys; what is said to that."""
    request = urllib.request.Request(
        f"{endpoint}/v1/cwobject/temporary-credentials/{kind}",
        data=json.dumps({"orgId": ORG, **more}).encode(),
        headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
            status, text = reply.status, reply.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    assert status == expect, (status, text)
    return json.loads(text)


def post(endpoint, path, expect=200, **more):
    return sign_in(endpoint, "saml", expect, samlResponse=packed(path), **more)


def client_of(site, key, secret, session=None):
    return boto3.client(
        "s3", endpoint_url=site.endpoint, region_name="default",
        aws_access_key_id=key, aws_secret_access_key=secret,
        aws_session_token=session, config=botocore.config.Config(
            s3={"addressing_style": "path"}))


def registers_an_identity_provider(site):
    site.idp = Idp(site)
    site.tarn("idp", "add", ORG, "--name", "main", "--cert", site.idp.cert,
              "--issuer", ISSUER, "--audience", AUDIENCE)
    metadata = site.work / "metadata.xml"
    pem = site.idp.cert.read_text().split("-----")[2]
    metadata.write_text(f"""\
<EntityDescriptor xmlns="{SAML}:metadata" entityID="{ISSUER}">
<IDPSSODescriptor protocolSupportEnumeration="{SAML}:protocol">
<KeyDescriptor use="signing"><KeyInfo
 xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{pem}
</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor>
</EntityDescriptor>""")
    said = site.tarn("idp", "add", ORG, "--name", "by-metadata", "--metadata",
                     metadata, "--audience", AUDIENCE)
    assert "configId   by-metadata" in said and ISSUER in said, said
    first, second = json.loads(site.tarn("idp", "list", ORG, "--json"))
    assert first["certificates"] == second["certificates"], (first, second)
    site.tarn("idp", "delete", ORG, "by-metadata")
    metadata.write_text("<!DOCTYPE a><a/>")
    fails("document type", TARN, "idp", "add", ORG, "--name", "x",
          "--metadata", metadata, "--audience", AUDIENCE, "--store",
          site.store)
    run("openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout",
        site.work / "short.key", "-out", site.work / "short.pem", "-subj",
        "/CN=short")
    fails("shorter than 2048", TARN, "idp", "add", ORG, "--name", "x",
          "--cert", site.work / "short.pem", "--issuer", ISSUER, "--audience",
          AUDIENCE, "--store", site.store)
    policy = site.work / "policy"
    policy.write_text(json.dumps({
        "version": "v1alpha1", "name": "signed-in", "statements": [
            {"name": "keys", "effect": "Allow", "resources": ["*"],
             "actions": ["cwobject:CreateAccessKey*"],
             "principals": ["role/reader", "role/admin"]},
            {"name": "read", "effect": "Allow", "resources": ["*"],
             "actions": ["s3:Get*", "s3:List*"],
             "principals": ["role/reader"]},
            {"name": "all", "effect": "Allow", "resources": ["*"],
             "actions": ["*"], "principals": ["role/admin"]}]}))
    site.tarn("policy", "put", policy, "--org", ORG)


def a_response_of_xmlsec_gives_keys_that_clients_use(site):
    keys = post(site.endpoint, site.idp.respond("admin"))
    pair = keys["accessKeyId"], keys["secretKey"]
    s3 = client_of(site, *pair)

    assert keys["principalName"] == "ann@example.org", keys
    assert keys["expiry"] > at(3000) and keys["expiry"] < at(3700), keys
    s3.put_object(Bucket="of-my-namespace", Key="signed-in", Body=b"hello")
    env = site.environment(AWS_ACCESS_KEY_ID=pair[0],
                           AWS_SECRET_ACCESS_KEY=pair[1],
                           AWS_DEFAULT_REGION="default",
                           AWS_EC2_METADATA_DISABLED="true")
    assert "signed-in" in run("aws", "--endpoint-url", site.endpoint, "s3",
                              "ls", "s3://of-my-namespace", env=env)
    assert "signed-in" in run(
        "s3cmd", f"--access_key={pair[0]}", f"--secret_key={pair[1]}",
        f"--host={site.endpoint[7:]}", f"--host-bucket={site.endpoint[7:]}",
        "--no-ssl", "ls", "s3://of-my-namespace", env=site.environment())
    reader = post(site.endpoint, site.idp.respond("reader"))
    s3 = client_of(site, reader["accessKeyId"], reader["secretKey"])
    assert s3.get_object(Bucket="of-my-namespace", Key="signed-in")[
        "Body"].read() == b"hello"
    try:
        s3.delete_object(Bucket="of-my-namespace", Key="signed-in")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
    else:
        raise AssertionError("a reader deleted")
    assert "temporary" in site.tarn("token", "list", "--org", ORG)


def temporary_keys_end_on_time(site):
    keys = post(site.endpoint, site.idp.respond("reader"), durationSeconds=1)
    s3 = client_of(site, keys["accessKeyId"], keys["secretKey"])

    def has_expired():
        try:
            s3.list_objects_v2(Bucket="of-my-namespace")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ExpiredToken", error
            return True
        return False

    wait_until(has_expired)


def an_assertion_is_taken_once_by_all_processes(site):
    port = free_port()
    site.start("serve", "--listen", f"127.0.0.1:{port}")
    path = site.idp.respond("reader")

    post(site.endpoint, path)

    assert "used before" in post(f"http://127.0.0.1:{port}", path,
                                 expect=401)["message"]
    assert "used before" in post(site.endpoint, path, expect=401)["message"]


def what_others_signed_is_refused(site):
    path = Idp(site, "other").respond("admin")
    assert post(site.endpoint, path, expect=401)["code"] == 16
    path = site.work / "example.xml"
    path.write_text(EXAMPLE)
    assert "has no ID" in post(site.endpoint, path, expect=401)["message"]
    post(site.endpoint, site.idp.respond("guest"), expect=403)


def explain_says_why(site):
    def explain(path, *words, expect):
        done = subprocess.run(
            [TARN, "idp", "explain", str(path), "--store", str(site.store),
             "--org", ORG, *words], capture_output=True, check=False,
            timeout=60)
        assert done.returncode == expect, done
        return done.stdout.decode()

    good = site.idp.respond("reader")
    text = explain(good, expect=0)
    assert "FAIL" not in text and "would be believed" in text, text
    post(site.endpoint, good)
    coded = site.work / "coded"
    coded.write_text(packed(good))
    assert "may have a key" in explain(coded, expect=0)
    assert "no access policy" in explain(site.idp.respond("guest"), expect=0)
    sample = site.work / "example.xml"
    sample.write_text(EXAMPLE)
    text = explain(sample, expect=3)
    for reason in ("neither the Response nor the Assertion is signed",
                   "the Response has no ID", "is not the registered",
                   "Destination https://signin.aws.amazon.com/saml",
                   "NotBefore of Conditions is no time", "the Audience",
                   "no value", "it is refused"):
        assert reason in text, (reason, text)


def aws_assumes_a_role(site):
    env = site.environment(AWS_DEFAULT_REGION="us-east-1",
                           AWS_EC2_METADATA_DISABLED="true")
    sts = ["aws", "--endpoint-url", site.endpoint, "sts"]
    said = json.loads(run(
        *sts, "assume-role-with-saml", "--role-arn",
        f"arn:aws:iam::{ORG}:role/reader", "--principal-arn",
        f"arn:aws:iam::{ORG}:saml-provider/main", "--saml-assertion",
        packed(site.idp.respond("reader")), env=env))
    keys = said["Credentials"]
    env.update(AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
               AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
               AWS_SESSION_TOKEN=keys["SessionToken"])

    arn = f"arn:aws:sts::{ORG}:assumed-role/reader/ann@example.org"
    assert said["AssumedRoleUser"]["Arn"] == arn, said
    assert json.loads(run(*sts, "get-caller-identity", env=env))[
        "Arn"] == arn
    assert "signed-in" in run("aws", "--endpoint-url", site.endpoint, "s3",
                              "ls", "s3://of-my-namespace", env=env)
    s3 = client_of(site, keys["AccessKeyId"], keys["SecretAccessKey"],
                   keys["SessionToken"])
    url = s3.generate_presigned_url("get_object", Params={
        "Bucket": "of-my-namespace", "Key": "signed-in"})
    assert run("curl", "-sSf", url) == "hello"
    del env["AWS_SESSION_TOKEN"]
    fails("InvalidToken", "aws", "--endpoint-url", site.endpoint, "s3", "ls",
          env=env)


def keys_end_with_the_provider_they_came_from(site):
    other = Idp(site, "passing")
    site.tarn("idp", "add", ORG, "--name", "passing", "--cert", other.cert,
              "--issuer", ISSUER, "--audience", AUDIENCE)
    kept, ended = (post(site.endpoint, idp.respond("reader"), configId=name)
                   for idp, name in ((site.idp, "main"), (other, "passing")))
    kept, ended = (client_of(site, keys["accessKeyId"], keys["secretKey"])
                   for keys in (kept, ended))
    ended.list_objects_v2(Bucket="of-my-namespace")

    site.tarn("idp", "delete", ORG, "passing")

    try:
        ended.list_objects_v2(Bucket="of-my-namespace")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidAccessKeyId", error
    else:
        raise AssertionError("a key outlived its provider")
    kept.list_objects_v2(Bucket="of-my-namespace")


def a_bearer_opens_the_control_api(site):
    made = json.loads(site.tarn("token", "create", "ops", "--control",
                                "--json"))
    control = f"{site.endpoint}/v1/cwobject"
    curl = ["curl", "-sS", "-H", f"Authorization: Bearer "
            f"{made['bearerToken']}"]
    buckets = json.loads(run(*curl, f"{control}/bucket-info"))["info"]
    assert BUCKET in [bucket["name"] for bucket in buckets], buckets
    keys = json.loads(run(*curl, "-d", '{"durationSeconds": 60}',
                          f"{control}/access-key"))
    assert keys["principalName"] == "coreweave/ops", keys
    client_of(site, keys["accessKeyId"], keys["secretKey"]).list_buckets()
    assert json.loads(run("curl", "-sS", f"{control}/bucket-info"))[
        "code"] == 16


# --- OpenID Connect ----------------------------------------------------------

ID_ISSUER = "https://ci.example"
SUBJECT = "repo:acme/app:ref:refs/heads/main"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class OidcProvider:
    """A key; openssl signs ID tokens with it."""

    def __init__(self, site, name="oidc"):
        self.key = site.work / f"{name}.key"
        self.jwks = site.work / f"{name}.jwks"
        run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
            "rsa_keygen_bits:2048", "-out", self.key)
        modulus = run("openssl", "rsa", "-in", self.key, "-modulus", "-noout")
        number = bytes.fromhex(modulus.split("Modulus=")[1].split()[0])
        self.jwks.write_text(json.dumps({"keys": [{
            "kty": "RSA", "kid": name, "use": "sig", "alg": "RS256",
            "n": base64url(number), "e": "AQAB"}]}))

    def token(self, **more):
        now = int(time.time())
        parts = [{"alg": "RS256", "typ": "JWT"},
                 {"iss": ID_ISSUER, "aud": AUDIENCE, "sub": SUBJECT,
                  "iat": now, "exp": now + 300, **more}]
        text = ".".join(base64url(json.dumps(part).encode())
                        for part in parts)
        signed = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key],
            input=text.encode(), stdout=subprocess.PIPE, check=True)
        return f"{text}.{base64url(signed.stdout)}"


def show(site, token, expect=200):
    return sign_in(site.endpoint, "oidc", expect, oidcToken=token)


def an_id_token_gives_keys_that_clients_use(site):
    site.oidc = OidcProvider(site)
    site.tarn("idp", "add", ORG, "--name", "ci", "--jwks", site.oidc.jwks,
              "--issuer", ID_ISSUER, "--audience", AUDIENCE)
    assert "oidc  https://ci.example" in site.tarn("idp", "list", ORG)
    policy = site.work / "ci.json"
    policy.write_text(json.dumps({
        "version": "v1alpha1", "name": "ci", "statements": [
            {"name": "s", "effect": "Allow",
             "actions": ["cwobject:CreateAccessKeyOIDC", "s3:*"],
             "resources": ["*"],
             "principals": [f"role/{ID_ISSUER}:repo:acme/*"]}]}))
    site.tarn("policy", "put", policy, "--org", ORG)
    keys = show(site, site.oidc.token())
    assert keys["principalName"] == SUBJECT, keys
    client = client_of(site, keys["accessKeyId"], keys["secretKey"])
    client.create_bucket(Bucket="built-by-ci")
    client.put_object(Bucket="built-by-ci", Key="a", Body=b"built")
    show(site, OidcProvider(site, "other").token(), 401)
    show(site, site.oidc.token(aud="https://other"), 401)
    show(site, site.oidc.token(exp=int(time.time()) - 3600), 401)
    show(site, site.oidc.token(sub="repo:other/app"), 403)


def explain_says_why_of_a_token(site):
    path = site.work / "token"
    path.write_text(site.oidc.token() + "\n")
    said = site.tarn("idp", "explain", path, "--org", ORG, "--name", "ci")
    assert "it would be believed" in said, said
    path.write_text(site.oidc.token(aud="https://other"))
    fails("for no registered audience", TARN, "idp", "explain", path, "--org",
          ORG, "--name", "ci", "--store", site.store)


def sdks_find_credentials_as_in_a_container(site):
    """Both get them by themselves: aws, and boto3 in a process of its own."""
    environment = site.environment(
        AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{site.endpoint}/v1/cwobject/"
        f"temporary-credentials/oidc/{ORG}",
        AWS_CONTAINER_AUTHORIZATION_TOKEN=site.oidc.token(),
        AWS_DEFAULT_REGION="default")
    listed = run("aws", "--endpoint-url", site.endpoint, "s3", "ls",
                 "s3://built-by-ci", env=environment)
    assert listed.split()[-1] == "a", listed
    got = run(sys.executable, "-c", "import boto3; print(boto3.client('s3', "
              f"endpoint_url='{site.endpoint}').get_object("
              "Bucket='built-by-ci', Key='a')['Body'].read())",
              env=environment)
    assert "built" in got, got


def sdks_assume_a_role_by_themselves(site):
    token = site.work / "web-identity"
    token.write_text(site.oidc.token())
    said = json.loads(run(
        "aws", "--endpoint-url", site.endpoint, "sts", "assume-role-with-web-"
        "identity", "--role-arn", f"arn:aws:iam::{ORG}:role/ci",
        "--role-session-name", "build", "--web-identity-token",
        token.read_text(), env=site.environment(
            AWS_DEFAULT_REGION="default")))
    keys = said["Credentials"]
    assert said["SubjectFromWebIdentityToken"] == SUBJECT, said
    listed = client_of(site, keys["AccessKeyId"], keys["SecretAccessKey"],
                       keys["SessionToken"]).list_objects_v2(
                           Bucket="built-by-ci")
    assert listed["KeyCount"] == 1, listed


TESTS = [
    each_configuration_is_what_its_client_takes,
    a_deleted_token_ends_at_once_and_its_data_stays,
    a_level_counts_from_the_next_request_on,
    a_token_that_has_expired_is_told_so,
    the_last_use_is_told,
    organizations_do_not_see_each_other,
    a_manifest_makes_a_user_with_a_secret,
    a_secret_is_a_file_that_only_its_owner_reads,
    namespaces_keep_their_secrets_apart,
    nothing_of_a_manifest_counts_where_one_is_refused,
    a_manifest_that_is_wrong_says_where,
    registers_an_identity_provider,
    a_response_of_xmlsec_gives_keys_that_clients_use,
    temporary_keys_end_on_time,
    an_assertion_is_taken_once_by_all_processes,
    what_others_signed_is_refused,
    explain_says_why,
    aws_assumes_a_role,
    keys_end_with_the_provider_they_came_from,
    a_bearer_opens_the_control_api,
    an_id_token_gives_keys_that_clients_use,
    explain_says_why_of_a_token,
    sdks_find_credentials_as_in_a_container,
    sdks_assume_a_role_by_themselves,
]


def main():
    counts = Counts()
    site = Site()
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    try:
        for test in TESTS:
            counts.run(test.__name__, test, site)
    finally:
        counts.run("processes end well", site.close)
    counts.finish()


if __name__ == "__main__":
    main()
