/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: refused with a sentence, or users whose names are valid. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "store/user.h"
#include "tools/tarn/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(arena_free) struct arena arena = {0};
	struct manifest_error error = {""};
	struct manifest_user *users;
	size_t count;

	if (!manifest_parse(slice_of(data, size), &arena, &users, &count,
		    &error)) {
		assert(error.text[0]);
		return 0;
	}
	assert(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert(user_name_is_valid(users[i].name, USER_NAME_MAX));
		assert(user_name_is_valid(users[i].namespace, USER_NAME_MAX));
		assert(user_name_is_valid(users[i].owner, USER_NAME_MAX));
		assert(user_name_is_valid(users[i].secret_name,
			USER_SECRET_NAME_MAX));
		assert(token_level_name(users[i].access)[0] != 'u');
	}
	return 0;
}
