// SPDX-License-Identifier: Apache-2.0
// What js.py asks of @aws-sdk/client-s3: "node s3.cjs COMMAND ARG...".
"use strict";

const fs = require("fs");
const { pipeline } = require("stream/promises");
const {
	S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand,
	CopyObjectCommand, DeleteObjectCommand, DeleteObjectsCommand,
	DeleteBucketCommand, CreateMultipartUploadCommand, UploadPartCommand,
	CompleteMultipartUploadCommand, HeadObjectCommand, RenameObjectCommand,
	paginateListObjectsV2,
} = require("@aws-sdk/client-s3");

const PART = 5 << 20;
const s3 = new S3Client({ forcePathStyle: true });

async function putInParts(file, at) {
	const handle = await fs.promises.open(file);
	const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at));
	const Parts = [];

	for (let PartNumber = 1; ; PartNumber++) {
		const { buffer, bytesRead } = await handle.read(
			Buffer.alloc(PART), 0, PART);
		if (bytesRead === 0)
			break;
		const part = await s3.send(new UploadPartCommand({
			...at, UploadId, PartNumber,
			Body: buffer.subarray(0, bytesRead),
		}));
		const { $metadata, ...sent } = part;
		Parts.push({ PartNumber, ...sent });
	}
	await handle.close();
	await s3.send(new CompleteMultipartUploadCommand({
		...at, UploadId, MultipartUpload: { Parts },
	}));
}

async function put(file, Bucket, Key) {
	const { size } = fs.statSync(file);

	if (size > PART)
		return putInParts(file, { Bucket, Key });
	// A stream goes out in chunks, with its checksum in the trailer.
	return s3.send(new PutObjectCommand({
		Bucket, Key, Body: fs.createReadStream(file),
		ContentLength: size,
	}));
}

async function get(Bucket, Key, file) {
	const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));

	await pipeline(Body, fs.createWriteStream(file));
}

async function keys(Bucket, Prefix) {
	const all = [];

	for await (const page of paginateListObjectsV2(
		{ client: s3, pageSize: 2 }, { Bucket, Prefix }))
		all.push(...(page.Contents || []).map((item) => item.Key));
	return all;
}

function copy(Bucket, from, Key) {
	const CopySource = `${Bucket}/${from.split("/").map(
		encodeURIComponent).join("/")}`;

	return s3.send(new CopyObjectCommand({ Bucket, Key, CopySource }));
}

// The SDK makes up a client token.
function rename(Bucket, from, Key) {
	const RenameSource = from.split("/").map(encodeURIComponent).join("/");

	return s3.send(new RenameObjectCommand({ Bucket, Key, RenameSource }));
}

async function removeBucket(Bucket) {
	const Objects = (await keys(Bucket, "")).map((Key) => ({ Key }));

	await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
	await s3.send(new DeleteBucketCommand({ Bucket }));
}

async function errorOf(Bucket, Key) {
	try {
		await s3.send(new GetObjectCommand({ Bucket, Key }));
	} catch (error) {
		return error.name;
	}
	return "none";
}

async function checksum(Bucket, Key, ChecksumAlgorithm) {
	await s3.send(new PutObjectCommand({
		Bucket, Key, ChecksumAlgorithm, Body: "hello",
	}));
	const head = await s3.send(new HeadObjectCommand({
		Bucket, Key, ChecksumMode: "ENABLED",
	}));
	return head[`Checksum${ChecksumAlgorithm}`];
}

const commands = {
	put, get, keys, copy, rename, removeBucket, errorOf, checksum,
	makeBucket: (Bucket) => s3.send(new CreateBucketCommand({ Bucket })),
	delete: (Bucket, Key) =>
		s3.send(new DeleteObjectCommand({ Bucket, Key })),
};

commands[process.argv[2]](...process.argv.slice(3)).then(
	(result) => console.log(JSON.stringify(result ?? null)),
	(error) => {
		console.error(error);
		process.exit(1);
	});
