/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - every way in which something can fail, with its errno and its
 * sentence.
 *
 * The mount answers with the errno; s3api/reply.c maps the code to S3's; the
 * command line prints the sentence.
 */
#pragma once

#include <errno.h>

#include "store/base/compiler.h"

/* name, errno, sentence */
#define STORE_ERRORS(X)                                                        \
	X(NOT_FOUND, ENOENT, "no such object, file or directory")              \
	X(EXISTS, EEXIST, "it exists already")                                 \
	X(NOT_DIR, ENOTDIR, "not a directory")                                 \
	X(IS_DIR, EISDIR, "is a directory")                                    \
	X(NOT_EMPTY, ENOTEMPTY, "the directory is not empty")                  \
	X(NAME_TOO_LONG, ENAMETOOLONG, "the file name is too long")            \
	X(KEY_TOO_LONG, ENAMETOOLONG, "the key is longer than 1024 bytes")     \
	X(BAD_NAME, EINVAL, "the name is not valid")                           \
	X(INVALID, EINVAL, "an argument is not valid")                         \
	X(NO_BUCKET, ENOENT, "no such bucket")                                 \
	X(BUCKET_EXISTS, EEXIST, "the bucket exists already")                  \
	X(BUCKET_NOT_EMPTY, ENOTEMPTY, "the bucket is not empty")              \
	X(NO_UPLOAD, ENOENT, "no such multipart upload")                       \
	X(BAD_PART, EINVAL, "a part is missing or its ETag does not match")    \
	X(BAD_PART_ORDER, EINVAL, "the parts are not in ascending order")      \
	X(PART_TOO_SMALL, EINVAL, "a part other than the last is too small")   \
	X(TOO_BIG, EFBIG, "larger than the largest size allowed")              \
	X(PRECONDITION, EINVAL, "a precondition does not hold")                \
	X(DIGEST_MISMATCH, EBADMSG, "the data does not match its digest")      \
	X(CROSS_BUCKET, EXDEV, "the two names lie in different buckets")       \
	X(LOOP, EINVAL, "a directory cannot move below itself")                \
	X(TOO_MANY_LINKS, EMLINK, "too many links to the file")                \
	X(NO_DATA, ENXIO, "no data there, or beyond it")                       \
	X(NO_ATTR, ENODATA, "no such attribute")                               \
	X(ATTR_TOO_BIG, E2BIG, "the attributes are too large")                 \
	X(NO_TOKEN, ENOENT, "no such token")                                   \
	X(TOKEN_EXISTS, EEXIST, "a token of that name or access key exists")   \
	X(REPLICATED, EBUSY, "the bucket has a replication configuration")     \
	X(NO_TOPIC, ENOENT, "no such topic")                                   \
	X(TOPIC_EXISTS, EEXIST, "the topic exists already")                    \
	X(NO_KEY, ENOKEY, "sealed with a key that was not given")              \
	X(WRONG_KEY, EKEYREJECTED, "sealed with another key")                  \
	X(NO_ORGANIZATION, ENOENT, "no such organization")                     \
	X(ORGANIZATION_EXISTS, EEXIST, "the organization exists already")      \
	X(ORGANIZATION_NOT_EMPTY, ENOTEMPTY,                                   \
		"the organization still owns buckets or tokens")               \
	X(BAD_KEY, EACCES, "not the key file of this store")                   \
	X(NO_STORE_KEY, EACCES,                                                \
		"its key is not in it; say where by --key-file or "            \
		"TARN_KEY_FILE")                                               \
	X(NO_SPACE, ENOSPC, "no space left")                                   \
	X(QUOTA, EDQUOT, "the quota of the bucket or its owner is used up")    \
	X(NO_MEMORY, ENOMEM, "out of memory")                                  \
	X(IO, EIO, "input/output error")                                       \
	X(CORRUPT, EIO, "the store is damaged; run tarn fsck")                 \
	X(DAMAGED, EIO, "the data is damaged; see tarn scrub")                 \
	X(READ_ONLY, EROFS, "the store is read-only")                          \
	X(BUSY, EBUSY, "in use")                                               \
	X(STALE, ESTALE, "the file is gone")                                   \
	X(NOT_PERMITTED, EPERM, "not permitted")                               \
	X(ACCESS, EACCES, "permission denied")                                 \
	X(LOCKED, EPERM, "the object is locked (S3 Object Lock)")              \
	X(UNSUPPORTED, EOPNOTSUPP, "not supported")                            \
	X(NOT_A_STORE, ENOENT, "not a tarn store; make one with tarn init")    \
	X(UNEXAMINED, EBUSY,                                                   \
		"it is being restored; where that was interrupted, remove "    \
		"it and restore it again")                                     \
	X(BAD_VERSION, EPROTO,                                                 \
		"the store has a format this tarn does not know")              \
	X(CANCELED, ECANCELED, "canceled")                                     \
	X(TIMED_OUT, ETIMEDOUT, "timed out")                                   \
	X(CLOSED, EPIPE, "the other side closed the connection")

enum store_err {
	STORE_OK = 0,
#define X(name, number, sentence) STORE_##name,
	STORE_ERRORS(X)
#undef X
};

/* The errno a system call would have given.  0 for STORE_OK. */
int error_errno(enum store_err err);

/* The nearest code for an errno from the kernel; IO where none is near. */
enum store_err error_from_errno(int number);

/* The sentence, without a full stop; never NULL. */
const char *error_sentence(enum store_err err);

/* The name, as in "NOT_FOUND", for logs; never NULL. */
const char *error_name(enum store_err err);

/* Says so on standard error and ends the process. */
_Noreturn void error_out_of_memory(void);
