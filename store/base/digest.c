/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MD5 is computed by OpenSSL's older functions: they let its state be read,
 * which the lanes of md5_lanes.c go on from, and are as fast.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/base/digest.h"

#include <assert.h>
#include <endian.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/md5.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/base/cipher.h"
#include "store/base/crc_private.h"
#include "store/base/error.h"
#include "store/base/md5_lanes.h"

#define SHA256_BLOCK 64

_Static_assert(DIGEST_SIDE_BY_SIDE_MAX == MD5_LANES_MAX, "one for each lane");

enum maker {
	BY_MD5_LANES,
	BY_OPENSSL,
	BY_CRC,
	BY_XXHASH,
};

static const struct digest_form {
	size_t len;
	enum maker maker;
	const char *openssl_name;
	enum crc_kind crc;
} digest_forms[] = {
	[DIGEST_MD5] = {16, BY_MD5_LANES, NULL, 0},
	[DIGEST_SHA1] = {20, BY_OPENSSL, "SHA1", 0},
	[DIGEST_SHA256] = {32, BY_OPENSSL, "SHA256", 0},
	[DIGEST_CRC32] = {4, BY_CRC, NULL, CRC_32},
	[DIGEST_CRC32C] = {4, BY_CRC, NULL, CRC_32C},
	[DIGEST_CRC64NVME] = {8, BY_CRC, NULL, CRC_64NVME},
	[DIGEST_SHA512] = {64, BY_OPENSSL, "SHA512", 0},
	[DIGEST_XXHASH64] = {8, BY_XXHASH, NULL, 0},
	[DIGEST_XXHASH3] = {8, BY_XXHASH, NULL, 0},
	[DIGEST_XXHASH128] = {16, BY_XXHASH, NULL, 0},
};

_Static_assert(array_len(digest_forms) == DIGEST_KIND_LAST + 1, "one each");

/*
 * Looking an algorithm up by name takes longer than digesting 1 KiB, so each
 * is fetched once and kept for the life of the process.
 */
static EVP_MD *digest_algorithms[array_len(digest_forms)];
static pthread_once_t digest_algorithms_once = PTHREAD_ONCE_INIT;

/*
 * A context of SHA-256 that its thread has used, wiped and ready for the next:
 * to make one costs several times what it takes to digest a short text.
 */
static pthread_key_t spare_sha256;

static void
free_spare(void *context)
{
	EVP_MD_CTX_free(context);
}

static void
fetch_algorithms(void)
{
	for (size_t i = 0; i < array_len(digest_forms); i++) {
		const char *name = digest_forms[i].openssl_name;

		if (!name)
			continue;
		digest_algorithms[i] = EVP_MD_fetch(NULL, name, NULL);
		/* The default provider has all. */
		assert(digest_algorithms[i]);
	}
	int err = pthread_key_create(&spare_sha256, free_spare);
	assert(!err);
}

bool
digest_is_kind(unsigned kind)
{
	return kind >= DIGEST_MD5 && kind <= DIGEST_KIND_LAST;
}

static const struct digest_form *
form_of(enum digest_kind kind)
{
	assert(digest_is_kind(kind));
	return &digest_forms[kind];
}

/* OpenSSL's digests fail for want of memory alone. */
static void
expect(int is_done)
{
	if (is_done != 1)
		error_out_of_memory();
}

size_t
digest_len(enum digest_kind kind)
{
	return form_of(kind)->len;
}

/* --- xxHash --------------------------------------------------------------- */

/* They fail where there is no state alone. */
static void
expect_state(XXH_errorcode code)
{
	assert(code == XXH_OK);
}

static void
init_xxhash(struct digest *digest)
{
	if (digest->kind == DIGEST_XXHASH64) {
		digest->xxh64 = XXH64_createState();
		if (!digest->xxh64)
			error_out_of_memory();
		expect_state(XXH64_reset(digest->xxh64, 0));
		return;
	}
	digest->xxh3 = XXH3_createState();
	if (!digest->xxh3)
		error_out_of_memory();
	expect_state(digest->kind == DIGEST_XXHASH3
			     ? XXH3_64bits_reset(digest->xxh3)
			     : XXH3_128bits_reset(digest->xxh3));
}

static void
update_xxhash(struct digest *digest, const void *data, size_t len)
{
	if (digest->kind == DIGEST_XXHASH64)
		expect_state(XXH64_update(digest->xxh64, data, len));
	else if (digest->kind == DIGEST_XXHASH3)
		expect_state(XXH3_64bits_update(digest->xxh3, data, len));
	else
		expect_state(XXH3_128bits_update(digest->xxh3, data, len));
}

static void
final_xxhash(struct digest *digest, uint8_t *value)
{
	XXH64_canonical_t as_64;
	XXH128_canonical_t as_128;

	if (digest->kind == DIGEST_XXHASH128) {
		XXH128_canonicalFromHash(&as_128,
			XXH3_128bits_digest(digest->xxh3));
		memcpy(value, as_128.digest, sizeof(as_128.digest));
		return;
	}
	XXH64_canonicalFromHash(&as_64,
		digest->kind == DIGEST_XXHASH64
			? XXH64_digest(digest->xxh64)
			: XXH3_64bits_digest(digest->xxh3));
	memcpy(value, as_64.digest, sizeof(as_64.digest));
}

static void
free_xxhash(struct digest *digest)
{
	if (digest->kind == DIGEST_XXHASH64)
		XXH64_freeState(digest->xxh64);
	else
		XXH3_freeState(digest->xxh3);
	digest->xxh64 = NULL;
	digest->xxh3 = NULL;
}

/* --- OpenSSL -------------------------------------------------------------- */

static bool
take_spare(struct digest *digest)
{
	digest->context = pthread_getspecific(spare_sha256);
	if (digest->context)
		(void)pthread_setspecific(spare_sha256, NULL);
	return digest->context != NULL;
}

/* Beginning anew wipes what it was used for.  False: there is one already. */
static bool
keep_spare(EVP_MD_CTX *context)
{
	return !pthread_getspecific(spare_sha256) &&
	       EVP_DigestInit_ex2(context, NULL, NULL) == 1 &&
	       !pthread_setspecific(spare_sha256, context);
}

static void
init_openssl(struct digest *digest)
{
	pthread_once(&digest_algorithms_once, fetch_algorithms);
	if (digest->kind == DIGEST_SHA256 && take_spare(digest))
		return;
	digest->context = EVP_MD_CTX_new();
	if (!digest->context)
		error_out_of_memory();
	expect(EVP_DigestInit_ex2(digest->context,
		digest_algorithms[digest->kind], NULL));
}

/* --- all ------------------------------------------------------------------ */

static void
init_md5(struct digest *digest)
{
	digest->md5 = malloc(sizeof(*digest->md5));
	if (!digest->md5)
		error_out_of_memory();
	expect(MD5_Init(digest->md5));
}

void
digest_init(struct digest *digest, enum digest_kind kind)
{
	*digest = (struct digest){.kind = kind};
	switch (form_of(kind)->maker) {
	case BY_MD5_LANES:
		init_md5(digest);
		break;
	case BY_OPENSSL:
		init_openssl(digest);
		break;
	case BY_XXHASH:
		init_xxhash(digest);
		break;
	case BY_CRC:
		break;
	}
}

void
digest_update(struct digest *digest, const void *data, size_t len)
{
	const struct digest_form *form = form_of(digest->kind);

	if (len == 0)
		return;
	switch (form->maker) {
	case BY_MD5_LANES:
		expect(MD5_Update(digest->md5, data, len));
		break;
	case BY_OPENSSL:
		expect(EVP_DigestUpdate(digest->context, data, len));
		break;
	case BY_CRC:
		digest->crc = crc_update(form->crc, digest->crc, data, len);
		break;
	case BY_XXHASH:
		update_xxhash(digest, data, len);
		break;
	}
}

void
digest_final(struct digest *digest, uint8_t *value)
{
	const struct digest_form *form = form_of(digest->kind);
	uint64_t crc = htobe64(digest->crc);

	switch (form->maker) {
	case BY_MD5_LANES:
		expect(MD5_Final(value, digest->md5));
		break;
	case BY_OPENSSL:
		expect(EVP_DigestFinal_ex(digest->context, value, NULL));
		break;
	case BY_CRC:
		memcpy(value, (char *)&crc + sizeof(crc) - form->len,
			form->len);
		break;
	case BY_XXHASH:
		final_xxhash(digest, value);
		break;
	}
	digest_free(digest);
}

static void
free_openssl(struct digest *digest)
{
	if (digest->context &&
		!(digest->kind == DIGEST_SHA256 && keep_spare(digest->context)))
		EVP_MD_CTX_free(digest->context);
	digest->context = NULL;
}

void
digest_free(struct digest *digest)
{
	if (digest->kind == 0)
		return;
	switch (form_of(digest->kind)->maker) {
	case BY_MD5_LANES:
		free(digest->md5);
		digest->md5 = NULL;
		break;
	case BY_OPENSSL:
		free_openssl(digest);
		break;
	case BY_XXHASH:
		free_xxhash(digest);
		break;
	case BY_CRC:
		break;
	}
}

/* --- MD5 side by side ----------------------------------------------------- */

size_t
digest_side_by_side(void)
{
	return md5_lanes();
}

/* What comes before the first whole block; gives the rest. */
static struct slice
fill_block(MD5_CTX *md5, struct slice piece)
{
	size_t missing = md5->num ? MD5_BLOCK - md5->num : 0;
	struct slice start = slice_first(piece, missing);

	if (start.len)
		expect(MD5_Update(md5, start.data, start.len));
	return slice_from(piece, start.len);
}

static void
get_state(const MD5_CTX *md5, uint32_t state[4])
{
	state[0] = md5->A;
	state[1] = md5->B;
	state[2] = md5->C;
	state[3] = md5->D;
}

static void
set_state(MD5_CTX *md5, const uint32_t state[4], size_t added)
{
	uint64_t bits = (((uint64_t)md5->Nh << 32) | md5->Nl) + added * 8;

	md5->A = state[0];
	md5->B = state[1];
	md5->C = state[2];
	md5->D = state[3];
	md5->Nl = (MD5_LONG)bits;
	md5->Nh = (MD5_LONG)(bits >> 32);
}

struct md5_piece {
	MD5_CTX *md5;
	struct slice rest;
};

/* As many blocks as the shortest has. */
static void
run_together(struct md5_piece *pieces, size_t count)
{
	struct md5_lane lanes[MD5_LANES_MAX];
	uint32_t states[MD5_LANES_MAX][4];
	size_t blocks = SIZE_MAX;

	for (size_t i = 0; i < count; i++) {
		size_t has = pieces[i].rest.len / MD5_BLOCK;

		blocks = has < blocks ? has : blocks;
		get_state(pieces[i].md5, states[i]);
		lanes[i] = (struct md5_lane){
			states[i], (const uint8_t *)pieces[i].rest.data};
	}
	md5_lanes_run(md5_lanes(), lanes, count, blocks);
	for (size_t i = 0; i < count; i++) {
		set_state(pieces[i].md5, states[i], blocks * MD5_BLOCK);
		pieces[i].rest = slice_from(pieces[i].rest, blocks * MD5_BLOCK);
	}
}

/* Finishes those with less than a block left; gives how many remain. */
static size_t
drop_short(struct md5_piece *pieces, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct slice *rest = &pieces[i].rest;

		if (rest->len >= MD5_BLOCK)
			pieces[kept++] = pieces[i];
		else if (rest->len > 0)
			expect(MD5_Update(pieces[i].md5, rest->data,
				rest->len));
	}
	return kept;
}

void
digest_update_md5s(struct digest *const digests[], const struct slice pieces[],
	size_t count)
{
	struct md5_piece all[MD5_LANES_MAX];

	assert(count <= MD5_LANES_MAX);
	for (size_t i = 0; i < count; i++) {
		assert(digests[i]->kind == DIGEST_MD5);
		all[i].md5 = digests[i]->md5;
		all[i].rest = fill_block(all[i].md5, pieces[i]);
	}
	count = drop_short(all, count);
	while (count > 1 && count <= md5_lanes()) {
		run_together(all, count);
		count = drop_short(all, count);
	}
	for (size_t i = 0; i < count; i++)
		expect(MD5_Update(all[i].md5, all[i].rest.data,
			all[i].rest.len));
}

/* --- of short texts ------------------------------------------------------- */

void
digest_of(enum digest_kind kind, struct slice data, uint8_t *value)
{
	struct digest digest;

	digest_init(&digest, kind);
	digest_update(&digest, data.data, data.len);
	digest_final(&digest, value);
}

uint64_t
digest_crc_combine(enum digest_kind kind, uint64_t first, uint64_t second,
	uint64_t second_len)
{
	const struct digest_form *form = form_of(kind);

	assert(form->maker == BY_CRC);
	return crc_combine(form->crc, first, second, second_len);
}

/*
 * By hand: OpenSSL's EVP_MAC takes several times as long for the short texts
 * that signatures are made of.
 */
void
digest_hmac_sha256(struct slice key, struct slice data, uint8_t value[32])
{
	uint8_t inner[SHA256_BLOCK] = {0};
	uint8_t outer[SHA256_BLOCK];
	struct digest digest;

	if (key.len > sizeof(inner))
		digest_of(DIGEST_SHA256, key, inner);
	else if (key.len)
		memcpy(inner, key.data, key.len);
	for (size_t i = 0; i < sizeof(inner); i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}

	digest_init(&digest, DIGEST_SHA256);
	digest_update(&digest, inner, sizeof(inner));
	digest_update(&digest, data.data, data.len);
	expect(EVP_DigestFinal_ex(digest.context, value, NULL));
	expect(EVP_DigestInit_ex2(digest.context, NULL, NULL));
	digest_update(&digest, outer, sizeof(outer));
	digest_update(&digest, value, 32);
	digest_final(&digest, value);

	cipher_wipe(inner, sizeof(inner));
	cipher_wipe(outer, sizeof(outer));
}

bool
digest_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
