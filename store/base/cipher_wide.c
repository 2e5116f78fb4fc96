/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/cipher_wide_private.h"

#ifdef HAVE_IPSEC_MB

#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stdlib.h>

#define WANTED (IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ)

struct cipher_wide {
	struct gcm_key_data key; /* aligned for its registers */
};

/* Its functions for this CPU, for the life of the process; NULL: no better
 * than OpenSSL's. */
static IMB_MGR *wide_manager;
static pthread_once_t wide_once = PTHREAD_ONCE_INIT;

static void
choose_functions(void)
{
	IMB_MGR *manager = alloc_mb_mgr(0);

	if (!manager)
		return;
	init_mb_mgr_auto(manager, NULL);
	if (!imb_get_errno(manager) && (manager->features & WANTED) == WANTED)
		wide_manager = manager;
	else
		free_mb_mgr(manager);
}

struct cipher_wide *
cipher_wide_create(const uint8_t key[CIPHER_KEY_LEN])
{
	struct cipher_wide *wide;

	pthread_once(&wide_once, choose_functions);
	if (!wide_manager)
		return NULL;
	wide = aligned_alloc(_Alignof(struct cipher_wide), sizeof(*wide));
	if (!wide)
		error_out_of_memory();
	IMB_AES256_GCM_PRE(wide_manager, key, &wide->key);
	return wide;
}

void
cipher_wide_free(struct cipher_wide *wide)
{
	if (wide)
		cipher_wipe(wide, sizeof(*wide));
	free(wide);
}

void
cipher_wide_seal(struct cipher_wide *wide,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice plain, uint8_t *sealed)
{
	struct gcm_context_data context;

	IMB_AES256_GCM_ENC(wide_manager, &wide->key, &context, sealed,
		(const uint8_t *)plain.data, plain.len, nonce,
		(const uint8_t *)associated.data, associated.len,
		sealed + plain.len, CIPHER_TAG_LEN);
	cipher_wipe(&context, sizeof(context));
}

void
cipher_wide_open(struct cipher_wide *wide,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice sealed, uint8_t *plain, uint8_t tag[CIPHER_TAG_LEN])
{
	struct gcm_context_data context;

	IMB_AES256_GCM_DEC(wide_manager, &wide->key, &context, plain,
		(const uint8_t *)sealed.data, sealed.len - CIPHER_TAG_LEN,
		nonce, (const uint8_t *)associated.data, associated.len, tag,
		CIPHER_TAG_LEN);
	cipher_wipe(&context, sizeof(context));
}

#else

struct cipher_wide *
cipher_wide_create(const uint8_t key[CIPHER_KEY_LEN])
{
	(void)key;
	return NULL;
}

void
cipher_wide_free(struct cipher_wide *wide)
{
	(void)wide;
}

void
cipher_wide_seal(struct cipher_wide *wide,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice plain, uint8_t *sealed)
{
	(void)wide;
	(void)nonce;
	(void)associated;
	(void)plain;
	(void)sealed;
}

void
cipher_wide_open(struct cipher_wide *wide,
	const uint8_t nonce[CIPHER_NONCE_LEN], struct slice associated,
	struct slice sealed, uint8_t *plain, uint8_t tag[CIPHER_TAG_LEN])
{
	(void)wide;
	(void)nonce;
	(void)associated;
	(void)sealed;
	(void)plain;
	(void)tag;
}

#endif
