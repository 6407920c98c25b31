/* SPDX-License-Identifier: Apache-2.0 */
/* What the command says when something is wrong: one line on standard error, and an exit code. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <minrnn/status.h>

enum { EXIT_FAILED = 1, EXIT_WRONG_USE = 2, EXIT_SIGNALLED = 128 /* plus the signal */ };

#if defined(__GNUC__)
#define REPORT_PRINTF __attribute__((format(printf, 1, 2)))
#else
#define REPORT_PRINTF
#endif

/* Each prints "minrnn: ..." and is the exit code (a macro, so that compiler and analyser
 * see which). Of a text of several lines (a build log) the
 * first is printed and the rest counted. */
#define report_failure(...) (report_line(__VA_ARGS__), EXIT_FAILED)
#define report_wrong_use(...) (report_line(__VA_ARGS__), EXIT_WRONG_USE)
void report_line(const char *format, ...) REPORT_PRINTF;

/* The library's own text. report_setup is for calls that only the command line can make invalid. */
int report_library(minrnn_status status);
int report_setup(minrnn_status status);

/* Flushes standard output for a command whose work is not what it prints: once the reader has gone,
 * what is printed goes nowhere, and nothing has failed. */
void report_flush(void);

/* Flushes standard output; reports if something written to it was lost. */
int report_output(int code);

#endif
