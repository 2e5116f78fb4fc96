/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/expirer.h"

#include "store/base/io.h"
#include "tests/s3api/op/versioned.h"

/* All that lies below logs/, and has since long. */
#define RULES                                                                  \
	"<LifecycleConfiguration><Rule><ID>gone</ID><Status>Enabled</Status>"  \
	"<Prefix>logs/</Prefix><Expiration><Date>2026-01-01</Date>"            \
	"</Expiration></Rule></LifecycleConfiguration>"

Test(expirer, a_server_deletes_what_is_due_and_the_log_tells)
{
	scoped(served_stop) struct served served = served_start_audited();
	struct expirer *expirer = NULL;

	served_bucket(&served, "photos");
	served_put(&served, "/photos/logs/old", "text");
	served_put(&served, "/photos/kept", "text");
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?lifecycle", NULL,
			SLICE(RULES))
			->status,
		200));
	cr_assert(zero(int,
		expirer_start(served.temp.store, served.audit, 0, &expirer)));
	while (served_ask(&served, "HEAD", "/photos/logs/old")->status != 404)
		io_sleep_ms(1);
	expirer_stop(&expirer);

	cr_expect(eq(uint, served_ask(&served, "HEAD", "/photos/kept")->status,
		200));
	const char *line =
		strstr(served_lines(&served), "\"source\":\"lifecycle\"");
	cr_assert(ne(ptr, (void *)line, NULL));
	cr_expect(ne(ptr,
		strstr(line, "\"operation\":\"S3.EXPIRE.OBJECT\",\"action\":"
			     "\"s3:DeleteObject\",\"decision\":\"allow\","
			     "\"statement\":\"gone\",\"bucketName\":\"photos\","
			     "\"key\":\"logs/old\",\"status\":204}"),
		NULL));
}

#define MARKER_RULES                                                           \
	"<LifecycleConfiguration><Rule><ID>left</ID><Status>Enabled</Status>"  \
	"<Prefix/><Expiration><ExpiredObjectDeleteMarker>true"                 \
	"</ExpiredObjectDeleteMarker></Expiration></Rule>"                     \
	"</LifecycleConfiguration>"

Test(expirer, the_log_tells_which_version_is_gone)
{
	scoped(served_stop) struct served served = served_start_audited();
	struct expirer *expirer = NULL;

	served_bucket(&served, "photos");
	versioned_become(&served, VERSIONED_STATUS("Enabled"));
	const char *marker = versioned_id(&served,
		versioned_ask(&served, "DELETE", "a", NULL));
	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?lifecycle", NULL,
			SLICE(MARKER_RULES))
			->status,
		200));
	cr_assert(zero(int,
		expirer_start(served.temp.store, served.audit, 0, &expirer)));
	while (s3_client_element_count(served_ask(&served, "GET",
					       "/photos?versions"),
		       "DeleteMarker") > 0)
		io_sleep_ms(1);
	expirer_stop(&expirer);

	const char *expected = served_text(&served,
		"\"action\":\"s3:DeleteObjectVersion\",\"decision\":\"allow\","
		"\"statement\":\"left\",\"bucketName\":\"photos\","
		"\"key\":\"a\",\"versionId\":\"%s\",\"status\":204}",
		marker);

	cr_expect(ne(ptr, strstr(served_lines(&served), expected), NULL));
}
