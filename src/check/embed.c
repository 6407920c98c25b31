/* SPDX-License-Identifier: Apache-2.0 */
/* The embedding table. */
#include "check/op_check.h"

/* ---- the oracle ---- */

static void embed_forward_oracle(union op_oracle *all) {
    struct embed_forward_oracle *o = &all->embed_forward;
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            o->y[r * o->width + c] = o->tokens[r] < 0 ? 0 : o->table[o->tokens[r] * o->width + c];
        }
    }
}

static void embed_backward_oracle(union op_oracle *all) {
    struct embed_backward_oracle *o = &all->embed_backward;
    for (int64_t token = 0; token < o->vocab; token++) {
        for (int64_t c = 0; c < o->width; c++) {
            double *total = &o->dtable[token * o->width + c];
            double magnitude = fabs(*total);
            for (int64_t i = o->start[token]; i < o->start[token + 1]; i++) {
                const double term = o->dy[o->order[i] * o->width + c];
                *total += term;
                magnitude += fabs(term);
            }
            oracle_scale(&o->dtable_scale, magnitude);
        }
    }
}

/* ---- bounds: bits; the sum, and 2 ---- */

BOUND(embed_forward, y, 0)
BOUND(embed_backward, dtable, 2 + sum_error(a->rows))

/* ---- inputs ---- */

/* The token of row r: the same everywhere, tokens that end with each block of 64 rows, uniform, or
 * some often and some seldom. */
static int32_t draw_token(const struct filler *filler, int64_t r) {
    enum { BLOCK = 64 };
    const int64_t vocab = filler_size(filler, "vocab");
    switch (filler->c->marks) {
    case MARKS_EVERYWHERE: return (int32_t)(vocab - 1);
    case MARKS_EACH: return (int32_t)(r / BLOCK % vocab);
    case MARKS_NOWHERE: return (int32_t)random_below(filler->random, vocab);
    default: return (int32_t)random_below(filler->random, 1 + random_below(filler->random, vocab));
    }
}

static void fill_tokens(const struct filler *filler, struct operand *tokens) {
    for (int64_t r = 0; r < tokens->argument.extent; r++) {
        tokens->initial[r].i = draw_token(filler, r);
    }
}

/* Some are of no row of the table. */
static void fill_lookups(const struct filler *filler, struct operand *tokens) {
    fill_tokens(filler, tokens);
    for (int64_t r = 0; r < tokens->argument.extent; r++) {
        if (filler->c->marks == MARKS_SPARSE && random_chance(filler->random, 0.2)) {
            tokens->initial[r].i = -1;
        }
    }
}

/* order, and start with it: the rows sorted by token. */
static void fill_order(const struct filler *filler, struct operand *order) {
    const struct operand *tokens = &filler->operands[INDEX(embed_backward, tokens)];
    struct operand *start = &filler->operands[INDEX(embed_backward, start)];
    const int64_t rows = order->argument.extent, vocab = start->argument.extent - 1;
    int32_t next = 0;
    for (int64_t token = 0; token < vocab; token++) {
        start->initial[token].i = next;
        for (int64_t r = 0; r < rows; r++) {
            if (tokens->initial[r].i == token) {
                order->initial[next++].i = (int32_t)r;
            }
        }
    }
    start->initial[vocab].i = next;
}

/* ---- cases ---- */

/* Rows that end with a block of 64, and that do not. */
#define SOME_SORTED_ROWS SIZES(1, 7, 64, 65, 128, 1025)

static void make_embed_forward(struct maker *maker) {
    const struct sizes edges = SOME_ROW_EDGES;
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.embed_forward =
            (struct embed_forward_args){.rows = maker_pick(maker, SOME_ROWS),
                                        .vocab = maker_pick(maker, SOME_VOCABULARIES),
                                        .width = maker_pick(maker, SOME_WIDTHS)};
        maker_take(maker, &c);
    }
    FOR_SIZES(maker, i, edges) {
        struct check_case c = maker_draw(maker);
        c.args.embed_forward = (struct embed_forward_args){
            .rows = maker_pick(maker, SOME_ROWS), .vocab = 3, .width = edges.at[i]};
        maker_take(maker, &c);
    }
}

static void make_embed_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = maker_draw(maker);
        c.args.embed_backward =
            (struct embed_backward_args){.rows = maker_pick(maker, SOME_SORTED_ROWS),
                                         .vocab = maker_pick(maker, SOME_VOCABULARIES),
                                         .width = maker_pick(maker, SOME_WIDTHS)};
        maker_take(maker, &c);
    }
    if (maker->mode != CHECK_SMALL) {
        struct check_case c = maker_draw(maker);
        c.args.embed_backward =
            (struct embed_backward_args){.rows = 203, .vocab = MANY, .width = 3};
        maker_take(maker, &c);
    }
}

/* ---- the ops ---- */

#define LARGE_EMBED(op) LARGE(op, ~0u, .rows = LARGE_ROWS, .vocab = 65, .width = LARGE_WIDTH)
#define TIMED_EMBED(op) TIMED_WIDTHS(op, 0, .rows = TIMED_ROWS, .vocab = TIMED_VOCABULARY)

const struct op_check check_embed_forward = {
    .oracle = embed_forward_oracle,
    .bounds = {BOUNDED(embed_forward, y)},
    .cases = make_embed_forward,
    .fill = {AT(embed_forward, tokens) = fill_lookups},
    .large = LARGE_EMBED(embed_forward),
    .timed = {TIMED_EMBED(embed_forward)},
};

const struct op_check check_embed_backward = {
    .oracle = embed_backward_oracle,
    .bounds = {BOUNDED(embed_backward, dtable)},
    .cases = make_embed_backward,
    .fill = {AT(embed_backward, tokens) = fill_tokens, AT(embed_backward, order) = fill_order},
    .large = LARGE_EMBED(embed_backward),
    .timed = {TIMED_EMBED(embed_backward)},
};
