/* SPDX-License-Identifier: Apache-2.0 */
/* Errors and warnings on standard error; output that was lost. */
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void report_line(const char *format, ...) {
    char text[16384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const size_t length = strcspn(text, "\n");
    int more = 0;
    for (const char *at = text + length; *at; at += strcspn(at, "\n")) {
        at++;
        more += *at != '\0';
    }
    fprintf(stderr, "minrnn: %.*s", (int)length, text);
    if (more > 0) {
        fprintf(stderr, " [and %d more line%s]", more, more == 1 ? "" : "s");
    }
    fputc('\n', stderr);
}

int report_library(minrnn_status status) {
    const char *text = minrnn_error_text();
    return report_failure("%s", *text ? text : minrnn_status_name(status));
}

int report_setup(minrnn_status status) {
    const int code = report_library(status);
    return status == MINRNN_INVALID_ARGUMENT ? EXIT_WRONG_USE : code;
}

/* Whether standard output is a pipe that nobody reads, or a terminal that was closed. */
static bool is_reader_gone(void) {
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP));
}

void report_flush(void) {
    if ((fflush(stdout) == 0 && !ferror(stdout)) || !is_reader_gone()) {
        return;
    }
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0) {
        clearerr(stdout);
        (void)fflush(stdout);
    }
    if (nowhere >= 0) {
        close(nowhere);
    }
}

int report_output(int code) {
    errno = 0;
    const bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost || code != 0) {
        return code;
    }
    return report_failure("cannot write to standard output: %s",
                          errno ? strerror(errno) : "an earlier write failed");
}
