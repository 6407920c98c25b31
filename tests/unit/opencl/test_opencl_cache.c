/* SPDX-License-Identifier: Apache-2.0 */
/* Programs on disk: what is damaged or another's is never handed to a driver, and the result is
 * right all the same. */
#include "base/alloc.h"
#include "base/status.h"
#include "op/op.h"
#include "opencl/cache.h"
#include "opencl/launch.h"
#include "opencl_device.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != MINRNN_OK) {                                                                 \
            fail_msg("%s: %s", #call, minrnn_error_text());                                        \
        }                                                                                          \
    } while (0)

/* ---- a folder of our own, which MINRNN_CACHE names ---- */

enum { MAX_FILES = 32 };

struct folder {
    char path[64];
    char files[MAX_FILES][160];
    int count;
};

static void list_files(struct folder *folder) {
    DIR *directory = opendir(folder->path);
    assert_non_null(directory);
    folder->count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] != '.') {
            assert_true(folder->count < MAX_FILES);
            assert_true(strlen(entry->d_name) < sizeof folder->files[0] - sizeof folder->path);
            char *file = folder->files[folder->count++];
            strcat(strcat(strcpy(file, folder->path), "/"), entry->d_name);
        }
    }
    closedir(directory);
}

static int make_folder(void **state) {
    struct folder *folder = mem_alloc(1, sizeof *folder);
    if (!folder) {
        return -1;
    }
    strcpy(folder->path, "/tmp/minrnn-cache-XXXXXX");
    *state = folder;
    return mkdtemp(folder->path) ? setenv("MINRNN_CACHE", folder->path, 1) : -1;
}

static int remove_folder(void **state) {
    struct folder *folder = *state;
    list_files(folder);
    for (int i = 0; i < folder->count; i++) {
        unlink(folder->files[i]);
    }
    const int code = rmdir(folder->path);
    mem_free(folder);
    return code;
}

static size_t read_all(const char *path, unsigned char *content, size_t capacity) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t bytes = fread(content, 1, capacity, file);
    fclose(file);
    assert_true(bytes < capacity);
    return bytes;
}

static void write_all(const char *path, const unsigned char *content, size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* ---- the files themselves ---- */

static const char key[] = "device and source";
static const unsigned char program[] = {1, 2, 3, 250, 0, 7};

static bool loads(const struct folder *folder, const char *wanted) {
    unsigned char *binary = NULL;
    size_t bytes = 0;
    const bool loaded = cache_load(folder->path, wanted, &binary, &bytes);
    if (loaded) {
        assert_int_equal(bytes, sizeof program);
        assert_memory_equal(binary, program, sizeof program);
        mem_free(binary);
    }
    return loaded;
}

static void test_stored_is_loaded(void **state) {
    const struct folder *folder = *state;
    assert_false(loads(folder, key));
    cache_store(folder->path, key, program, sizeof program);
    assert_true(loads(folder, key));
    assert_false(loads(folder, "another key"));
    unsigned char *binary = NULL;
    size_t bytes = 0;
    cache_store(folder->path, "least", program, 1);
    assert_true(cache_load(folder->path, "least", &binary, &bytes));
    assert_int_equal(bytes, 1);
    assert_int_equal(binary[0], program[0]);
    mem_free(binary);
}

static void test_truncated_and_flipped(void **state) {
    struct folder *folder = *state;
    unsigned char good[256], bad[256 + 1];
    cache_store(folder->path, key, program, sizeof program);
    list_files(folder);
    assert_int_equal(folder->count, 1);
    const char *path = folder->files[0];
    const size_t bytes = read_all(path, good, sizeof good);
    for (size_t length = 0; length < bytes; length++) {
        write_all(path, good, length);
        assert_false(loads(folder, key));
    }
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        memcpy(bad, good, bytes);
        bad[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_all(path, bad, bytes);
        assert_false(loads(folder, key));
    }
    memcpy(bad, good, bytes);
    bad[bytes] = 0;
    write_all(path, bad, bytes + 1);
    assert_false(loads(folder, key));
    write_all(path, good, bytes);
    assert_true(loads(folder, key));
}

/* A sound file under the wrong name, as a collision of hashes would leave it. */
static void test_foreign(void **state) {
    struct folder *folder = *state;
    cache_store(folder->path, "device and sourcf", program, sizeof program);
    list_files(folder);
    assert_int_equal(folder->count, 1);
    char foreign[sizeof folder->files[0]];
    strcpy(foreign, folder->files[0]);
    assert_int_equal(unlink(foreign), 0);
    cache_store(folder->path, key, program, sizeof program);
    list_files(folder);
    assert_int_equal(folder->count, 1);
    char own[sizeof folder->files[0]];
    strcpy(own, folder->files[0]);
    assert_int_equal(rename(own, foreign), 0);
    assert_false(loads(folder, "device and sourcf"));
}

/* What a version before the format's last change left is sound in itself: only the number in its
 * magic is lower. It is not read, and replaced. */
static void test_older_version(void **state) {
    struct folder *folder = *state;
    unsigned char content[256];
    cache_store(folder->path, key, program, sizeof program);
    list_files(folder);
    const size_t bytes = read_all(folder->files[0], content, sizeof content);
    assert_memory_equal(content, "minrnnP1", 8);
    content[7] = '0';
    write_all(folder->files[0], content, bytes);
    assert_false(loads(folder, key));
    cache_store(folder->path, key, program, sizeof program);
    assert_true(loads(folder, key));
    list_files(folder);
    assert_int_equal(folder->count, 1);
}

/* ---- several processes at once ---- */

enum { PROCESSES = 4, ROUNDS = 200, MOST_BYTES = 1 << 14 };

/* Binary number `n` is 1 + n * 61 bytes, all n. */
static size_t numbered_bytes(unsigned char n) {
    return 1 + (size_t)n * 61;
}

static bool is_numbered(const unsigned char *binary, size_t bytes) {
    bool good = bytes == numbered_bytes(binary[0]);
    for (size_t i = 0; good && i < bytes; i++) {
        good = binary[i] == binary[0];
    }
    return good;
}

/* Stores and loads in turn; returns the number of wrong binaries, and of loads in *loaded. */
static int store_and_load(const char *path, unsigned seed, int *loaded) {
    static unsigned char binary[MOST_BYTES];
    int wrong = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const unsigned char n = (unsigned char)(seed * 89 + i * 7);
        memset(binary, n, numbered_bytes(n));
        cache_store(path, key, binary, numbered_bytes(n));
        unsigned char *found = NULL;
        size_t bytes = 0;
        if (cache_load(path, key, &found, &bytes)) {
            wrong += !is_numbered(found, bytes);
            ++*loaded;
            mem_free(found);
        }
    }
    return wrong;
}

/* Cuts the file short again and again, as a failing disk or another program might. */
static void damage(const char *file) {
    for (unsigned i = 0; i < 8 * ROUNDS; i++) {
        (void)!truncate(file, (off_t)(i * 37 % 4000));
    }
}

/* Waits for `count` children, each of which must end with 0. */
static void join(const pid_t *children, int count) {
    for (int i = 0; i < count; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
}

/* Whoever loads has what someone stored, whole, or nothing; in the end there is one good file. */
static void race(struct folder *folder, bool damaged) {
    pid_t children[PROCESSES + 1];
    int count = 0;
    cache_store(folder->path, key, program, sizeof program);
    list_files(folder);
    for (unsigned seed = 0; seed < PROCESSES; seed++) {
        const pid_t child = fork();
        if (child == 0) {
            int loaded = 0;
            const int wrong = store_and_load(folder->path, seed, &loaded);
            /* Undamaged, every load finds something. */
            _exit(wrong ? 1 : loaded == 0 ? 2 : !damaged && loaded < ROUNDS ? 3 : 0);
        }
        assert_true(child > 0);
        children[count++] = child;
    }
    if (damaged) {
        const pid_t child = fork();
        if (child == 0) {
            damage(folder->files[0]);
            _exit(0);
        }
        assert_true(child > 0);
        children[count++] = child;
    }
    join(children, count);
    list_files(folder);
    assert_int_equal(folder->count, 1); /* no temporary file is left */
    cache_store(folder->path, key, program, sizeof program);
    assert_true(loads(folder, key));
}

static void test_processes(void **state) {
    race(*state, false);
}

static void test_processes_and_damage(void **state) {
    race(*state, true);
}

static void test_unwritable(void **state) {
    const struct folder *folder = *state;
    char inside[128];
    snprintf(inside, sizeof inside, "%s/file", folder->path);
    write_all(inside, program, sizeof program);
    error_text_set("an earlier failure");
    cache_store(inside, key, program, sizeof program); /* not a folder: nothing happens */
    assert_string_equal(minrnn_error_text(), "an earlier failure");
    unsigned char *binary = NULL;
    size_t bytes = 0;
    assert_false(cache_load(inside, key, &binary, &bytes));
    assert_string_equal(minrnn_error_text(), "an earlier failure");
}

static void test_folder(void **state) {
    char folder[CACHE_PATH_BYTES];
    assert_true(cache_folder(folder));
    assert_string_equal(folder, ((struct folder *)*state)->path);
    setenv("MINRNN_CACHE", "", 1);
    assert_false(cache_folder(folder));
    setenv("MINRNN_CACHE", ((struct folder *)*state)->path, 1);
}

/* ---- drivers that give no binaries (the linker's --wrap) ---- */

static bool without_binaries;

cl_int __real_clGetProgramInfo(cl_program handle, cl_program_info what, size_t capacity,
                               void *value, size_t *bytes);
cl_int __wrap_clGetProgramInfo(cl_program handle, cl_program_info what, size_t capacity,
                               void *value, size_t *bytes);

cl_int __wrap_clGetProgramInfo(cl_program handle, cl_program_info what, size_t capacity,
                               void *value, size_t *bytes) {
    if (without_binaries && what == CL_PROGRAM_BINARY_SIZES) {
        memset(value, 0, capacity);
        return CL_SUCCESS;
    }
    if (without_binaries && what == CL_PROGRAM_BINARIES) {
        return CL_SUCCESS;
    }
    return __real_clGetProgramInfo(handle, what, capacity, value, bytes);
}

/* A driver that loads a binary of another one, and then finds no kernel in it. */
static int kernels_refused; /* so many are */

cl_kernel __real_clCreateKernel(cl_program handle, const char *name, cl_int *code);
cl_kernel __wrap_clCreateKernel(cl_program handle, const char *name, cl_int *code);

cl_kernel __wrap_clCreateKernel(cl_program handle, const char *name, cl_int *code) {
    if (kernels_refused > 0) {
        kernels_refused--;
        *code = CL_INVALID_KERNEL_DEFINITION;
        return NULL;
    }
    return __real_clCreateKernel(handle, name, code);
}

/* ---- the whole way ---- */

/* Opens a device, multiplies 3 by 2 in a 5 x 5 matrix product, and closes it. */
static void compute(void) {
    minrnn_device *device = NULL;
    minrnn_buffer *buffer = NULL, *scratch = NULL;
    float a[25], c[25];
    MUST(open_opencl_device(&device));
    MUST(minrnn_buffer_create(device, 3 * sizeof a, &buffer));
    MUST(minrnn_buffer_create(device, 1 << 20, &scratch));
    for (int i = 0; i < 25; i++) {
        a[i] = i % 6 == 0 ? 3 : 0;
    }
    MUST(tensor_write(tensor_f32(buffer, 0), a, 25, true));
    for (int i = 0; i < 25; i++) {
        a[i] = 2;
    }
    MUST(tensor_write(tensor_f32(buffer, 25), a, 25, true));
    struct op_context context = {
        .device = device, .scratch = tensor_f32(scratch, 0), .scratch_bytes = 1 << 20};
    MUST(OP(gemm, &context, .m = 5, .n = 5, .k = 5, .a = tensor_f32(buffer, 0),
            .b = tensor_f32(buffer, 25), .c = tensor_f32(buffer, 50)));
    MUST(tensor_read(tensor_f32(buffer, 50), c, 25, true));
    for (int i = 0; i < 25; i++) {
        assert_true(c[i] == 6);
    }
    minrnn_buffer_destroy(buffer);
    minrnn_buffer_destroy(scratch);
    minrnn_device_destroy(device);
}

/* Processes that begin with an empty cache, compile the same programs and store them at once. Each
 * is this program anew: a driver's threads do not live through a fork. */
static void test_no_binaries(void **state) {
    struct folder *folder = *state;
    without_binaries = true;
    compute();
    without_binaries = false;
    list_files(folder);
    assert_int_equal(folder->count, 0);
    compute();
    list_files(folder);
    assert_true(folder->count > 0);
}

static void test_computing_at_once(void **state) {
    struct folder *folder = *state;
    enum { AT_ONCE = 3 };
    pid_t children[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            execl("/proc/self/exe", "test_opencl_cache", "compute", (char *)NULL);
            _exit(127);
        }
        assert_true(children[i] > 0);
    }
    join(children, AT_ONCE);
    list_files(folder);
    assert_true(folder->count > 0);
    for (int i = 0; i < folder->count; i++) {
        assert_null(strstr(folder->files[i], ".tmp"));
    }
    compute();
}

/* What comes from the disk without a kernel is built from source; what does not is an error. */
static void test_no_kernels(void **state) {
    (void)state;
    compute();
    error_text_set("an earlier failure");
    kernels_refused = 1;
    compute();
    assert_int_equal(kernels_refused, 0);
    assert_string_equal(minrnn_error_text(), "an earlier failure");
    minrnn_device *device = NULL;
    minrnn_buffer *buffer = NULL;
    MUST(open_opencl_device(&device));
    MUST(minrnn_buffer_create(device, 64, &buffer));
    struct op_context context = {.device = device};
    kernels_refused = 1;
    assert_int_equal(OP(fill, &context, .count = 16, .x = tensor_f32(buffer, 0)),
                     MINRNN_DEVICE_ERROR);
    assert_non_null(strstr(minrnn_error_text(), "clCreateKernel"));
    minrnn_buffer_destroy(buffer);
    minrnn_device_destroy(device);
}

static void test_damaged_programs(void **state) {
    struct folder *folder = *state;
    off_t sizes[MAX_FILES];
    struct stat info;
    compute();
    list_files(folder);
    assert_true(folder->count > 0);
    compute(); /* from the disk */
    for (int i = 0; i < folder->count; i++) {
        assert_int_equal(stat(folder->files[i], &info), 0);
        sizes[i] = info.st_size;
        assert_int_equal(truncate(folder->files[i], sizes[i] / 2), 0);
    }
    compute(); /* from the source, and stored again */
    for (int i = 0; i < folder->count; i++) {
        assert_int_equal(stat(folder->files[i], &info), 0);
        assert_true(info.st_size > sizes[i] / 2);
    }
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "compute") == 0) {
        compute();
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stored_is_loaded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_truncated_and_flipped, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_foreign, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_older_version, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_processes, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_processes_and_damage, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_unwritable, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_folder, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_no_binaries, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_no_kernels, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_computing_at_once, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_damaged_programs, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
