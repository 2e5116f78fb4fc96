/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compiler.h - what the compiler offers and C has no word for.
 *
 * scoped(f) runs f(&variable) when the variable leaves its scope; every
 * destructor of this project takes T ** (or T * for a struct held by value)
 * so that it fits.
 */
#pragma once

#define must_check __attribute__((warn_unused_result))
/* Some are there for their destructor alone. */
#define scoped(destructor) __attribute__((cleanup(destructor), unused))
#define printf_like(text, first)                                               \
	__attribute__((__format__(__printf__, text, first)))
#define likely(condition) __builtin_expect(!!(condition), 1)
#define array_len(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of the given type whose member this pointer points to. */
#define container_of(pointer, type, member)                                    \
	((type *)((char *)(pointer)-offsetof(type, member)))
