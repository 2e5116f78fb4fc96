/* SPDX-License-Identifier: Apache-2.0 */
/* policy_test.h - tarn policy test: which statement decides, and why. */
#pragma once

int policy_test_run(int argc, char **argv);
