/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: a folder of their own, files in it, the native CPU, and how a target
 * says that something is wrong. A target is one file with fuzz_one; it is linked with libFuzzer
 * (-Dfuzz=true) or with replay.c, which runs files that are there. */
#ifndef TESTS_FUZZ_HARNESS_H
#define TESTS_FUZZ_HARNESS_H

#include <minrnn/minrnn.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's names. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* A property that every input must have: if it does not hold, the process aborts, which
 * libFuzzer and Meson both report. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
        }                                                                                          \
    } while (0)

/* The same of a call that must return MINRNN_OK. */
#define MUST_WORK(call) MUST((call) == MINRNN_OK)

_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* The native CPU, opened once. */
minrnn_device *fuzz_device(void);

/* The path of a file in this process's folder, which is in TMPDIR or /tmp and goes with it. The
 * caller frees none; each of `name`s is made once and stays. */
const char *fuzz_path(const char *name);
const char *fuzz_folder(void);

/* Writes a whole file there and gives its path. */
const char *fuzz_put(const char *name, const void *data, size_t size);

/* Removes everything in the folder. */
void fuzz_clear_folder(void);

struct fuzz_bytes {
    char *data; /* a zero byte follows the last; to be freed */
    size_t size;
};
struct fuzz_bytes fuzz_get(const char *path);

/* Both files have the same bytes. */
void fuzz_must_equal(const char *path_a, const char *path_b);

/* Fails unless the call worked or failed as one that reads a bad file may: with a text of one line
 * that no terminal obeys, and neither a wrong argument of the caller's nor a device that does not
 * work. */
void fuzz_check_failure(minrnn_status status);

/* The integer that the input's next bytes give; 0 past its end. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};
uint64_t fuzz_take(struct fuzz_input *input, int bytes);

#endif
