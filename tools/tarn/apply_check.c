/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/apply_check.h"

#include <stdio.h>
#include <string.h>

#include "tools/tarn/open.h"
#include "tools/tarn/users.h"

/* The users as they will be: those of the store, and of the manifest up to the
 * one at hand. */
struct plan {
	struct user *users;
	size_t count;
};

static bool
refuse(const struct manifest_user *wanted, const char *code, const char *why)
{
	fprintf(stderr, "tarn: " USERS_RESOURCE "%.*s: %s: %s\n",
		(int)wanted->name.len, wanted->name.data, code, why);
	return false;
}

bool
apply_check_fail(const struct manifest_user *wanted, enum store_err err)
{
	if (err == STORE_EXISTS)
		return refuse(wanted, "SecretNameConflict",
			"spec.secretName: another user of the namespace has a "
			"Secret of that name, which would go with either");
	if (err == STORE_NO_ORGANIZATION)
		return refuse(wanted, "Invalid",
			"spec.owner: there is no such organization; make it "
			"with tarn org create");
	if (err == STORE_TOKEN_EXISTS)
		return refuse(wanted, "AlreadyExists",
			"metadata.name: the organization has a token of that "
			"name, which no manifest made");
	if (err == STORE_NOT_PERMITTED)
		return refuse(wanted, "Invalid",
			"spec.owner: cannot change; delete the user first");
	return refuse(wanted, "Failed", error_sentence(err));
}

static struct user *
find(const struct plan *plan, const struct user *user)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (!strcmp(plan->users[i].namespace, user->namespace) &&
			!strcmp(plan->users[i].name, user->name))
			return &plan->users[i];
	}
	return NULL;
}

static enum store_err
check_secret_name(const struct plan *plan, const struct user *user)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct user *other = &plan->users[i];

		if (!strcmp(other->namespace, user->namespace) &&
			strcmp(other->name, user->name) != 0 &&
			!strcmp(other->secret_name, user->secret_name))
			return STORE_EXISTS;
	}
	return STORE_OK;
}

/* found: the user that is there; NULL: none. */
static enum store_err
check_token(const struct apply_check *check, const struct user *user,
	const struct user *found)
{
	struct token token;
	enum store_err err = token_get(check->store, slice_str(user->owner),
		slice_str(user->name), &token);

	if (err)
		return err == STORE_NO_TOKEN ? STORE_OK : err;
	return found && !strcmp(found->access_key, token.access_key)
		       ? STORE_OK
		       : STORE_TOKEN_EXISTS;
}

static enum store_err
check_user(const struct apply_check *check, const struct plan *plan,
	const struct user *user)
{
	const struct user *found = find(plan, user);
	enum store_err err =
		organization_check(check->store, slice_str(user->owner));

	if (!err && found && strcmp(found->owner, user->owner) != 0)
		err = STORE_NOT_PERMITTED;
	if (!err)
		err = check_secret_name(plan, user);
	return err ? err : check_token(check, user, found);
}

/* What two namespaces of one manifest cannot both have. */
static bool
check_others(const struct apply_check *check,
	const struct manifest_user *wanted, const struct manifest_user *other)
{
	if (slice_equal(wanted->namespace, other->namespace))
		return true;
	if (slice_equal(wanted->owner, other->owner) &&
		slice_equal(wanted->name, other->name))
		return apply_check_fail(wanted, STORE_TOKEN_EXISTS);
	if (check->secret_dir &&
		slice_equal(wanted->secret_name, other->secret_name))
		return refuse(wanted, "SecretNameConflict",
			"spec.secretName: a user of another namespace has a "
			"Secret of that name, which --secret-dir would put "
			"into the same file");
	return true;
}

static bool
check_one(const struct apply_check *check, struct plan *plan,
	const struct manifest_user *users, size_t at)
{
	const struct manifest_user *wanted = &users[at];
	struct user user;
	struct user *found;
	enum store_err err;

	users_of_manifest(wanted, &user);
	if (!slice_equal(wanted->owner, wanted->namespace) && !check->is_admin)
		return refuse(wanted, "Forbidden",
			"spec.owner: is not the namespace; only with --admin");
	for (size_t i = 0; i < at; i++) {
		if (!check_others(check, wanted, &users[i]))
			return false;
	}
	err = check_user(check, plan, &user);
	if (err)
		return apply_check_fail(wanted, err);
	found = find(plan, &user);
	if (found)
		memcpy(found->secret_name, user.secret_name,
			sizeof(user.secret_name));
	else
		plan->users[plan->count++] = user;
	return !check->secret_dir ||
	       users_secret_check(check->secret_dir, &user);
}

bool
apply_check_all(const struct apply_check *check,
	const struct manifest_user *users, size_t count)
{
	scoped(arena_free) struct arena arena = {0};
	struct plan plan;
	struct user *known;
	bool is_good = true;
	enum store_err err =
		user_list(check->store, &arena, &known, &plan.count);

	if (err) {
		(void)open_fail("cannot list users", err);
		return false;
	}
	plan.users = arena_new_array(&arena, plan.count + count, struct user);
	memcpy(plan.users, known, plan.count * sizeof(known[0]));
	for (size_t i = 0; i < count; i++)
		is_good = check_one(check, &plan, users, i) && is_good;
	return is_good;
}
