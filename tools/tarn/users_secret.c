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

/* --- whose a file is ------------------------------------------------------ */

#define KIND_LINE "\nkind: Secret\n"
#define NAMESPACE_LINE "\n  namespace: "

/* The namespace that a Secret says it is of; empty where it says none, or is
 * none. */
static struct slice
namespace_of_secret(struct slice text)
{
	ptrdiff_t at = slice_find(text, SLICE(NAMESPACE_LINE));
	struct slice rest;
	struct slice line = SLICE_NULL;

	if (at < 0 || slice_find(text, SLICE(KIND_LINE)) < 0)
		return SLICE_NULL;
	rest = slice_from(text, (size_t)at + strlen(NAMESPACE_LINE));
	(void)slice_split(&rest, '\n', &line);
	return line;
}

enum whose { NOBODYS, OURS, ANOTHERS, UNKNOWN };

static enum whose
whose(int dir_fd, const struct user *user)
{
	char text[4096];
	int fd = openat(dir_fd, user->secret_name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT ? NOBODYS : UNKNOWN;
	len = read(fd, text, sizeof(text));
	close(fd);
	if (len < 0)
		return UNKNOWN;
	return slice_equal(namespace_of_secret(slice_of(text, (size_t)len)),
		       slice_str(user->namespace))
		       ? OURS
		       : ANOTHERS;
}

static bool
check(int dir_fd, const char *dir, const struct user *user)
{
	switch (whose(dir_fd, user)) {
	case NOBODYS:
	case OURS:
		return true;
	case ANOTHERS:
		fprintf(stderr,
			"tarn: " USERS_RESOURCE "%s: SecretNameConflict: "
			"spec.secretName: %s/%s is no Secret of the namespace "
			"%s, and stays; say another --secret-dir, or another "
			"name\n",
			user->name, dir, user->secret_name, user->namespace);
		return false;
	case UNKNOWN:
		break;
	}
	return fail(dir, user->secret_name);
}

bool
users_secret_check(const char *dir, const struct user *user)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_good;

	if (dir_fd < 0)
		return fail(dir, "");
	is_good = check(dir_fd, dir, user);
	close(dir_fd);
	return is_good;
}

/* --- writing and removing ------------------------------------------------- */

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

static bool
save(int dir_fd, const char *dir, const struct user *user, const char *secret)
{
	char temporary[USER_SECRET_NAME_MAX + 8];
	int fd;
	bool is_good;

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
	return is_good;
}

bool
users_secret_save(const char *dir, const struct user *user, const char *secret)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_good;

	if (dir_fd < 0)
		return fail(dir, "");
	is_good = check(dir_fd, dir, user) && save(dir_fd, dir, user, secret);
	close(dir_fd);
	return is_good;
}

static bool
remove_file(int dir_fd, const char *dir, const struct user *user)
{
	switch (whose(dir_fd, user)) {
	case NOBODYS:
		return true;
	case OURS:
		return !unlinkat(dir_fd, user->secret_name, 0) ||
		       fail(dir, user->secret_name);
	case ANOTHERS:
		fprintf(stderr,
			"tarn: %s/%s is no Secret of the namespace %s, and "
			"stays\n",
			dir, user->secret_name, user->namespace);
		return true;
	case UNKNOWN:
		break;
	}
	return fail(dir, user->secret_name);
}

bool
users_secret_remove(const char *dir, const struct user *user)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool is_good;

	if (dir_fd < 0)
		return fail(dir, "");
	is_good = remove_file(dir_fd, dir, user);
	close(dir_fd);
	return is_good;
}
