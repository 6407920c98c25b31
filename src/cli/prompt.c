/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a prompt from a file or from standard input. */
#include "cli/prompt.h"

#include "cli/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1 << 12 };

static int read_all(FILE *file, const char *name, struct prompt *prompt) {
    size_t room = 0, got = 0;
    errno = 0;
    do {
        prompt->bytes += got;
        if (prompt->bytes == room) {
            room = room ? 2 * room : FIRST_ROOM;
            char *larger = realloc(prompt->text, room);
            if (!larger) {
                return report_failure("out of memory");
            }
            prompt->text = larger;
        }
        got = fread(prompt->text + prompt->bytes, 1, room - prompt->bytes, file);
    } while (got > 0);
    return ferror(file) ? report_failure("cannot read %s: %s", name, strerror(errno)) : 0;
}

int prompt_read(const char *path, struct prompt *prompt) {
    static const char mark[] = "\xEF\xBB\xBF";
    const bool is_standard = strcmp(path, "-") == 0;
    const char *name = is_standard ? "standard input" : path;
    FILE *file = is_standard ? stdin : fopen(path, "rb");
    if (!file) {
        return report_failure("cannot open %s: %s", name, strerror(errno));
    }
    const int code = read_all(file, name, prompt);
    if (!is_standard) {
        fclose(file);
    }
    if (!code && prompt->bytes >= sizeof mark - 1 &&
        memcmp(prompt->text, mark, sizeof mark - 1) == 0) {
        prompt->bytes -= sizeof mark - 1;
        memmove(prompt->text, prompt->text + sizeof mark - 1, prompt->bytes);
    }
    return code;
}
