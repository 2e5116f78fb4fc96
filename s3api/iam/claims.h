/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims.h - what an identity provider says of a person, and why it is
 * believed or not: what saml.h and oidc.h find, and signin.h acts on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

/* Clocks may differ by so much. */
#define CLAIMS_SKEW_S 120
#define CLAIMS_ROLES_MAX 32
#define CLAIMS_FINDINGS_MAX 32

/* Texts.  Borrowed. */
struct claims_list {
	const struct slice *items;
	size_t count;
};

bool claims_list_has(const struct claims_list *list, struct slice text);

/* Slices live in the arena of who checked. */
struct claims {
	struct slice id;     /* of an assertion that is taken once, or empty */
	struct slice issuer; /* for messages, also where nothing is believed */
	struct slice principal;
	struct slice roles[CLAIMS_ROLES_MAX];
	size_t role_count;
	/* From then on it is refused as too old. */
	int64_t until_ns;
	int64_t session_until_ns; /* 0: it does not say */
};

/* Whether it is a role's or a principal's name: 1 to 64 of A-Z a-z 0-9
 * . _ - @ + = and the comma. */
bool claims_name_is_plain(struct slice name);

/* The same of a subject of OpenID Connect: 1 to 255, of / : and | too. */
#define CLAIMS_SUBJECT_MAX 255
bool claims_subject_is_valid(struct slice name);

struct claims_finding {
	int step; /* enum saml_step, enum oidc_step */
	bool is_good;
	struct slice text; /* "signed by certificate 1", without a full stop */
};

struct claims_report {
	struct claims_finding findings[CLAIMS_FINDINGS_MAX];
	size_t count;
	const struct claims_finding *first_bad; /* NULL: there is none */
};

/* What is under way; borrowed. */
struct claims_check {
	bool goes_on; /* to tell of all that is wrong */
	struct arena *arena;
	struct claims_report *report;
};

/* Writes a finding; of too many only the first are kept, and the first that is
 * bad.  What comes back is whether to go on: always, or where that is wanted.
 */
bool claims_good(struct claims_check *check, int step, const char *format, ...)
	printf_like(3, 4);
bool claims_bad(struct claims_check *check, int step, const char *format, ...)
	printf_like(3, 4);

/* For messages: what fits, without control characters. */
const char *claims_quote(struct slice text, struct arena *arena);
