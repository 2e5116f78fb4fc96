/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/http/certificate.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

#define DAY 86400L

static void
add_extension(X509 *x509, int kind, const char *value)
{
	X509_EXTENSION *extension =
		X509V3_EXT_conf_nid(NULL, NULL, kind, value);

	cr_assert(ne(ptr, extension, NULL), "%s", value);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
}

/* Not signed yet. */
static X509 *
make_x509(const char *name, EVP_PKEY *key, X509 *issuer)
{
	static long serial;
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_get_subject_name(x509);

	X509_set_version(x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x509), -DAY);
	X509_gmtime_adj(X509_getm_notAfter(x509), DAY);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x509,
		X509_get_subject_name(issuer ? issuer : x509));
	X509_set_pubkey(x509, key);
	return x509;
}

void
certificate_authority_open(struct certificate_authority *authority)
{
	*authority = (struct certificate_authority){
		.dir = temp_dir_make(),
		.key = EVP_EC_gen("P-256"),
	};
	cr_assert(ne(ptr, authority->key, NULL));
	authority->x509 = make_x509("test authority", authority->key, NULL);
	add_extension(authority->x509, NID_basic_constraints, "CA:TRUE");
	cr_assert(gt(int,
		X509_sign(authority->x509, authority->key, EVP_sha256()), 0));
}

void
certificate_authority_close(struct certificate_authority *authority)
{
	temp_dir_remove(&authority->dir);
	X509_free(authority->x509);
	EVP_PKEY_free(authority->key);
}

struct certificate
certificate_make(const struct certificate_authority *authority,
	const char *label, const char *names)
{
	struct certificate made;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = make_x509(label, key, authority->x509);

	if (names)
		add_extension(x509, NID_subject_alt_name, names);
	cr_assert(gt(int, X509_sign(x509, authority->key, EVP_sha256()), 0));
	(void)snprintf(made.file, sizeof(made.file), "%s/%s.pem",
		authority->dir.path, label);
	(void)snprintf(made.key_file, sizeof(made.key_file), "%s/%s.key",
		authority->dir.path, label);

	FILE *file = fopen(made.file, "w");
	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(int, PEM_write_X509(file, x509), 1));
	cr_assert(eq(int, PEM_write_X509(file, authority->x509), 1));
	fclose(file);
	file = fopen(made.key_file, "w");
	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(int,
		PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1));
	fclose(file);
	cr_assert(zero(int, chmod(made.key_file, 0600)));
	X509_free(x509);
	EVP_PKEY_free(key);
	return made;
}

void
certificate_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert(ne(ptr, file, NULL));
	fputs(text, file);
	fclose(file);
}

struct http_tls_files
certificate_files(const struct certificate *certificate)
{
	return (struct http_tls_files){
		certificate->file,
		certificate->key_file,
	};
}
