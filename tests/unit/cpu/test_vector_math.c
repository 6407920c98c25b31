/* SPDX-License-Identifier: Apache-2.0 */
/* The CPU's powers of two, whose errors add up where a state decays step by step. */
#define CPU_LEVEL baseline
#include "cpu/vector_math.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h> /* after the rest: it has a macro fail() */

/* Within one ulp. Next to 1 the distance from 1 is right, too, but for rounding: it is what states
 * lose in a step. */
static void power_of_two_is_right(void **state) {
    (void)state;
    for (int i = 0; i <= 1260000; i++) {
        const float x = -1e-4f * (float)i;
        const double want = exp2((double)x), error = fabs((double)exp2_negative_f32(x) - want);
        assert_true(error <= (double)FLT_EPSILON * want);
    }
    for (float x = -0x1p-1f; x < -0x1p-30f; x *= 0.99f) {
        const double want = exp2((double)x), error = fabs((double)exp2_negative_f32(x) - want);
        assert_true(error <= (double)FLT_EPSILON / 4 + 2e-7 * (1 - want));
    }
}

static void power_of_two_has_ends(void **state) {
    (void)state;
    assert_true(exp2_negative_f32(0.0f) == 1.0f);
    assert_true(exp2_negative_f32(-1.0f) == 0.5f);
    assert_true(exp2_negative_f32(-127.0f) == 0.0f && exp2_negative_f32(-INFINITY) == 0.0f);
    assert_true(isnan(exp2_negative_f32(NAN)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_of_two_is_right),
        cmocka_unit_test(power_of_two_has_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
