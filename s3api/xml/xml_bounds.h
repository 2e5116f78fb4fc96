/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_bounds.h - what is looked at before libxml2 sees a document.
 *
 * Of a tag with n attributes libxml2 compares each with each, as the canonical
 * form sorts them: 640 KB of one tag take a minute.  This is one pass.
 */
#pragma once

#include <stdbool.h>

#include "store/base/slice.h"

#define XML_ATTRIBUTES_MAX 64 /* of one tag, namespaces among them */

/*
 * False: more attributes; or something at which this pass and libxml2 might
 * take different ways: what is no UTF-8 or not well-formed where tags are, a
 * document type, a processing instruction but for the first line.
 */
bool xml_bounds_hold(struct slice xml);
