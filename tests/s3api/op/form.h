/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.h - an upload by an HTML form, as a browser sends it: fields that are
 * added one by one, a policy that is signed, a file.
 */
#pragma once

#include "tests/s3api/op/served.h"

#define FORM_TYPE "content-type: multipart/form-data; boundary=XX\n"
#define FORM_FOREVER "\"expiration\":\"2096-01-01T00:00:00Z\""
#define FORM_BUCKET_AND_KEY                                                    \
	"{\"bucket\":\"photos\"},[\"starts-with\",\"$key\",\"\"]"

/* What the next form is to be. */
struct form {
	struct served *served;
	struct buffer body;
	const char *content; /* of the file; NULL: none */
	const char *filename;
	char credential[200];
	char timestamp[17];
};

/* By the client of the server, now. */
struct form form_begin(struct served *served);
void form_end(struct form *form);

void form_add(struct form *form, const char *name, const char *value);
/* The fields of a signature over the policy, which is JSON. */
void form_sign(struct form *form, const char *policy);
/* A policy with conditions for the fields of the signature, and these. */
void form_sign_with(struct form *form, const char *conditions);

/* To "photos", by nobody; the form's fields are gone. */
const struct s3_reply *form_post(struct form *form);

void form_expect_message(const struct s3_reply *reply, unsigned int status,
	const char *code, const char *message);
