/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/sse_c_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/text.h"

/* Base64 of the key with a line's end, and one byte to see that no more is
 * there. */
#define TEXT_MAX (TEXT_BASE64_LEN(SEAL_KEY_LEN) + 3)

/* Never what is in the file. */
static bool
refuse(const char *file, const char *why)
{
	fprintf(stderr, "tarn: %s: %s\n", file, why);
	return false;
}

static bool
check_file(int fd, const char *file)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return refuse(file, strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return refuse(file, "not a file");
	if (stat.st_mode & 077)
		return refuse(file, "others than its owner may read the key; "
				    "chmod 600 it");
	return true;
}

static bool
parse(struct slice text, uint8_t key[SEAL_KEY_LEN])
{
	size_t len = SEAL_KEY_LEN;

	if (text.len == SEAL_KEY_LEN) {
		memcpy(key, text.data, SEAL_KEY_LEN);
		return true;
	}
	if (slice_has_suffix(text, SLICE("\n")))
		text = slice_first(text, text.len - 1);
	if (slice_has_suffix(text, SLICE("\r")))
		text = slice_first(text, text.len - 1);
	return text.len == TEXT_BASE64_LEN(SEAL_KEY_LEN) &&
	       text_from_base64(text, key, &len) && len == SEAL_KEY_LEN;
}

static bool
read_key(int fd, const char *file, uint8_t key[SEAL_KEY_LEN])
{
	char text[TEXT_MAX];
	ssize_t got = read(fd, text, sizeof(text));
	int error = errno;
	bool is_key = got >= 0 && parse(slice_of(text, (size_t)got), key);

	cipher_wipe(text, sizeof(text));
	if (got < 0)
		return refuse(file, strerror(error));
	if (!is_key)
		return refuse(file, "a key is 32 bytes, or base64 of 32 bytes");
	return true;
}

static bool
add_file(struct slice prefix, const char *file, struct keyring *ring)
{
	uint8_t key[SEAL_KEY_LEN];
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return refuse(file, strerror(errno));
	bool is_read = check_file(fd, file) && read_key(fd, file, key);

	close(fd);
	if (!is_read)
		return false;
	enum store_err err = keyring_add(ring, prefix, key);

	cipher_wipe(key, sizeof(key));
	if (err == STORE_EXISTS)
		return refuse(file, "its prefix has a key already");
	if (err)
		return refuse(file, "its prefix does not begin with the name "
				    "of a bucket");
	return true;
}

bool
sse_c_keys_read(const struct args_list *words, struct keyring *ring)
{
	for (unsigned int i = 0; i < words->count; i++) {
		const char *word = words->values[i];
		const char *mark = strrchr(word, '=');

		if (!mark || mark == word || !mark[1]) {
			fprintf(stderr, "tarn: --sse-c-key takes PREFIX=FILE, "
					"as in photos/secret/=/etc/tarn/key\n");
			return false;
		}
		if (!add_file(slice_of(word, (size_t)(mark - word)), mark + 1,
			    ring))
			return false;
	}
	return true;
}
