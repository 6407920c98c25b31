/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax cross entropy. */
#include "check/op_check.h"

static void cross_entropy_oracle(union op_oracle *all) {
    struct cross_entropy_oracle *o = &all->cross_entropy;
    for (int64_t r = 0; r < o->rows; r++) {
        const double *logits = o->logits + r * o->vocab;
        const int32_t target = o->targets[r];
        double top = logits[0], total = 0;
        for (int64_t v = 1; v < o->vocab; v++) {
            top = fmax(top, logits[v]);
        }
        for (int64_t v = 0; v < o->vocab; v++) {
            total += exp(logits[v] - top);
        }
        o->loss[r] = target < 0 ? 0 : log(total) + top - logits[target];
        oracle_scale(&o->loss_scale, target < 0 ? 0 : 1 + fabs(top - logits[target]));
        if (o->correct) {
            o->correct[r] = target < 0 || logits[target] < top ? 0 : 1;
            oracle_scale(&o->correct_scale, 1);
        }
        for (int64_t v = 0; o->dlogits && v < o->vocab; v++) {
            const double softmax = exp(logits[v] - top) / total;
            o->dlogits[r * o->vocab + v] =
                target < 0 ? 0 : o->scale * (softmax - (v == target ? 1 : 0));
            oracle_scale(&o->dlogits_scale, target < 0 ? 0 : fabs((double)o->scale));
        }
    }
}

/* loss: exp 3 with its difference 1, the sum, log 3: 8. dlogits: exp 4, the sum, / 2.5, * 1/2,
 * scale's own rounding, - 1/2, and the CPU's 1 / sum first, 2.5: 12. */
BOUND(cross_entropy, loss, 8 + sum_error(a->vocab))
BOUND(cross_entropy, dlogits, 12 + sum_error(a->vocab))
BOUND(cross_entropy, correct, 0)

/* A negative target: there is none. */
static int32_t draw_target(const struct filler *filler) {
    const enum check_marks marks = filler->c->marks;
    const bool some = marks == MARKS_SPARSE || marks == MARKS_EACH;
    const bool none = marks == MARKS_EVERYWHERE || (some && random_chance(filler->random, 0.2));
    return none ? -1 : (int32_t)random_below(filler->random, filler_size(filler, "vocab"));
}

static void fill_targets(const struct filler *filler, struct operand *targets) {
    for (int64_t i = 0; i < targets->argument.extent; i++) {
        targets->initial[i].i = draw_target(filler);
    }
}

static void make_cross_entropy(struct maker *maker) {
    const struct sizes edges = SOME_ROW_EDGES;
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        const int64_t rows = maker_pick(maker, SOME_ROWS);
        c.args.cross_entropy = (struct cross_entropy_args){
            .rows = rows, .vocab = maker_pick(maker, SOME_VOCABULARIES), .scale = 1 / (float)rows};
        if (maker_flip(maker)) {
            ALIAS(&c, cross_entropy, dlogits, logits);
        }
        maker_take(maker, &c);
    }
    FOR_SIZES(maker, i, edges) {
        struct check_case c = maker_draw(maker);
        c.args.cross_entropy = (struct cross_entropy_args){
            .rows = maker_pick(maker, SOME_ROWS), .vocab = edges.at[i], .scale = 0.5f};
        if (i % 2 == 0) {
            ALIAS(&c, cross_entropy, dlogits, logits);
        }
        maker_take(maker, &c);
    }
}

const struct op_check check_cross_entropy = {
    .oracle = cross_entropy_oracle,
    .bounds = {BOUNDED(cross_entropy, loss), BOUNDED(cross_entropy, dlogits),
               BOUNDED(cross_entropy, correct)},
    .cases = make_cross_entropy,
    .fill = {AT(cross_entropy, targets) = fill_targets},
    .large = LARGE(cross_entropy, ~0u, .rows = LARGE_ROWS, .vocab = 65, .scale = 1e-3f),
    .timed = {TIMED(cross_entropy, BIT(cross_entropy, dlogits), .rows = TIMED_ROWS,
                    .vocab = TIMED_VOCABULARY, .scale = 1.0f / TIMED_ROWS)},
};
