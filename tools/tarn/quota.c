/* SPDX-License-Identifier: Apache-2.0 */
/* tarn quota: how much a bucket or an organization may hold. */
#include <stdio.h>
#include <string.h>

#include "store/bucket.h"
#include "store/usage.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"

struct set_args {
	const char *path;
	const char *bucket;
	const char *organization;
	const char *bytes;
	const char *objects;
};

/* What stands behind the digits: "", "k", "GiB", "TB". */
static bool
read_unit(struct slice unit, uint64_t *factor)
{
	static const char letters[] = "KMGTP";
	uint64_t base = 1000;

	*factor = 1;
	if (unit.len == 0)
		return true;
	const char *letter =
		strchr(letters, unit.data[0] == 'k' ? 'K' : unit.data[0]);
	if (!letter || !*letter)
		return false;
	unit = slice_from(unit, 1);
	if (unit.len > 0 && unit.data[0] == 'i') {
		base = 1024;
		unit = slice_from(unit, 1);
	}
	if (unit.len > 0 && !slice_equal(unit, SLICE("B")))
		return false;
	for (const char *at = letters; at <= letter; at++)
		*factor *= base;
	return true;
}

/* "none" is 0, no limit; to have nothing at all is no quota. */
static uint64_t
read_amount(const struct args_command *command, const char *name,
	const char *text)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t factor, amount;
	unsigned long number;

	if (!strcmp(text, "none"))
		return 0;
	if (!slice_to_u64(slice_of(text, digits), UINT64_MAX, &number) ||
		!read_unit(slice_str(text + digits), &factor) || number == 0 ||
		__builtin_mul_overflow((uint64_t)number, factor, &amount))
		args_refuse(command,
			"--%s takes a number from 1 on, as in 500, 20G, "
			"10TiB, or \"none\"",
			name);
	return amount;
}

static enum store_err
change(struct store *store, const struct args_command *command,
	const struct set_args *args)
{
	struct bucket bucket = {0};
	struct usage usage;
	enum store_err err;

	if (args->bucket) {
		err = bucket_get(store, slice_str(args->bucket), &bucket);
		if (!err)
			err = usage_of_bucket(store, bucket.ino, &usage);
	} else {
		err = usage_of_organization(store,
			slice_str(args->organization), &usage);
	}
	if (err)
		return err;
	if (args->bytes)
		usage.quota.bytes = read_amount(command, "bytes", args->bytes);
	if (args->objects)
		usage.quota.objects =
			read_amount(command, "objects", args->objects);
	if (args->bucket)
		return usage_set_bucket_quota(store, bucket.ino, &usage.quota);
	return usage_set_organization_quota(store,
		slice_str(args->organization), &usage.quota);
}

static int
set_run(int argc, char **argv)
{
	struct set_args args = {0};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"bucket", "NAME", "of this bucket", &args.bucket, NULL, NULL},
		{"org", "ORG", "of this organization", &args.organization, NULL,
			NULL},
		{"bytes", "SIZE", "as in 500, 20G, 10TiB; or none", &args.bytes,
			NULL, NULL},
		{"objects", "N", "as in 1000, 20M; or none", &args.objects,
			NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn quota set --bucket NAME|--org ORG "
			 "[--bytes SIZE] [--objects N] --store DIR",
		.summary = "Says how much may be kept.  What is there stays, "
			   "also\n"
			   "where it is more.  tarn usage shows quotas.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!args.path)
		args_refuse(&command, "--store DIR is missing");
	if (!args.bucket == !args.organization)
		args_refuse(&command, "either --bucket or --org is needed");
	if (!args.bytes && !args.objects)
		args_refuse(&command, "--bytes or --objects is needed");

	scoped(store_close) struct store *store =
			open_store(args.path, "quota", false);
	if (!store)
		return COMMAND_FAILED;

	enum store_err err = change(store, &command, &args);

	return err ? open_fail(args.bucket ? args.bucket : args.organization,
			     err)
		   : COMMAND_OK;
}

int
quota_run(int argc, char **argv)
{
	static const struct args_verb verbs[] = {
		{"set", set_run},
	};
	const struct args_command command = {
		.usage = "tarn quota set ...",
		.summary = "How much may be kept: the verb has its own --help.",
	};

	return args_run_verb(&command, verbs, array_len(verbs), argc, argv);
}
