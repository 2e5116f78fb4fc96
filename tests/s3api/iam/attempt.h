/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.h - an assertion held against those that are trusted. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "s3api/iam/saml.h"
#include "store/base/clock.h"
#include "tests/s3api/iam/assertion.h"

#define ATTEMPT_NOW_NS (1764100000ll * CLOCK_NS_PER_S)
#define SHA1_DIGEST "http://www.w3.org/2000/09/xmldsig#sha1"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

struct attempt {
	struct assertion_idp idp;
	struct saml_idp trust;
	struct claims facts;
	struct claims_report report;
	bool is_believed;
};

static inline void
attempt_open(struct attempt *attempt)
{
	assertion_idp_open(&attempt->idp, "P-256");
	attempt->trust = assertion_trust(&attempt->idp);
}

static inline void
attempt_close(struct attempt *attempt)
{
	assertion_idp_close(&attempt->idp);
}

static inline void
attempt_check_at(struct attempt *attempt, const char *xml, int64_t now_ns)
{
	attempt->is_believed =
		saml_check(slice_str(xml), &attempt->trust, now_ns, false,
			&attempt->idp.arena, &attempt->facts, &attempt->report);
}

/* Refused by that step, with that in its sentence; and with goes_on too. */
static inline void
attempt_expect_refused(struct attempt *attempt, const char *xml,
	enum saml_step step, const char *text)
{
	struct claims_report all;
	bool is_believed_all =
		saml_check(slice_str(xml), &attempt->trust, ATTEMPT_NOW_NS,
			true, &attempt->idp.arena, &attempt->facts, &all);

	attempt_check_at(attempt, xml, ATTEMPT_NOW_NS);
	cr_expect(not(attempt->is_believed), "%s was believed", text);
	cr_expect(not(is_believed_all), "%s was believed", text);
	cr_assert(ne(ptr, (void *)attempt->report.first_bad, NULL), "%s", text);
	cr_expect(eq(int, attempt->report.first_bad->step, step), "%s: %s",
		text, attempt->report.first_bad->text.data);
	cr_expect(strstr(attempt->report.first_bad->text.data, text) != NULL,
		"%s is not in: %s", text, attempt->report.first_bad->text.data);
	cr_expect(eq(ptr, (void *)attempt->report.first_bad,
		(void *)&attempt->report.findings[attempt->report.count - 1]));
}

static inline void
attempt_expect_believed(struct attempt *attempt, const char *xml)
{
	attempt_check_at(attempt, xml, ATTEMPT_NOW_NS);
	cr_assert(attempt->is_believed, "%s",
		attempt->report.first_bad ? attempt->report.first_bad->text.data
					  : "nothing is bad");
}
