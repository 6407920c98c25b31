/* SPDX-License-Identifier: Apache-2.0 */
/* The thread's error text, names of statuses, and the version. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char error_text[ERROR_TEXT_CAPACITY];

const char *minrnn_error_text(void) {
    return error_text;
}

const char *minrnn_status_name(minrnn_status status) {
    switch (status) {
    case MINRNN_OK: return "MINRNN_OK";
    case MINRNN_INVALID_ARGUMENT: return "MINRNN_INVALID_ARGUMENT";
    case MINRNN_OUT_OF_MEMORY: return "MINRNN_OUT_OF_MEMORY";
    case MINRNN_DEVICE_NOT_FOUND: return "MINRNN_DEVICE_NOT_FOUND";
    case MINRNN_DEVICE_ERROR: return "MINRNN_DEVICE_ERROR";
    case MINRNN_BUILD_ERROR: return "MINRNN_BUILD_ERROR";
    case MINRNN_IO_ERROR: return "MINRNN_IO_ERROR";
    case MINRNN_FORMAT_ERROR: return "MINRNN_FORMAT_ERROR";
    case MINRNN_UNSUPPORTED: return "MINRNN_UNSUPPORTED";
    case MINRNN_NOT_FINITE: return "MINRNN_NOT_FINITE";
    }
    return "unknown status";
}

#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)

const char *minrnn_version(void) {
    return STRINGIFY(MINRNN_VERSION_MAJOR) "." STRINGIFY(MINRNN_VERSION_MINOR) "." STRINGIFY(
        MINRNN_VERSION_PATCH);
}

void error_text_set(const char *format, ...) {
    /* Formatted aside first: an argument may be the old text itself. */
    char text[ERROR_TEXT_CAPACITY];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(error_text, text, sizeof text);
}

void error_text_prepend(const char *format, ...) {
    char context[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    error_text_set("%s: %s", context, error_text);
}
