/* SPDX-License-Identifier: Apache-2.0 */
/* Structs of programs that are older or newer than the library. */
#include "base/sized.h"
#include "files.h"

struct shape {
    size_t size;
    int32_t corners, sides;
    double area;
};

static const struct sized_type shape_type = SIZED_TYPE(struct shape, "shape_defaults");
static const struct shape standard = {.corners = 4, .sides = 4, .area = 1.0};

enum { OLDER = offsetof(struct shape, area), CANARY = 0x55 };

static void test_same(void **unused) {
    (void)unused;
    const struct shape given = {sizeof given, 3, 5, 7.0};
    struct shape own = standard;
    assert_int_equal(sized_get(&given), sizeof given);
    assert_int_equal(sized_take(&shape_type, &given, &own), MINRNN_OK);
    assert_memory_equal(&own, &given, sizeof own);
    struct shape back;
    sized_give(&own, sizeof own, &back, sizeof back);
    assert_memory_equal(&back, &given, sizeof back);
}

/* What it does not have is standard when taken, and left alone when given. */
static void test_older(void **unused) {
    (void)unused;
    struct shape given = {OLDER, 3, 5, 7.0}, own = standard;
    assert_int_equal(sized_take(&shape_type, &given, &own), MINRNN_OK);
    assert_int_equal(own.size, sizeof own);
    assert_true(own.corners == 3 && own.sides == 5 && own.area == 1.0);
    memset(&given, CANARY, sizeof given);
    sized_give(&own, sizeof own, &given, OLDER);
    assert_int_equal(given.size, OLDER);
    assert_true(given.corners == 3 && given.sides == 5);
    for (size_t i = OLDER; i < sizeof given; i++) {
        assert_int_equal(((const unsigned char *)&given)[i], CANARY);
    }
}

static void test_newer(void **unused) {
    (void)unused;
    struct {
        struct shape shape;
        int64_t more[2];
    } given = {.shape = {sizeof given, 3, 5, 7.0}};
    struct shape own = standard;
    assert_int_equal(sized_take(&shape_type, &given, &own), MINRNN_OK);
    assert_int_equal(own.size, sizeof own);
    assert_int_equal(own.corners, 3);
    given.more[1] = 1;
    expect_failure(sized_check(&shape_type, &given), MINRNN_INVALID_ARGUMENT,
                   "struct shape: it is of a newer version");
    own = standard;
    expect_failure(sized_take(&shape_type, &given, &own), MINRNN_INVALID_ARGUMENT, "sets a member");
    assert_memory_equal(&own, &standard, sizeof own);
    memset(&given, CANARY, sizeof given);
    sized_give(&standard, sizeof standard, &given, sizeof given);
    assert_int_equal(given.shape.size, sizeof given);
    assert_int_equal(given.shape.corners, 4);
    assert_true(given.more[0] == 0 && given.more[1] == 0);
}

static void test_impossible_sizes(void **unused) {
    (void)unused;
    static const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 4097, (size_t)-1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct shape given = {.size = sizes[i]};
        struct shape own = standard;
        expect_failure(sized_take(&shape_type, &given, &own), MINRNN_INVALID_ARGUMENT,
                       "shape_defaults sets it");
        assert_memory_equal(&own, &standard, sizeof own);
    }
    unsigned char none = CANARY;
    sized_give(&standard, sizeof standard, &none, 0);
    assert_int_equal(none, CANARY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_older),
        cmocka_unit_test(test_newer),
        cmocka_unit_test(test_impossible_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
