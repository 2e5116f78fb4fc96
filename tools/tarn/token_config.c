/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/token_config.h"

#include <stdio.h>
#include <string.h>

static const char *
host_of(const char *endpoint)
{
	return strstr(endpoint, "://") + 3;
}

bool
token_config_endpoint_is_valid(const char *endpoint)
{
	struct slice s = slice_str(endpoint);

	if (!slice_has_prefix(s, SLICE("http://")) &&
		!slice_has_prefix(s, SLICE("https://")))
		return false;
	const char *host = host_of(endpoint);

	/* The line ends up in files that a shell reads. */
	return *host && host[strspn(host, "abcdefghijklmnopqrstuvwxyz"
					  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789.-_:[]")] == '\0';
}

/* Without %(bucket)s in host_bucket, s3cmd uses path style. */
static void
print_s3cmd(const struct token *token, const char *secret, const char *endpoint)
{
	const char *host = host_of(endpoint);
	bool is_https = !strncmp(endpoint, "https", 5);

	printf("[default]\naccess_key = %s\nsecret_key = %s\n"
	       "host_base = %s\nhost_bucket = %s\nuse_https = %s\n"
	       "signature_v2 = False\nbucket_location = %s\n",
		token->access_key, secret, host, host,
		is_https ? "True" : "False", token->region);
}

static void
print_aws(const struct token *token, const char *secret, const char *endpoint)
{
	printf("[default]\naws_access_key_id = %s\n"
	       "aws_secret_access_key = %s\nregion = %s\n"
	       "endpoint_url = %s\ns3 =\n  addressing_style = path\n",
		token->access_key, secret, token->region, endpoint);
}

static void
print_rclone(const struct token *token, const char *secret,
	const char *endpoint)
{
	printf("[tarn]\ntype = s3\nprovider = Other\nenv_auth = false\n"
	       "access_key_id = %s\nsecret_access_key = %s\nregion = %s\n"
	       "endpoint = %s\nforce_path_style = true\n",
		token->access_key, secret, token->region, endpoint);
}

/* The shared credentials file: s5cmd takes the endpoint on its command line or
 * from S3_ENDPOINT_URL. */
static void
print_s5cmd(const struct token *token, const char *secret, const char *endpoint)
{
	printf("# s5cmd --credentials-file FILE --endpoint-url %s ...\n"
	       "[default]\naws_access_key_id = %s\n"
	       "aws_secret_access_key = %s\nregion = %s\n",
		endpoint, token->access_key, secret, token->region);
}

/* A secret that was taken over may hold any printable byte. */
static void
print_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
	putchar('\'');
}

static void
print_python(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void
print_env(const struct token *token, const char *secret, const char *endpoint)
{
	printf("export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=",
		token->access_key);
	print_quoted(secret);
	printf("\nexport AWS_DEFAULT_REGION=%s\nexport AWS_ENDPOINT_URL=%s\n",
		token->region, endpoint);
}

/* A module: what it has in it goes to boto3.client() as it is. */
static void
print_boto3(const struct token *token, const char *secret, const char *endpoint)
{
	printf("# import boto3, this; boto3.client(**this.CLIENT)\n"
	       "from botocore.config import Config\n\n"
	       "CLIENT = {\n"
	       "    \"service_name\": \"s3\",\n"
	       "    \"endpoint_url\": \"%s\",\n"
	       "    \"region_name\": \"%s\",\n"
	       "    \"aws_access_key_id\": \"%s\",\n"
	       "    \"aws_secret_access_key\": ",
		endpoint, token->region, token->access_key);
	print_python(secret);
	printf(",\n    \"config\": Config(s3={\"addressing_style\": "
	       "\"path\"}),\n}\n");
}

bool
token_config_print(const char *client, const struct token *token,
	const char *secret, const char *endpoint)
{
	static const struct {
		const char *name;
		void (*print)(const struct token *token, const char *secret,
			const char *endpoint);
	} clients[] = {
		{"s3cmd", print_s3cmd},
		{"aws", print_aws},
		{"rclone", print_rclone},
		{"s5cmd", print_s5cmd},
		{"boto3", print_boto3},
		{"env", print_env},
	};

	for (size_t i = 0; i < array_len(clients); i++) {
		if (!strcmp(clients[i].name, client)) {
			clients[i].print(token, secret, endpoint);
			return true;
		}
	}
	return false;
}
