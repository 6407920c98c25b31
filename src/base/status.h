/* How a function inside the library reports what went wrong. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <minrnn/status.h>

#if defined(__GNUC__)
#define BASE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define BASE_PRINTF(text, first)
#endif

/* Sets this thread's error text and returns `status`, so that `return fail(...)` does both. One
 * line, no newline at the end; say the call, the object and the sizes. */
minrnn_status fail(minrnn_status status, const char *format, ...) BASE_PRINTF(2, 3);

/* Puts "context: " before the text that is there; for a caller that knows more. Returns `status`.
 */
minrnn_status fail_in(minrnn_status status, const char *format, ...) BASE_PRINTF(2, 3);

#endif
