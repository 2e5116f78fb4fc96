/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cipher.h"
#include "store/base/text.h"
#include "tools/tarn/users.h"

static void
write_base64(FILE *to, const char *name, const char *text)
{
	char base64[TEXT_BASE64_LEN(TOKEN_ACCESS_KEY_MAX) + 1];

	_Static_assert(TOKEN_ACCESS_KEY_MAX >= TOKEN_SECRET_MAX, "either fits");
	text_to_base64(text, strlen(text), base64);
	fprintf(to, "  %s: %s\n", name, base64);
	cipher_wipe(base64, sizeof(base64));
}

void
users_secret_write(FILE *to, const struct user *user, const char *secret)
{
	fprintf(to,
		"apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n"
		"  namespace: %s\ntype: Opaque\ndata:\n",
		user->secret_name, user->namespace);
	write_base64(to, "accessKey", user->access_key);
	write_base64(to, "secretKey", secret);
}

static bool
fail(const char *dir, const char *name)
{
	fprintf(stderr, "tarn: %s/%s: %s\n", dir, name, strerror(errno));
	return false;
}

/* Takes fd. */
static bool
write_file(int fd, const struct user *user, const char *secret)
{
	FILE *file = fdopen(fd, "w");
	bool is_good;

	if (!file) {
		close(fd);
		return false;
	}
	users_secret_write(file, user, secret);
	is_good = !fflush(file) && !ferror(file) && !fsync(fd);
	return !fclose(file) && is_good;
}

bool
users_secret_save(const char *dir, const struct user *user, const char *secret)
{
	char temporary[USER_SECRET_NAME_MAX + 8];
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;
	bool is_good;

	if (dir_fd < 0)
		return fail(dir, "");
	/* No secret has a name that begins with a dot. */
	(void)snprintf(temporary, sizeof(temporary), ".%.240s.new",
		user->secret_name);
	(void)unlinkat(dir_fd, temporary, 0);
	fd = openat(dir_fd, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	is_good = fd >= 0 && write_file(fd, user, secret) &&
		  !renameat(dir_fd, temporary, dir_fd, user->secret_name) &&
		  !fsync(dir_fd);
	if (!is_good) {
		fail(dir, user->secret_name);
		(void)unlinkat(dir_fd, temporary, 0);
	}
	close(dir_fd);
	return is_good;
}

bool
users_secret_remove(const char *dir, const struct user *user)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_good;

	if (dir_fd < 0)
		return fail(dir, "");
	is_good = !unlinkat(dir_fd, user->secret_name, 0) || errno == ENOENT ||
		  fail(dir, user->secret_name);
	close(dir_fd);
	return is_good;
}
