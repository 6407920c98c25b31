/* SPDX-License-Identifier: Apache-2.0 */
/* Safetensors: what is written is read, and nothing else is. */
#include "base/alloc.h"
#include "base/checksum.h"
#include "store/safetensors.h"
#include "unit/files.h" /* after those: cmocka has a macro fail() */

static const float weights[6] = {1.0f, -2.0f, 0.5f, 3.25f, -0.0f, 1e-42f};
static const int64_t step = 0x0123456789abcdef;

/* A small file with tensors of several kinds; returns its path. */
static const char *write_sample(const char *name) {
    const struct safetensors_metadata metadata[] = {{"minrnn.config", "{\"a\":\"\\\"\\u00e4\"}"},
                                                    {"vocabulary", "\t\n \"/\\\x7f\xc3\xa4"}};
    const struct safetensors_tensor tensors[] = {
        {.name = "weight", .type = "F32", .dimensions = 2, .shape = {2, 3}, .data = weights},
        {.name = "a.step", .type = "I64", .dimensions = 0, .data = &step},
        {.name = "empty", .type = "F32", .dimensions = 2, .shape = {4, 0}, .data = weights},
    };
    const char *path = files_path(name);
    CHECK(safetensors_write(path, metadata, 2, tensors, 3));
    return path;
}

static void test_round_trip(void **unused) {
    (void)unused;
    const char *path = write_sample("round");
    struct safetensors *file;
    CHECK(safetensors_open(path, &file));
    CHECK(safetensors_verify(file));
    assert_string_equal(safetensors_path(file), path);
    assert_string_equal(safetensors_value(file, "format"), "pt");
    assert_string_equal(safetensors_value(file, "minrnn.config"), "{\"a\":\"\\\"\\u00e4\"}");
    assert_string_equal(safetensors_value(file, "vocabulary"), "\t\n \"/\\\x7f\xc3\xa4");
    assert_null(safetensors_value(file, "Format"));
    assert_true(safetensors_has_prefix(file, "minrnn."));
    assert_false(safetensors_has_prefix(file, "minrnn_"));
    assert_int_equal(safetensors_count(file), 3);
    assert_string_equal(safetensors_tensor_at(file, 0)->name, "a.step");
    assert_string_equal(safetensors_tensor_at(file, 1)->name, "empty");
    const struct safetensors_tensor *weight = safetensors_find(file, "weight");
    assert_ptr_equal(weight, safetensors_tensor_at(file, 2));
    assert_int_equal(weight->dimensions, 2);
    assert_int_equal(weight->shape[0], 2);
    assert_int_equal(weight->shape[1], 3);
    assert_int_equal(weight->bytes, sizeof weights);
    float read[6];
    CHECK(safetensors_read(file, weight, read));
    assert_memory_equal(read, weights, sizeof weights);
    CHECK(safetensors_read(file, safetensors_find(file, "empty"), NULL));
    assert_null(safetensors_find(file, "weigh"));
    expect_failure(safetensors_read(file, safetensors_find(file, "a.step"), read),
                   MINRNN_FORMAT_ERROR, "a.step has dtype I64");
    safetensors_close(file);
    safetensors_close(NULL);
}

static void test_same_bytes(void **unused) {
    (void)unused;
    struct bytes once = files_get(write_sample("once")), again = files_get(write_sample("again"));
    assert_int_equal(once.size, again.size);
    assert_memory_equal(once.data, again.data, once.size);
    uint64_t length;
    memcpy(&length, once.data, sizeof length);
    assert_int_equal(length % 8, 0);
    assert_int_equal(once.size, 8 + length + sizeof weights + sizeof step);
    assert_memory_equal(once.data + 8 + length, weights, sizeof weights);
    free(once.data);
    free(again.data);
}

static minrnn_status open_and_verify(const char *path) {
    struct safetensors *file;
    minrnn_status status = safetensors_open(path, &file);
    if (!status) {
        status = safetensors_verify(file);
    }
    safetensors_close(file);
    return status;
}

static void test_truncated(void **unused) {
    (void)unused;
    struct bytes whole = files_get(write_sample("whole"));
    const char *path = files_path("part");
    for (size_t size = 0; size < whole.size; size++) {
        files_put(path, whole.data, size);
        assert_int_equal(open_and_verify(path), MINRNN_FORMAT_ERROR);
    }
    files_put(path, whole.data, whole.size + 1); /* its zero byte too */
    expect_failure(open_and_verify(path), MINRNN_FORMAT_ERROR, "belong to no tensor");
    files_put(path, whole.data, whole.size);
    CHECK(open_and_verify(path));
    free(whole.data);
}

/* Not one flipped bit goes unseen. */
static void test_flipped(void **unused) {
    (void)unused;
    struct bytes whole = files_get(write_sample("whole"));
    const char *path = files_path("flipped");
    for (size_t bit = 0; bit < 8 * whole.size; bit++) {
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
        files_put(path, whole.data, whole.size);
        const minrnn_status status = open_and_verify(path);
        if (status != MINRNN_FORMAT_ERROR) {
            fail_msg("bit %zu of %zu: %s", bit, 8 * whole.size, minrnn_status_name(status));
        }
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    free(whole.data);
}

/* A file of this header, its length put before it, and `size` bytes of data. */
static const char *craft(const char *header, size_t length, size_t size) {
    const char *path = files_path("crafted");
    char *content = support_alloc(8 + length + size, 1);
    for (int i = 0; i < 8; i++) {
        content[i] = (char)(length >> 8 * i);
    }
    memcpy(content + 8, header, length);
    files_put(path, content, 8 + length + size);
    free(content);
    return path;
}

static minrnn_status open_header(const char *header, size_t size) {
    struct safetensors *file;
    const minrnn_status status = safetensors_open(craft(header, strlen(header), size), &file);
    safetensors_close(file);
    return status;
}

static void test_accepted(void **unused) {
    (void)unused;
    static const struct {
        const char *header;
        size_t size;
    } cases[] = {
        {"{}", 0},
        {"{}     ", 0},
        {"{\"__metadata__\":{}}", 0},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3},
        {"{ \"a\" :\n{\"shape\":[], \"data_offsets\":[0,8], \"dtype\":\"F64\"}}", 8},
        {"{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]},"
         "\"a\":{\"dtype\":\"I16\",\"shape\":[1,1],\"data_offsets\":[0,2]},"
         "\"c\":{\"dtype\":\"BOOL\",\"shape\":[0,9007199254740992],\"data_offsets\":[2,2]}}",
         3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(open_header(cases[i].header, cases[i].size));
    }
}

#define TENSOR(name, type, shape, range)                                                           \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" range "}"

static void test_refused(void **unused) {
    (void)unused;
    static const struct {
        const char *header;
        size_t size;
        const char *text;
    } cases[] = {
        {"", 0, "not a JSON object"},
        {" {}", 0, "not a JSON object"},
        {"[]", 0, "not a JSON object"},
        {"\xef\xbb\xbf{}", 0, "not a JSON object"},
        {"{", 0, "not JSON"},
        {"{}x", 0, "not one JSON object"},
        {"{}{}", 0, "not one JSON object"},
        {"{}\n", 0, "not one JSON object"},
        {"{\"a\":}", 0, "not JSON"},
        {"{\"a\\u0000b\":{}}", 0, "zero byte"},
        {"{\"a\":1}", 0, "not an object of"},
        {"{\"a\":[1,2,3]}", 0, "not an object of"},
        {"{\"a\":{}}", 0, "not an object of"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"shape\":[]}}", 1, "not a range"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":0}}", 1,
         "not an object of"},
        {"{\"a\\u001b\":{}}", 0, "control character"},
        {"{\"a\x7f\":{}}", 0, "control character"},
        {"{\"a\\u009b\":{}}", 0, "control character"},
        {"{\"a\xff\":{}}", 0, "not UTF-8"},
        {"{\"__metadata__\":[]}", 0, "not an object"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "not a string"},
        {"{\"__metadata__\":{\"a\":{}}}", 0, "not a string"},
        {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "twice"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "not an object of"},
        {"{" TENSOR("a", "F33", "[1]", "[0,4]") "}", 4, "dtype"},
        {"{" TENSOR("a", "f32", "[1]", "[0,4]") "}", 4, "dtype"},
        {"{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "dtype"},
        {"{" TENSOR("a", "F32", "1", "[0,4]") "}", 4, "its shape is not"},
        {"{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", 4, "its shape is not"},
        {"{" TENSOR("a", "F32", "[-1]", "[0,4]") "}", 4, "a size in its shape"},
        {"{" TENSOR("a", "F32", "[1.5]", "[0,6]") "}", 6, "a size in its shape"},
        {"{" TENSOR("a", "F32", "[\"1\"]", "[0,4]") "}", 4, "a size in its shape"},
        {"{" TENSOR("a", "F32", "[1e400]", "[0,4]") "}", 4, "a size in its shape"},
        {"{" TENSOR("a", "F32", "[18446744073709551617]", "[0,4]") "}", 4, "a size in its shape"},
        {"{" TENSOR("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", 0, "disagree"},
        {"{" TENSOR("a", "U8", "[4294967296,4294967297]", "[0,4294967296]") "}", 0, "disagree"},
        {"{" TENSOR("a", "F32", "[9007199254740992,1024]", "[0,0]") "}", 0, "disagree"},
        {"{" TENSOR("a", "F32", "[1]", "[0,3]") "}", 4, "disagree"},
        {"{" TENSOR("a", "F32", "[2]", "[0,4]") "}", 4, "disagree"},
        {"{" TENSOR("a", "F32", "[1]", "[4,0]") "}", 4, "not a range"},
        {"{" TENSOR("a", "F32", "[1]", "[0]") "}", 4, "not a range"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4,4]") "}", 4, "not a range"},
        {"{" TENSOR("a", "F32", "[1]", "[-4,0]") "}", 4, "not a range"},
        {"{" TENSOR("a", "F32", "[1]", "{\"a\":0,\"b\":4}") "}", 4, "not a range"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "}", 3, "pass the end"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "}", 5, "belong to no tensor"},
        {"{}", 1, "belong to no tensor"},
        {"{" TENSOR("a", "F32", "[1]", "[1,5]") "}", 5, "gap"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[3,7]") "}", 7,
         "overlap"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[0,4]") "}", 4,
         "overlap"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("b", "F32", "[1]", "[5,9]") "}", 9,
         "gap"},
        {"{" TENSOR("a", "F32", "[1]", "[0,4]") "," TENSOR("a", "F32", "[1]", "[4,8]") "}", 8,
         "twice"},
        {"{" TENSOR("a", "U8", "[0]", "[9007199254740992,9007199254740992]") "}", 0, "gap"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const minrnn_status status = open_header(cases[i].header, cases[i].size);
        if (status != MINRNN_FORMAT_ERROR || !strstr(minrnn_error_text(), cases[i].text) ||
            !strstr(minrnn_error_text(), files_path("crafted"))) {
            fail_msg("case %zu, %s: %s \"%s\"", i, cases[i].header, minrnn_status_name(status),
                     minrnn_error_text());
        }
    }
    struct safetensors *file;
    assert_int_equal(safetensors_open(craft("{}\0", 3, 0), &file), MINRNN_FORMAT_ERROR);
    assert_null(file);
    expect_failure(safetensors_open(files_path("none"), &file), MINRNN_IO_ERROR, "No such file");
    expect_failure(safetensors_open(files_directory, &file), MINRNN_IO_ERROR, "a folder");
}

/* Lengths that no file can have, and headers that would take much to parse. */
static void test_large_headers(void **unused) {
    (void)unused;
    struct safetensors *file;
    static const uint64_t lengths[] = {UINT64_MAX, INT64_MAX, UINT64_MAX - 7, 100000001, 1000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char content[16] = {0};
        memcpy(content, &lengths[i], sizeof lengths[i]);
        const char *path = files_path("length");
        files_put(path, content, sizeof content);
        assert_int_equal(safetensors_open(path, &file), MINRNN_FORMAT_ERROR);
    }
    enum { SIZE = 3000000 };
    char *header = support_alloc(SIZE, 1);
    memset(header, '[', SIZE);
    memcpy(header, "{\"a\":", 5);
    expect_failure(safetensors_open(craft(header, SIZE, 0), &file), MINRNN_FORMAT_ERROR,
                   "not JSON");
    for (int i = 5; i < SIZE - 1; i += 2) {
        memcpy(header + i, "0,", 2);
    }
    header[5] = '[';
    expect_failure(safetensors_open(craft(header, SIZE, 0), &file), MINRNN_FORMAT_ERROR,
                   "2^20 values");
    free(header);
}

/* Data that begins at an odd place, in types that are converted. */
static void test_conversion(void **unused) {
    (void)unused;
    const char *header = "{" TENSOR("h", "F16", "[6]", "[0,12]") "," TENSOR(
        "b", "BF16", "[2]", "[12,16]") "," TENSOR("d", "F64", "[2]",
                                                  "[16,32]") "," TENSOR("f", "F32", "[1]",
                                                                        "[32,36]") "}";
    const size_t length = strlen(header);
    char spaced[1024];
    snprintf(spaced, sizeof spaced, "%s%s", header, length % 2 ? "" : " "); /* an odd length */
    const char *path = craft(spaced, strlen(spaced), 36);
    struct bytes content = files_get(path);
    static const uint16_t halves[6] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000, 0x3555};
    static const uint16_t bfloats[2] = {0x3f80, 0xc049};
    static const double doubles[2] = {0.1, -1e300};
    static const float single = 0.1f;
    char *data = content.data + 8 + strlen(spaced);
    memcpy(data, halves, 12);
    memcpy(data + 12, bfloats, 4);
    memcpy(data + 16, doubles, 16);
    memcpy(data + 32, &single, 4);
    files_put(path, content.data, content.size);
    free(content.data);

    struct safetensors *file;
    float read[6];
    CHECK(safetensors_open(path, &file));
    CHECK(safetensors_read(file, safetensors_find(file, "h"), read));
    const float expected[6] = {1.0f, -2.0f, 0x1p-24f, INFINITY, -0.0f, 0x1.554p-2f};
    assert_memory_equal(read, expected, sizeof expected);
    CHECK(safetensors_read(file, safetensors_find(file, "b"), read));
    assert_true(read[0] == 1.0f && read[1] == -3.140625f);
    CHECK(safetensors_read(file, safetensors_find(file, "d"), read));
    assert_true(read[0] == 0.1f && read[1] == -INFINITY);
    CHECK(safetensors_read(file, safetensors_find(file, "f"), read));
    assert_true(read[0] == 0.1f);
    expect_failure(safetensors_verify(file), MINRNN_FORMAT_ERROR, "has no minrnn.checksum");
    safetensors_close(file);
}

/* A checksum that another program took out, left or mangled. */
static void test_checksum(void **unused) {
    (void)unused;
    struct checksum *checksum = support_alloc(1, sizeof *checksum);
    checksum_start(checksum);
    checksum_add(checksum, "12345", 5);
    checksum_add(checksum, "6789", 4);
    assert_true(checksum_value(checksum) == 0x995dc9bbdf1939fa); /* CRC-64/XZ's check value */
    free(checksum);
    static const struct {
        const char *metadata;
        const char *text; /* NULL: accepted */
    } cases[] = {
        {"{\"minrnn.checksum\":\"none\"}", NULL},
        {"{\"minrnn.checksum\":\"0000000000000000\"}", "is damaged"},
        {"{\"minrnn.checksum\": \"0000000000000000\"}", "not as it was written"},
        {"{\"minrnn.checksum\":\"\"}", "not as it was written"},
        {"{\"minrnn.checksum\":\"000000000000000\"}", "not as it was written"},
        {"{}", "has no minrnn.checksum"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char header[128];
        snprintf(header, sizeof header, "{\"__metadata__\":%s}", cases[i].metadata);
        const minrnn_status status = open_and_verify(craft(header, strlen(header), 0));
        if (cases[i].text) {
            expect_failure(status, MINRNN_FORMAT_ERROR, cases[i].text);
        } else {
            CHECK(status);
        }
    }
}

static void test_too_large(void **unused) {
    (void)unused;
    const struct safetensors_tensor tensor = {
        .name = "a", .type = "F32", .dimensions = 2, .shape = {INT64_MAX / 4, 5}};
    expect_failure(safetensors_write(files_path("large"), NULL, 0, &tensor, 1),
                   MINRNN_INVALID_ARGUMENT, "too large");
    assert_int_not_equal(access(files_path("large"), F_OK), 0);
}

static minrnn_status write_and_read(const char *path) {
    const struct safetensors_tensor tensor = {
        .name = "w", .type = "F32", .dimensions = 1, .shape = {6}, .data = weights};
    minrnn_status status = safetensors_write(path, NULL, 0, &tensor, 1);
    return status ? status : open_and_verify(path);
}

static void test_no_memory(void **unused) {
    (void)unused;
    const char *path = files_path("memory");
    minrnn_status status = MINRNN_OUT_OF_MEMORY;
    long n = 0;
    while (status) {
        mem_fail_at(++n);
        status = write_and_read(path);
        mem_fail_at(0);
        assert_true(status == MINRNN_OK || status == MINRNN_OUT_OF_MEMORY);
    }
    assert_true(n > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_truncated),     cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_accepted),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_large_headers), cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_checksum),      cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, files_begin, files_end);
}
