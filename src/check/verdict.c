/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict is a small text file for each device: what was validated, line by line, then what came
 * of it. Whatever else is in such a file counts as nothing. */
#include <minrnn/check.h>

#include "base/alloc.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/sized.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { TEXT_BYTES = 4096 };

static const struct sized_type info_type = SIZED_TYPE(minrnn_device_info, "minrnn_device_describe");
static const struct sized_type verdict_type = SIZED_TYPE(minrnn_verdict, "minrnn_verdict_defaults");

void minrnn_verdict_init(minrnn_verdict *verdict, size_t size) {
    if (verdict) {
        sized_give(&(minrnn_verdict){0}, sizeof *verdict, verdict, size);
    }
}

/* Of two such drivers one has the same verdict as the other. Texts of drivers stay on their line.
 */
static void write_identity(const minrnn_device_info *info, char text[TEXT_BYTES]) {
    const char *lines[] = {"minrnn ",   minrnn_version(), "device ",  info->name,
                           "platform ", info->platform,   "version ", info->platform_version,
                           "driver ",   info->driver,     "opencl ",  info->opencl};
    size_t used = 0;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        for (const char *c = lines[i]; *c; c++) {
            text[used++] = (char)(*c == '\n' || *c == '\r' ? ' ' : *c);
        }
        if (i % 2 == 1) {
            text[used++] = '\n';
        }
    }
    snprintf(text + used, TEXT_BYTES - used, "kernels %016" PRIx64 "\n", info->kernels);
}

/* A new version of a driver replaces the verdict on the old one. */
static bool verdict_path(const minrnn_device_info *info, char folder[CACHE_PATH_BYTES],
                         char path[CACHE_PATH_BYTES]) {
    if (!cache_folder(folder)) {
        return false;
    }
    struct checksum checksum;
    checksum_start(&checksum);
    checksum_add(&checksum, info->platform, strlen(info->platform) + 1);
    checksum_add(&checksum, info->name, strlen(info->name));
    const int length = snprintf(path, CACHE_PATH_BYTES, "%s/verdict-%016" PRIx64 ".txt", folder,
                                checksum_value(&checksum));
    return length > 0 && length < CACHE_PATH_BYTES;
}

/* Reads what follows the identity; false if it is not what keeping writes: earlier versions did
 * not say whether shapes were small. */
static bool read_result(const char *text, minrnn_verdict *verdict) {
    minrnn_verdict read = {0};
    const char *date = strstr(text, "\ndate ");
    int small = 0;
    const int fields =
        date ? sscanf(date,
                      "\ndate %31[0-9: -]\nops %9d\ncases %9d\nleft_out %9d\nsmall %9d\n"
                      "failures %9d\nfailed %255[a-z0-9_ ]",
                      read.date, &read.ops, &read.cases, &read.left_out, &small, &read.failures,
                      read.failed)
             : 0;
    const bool counts_fit = read.ops > 0 && read.cases >= 0 && read.left_out >= 0 &&
                            (small == 0 || small == 1) && read.failures >= 0 &&
                            read.failures <= read.ops;
    if (fields < (read.failures > 0 ? 7 : 6) || !counts_fit) {
        return false;
    }
    read.small = small == 1;
    *verdict = read;
    return true;
}

static void find(const minrnn_device_info *info, minrnn_verdict *verdict) {
    char folder[CACHE_PATH_BYTES], path[CACHE_PATH_BYTES], identity[TEXT_BYTES];
    char *text = NULL;
    uint64_t bytes = 0;
    *verdict = (minrnn_verdict){0};
    if (!verdict_path(info, folder, path) || file_read(path, TEXT_BYTES, &text, &bytes)) {
        return;
    }
    write_identity(info, identity);
    if (read_result(text, verdict)) {
        verdict->outdated = strncmp(text, identity, strlen(identity)) != 0;
    }
    mem_free(text);
}

static minrnn_status write_file(const char *path, const char *text) {
    struct file_writer *writer = NULL;
    minrnn_status status = file_writer_open(path, &writer);
    if (status) {
        return status;
    }
    status = file_writer_write(writer, text, strlen(text));
    if (status) {
        file_writer_abort(writer);
        return status;
    }
    return file_writer_commit(writer);
}

/* How much of a device was looked at. */
static int extent(const minrnn_verdict *verdict) {
    return verdict->small ? 0 : verdict->left_out > 0 ? 1 : 2;
}

/* Whether a verdict counts for more than the kept one. A pass does not clear a failure that a
 * fuller validation found. */
static bool replaces(const minrnn_verdict *verdict, const minrnn_verdict *kept) {
    return kept->ops == 0 || kept->outdated || extent(verdict) >= extent(kept) ||
           (verdict->failures > 0 && kept->failures == 0);
}

static minrnn_status keep(const minrnn_device_info *info, const minrnn_verdict *verdict) {
    char folder[CACHE_PATH_BYTES], path[CACHE_PATH_BYTES], text[TEXT_BYTES], date[32] = "";
    if (!verdict_path(info, folder, path)) {
        return fail(MINRNN_IO_ERROR, "there is no cache folder (MINRNN_CACHE, HOME)");
    }
    minrnn_verdict kept;
    find(info, &kept);
    if (!replaces(verdict, &kept)) {
        return MINRNN_OK;
    }
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) {
        (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M", &utc);
    }
    write_identity(info, text);
    const size_t used = strlen(text);
    snprintf(text + used, sizeof text - used,
             "date %s\nops %d\ncases %d\nleft_out %d\nsmall %d\nfailures %d\nfailed %s\n", date,
             verdict->ops, verdict->cases, verdict->left_out, verdict->small, verdict->failures,
             verdict->failed);
    cache_folder_make(folder);
    return write_file(path, text);
}

minrnn_status minrnn_verdict_keep(const minrnn_device_info *info, const minrnn_verdict *verdict) {
    if (!info || !verdict) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_verdict_keep: an argument is NULL");
    }
    minrnn_device_info own_info = {0};
    minrnn_verdict own = {0};
    minrnn_status status = sized_take(&info_type, info, &own_info);
    status = status ? status : sized_take(&verdict_type, verdict, &own);
    if (!status && own.ops < 1) {
        status = fail(MINRNN_INVALID_ARGUMENT, "minrnn_verdict_keep: nothing to keep");
    }
    return status ? status : keep(&own_info, &own);
}

void minrnn_verdict_find_sized(const minrnn_device_info *info, minrnn_verdict *verdict,
                               size_t size) {
    minrnn_device_info own_info = {0};
    minrnn_verdict own = {0};
    if (info && !sized_take(&info_type, info, &own_info)) {
        find(&own_info, &own);
    }
    if (verdict) {
        sized_give(&own, sizeof own, verdict, size);
    }
}
