/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3api/expirer.h"
#include "s3api/notify/notifier.h"
#include "s3api/proxy.h"
#include "s3api/replicator.h"
#include "s3api/server.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/file.h"
#include "store/last_access.h"
#include "store/meter.h"
#include "store/scrub.h"
#include "tools/tarn/args.h"
#include "tools/tarn/audit_options.h"
#include "tools/tarn/command.h"
#include "tools/tarn/endpoint.h"
#include "tools/tarn/mount_options.h"
#include "tools/tarn/open.h"
#include "tools/tarn/process.h"
#include "tools/tarn/serve_mount.h"
#include "tools/tarn/sse_c_keys.h"

/* Requests in flight have this long to end after SIGTERM. */
#define DRAIN_MS 10000

/* Until then the clock is set. */
#define EXPIRE_AFTER_MS 300000

#define THREADS_MAX 1024
#define SCRUB_RATE_MAX (1ull << 40)
#define CONNECTIONS_MAX 1000000

struct serve_args {
	const char *path;
	const char *listen; /* NULL where only TLS is asked for */
	const char *tls_listen;
	struct args_list tls_certs;
	struct args_list tls_keys;
	const char *threads;
	const char *connections;
	const char *scrub_rate;
	const char *scrub_every;
	const char *log_level;
	const char *log_format;
	struct args_list domains;
	struct args_list website_domains;
	struct args_list accelerate_domains;
	struct args_list proxies;
	struct mount_words mount;
	struct audit_words audit;
	bool sse_c_without_tls;
	bool control_without_tls;
	bool in_background;
};

/* "http://127.0.0.1:9000", or nothing where it does not listen so. */
static void
print_url(char *to, size_t size, const char *scheme, const char *address,
	unsigned int port)
{
	bool is_v6 = address && strchr(address, ':');

	to[0] = '\0';
	if (port)
		(void)snprintf(to, size, "%s://%s%s%s:%u", scheme,
			is_v6 ? "[" : "", address, is_v6 ? "]" : "", port);
}

/* Where a proxy is trusted, TLS may end there. */
static void
warn_of_plain_text(const struct server_options *options)
{
	if (options->address && !endpoint_is_loopback(options->address) &&
		options->trusted_proxy_count == 0)
		log_warn("%s is served without TLS: whoever is on the way "
			 "reads and changes what is sent; see --tls-listen",
			options->address);
}

static void
announce(const struct serve_args *args, const struct server_options *options,
	const struct server *server)
{
	char plain[ENDPOINT_ADDRESS_MAX + 32];
	char tls[ENDPOINT_ADDRESS_MAX + 32];
	char line[1024];

	print_url(plain, sizeof(plain), "http", options->address,
		server_port(server));
	print_url(tls, sizeof(tls), "https", options->tls_address,
		server_tls_port(server));
	(void)snprintf(line, sizeof(line), "serving S3 on %s%s%s%s%s", plain,
		*plain && *tls ? " and " : "", tls,
		args->mount.mount_point ? ", mounted at " : "",
		args->mount.mount_point ? args->mount.mount_point : "");
	process_ready(line);
}

static void
reload(void *context)
{
	struct http_tls *tls = context;

	if (!tls)
		return;
	if (http_tls_reload(tls))
		log_error("the certificates are as before");
	else
		log_info("the certificates were read anew");
}

static int
fail_to_listen(const struct serve_args *args, enum store_err err)
{
	char listen[2 * ENDPOINT_ADDRESS_MAX + 32];

	(void)snprintf(listen, sizeof(listen), "%s%s%s",
		args->listen ? args->listen : "",
		args->listen && args->tls_listen ? " or " : "",
		args->tls_listen ? args->tls_listen : "");
	if (err == STORE_BUSY)
		fprintf(stderr,
			"tarn: something listens on %s already; stop it or "
			"choose another --listen\n",
			listen);
	else if (err == STORE_INVALID)
		fprintf(stderr,
			"tarn: %s is no address of this machine; choose "
			"another --listen\n",
			listen);
	else if (err == STORE_ACCESS)
		fprintf(stderr,
			"tarn: %s: only root may listen on a port below 1024; "
			"choose another --listen\n",
			listen);
	else
		return open_fail(listen, err);
	return COMMAND_FAILED;
}

struct scrubbing {
	uint64_t bytes_per_s; /* 0: not */
	uint32_t every_s;
};

/* What goes on beside the requests, on threads of its own; what cannot be begun
 * is done without.  The scrub's, the meter's and that of the last accesses are
 * the store's. */
struct background {
	struct expirer *expirer;
	struct notifier *notifier;
	struct replicator *replicator;
};

/* The expirer and the replicator tell the audit log, and end before it. */
static void
background_stop(struct background *background)
{
	replicator_stop(&background->replicator);
	notifier_stop(&background->notifier);
	expirer_stop(&background->expirer);
}

static void
background_start(struct background *background, struct store *store,
	struct audit *audit, const struct scrubbing *scrubbing)
{
	if (scrubbing->bytes_per_s &&
		scrub_start(store, scrubbing->bytes_per_s, scrubbing->every_s))
		log_error("cannot start the thread that scrubs");
	if (expirer_start(store, audit, EXPIRE_AFTER_MS, &background->expirer))
		log_error("cannot start the thread that expires objects");
	if (notifier_start(store, &background->notifier))
		log_error("cannot start the thread that delivers events");
	if (replicator_start(store, audit, &background->replicator))
		log_error("cannot start the thread that makes replicas");
	if (meter_thread_start(store))
		log_error("cannot start the thread that meters buckets");
	if (last_access_thread_start(store))
		log_error("cannot start the thread that writes last accesses "
			  "down");
}

static int
serve(const struct serve_args *args, struct server_options *options,
	const struct scrubbing *scrubbing)
{
	struct serve_mount mounted = {0};
	struct server *server = NULL;

	scoped(keyring_free) struct keyring *ring = keyring_create();
	if (!sse_c_keys_read(&args->mount.sse_c_keys, ring))
		return COMMAND_FAILED;
	scoped(store_close) struct store *store =
			open_store(args->path, "serve", false);
	if (!store)
		return COMMAND_FAILED;
	file_set_keyring(store, ring);

	scoped(audit_close) struct audit *audit = NULL;
	if (!audit_options_open(store, &args->audit, "serve", &audit))
		return COMMAND_FAILED;
	options->audit = audit;

	scoped(access_log_close) struct access_log *access_log = NULL;
	if (access_log_open(store, &(struct access_log_options){0},
		    &access_log))
		log_error("no server access logs are kept");
	options->access_log = access_log;

	if (args->mount.mount_point &&
		(!mount_options_fit(&args->mount, args->path,
			 args->audit.dir) ||
			!serve_mount_start(store, &args->mount, audit,
				&mounted)))
		return COMMAND_FAILED;

	enum store_err err = server_start(store, options, &server);

	if (err) {
		serve_mount_stop(&mounted);
		return fail_to_listen(args, err);
	}
	scoped(background_stop) struct background background = {0};
	background_start(&background, store, audit, scrubbing);
	warn_of_plain_text(options);
	announce(args, options, server);
	(void)process_wait_signal(reload, options->tls);
	log_info("stopping: requests in flight may end");
	process_stopping();
	audit_wait_until(audit, clock_monotonic_ms() + DRAIN_MS);
	server_stop(&server, DRAIN_MS);
	serve_mount_stop(&mounted);
	return COMMAND_OK;
}

/* NULL where none are given; exits where they are not as they should be. */
static struct http_tls *
read_certificates(const struct args_command *command,
	const struct serve_args *args)
{
	struct http_tls_files files[ARGS_REPEAT_MAX];
	unsigned int count = args->tls_certs.count;
	struct http_tls *tls = NULL;

	if (count != args->tls_keys.count)
		args_refuse(command, "each --tls-cert wants its --tls-key");
	if ((count > 0) != (args->tls_listen != NULL))
		args_refuse(command,
			"--tls-listen, --tls-cert and --tls-key are given "
			"together or not at all");
	for (unsigned int i = 0; i < count; i++)
		files[i] = (struct http_tls_files){
			args->tls_certs.values[i],
			args->tls_keys.values[i],
		};
	if (count > 0 && http_tls_create(files, count, &tls)) {
		fprintf(stderr, "tarn: the certificates cannot be used; the "
				"log says why\n");
		exit(COMMAND_FAILED);
	}
	return tls;
}

static void
check_proxies(const struct args_command *command,
	const struct args_list *proxies)
{
	struct policy_network network;

	for (unsigned int i = 0; i < proxies->count; i++) {
		if (!proxy_parse(proxies->values[i], &network))
			args_refuse(command,
				"--trusted-proxy takes an address or a "
				"network, as 192.0.2.0/24");
	}
}

/* Compared with what clients send as a host, without its port. */
static void
check_domains(const struct args_command *command, const char *complaint,
	const struct args_list *domains)
{
	for (unsigned int i = 0; i < domains->count; i++) {
		const char *domain = domains->values[i];

		if (!*domain || domain[0] == '.' || strpbrk(domain, "/:* "))
			args_refuse(command, "%s", complaint);
	}
}

/* Of a name that is two, one would never be asked. */
static void
check_domains_differ(const struct args_command *command,
	const struct args_list *some, const struct args_list *others)
{
	for (unsigned int i = 0; i < some->count; i++)
		for (unsigned int j = 0; j < others->count; j++)
			if (!strcasecmp(some->values[i], others->values[j]))
				args_refuse(command,
					"--domain, --website-domain and "
					"--accelerate-domain take names of "
					"their own");
}

static void
check_all_domains(const struct args_command *command, struct serve_args *args)
{
	check_domains(command, "--domain takes a name, as s3.example.com",
		&args->domains);
	check_domains(command,
		"--website-domain takes a name, as web.example.com",
		&args->website_domains);
	check_domains(command,
		"--accelerate-domain takes a name, as accel.example.com",
		&args->accelerate_domains);
	check_domains_differ(command, &args->domains, &args->website_domains);
	check_domains_differ(command, &args->domains,
		&args->accelerate_domains);
	check_domains_differ(command, &args->website_domains,
		&args->accelerate_domains);
}

/* Ends the program where they are none that can be served by. */
static void
check_args(const struct args_command *command, struct serve_args *args,
	struct endpoint *plain, struct endpoint *encrypted)
{
	if (!args->path)
		args_refuse(command, "--store DIR is missing");
	if (!args->listen && !args->tls_listen)
		args->listen = "127.0.0.1:9000";
	if (args->listen && !endpoint_parse(args->listen, plain))
		args_refuse(command, "--listen takes ADDRESS:PORT");
	if (args->tls_listen && !endpoint_parse(args->tls_listen, encrypted))
		args_refuse(command, "--tls-listen takes ADDRESS:PORT");
	check_all_domains(command, args);
	check_proxies(command, &args->proxies);
	process_log_options(command, args->log_level, args->log_format);
	mount_options_check(command, &args->mount);
	audit_options_check(command, &args->audit, &args->mount);
}

/* Exits where a number is none. */
static struct server_options
options_of(const struct args_command *command, const struct serve_args *args,
	const struct endpoint *plain, const struct endpoint *encrypted,
	struct http_tls *tls)
{
	return (struct server_options){
		.address = args->listen ? plain->address : NULL,
		.port = args->listen ? plain->port : 0,
		.tls = tls,
		.tls_address = tls ? encrypted->address : NULL,
		.tls_port = tls ? encrypted->port : 0,
		.threads = (unsigned int)args_number(command, "threads",
			args->threads, 0, THREADS_MAX),
		.domains = args->domains.values,
		.domain_count = args->domains.count,
		.website_domains = args->website_domains.values,
		.website_domain_count = args->website_domains.count,
		.accelerate_domains = args->accelerate_domains.values,
		.accelerate_domain_count = args->accelerate_domains.count,
		.trusted_proxies = args->proxies.values,
		.trusted_proxy_count = args->proxies.count,
		.max_connections =
			(unsigned int)args_number(command, "max-connections",
				args->connections, 0, CONNECTIONS_MAX),
		.allows_sse_c_without_tls = args->sse_c_without_tls,
		.allows_control_without_tls = args->control_without_tls,
	};
}

int
serve_run(int argc, char **argv)
{
	struct serve_args args = {
		.threads = "0",
		.connections = "0",
		.scrub_rate = "16777216",
		.scrub_every = "86400",
		.log_level = "info",
		.log_format = "text",
	};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"listen", "ADDR:PORT",
			"without TLS (127.0.0.1:9000 unless --tls-listen)",
			&args.listen, NULL, NULL},
		{"tls-listen", "ADDR:PORT", "with TLS 1.2 and 1.3",
			&args.tls_listen, NULL, NULL},
		{"tls-cert", "FILE",
			"PEM; may be repeated, for several names (SNI)", NULL,
			NULL, &args.tls_certs},
		{"tls-key", "FILE", "its private key, in the same order", NULL,
			NULL, &args.tls_keys},
		{"domain", "NAME",
			"virtual-host style: BUCKET.NAME; may be repeated",
			NULL, NULL, &args.domains},
		{"website-domain", "NAME",
			"buckets as websites: BUCKET.NAME; may be repeated",
			NULL, NULL, &args.website_domains},
		{"accelerate-domain", "NAME",
			"objects alone, by GET and HEAD; may be repeated", NULL,
			NULL, &args.accelerate_domains},
		{"trusted-proxy", "CIDR",
			"believe its X-Forwarded-For and -Proto; may be "
			"repeated",
			NULL, NULL, &args.proxies},
		{"threads", "N", "0: one for each CPU (0)", &args.threads, NULL,
			NULL},
		{"max-connections", "N", "0: the default (10000)",
			&args.connections, NULL, NULL},
		{"scrub-rate", "BYTES",
			"look for damaged data at so many a second; 0: not "
			"(16777216)",
			&args.scrub_rate, NULL, NULL},
		{"scrub-every", "SECONDS", "how often (86400)",
			&args.scrub_every, NULL, NULL},
		{"sse-c-without-tls", NULL,
			"take customers' keys (SSE-C) without TLS, too", NULL,
			&args.sse_c_without_tls, NULL},
		{"control-without-tls", NULL,
			"bearers and new keys in clear, too", NULL,
			&args.control_without_tls, NULL},
		MOUNT_OPTIONS_SERVE(args.mount),
		AUDIT_OPTIONS(args.audit),
		{"background", NULL,
			"return once ready; logs to a file only (2>)", NULL,
			&args.in_background, NULL},
		{"log-level", "LEVEL", "error, warn, info or debug (info)",
			&args.log_level, NULL, NULL},
		{"log-format", "FORMAT", "text or json (text)",
			&args.log_format, NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn serve --store DIR [OPTION]...",
		.summary = "Serves S3 until SIGTERM or SIGINT, then lets "
			   "requests in flight end.",
		.options = options,
		.option_count = array_len(options),
	};
	struct endpoint plain;
	struct endpoint encrypted;

	args_parse(&command, argc, argv);
	check_args(&command, &args, &plain, &encrypted);
	process_set_limits();
	process_keep_memory();

	scoped(http_tls_free) struct http_tls *tls =
			read_certificates(&command, &args);
	struct server_options server_options =
		options_of(&command, &args, &plain, &encrypted, tls);
	const struct scrubbing scrubbing = {
		.bytes_per_s = args_number(&command, "scrub-rate",
			args.scrub_rate, 0, SCRUB_RATE_MAX),
		.every_s = (uint32_t)args_number(&command, "scrub-every",
			args.scrub_every, 1, UINT32_MAX),
	};

	process_begin(args.in_background);
	process_block_signals();
	return serve(&args, &server_options, &scrubbing);
}
