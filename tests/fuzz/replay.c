/* SPDX-License-Identifier: Apache-2.0 */
/* Runs files through a fuzz target, each once: those named, and all in the folders named. */
#include "harness.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#endif

/* Hostile sizes end in an error, not in a machine without memory. The address sanitizer takes all
 * addresses there are and has a limit of its own (harness.c). */
static void limit_memory(void) {
#ifndef SANITIZED
    const struct rlimit limit = {(rlim_t)4 << 30, (rlim_t)4 << 30};
    MUST(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
}

static int run_file(const char *path) {
    struct fuzz_bytes input = fuzz_get(path);
    /* A copy of exactly the size, past which a sanitizer sees. */
    uint8_t *exact = malloc(input.size ? input.size : 1);
    MUST(exact);
    memcpy(exact, input.data, input.size);
    /* What is being run is known should it be the last. */
    fprintf(stderr, "%s\n", path);
    (void)LLVMFuzzerTestOneInput(exact, input.size);
    free(exact);
    free(input.data);
    return 1;
}

static int run_folder(const char *path) {
    int count = 0;
    DIR *entries = opendir(path);
    MUST(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        char file[4096];
        if (entry->d_name[0] != '.') {
            MUST(snprintf(file, sizeof file, "%s/%s", path, entry->d_name) < (int)sizeof file);
            count += run_file(file);
        }
    }
    closedir(entries);
    return count;
}

int main(int argc, char **argv) {
    int count = 0;
    limit_memory();
    (void)LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        struct stat info;
        /* A target without a bug yet has no folder of regressions. */
        if (stat(argv[i], &info) == 0) {
            count += S_ISDIR(info.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
        }
    }
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
