/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "s3api/iam/saml_private.h"

#include "store/base/text.h"

#define ACCOUNT_LEN 12 /* digits of an account of AWS */
#define ROLE ":role/"  /* in the ARN of one */

static const char *
quote(struct saml_check *check, struct slice text)
{
	return claims_quote(text, check->arena);
}

static bool
is_account_of_aws(struct slice account)
{
	return account.len == ACCOUNT_LEN && text_is_digits(account);
}

/* What stands behind the last of that character; all where there is none. */
static struct slice
behind_last(struct slice text, char c)
{
	ptrdiff_t at = slice_find_char(text, c);

	while (at >= 0) {
		text = slice_from(text, (size_t)at + 1);
		at = slice_find_char(text, c);
	}
	return text;
}

/* Of AWS's form, "arn:aws:iam::ACCOUNT:role/NAME,arn:...", the NAME; empty: it
 * is a role of somebody else. */
static struct slice
role_of(struct slice value, struct slice organization)
{
	struct slice rest = value;
	struct slice piece;

	while (slice_split(&rest, ',', &piece)) {
		ptrdiff_t at = slice_find(piece, SLICE(ROLE));

		if (!slice_has_prefix(piece, SLICE("arn:")) || at < 0)
			continue;

		struct slice account =
			behind_last(slice_first(piece, (size_t)at), ':');

		if (!is_account_of_aws(account) &&
			!slice_equal(account, organization))
			return SLICE("");
		return behind_last(slice_from(piece, (size_t)at + strlen(ROLE)),
			'/');
	}
	return value;
}

/* Values of one attribute, added to the *count there are, up to max + 1 in all;
 * one that is not plain text is empty. */
static void
add_values(struct saml_check *check, const xmlNode *attribute,
	struct slice *values, size_t max, size_t *count)
{
	const xmlNode *value =
		saml_xml_child(attribute, SAML_ASSERTION_NS, "AttributeValue");

	for (; value && *count <= max;
		value = saml_xml_next(value, SAML_ASSERTION_NS,
			"AttributeValue")) {
		if (*count < max)
			values[*count] = saml_xml_text(value, check->arena);
		(*count)++;
	}
}

/* The same of all attributes of that name. */
static size_t
find_values(struct saml_check *check, struct slice name, struct slice *values,
	size_t max)
{
	const xmlNode *statement = saml_xml_child(check->assertion,
		SAML_ASSERTION_NS, "AttributeStatement");
	size_t count = 0;

	for (; statement; statement = saml_xml_next(statement,
				  SAML_ASSERTION_NS, "AttributeStatement")) {
		const xmlNode *attribute = saml_xml_child(statement,
			SAML_ASSERTION_NS, "Attribute");

		for (; attribute; attribute = saml_xml_next(attribute,
					  SAML_ASSERTION_NS, "Attribute")) {
			if (slice_equal(saml_xml_attribute(attribute, "Name",
						check->arena),
				    name))
				add_values(check, attribute, values, max,
					&count);
		}
	}
	return count;
}

static bool
check_principal(struct saml_check *check, struct slice name)
{
	struct slice value = SLICE_NULL;
	size_t count = find_values(check, name, &value, 1);

	if (count != 1)
		return claims_bad(&check->findings, SAML_ATTRIBUTES,
			"the attribute %s has %s", quote(check, name),
			count > 0 ? "several values" : "no value");
	if (!claims_name_is_plain(value))
		return claims_bad(&check->findings, SAML_ATTRIBUTES,
			"the value of %s is not 1 to 64 of A-Z a-z 0-9 "
			". _ - @ + = and ,",
			quote(check, name));
	check->claims->principal = value;
	return claims_good(&check->findings, SAML_ATTRIBUTES,
		"the principal is %s", quote(check, value));
}

static bool
check_roles(struct saml_check *check, struct slice name)
{
	struct slice *roles = check->claims->roles;
	size_t count = find_values(check, name, roles, CLAIMS_ROLES_MAX);

	if (count == 0 || count > CLAIMS_ROLES_MAX)
		return claims_bad(&check->findings, SAML_ATTRIBUTES,
			"the attribute %s has %s", quote(check, name),
			count > 0 ? "too many values" : "no value");
	for (size_t i = 0; i < count; i++) {
		struct slice role = role_of(roles[i], check->idp->organization);

		if (role.len == 0 && roles[i].len > 0)
			return claims_bad(&check->findings, SAML_ATTRIBUTES,
				"a value of %s is a role of another "
				"organization: %s",
				quote(check, name), quote(check, roles[i]));
		roles[i] = role;
		if (!claims_name_is_plain(roles[i]))
			return claims_bad(&check->findings, SAML_ATTRIBUTES,
				"a value of %s is not 1 to 64 of A-Z a-z 0-9 "
				". _ - @ + = and ,",
				quote(check, name));
	}
	check->claims->role_count = count;
	return claims_good(&check->findings, SAML_ATTRIBUTES,
		"%zu role%s, the first is %s", count, count == 1 ? "" : "s",
		quote(check, roles[0]));
}

bool
saml_attribute_check(struct saml_check *check)
{
	const struct saml_idp *idp = check->idp;
	struct slice role = idp->role_attribute.len > 0
				    ? idp->role_attribute
				    : SLICE(SAML_ROLE_ATTRIBUTE);
	struct slice principal = idp->principal_attribute.len > 0
					 ? idp->principal_attribute
					 : SLICE(SAML_PRINCIPAL_ATTRIBUTE);

	return check_roles(check, role) && check_principal(check, principal);
}
