/* SPDX-License-Identifier: Apache-2.0 */
/* The selective scan's oracle: its gradients against finite differences of its own forward, and its
 * forward against a step by hand. */
#include "gradient.h"

enum { BATCH = 3, TIME = SELECTIVE_CHUNK + 3, WIDTH = 2, STATES = 3 };
enum { STEPS = BATCH * TIME * WIDTH, STATE = BATCH * WIDTH * STATES };
enum { KEPT = BATCH * 2 * STATES * WIDTH }; /* two chunks a sequence */

struct selective {
    struct selective_forward_oracle forward;
    double u[STEPS], p[STEPS], z[STEPS], bc[BATCH * TIME * 2 * STATES];
    double a_log[WIDTH * STATES], p_bias[WIDTH], skip[WIDTH], state[STATE];
    double y[STEPS], carries[KEPT], state_out[STATE];
    double dy[STEPS], dstate_out[STATE];
    int32_t reset[BATCH * TIME], lengths[BATCH];
};

static double loss(void *user) {
    struct selective *s = user;
    oracle_selective_forward(&s->forward);
    return dot(s->y, s->dy, STEPS) + dot(s->state_out, s->dstate_out, STATE);
}

static void fill(struct selective *s, uint64_t seed) {
    static const int32_t lengths[BATCH] = {TIME, 0, TIME - 2};
    struct check_random random = {.seed = seed};
    fill_normal(&random, s->u, STEPS);
    fill_normal(&random, s->p, STEPS);
    fill_normal(&random, s->z, STEPS);
    fill_normal(&random, s->bc, BATCH * TIME * 2 * STATES);
    fill_normal(&random, s->a_log, WIDTH * STATES);
    fill_normal(&random, s->p_bias, WIDTH);
    fill_normal(&random, s->skip, WIDTH);
    fill_normal(&random, s->state, STATE);
    fill_normal(&random, s->dy, STEPS);
    fill_normal(&random, s->dstate_out, STATE);
    for (int i = 0; i < BATCH * TIME; i++) {
        s->reset[i] = random_chance(&random, 0.1) || i % TIME == SELECTIVE_CHUNK;
    }
    memcpy(s->lengths, lengths, sizeof lengths);
}

/* Which optional inputs there are, by bits of `options`: state, reset, lengths. */
static void prepare(struct selective *s, int options) {
    fill(s, (uint64_t)options);
    s->forward = (struct selective_forward_oracle){.batch = BATCH,
                                                   .time = TIME,
                                                   .width = WIDTH,
                                                   .states = STATES,
                                                   .u = s->u,
                                                   .p = s->p,
                                                   .z = s->z,
                                                   .bc = s->bc,
                                                   .a_log = s->a_log,
                                                   .p_bias = s->p_bias,
                                                   .skip = s->skip,
                                                   .state = options & 1 ? s->state : NULL,
                                                   .reset = options & 2 ? s->reset : NULL,
                                                   .lengths = options & 4 ? s->lengths : NULL,
                                                   .y = s->y,
                                                   .carries = s->carries,
                                                   .state_out = s->state_out};
}

struct gradients {
    double du[STEPS], dp[STEPS], dz[STEPS], dbc[BATCH * TIME * 2 * STATES];
    double da_log[WIDTH * STATES], dp_bias[WIDTH], dskip[WIDTH], dstate[STATE];
};

static void back(const struct selective *s, const double *carries, struct gradients *g) {
    const struct selective_forward_oracle *f = &s->forward;
    memset(g, 0, sizeof *g);
    struct selective_backward_oracle backward = {.batch = BATCH,
                                                 .time = TIME,
                                                 .width = WIDTH,
                                                 .states = STATES,
                                                 .u = s->u,
                                                 .p = s->p,
                                                 .z = s->z,
                                                 .bc = s->bc,
                                                 .a_log = s->a_log,
                                                 .p_bias = s->p_bias,
                                                 .skip = s->skip,
                                                 .reset = f->reset,
                                                 .lengths = f->lengths,
                                                 .carries = carries,
                                                 .dy = s->dy,
                                                 .dstate_out = s->dstate_out,
                                                 .du = g->du,
                                                 .dp = g->dp,
                                                 .dz = g->dz,
                                                 .dbc = g->dbc,
                                                 .da_log = g->da_log,
                                                 .dp_bias = g->dp_bias,
                                                 .dskip = g->dskip,
                                                 .dstate = g->dstate};
    oracle_selective_backward(&backward);
}

static void test_gradients(void **unused) {
    (void)unused;
    static struct selective s;
    static struct gradients g;
    for (int options = 0; options < 8; options++) {
        prepare(&s, options);
        (void)loss(&s);
        double carries[KEPT];
        memcpy(carries, s.carries, sizeof carries); /* differences write them anew */
        back(&s, carries, &g);
        assert_gradient(loss, &s, s.u, g.du, STEPS);
        assert_gradient(loss, &s, s.p, g.dp, STEPS);
        assert_gradient(loss, &s, s.z, g.dz, STEPS);
        assert_gradient(loss, &s, s.bc, g.dbc, BATCH * TIME * 2 * STATES);
        assert_gradient(loss, &s, s.a_log, g.da_log, WIDTH * STATES);
        assert_gradient(loss, &s, s.p_bias, g.dp_bias, WIDTH);
        assert_gradient(loss, &s, s.skip, g.dskip, WIDTH);
        if (options & 1) {
            assert_gradient(loss, &s, s.state, g.dstate, STATE);
        }
    }
}

/* One step of a channel of two states from h = (2, 4): A = -1 and -2, step = log 2, so that the
 * decays are 1/2 and 1/4. */
static void test_by_hand(void **unused) {
    (void)unused;
    const double u = 3, p = -1, p_bias = 1, z = 1, bc[] = {1, 2, 10, 100}, skip = 5;
    const double a_log[] = {0, log(2.0)}, state[] = {2, 4};
    double y, carries[2], out[2];
    struct selective_forward_oracle o = {.batch = 1,
                                         .time = 1,
                                         .width = 1,
                                         .states = 2,
                                         .u = &u,
                                         .p = &p,
                                         .z = &z,
                                         .bc = bc,
                                         .a_log = a_log,
                                         .p_bias = &p_bias,
                                         .skip = &skip,
                                         .state = state,
                                         .y = &y,
                                         .carries = carries,
                                         .state_out = out};
    oracle_selective_forward(&o);
    const double h[] = {1 + 3 * log(2.0), 1 + 6 * log(2.0)};
    assert_true(carries[0] == 2 && carries[1] == 4);
    assert_true(fabs(out[0] - h[0]) < 1e-15 && fabs(out[1] - h[1]) < 2e-15);
    assert_true(fabs(y - (10 * h[0] + 100 * h[1] + 15) / (1 + exp(-1.0))) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
