/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/cipher.h"
#include "store/base/digest.h"
#include "store/base/random.h"
#include "store/base/text.h"
#include "store/token_private.h"

#define DRAWN_PREFIX "TARN"
#define DRAWN_KEY_LEN 20
#define DRAWN_SECRET_LEN 40

_Static_assert(TOKEN_SEALED_MAX ==
		       CIPHER_NONCE_LEN + TOKEN_SECRET_MAX + CIPHER_TAG_LEN,
	"as docs/format.md has it");

/* Characters of the alphabet, each as likely as any other: bytes beyond the
 * last whole multiple of its length are drawn again. */
static void
draw(const char *alphabet, char *to, size_t len)
{
	size_t letters = strlen(alphabet);
	size_t limit = 256 / letters * letters;
	size_t drawn = 0;
	uint8_t bytes[64];

	while (drawn < len) {
		random_bytes(bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes) && drawn < len; i++)
			if (bytes[i] < limit)
				to[drawn++] = alphabet[bytes[i] % letters];
	}
	cipher_wipe(bytes, sizeof(bytes));
}

void
token_secret_draw_access_key(char to[TOKEN_ACCESS_KEY_MAX + 1])
{
	memcpy(to, DRAWN_PREFIX, strlen(DRAWN_PREFIX));
	draw("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", to + strlen(DRAWN_PREFIX),
		DRAWN_KEY_LEN - strlen(DRAWN_PREFIX));
	to[DRAWN_KEY_LEN] = '\0';
}

size_t
token_secret_draw(char to[TOKEN_SECRET_MAX])
{
	draw("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	     "0123456789+/",
		to, DRAWN_SECRET_LEN);
	return DRAWN_SECRET_LEN;
}

bool
token_secret_is_valid(struct slice secret)
{
	if (secret.len < TOKEN_SECRET_MIN || secret.len > TOKEN_SECRET_MAX)
		return false;
	for (size_t i = 0; i < secret.len; i++)
		if (secret.data[i] < 0x21 || secret.data[i] > 0x7e)
			return false;
	return true;
}

struct slice
token_secret_seal(const struct store *store, struct slice access_key,
	struct slice secret, uint8_t sealed[TOKEN_SEALED_MAX])
{
	random_bytes(sealed, CIPHER_NONCE_LEN);
	cipher_seal(store->key, sealed, access_key, secret,
		sealed + CIPHER_NONCE_LEN);
	return slice_of(sealed, CIPHER_NONCE_LEN + secret.len + CIPHER_TAG_LEN);
}

enum store_err
token_secret_unseal(const struct store *store, const struct token *token,
	struct slice sealed, char secret[TOKEN_SECRET_MAX + 1])
{
	struct slice body;
	size_t len;
	enum store_err err;

	if (sealed.len < CIPHER_NONCE_LEN + CIPHER_TAG_LEN ||
		sealed.len > TOKEN_SEALED_MAX)
		return STORE_CORRUPT;
	body = slice_from(sealed, CIPHER_NONCE_LEN);
	len = body.len - CIPHER_TAG_LEN;
	err = cipher_open(store->key, (const uint8_t *)sealed.data,
		slice_str(token->access_key), body, (uint8_t *)secret);
	secret[err ? 0 : len] = '\0';
	return err;
}

void
token_secret_session(const struct store *store, const struct token *token,
	char session[TOKEN_SESSION_LEN + 1])
{
	uint8_t key[32];
	uint8_t value[32];

	cipher_derive(slice_of(store->key, sizeof(store->key)), SLICE_NULL,
		SLICE("tarn session token"), key, sizeof(key));
	digest_hmac_sha256(slice_of(key, sizeof(key)),
		slice_str(token->access_key), value);
	text_to_hex(value, sizeof(value), session);
	cipher_wipe(key, sizeof(key));
	cipher_wipe(value, sizeof(value));
}
