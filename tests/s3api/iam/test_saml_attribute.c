/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/iam/saml.h"
#include "tests/s3api/iam/assertion.h"
#include "tests/s3api/iam/attempt.h"

Test(saml_attribute, roles_of_aws_s_form_are_read_by_their_name)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion a = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	a.roles[0] = "arn:aws:iam::366768993934:role/SSOViewOnly,"
		     "arn:aws:iam::459684590682:saml-provider/my-provider_sso";
	a.roles[1] = "arn:aws:iam::366768993934:saml-provider/p,"
		     "arn:aws:iam::459684590682:role/path/Deep";
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &a));
	cr_expect(slice_equal(attempt.facts.roles[0], SLICE("SSOViewOnly")));
	cr_expect(slice_equal(attempt.facts.roles[1], SLICE("Deep")));
}

Test(saml_attribute, a_role_of_another_organization_is_refused)
{
	scoped(attempt_close) struct attempt attempt;
	struct assertion a = assertion_usual(ATTEMPT_NOW_NS);

	attempt_open(&attempt);
	attempt.trust.organization = SLICE("prod");
	a.roles[0] = "arn:aws:iam::prod:role/admin,"
		     "arn:aws:iam::prod:saml-provider/main";
	attempt_expect_believed(&attempt, assertion_make(&attempt.idp, &a));
	cr_expect(slice_equal(attempt.facts.roles[0], SLICE("admin")));
	a.roles[0] = "arn:aws:iam::dev:role/admin,"
		     "arn:aws:iam::dev:saml-provider/main";
	attempt_expect_refused(&attempt, assertion_make(&attempt.idp, &a),
		SAML_ATTRIBUTES, "a role of another organization");
}
