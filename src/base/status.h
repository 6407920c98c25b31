/* SPDX-License-Identifier: Apache-2.0 */
/* How a function inside the library reports what went wrong. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <minrnn/status.h>

/* A compiler that may assume that there is no NaN, or sum in another order, leaves out what finds
 * runs that went wrong, and gives other bits. */
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0) ||       \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "minrnn must be compiled without -Ofast, -ffast-math and their like: NaN has to be found"
#endif

#if defined(__GNUC__)
#define BASE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define BASE_PRINTF(text, first)
#endif

/* fail(status, format, ...) sets this thread's error text and is `status`: `return fail(...)` does
 * both. One line, no newline at the end; say the call, the object and the sizes. It is a macro
 * because compiler and analyser then see which status it is. */
#define fail(status, ...) (error_text_set(__VA_ARGS__), (minrnn_status)(status))
void error_text_set(const char *format, ...) BASE_PRINTF(1, 2);

/* Puts "context: " before the text that is there; for a caller that knows more. */
#define fail_in(status, ...) (error_text_prepend(__VA_ARGS__), (minrnn_status)(status))
void error_text_prepend(const char *format, ...) BASE_PRINTF(1, 2);

/* Long enough for the useful part of a driver's build log. */
enum { ERROR_TEXT_CAPACITY = 8192 };

#endif
