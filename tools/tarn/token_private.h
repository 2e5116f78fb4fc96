/* SPDX-License-Identifier: Apache-2.0 */
/* token_private.h - what the verbs of tarn token share. */
#pragma once

#include "store/organization.h"

/* "--org ORG", for the tables of options of all verbs. */
#define TOKEN_ORG_OPTION(value)                                                \
	{                                                                      \
		"org", "ORG", "its organization (" ORGANIZATION_DEFAULT ")",   \
			value, NULL, NULL                                      \
	}

/* As command.h has them. */
int token_create_run(int argc, char **argv);
