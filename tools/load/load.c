/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load - a load generator that costs less than what it measures: requests
 * are signed once and sent again as they are, bodies of replies are dropped in
 * the kernel (MSG_TRUNC), one thread carries all connections.
 *
 *	load --host 127.0.0.1 --port 9000 --path /bucket/object [options]
 *
 * Keys come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY);
 * without them requests are not signed.  With --tls the handshakes come before
 * what is measured.  Prints one JSON object.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "store/base/clock.h"
#include "tools/load/connection.h"
#include "tools/load/sign.h"

#define CONNECTIONS_MAX 4096

struct options {
	const char *host;
	unsigned int port;
	const char *method;
	const char *path;
	const char *query;
	const char *queries; /* a file with one a line, to be asked in turn */
	const char *copy_source;
	unsigned int connections;
	unsigned int keys;   /* the path gets -0, -1, ... behind it */
	unsigned int stride; /* or -0, -stride, ... */
	uint64_t size;
	uint64_t requests; /* in all */
	double seconds;
	bool signs_payload;
	bool uses_tls;
	bool is_sealed;
};

struct result {
	uint64_t done;
	uint64_t failed;
	uint64_t bytes;
	int64_t elapsed_ns;
	double cpu_seconds; /* without what it took to sign */
	uint32_t *latencies_us;
	size_t latency_count;
};

static int
compare_u32(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a;
	uint32_t second = *(const uint32_t *)b;

	return (first > second) - (first < second);
}

static uint32_t
percentile(const struct result *result, double share)
{
	if (result->latency_count == 0)
		return 0;
	size_t at = (size_t)(share * (double)(result->latency_count - 1));

	return result->latencies_us[at];
}

static double
cpu_seconds(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
print(struct result *result)
{
	double seconds = (double)result->elapsed_ns / 1e9;

	qsort(result->latencies_us, result->latency_count, sizeof(uint32_t),
		compare_u32);
	printf("{\"requests\": %" PRIu64 ", \"failed\": %" PRIu64
	       ", \"seconds\": %.3f, \"requestsPerSecond\": %.1f, "
	       "\"bytesPerSecond\": %.0f, \"p50us\": %u, \"p99us\": %u, "
	       "\"clientCpuSeconds\": %.3f}\n",
		result->done, result->failed, seconds,
		(double)result->done / seconds, (double)result->bytes / seconds,
		percentile(result, 0.5), percentile(result, 0.99),
		result->cpu_seconds);
}

static FILE *
open_queries(const struct options *options)
{
	FILE *file = options->queries ? fopen(options->queries, "re") : NULL;

	if (options->queries && !file) {
		fprintf(stderr, "load: %s: %s\n", options->queries,
			strerror(errno));
		exit(1);
	}
	return file;
}

/* The next line; the file must have as many as there are keys. */
static const char *
next_query(FILE *file, char line[4096])
{
	if (!fgets(line, 4096, file)) {
		fprintf(stderr, "load: fewer queries than --keys\n");
		exit(2);
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* One signed request for each key, in the order they are asked for. */
static struct request *
make_requests(const struct options *options)
{
	struct request *requests =
		calloc(options->keys, sizeof(struct request));
	FILE *queries = open_queries(options);

	if (!requests)
		exit(1);
	for (unsigned int i = 0; i < options->keys; i++) {
		char path[2048];
		char line[4096];

		if (options->keys > 1 && !queries)
			(void)snprintf(path, sizeof(path), "%s-%u",
				options->path, i * options->stride);
		else
			(void)snprintf(path, sizeof(path), "%s", options->path);
		const struct sign_request what = {
			.method = options->method,
			.host = options->host,
			.port = options->port,
			.path = path,
			.query = queries ? next_query(queries, line)
					 : options->query,
			.copy_source = options->copy_source,
			.body_size = strcmp(options->method, "PUT")
					     ? 0
					     : options->size,
			.signs_payload = options->signs_payload,
			.is_sealed = options->is_sealed,
		};

		sign_make(&what, &requests[i]);
	}
	if (queries)
		(void)fclose(queries);
	return requests;
}

struct run {
	const struct options *options;
	struct request *requests;
	uint64_t started; /* requests begun */
	int64_t end_ns;
	struct result result;
};

static bool
has_more(const struct run *run)
{
	return run->started < run->options->requests &&
	       clock_monotonic_ns() < run->end_ns;
}

static void
note(struct run *run, const struct connection *connection)
{
	int64_t took = clock_monotonic_ns() - connection->began_ns;

	run->result.done++;
	run->result.bytes += connection->reply_body + connection->sent_body;
	if (connection->status < 200 || connection->status > 299)
		run->result.failed++;
	if (run->result.latency_count < run->options->requests)
		run->result.latencies_us[run->result.latency_count++] =
			(uint32_t)(took / 1000);
}

/* Sends the next request, as long as there are more to send. */
static bool
begin_next(struct run *run, struct connection *connection)
{
	if (!has_more(run))
		return false;
	connection_begin(connection,
		&run->requests[run->started % run->options->keys]);
	run->started++;
	return true;
}

static void
serve(struct run *run, int epoll, struct connection *all, unsigned int active)
{
	struct epoll_event events[256];

	while (active > 0) {
		int count = epoll_wait(epoll, events, 256, 10000);

		if (count <= 0) {
			fprintf(stderr, "load: the server stalls\n");
			exit(1);
		}
		for (int i = 0; i < count; i++) {
			struct connection *c = &all[events[i].data.u32];

			if (!c->is_active || !connection_advance(c))
				continue;
			note(run, c);
			if (!begin_next(run, c)) {
				c->is_active = false;
				active--;
			}
		}
	}
}

static void
go(struct run *run)
{
	const struct options *options = run->options;
	struct connection *all =
		calloc(options->connections, sizeof(struct connection));
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct ssl_ctx_st *tls = options->uses_tls ? connection_tls() : NULL;
	unsigned int active = 0;

	if (!all || epoll < 0)
		exit(1);
	for (unsigned int i = 0; i < options->connections; i++)
		connection_open(&all[i], options->host, options->port, tls,
			epoll, i);
	double cpu_before = cpu_seconds();
	int64_t start = clock_monotonic_ns();

	run->end_ns = start + (int64_t)(options->seconds * 1e9);
	for (unsigned int i = 0; i < options->connections; i++) {
		all[i].is_active = begin_next(run, &all[i]);
		active += all[i].is_active;
	}
	serve(run, epoll, all, active);
	run->result.elapsed_ns = clock_monotonic_ns() - start;
	run->result.cpu_seconds = cpu_seconds() - cpu_before;
}

static unsigned int
number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

static void
parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{"host", 1, NULL, 'h'},
		{"port", 1, NULL, 'p'},
		{"method", 1, NULL, 'm'},
		{"path", 1, NULL, 'o'},
		{"query", 1, NULL, 'q'},
		{"queries", 1, NULL, 'Q'},
		{"copy-source", 1, NULL, 'C'},
		{"connections", 1, NULL, 'c'},
		{"keys", 1, NULL, 'k'},
		{"stride", 1, NULL, 'K'},
		{"size", 1, NULL, 's'},
		{"requests", 1, NULL, 'n'},
		{"seconds", 1, NULL, 't'},
		{"sign-payload", 0, NULL, 'S'},
		{"tls", 0, NULL, 'T'},
		{"sse-c", 0, NULL, 'E'},
		{NULL, 0, NULL, 0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (letter) {
		case 'h':
			options->host = optarg;
			break;
		case 'p':
			options->port = number(optarg);
			break;
		case 'm':
			options->method = optarg;
			break;
		case 'o':
			options->path = optarg;
			break;
		case 'q':
			options->query = optarg;
			break;
		case 'Q':
			options->queries = optarg;
			break;
		case 'C':
			options->copy_source = optarg;
			break;
		case 'c':
			options->connections = number(optarg);
			break;
		case 'k':
			options->keys = number(optarg);
			break;
		case 'K':
			options->stride = number(optarg);
			break;
		case 's':
			options->size = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			options->requests = strtoull(optarg, NULL, 10);
			break;
		case 't':
			options->seconds = strtod(optarg, NULL);
			break;
		case 'S':
			options->signs_payload = true;
			break;
		case 'T':
			options->uses_tls = true;
			break;
		case 'E':
			options->is_sealed = true;
			break;
		default:
			exit(2);
		}
	}
}

static void
check(const struct options *options)
{
	if (!options->path || options->keys == 0 || options->connections == 0 ||
		options->connections > CONNECTIONS_MAX) {
		fprintf(stderr, "load: --path, --keys and --connections\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct options options = {
		.host = "127.0.0.1",
		.port = 9000,
		.method = "GET",
		.query = "",
		.connections = 1,
		.keys = 1,
		.stride = 1,
		.requests = 1000000,
		.seconds = 10,
	};
	struct run run = {.options = &options};

	parse(argc, argv, &options);
	check(&options);
	run.result.latencies_us = calloc(options.requests, sizeof(uint32_t));
	if (!run.result.latencies_us)
		return 1;
	run.requests = make_requests(&options);
	go(&run);
	print(&run.result);
	return run.result.failed > 0;
}
