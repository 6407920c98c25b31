/* SPDX-License-Identifier: Apache-2.0 */
/* The cache folder: which one it is, and making it. */
#include "base/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool cache_folder(char folder[CACHE_PATH_BYTES]) {
    const char *own = getenv("MINRNN_CACHE");
    const char *shared = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int length = 0;
    if (own) {
        length = snprintf(folder, CACHE_PATH_BYTES, "%s", own);
    } else if (shared && shared[0] == '/') {
        length = snprintf(folder, CACHE_PATH_BYTES, "%s/minrnn", shared);
    } else if (home && home[0]) {
        length = snprintf(folder, CACHE_PATH_BYTES, "%s/.cache/minrnn", home);
    }
    return length > 0 && length < CACHE_PATH_BYTES;
}

void cache_folder_make(const char *folder) {
    char path[CACHE_PATH_BYTES];
    snprintf(path, sizeof path, "%s", folder);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    (void)mkdir(path, 0700);
}
