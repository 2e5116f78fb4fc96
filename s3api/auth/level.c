/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/auth/level.h"

#define READS (LEVEL_READ | LEVEL_LIST | LEVEL_UPLOADS)
#define WRITES (LEVEL_WRITE | LEVEL_UPLOADS)
#define OWNS (LEVEL_BUCKET | LEVEL_CONFIGURE)

unsigned int
level_mask(enum token_level level)
{
	switch (level) {
	case TOKEN_READ:
		return READS;
	case TOKEN_WRITE:
		return WRITES;
	case TOKEN_READWRITE:
		return READS | WRITES;
	case TOKEN_FULL:
		return READS | WRITES | OWNS;
	}
	return 0;
}

bool
level_allows(enum token_level level, unsigned int needs)
{
	return (level_mask(level) & needs) == needs;
}

bool
level_sees_own_uploads_only(enum token_level level)
{
	return level == TOKEN_WRITE;
}
