/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage_prometheus.h - a report in Prometheus' text exposition format 0.0.4,
 * as node_exporter's textfile collector takes it.
 */
#pragma once

#include "tools/tarn/price.h"
#include "tools/tarn/usage_report.h"

/* To standard output.  A quota that is not set has no line. */
void usage_prometheus_print(const struct usage_report *report,
	const struct price_table *prices);
