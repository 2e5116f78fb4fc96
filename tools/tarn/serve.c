/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "fs/mount.h"
#include "s3api/server.h"
#include "store/base/log.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/endpoint.h"
#include "tools/tarn/mount_options.h"
#include "tools/tarn/open.h"
#include "tools/tarn/process.h"

/* Requests in flight have this long to end after SIGTERM. */
#define DRAIN_MS 10000

#define THREADS_MAX 1024
#define CONNECTIONS_MAX 1000000

struct serve_args {
	const char *path;
	const char *listen;
	const char *threads;
	const char *connections;
	const char *log_level;
	const char *log_format;
	struct args_list domains;
	struct mount_words mount;
	bool in_background;
};

struct mounted {
	struct mount *mount;
	pthread_t thread;
	atomic_bool is_stopping;
};

static void *
run_mount(void *context)
{
	struct mounted *mounted = context;
	enum store_err err = mount_run(mounted->mount);

	if (err)
		log_error("mount: %s", error_sentence(err));
	if (!atomic_load(&mounted->is_stopping))
		log_info("mount: unmounted; S3 goes on");
	return NULL;
}

static bool
start_mount(struct store *store, const struct mount_words *words,
	struct mounted *out)
{
	struct mount_options options = {
		.store = store,
	};

	mount_options_fill(words, &options);

	if (mount_create(&options, &out->mount))
		return false; /* the reason is logged */
	if (pthread_create(&out->thread, NULL, run_mount, out)) {
		fprintf(stderr, "tarn: cannot start a thread\n");
		mount_destroy(&out->mount);
		return false;
	}
	return true;
}

static void
stop_mount(struct mounted *mounted)
{
	if (!mounted->mount)
		return;
	atomic_store(&mounted->is_stopping, true);
	mount_stop(mounted->mount);
	pthread_join(mounted->thread, NULL);
	mount_destroy(&mounted->mount);
}

static void
announce(const struct serve_args *args, const struct endpoint *endpoint,
	unsigned int port)
{
	bool is_v6 = strchr(endpoint->address, ':');
	char line[1024];

	(void)snprintf(line, sizeof(line), "serving S3 on http://%s%s%s:%u%s%s",
		is_v6 ? "[" : "", endpoint->address, is_v6 ? "]" : "", port,
		args->mount.mount_point ? ", mounted at " : "",
		args->mount.mount_point ? args->mount.mount_point : "");
	process_ready(line);
}

static int
fail_to_listen(const char *listen, enum store_err err)
{
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

static int
serve(const struct serve_args *args, const struct endpoint *endpoint,
	const struct server_options *options)
{
	process_block_signals();
	process_set_limits();

	scoped(store_close) struct store *store =
			open_store(args->path, "serve", false);
	if (!store)
		return COMMAND_FAILED;

	struct mounted mounted = {0};

	if (args->mount.mount_point &&
		(!mount_options_fit(&args->mount, args->path) ||
			!start_mount(store, &args->mount, &mounted)))
		return COMMAND_FAILED;

	struct server *server = NULL;
	enum store_err err = server_start(store, options, &server);

	if (err) {
		stop_mount(&mounted);
		return fail_to_listen(args->listen, err);
	}
	announce(args, endpoint, server_port(server));
	(void)process_wait_signal();
	log_info("stopping: requests in flight may end");
	process_stopping();
	server_stop(&server, DRAIN_MS);
	stop_mount(&mounted);
	return COMMAND_OK;
}

int
serve_run(int argc, char **argv)
{
	struct serve_args args = {
		.listen = "127.0.0.1:9000",
		.threads = "0",
		.connections = "0",
		.log_level = "info",
		.log_format = "text",
	};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &args.path, NULL, NULL},
		{"listen", "ADDR:PORT", "where (127.0.0.1:9000)", &args.listen,
			NULL, NULL},
		{"domain", "NAME",
			"virtual-host style: BUCKET.NAME; may be repeated",
			NULL, NULL, &args.domains},
		{"threads", "N", "0: one for each CPU (0)", &args.threads, NULL,
			NULL},
		{"max-connections", "N", "0: the default (10000)",
			&args.connections, NULL, NULL},
		MOUNT_OPTIONS_SERVE(args.mount),
		{"background", NULL, "return once ready", NULL,
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
	struct endpoint endpoint;

	args_parse(&command, argc, argv);
	if (!args.path)
		args_refuse(&command, "--store DIR is missing");
	if (!endpoint_parse(args.listen, &endpoint))
		args_refuse(&command, "--listen takes ADDRESS:PORT");
	process_log_options(&command, args.log_level, args.log_format);
	mount_options_check(&command, &args.mount);

	const struct server_options server_options = {
		.address = endpoint.address,
		.port = endpoint.port,
		.threads = (unsigned int)args_number(&command, "threads",
			args.threads, 0, THREADS_MAX),
		.domains = args.domains.values,
		.domain_count = args.domains.count,
		.max_connections =
			(unsigned int)args_number(&command, "max-connections",
				args.connections, 0, CONNECTIONS_MAX),
	};

	process_begin(args.in_background);
	return serve(&args, &endpoint, &server_options);
}
