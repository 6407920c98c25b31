/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the log, and cuts an old one to the step that a run resumes from. */
#include "cli/log.h"

#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static const char HEADER[] =
    "step,loss,gradient_norm,rate,tokens_per_second,validation_loss,validation_accuracy\n";
/* Of version 0.1's first logs, which go on as they began. */
static const char WITHOUT_ACCURACY[] =
    "step,loss,gradient_norm,rate,tokens_per_second,validation_loss\n";

struct log {
    int file;
    bool without_accuracy;
    bool is_over; /* nobody reads it any more */
};

static int fail_write(const char *path) {
    return report_failure("cannot write %s: %s", path, strerror(errno));
}

/* Whether a line belongs to the steps that are kept: whole, and not of a later step. */
static bool is_kept(const char *line, int64_t resumed) {
    char *end = NULL;
    const long long step = strtoll(line, &end, 10);
    return end != line && *end == ',' && strchr(line, '\n') && step <= resumed;
}

/* The bytes of an existing log up to its last line that is kept; below 0 if it is none. */
static off_t find_end(FILE *file, int64_t resumed, bool *without_accuracy) {
    char *line = NULL;
    size_t capacity = 0;
    off_t keep = 0;
    ssize_t length = getline(&line, &capacity, file);
    *without_accuracy = length > 0 && strcmp(line, WITHOUT_ACCURACY) == 0;
    const bool ours = *without_accuracy || (length > 0 && strcmp(line, HEADER) == 0);
    while (ours && length > 0) {
        keep += length;
        length = getline(&line, &capacity, file);
        if (length > 0 && !is_kept(line, resumed)) {
            break;
        }
    }
    const bool empty = length < 0 && feof(file);
    free(line);
    return ours || empty ? keep : -1;
}

/* Cuts an existing log after its last line that is kept. Returns an exit code. */
static int cut(const char *path, int64_t resumed, bool *without_accuracy) {
    struct stat info;
    if (stat(path, &info) || !S_ISREG(info.st_mode)) {
        return 0;
    }
    FILE *file = fopen(path, "r+");
    if (!file) {
        return fail_write(path);
    }
    int code = 0;
    const off_t end = find_end(file, resumed, without_accuracy);
    if (end < 0) {
        code = report_failure("%s is not a log of minrnn train; it was left alone", path);
    } else if (ftruncate(fileno(file), end)) {
        code = fail_write(path);
    }
    fclose(file);
    return code;
}

/* All of a text, whatever interrupts it. */
static bool write_text(struct log *log, const char *text) {
    size_t left = strlen(text);
    while (left > 0 && !log->is_over) {
        const ssize_t written = write(log->file, text, left);
        if (written >= 0) {
            text += written;
            left -= (size_t)written;
        } else if (errno == EPIPE) {
            log->is_over = true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static int begin(struct log *log, const char *path) {
    struct stat info;
    return fstat(log->file, &info) || (info.st_size == 0 && !write_text(log, HEADER))
               ? fail_write(path)
               : 0;
}

int log_open(const char *path, bool resume, int64_t resumed, struct log **log) {
    *log = NULL;
    if (!path) {
        return 0;
    }
    bool without_accuracy = false;
    int code = resume ? cut(path, resumed, &without_accuracy) : 0;
    if (code) {
        return code;
    }
    struct log *made = calloc(1, sizeof *made);
    if (!made) {
        return report_failure("out of memory");
    }
    made->without_accuracy = without_accuracy;
    made->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (resume ? O_APPEND : O_TRUNC), 0666);
    code = made->file < 0 ? fail_write(path) : begin(made, path);
    if (code) {
        (void)log_close(made);
        return code;
    }
    *log = made;
    return 0;
}

/* Nothing for NaN. */
static void print_value(char text[32], double value) {
    text[0] = '\0';
    if (!isnan(value)) {
        snprintf(text, 32, "%.9g", value);
    }
}

bool log_write(struct log *log, const minrnn_step_record *record, double tokens_per_second,
               const struct evaluation *validation) {
    char loss[32], accuracy[32], line[256];
    if (!log) {
        return true;
    }
    print_value(loss, validation->loss);
    print_value(accuracy, validation->accuracy);
    snprintf(line, sizeof line, "%" PRId64 ",%.9g,%.9g,%.9g,%.1f,%s%s%s\n", record->step,
             (double)record->loss, (double)record->gradient_norm, (double)record->rate,
             tokens_per_second, loss, log->without_accuracy ? "" : ",",
             log->without_accuracy ? "" : accuracy);
    return write_text(log, line);
}

bool log_close(struct log *log) {
    const bool closed = !log || log->file < 0 || close(log->file) == 0;
    free(log);
    return closed;
}
