#include "cli/log.h"

#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const char HEADER[] = "step,loss,gradient_norm,rate,tokens_per_second,validation_loss\n";

struct log {
    FILE *file;
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

/* Cuts an existing log after its last line that is kept. */
static int cut(FILE *file, const char *path, int64_t resumed) {
    char *line = NULL;
    size_t capacity = 0;
    off_t keep = 0;
    ssize_t length = getline(&line, &capacity, file);
    const bool ours = length > 0 && strcmp(line, HEADER) == 0;
    while (ours && length > 0) {
        keep += length;
        length = getline(&line, &capacity, file);
        if (length > 0 && !is_kept(line, resumed)) {
            break;
        }
    }
    free(line);
    if (!ours) {
        return report_failure("%s is not a log of minrnn train; it was left alone", path);
    }
    return ftruncate(fileno(file), keep) || fseeko(file, keep, SEEK_SET) ? fail_write(path) : 0;
}

int log_open(const char *path, int64_t resumed, struct log **log) {
    *log = NULL;
    if (!path) {
        return 0;
    }
    FILE *file = resumed > 0 ? fopen(path, "r+") : NULL;
    const bool continued = file != NULL;
    if (!continued && !(file = fopen(path, "w"))) {
        return fail_write(path);
    }
    int code = 0;
    if (continued) {
        code = cut(file, path, resumed);
    } else if (fputs(HEADER, file) == EOF || fflush(file)) {
        code = fail_write(path);
    }
    struct log *made = code ? NULL : calloc(1, sizeof *made);
    if (!made) {
        fclose(file);
        return code ? code : report_failure("out of memory");
    }
    made->file = file;
    *log = made;
    return 0;
}

bool log_write(struct log *log, const minrnn_step_record *record, double tokens_per_second,
               double validation_loss) {
    if (!log) {
        return true;
    }
    int written =
        fprintf(log->file, "%" PRId64 ",%.9g,%.9g,%.9g,%.1f,", record->step, (double)record->loss,
                (double)record->gradient_norm, (double)record->rate, tokens_per_second);
    if (written >= 0 && !isnan(validation_loss)) {
        written = fprintf(log->file, "%.9g", validation_loss);
    }
    return written >= 0 && fputc('\n', log->file) != EOF;
}

bool log_flush(struct log *log) {
    return !log || fflush(log->file) == 0;
}

bool log_close(struct log *log) {
    const bool closed = !log || fclose(log->file) == 0;
    free(log);
    return closed;
}
