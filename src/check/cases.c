#include "check/cases.h"

#include <stddef.h>

/* What a generator draws from and hands its cases to. */
struct maker {
    enum check_mode mode;
    struct check_random random;
    check_take take;
    void *user;
    bool stopped;
    int made;
    /* What draw_case does not draw. */
    enum { DRAWN, PLAIN_ALIGNED, EACH_MARK, NO_MARK } fixed;
};

struct sizes {
    const int64_t *at;
    int count;
};
#define SIZES(...)                                                                                 \
    ((struct sizes){(const int64_t[]){__VA_ARGS__},                                                \
                    (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))})

/* Of a set in rising order; the small mode leaves out the larger half. One case of each op has the
 * smallest sizes throughout. */
static int64_t pick(struct maker *maker, struct sizes sizes) {
    const int count = maker->mode == CHECK_SMALL ? sizes.count / 2 + 1 : sizes.count;
    const int64_t drawn = random_below(&maker->random, count);
    return sizes.at[maker->made == 2 ? 0 : drawn];
}

static bool flip(struct maker *maker) {
    return random_chance(&maker->random, 0.5);
}

#define TIMES SIZES(1, 2, 7, 70, 203, 1025)
#define WIDTHS SIZES(1, 3, 16, 33, 64, 100)
#define BATCHES SIZES(1, 2, 5)
#define ROWS SIZES(1, 2, 7, 33, 203, 1025)
#define ROW_WIDTHS SIZES(1, 3, 16, 33, 64, 100, 384, 1001)
#define COUNTS SIZES(1, 3, 16, 33, 100, 1025, 4099, 70001)
#define VOCABULARIES SIZES(1, 2, 3, 16, 65, 300)

/* Times and batches of a sequence that an oracle walks in some milliseconds. */
struct shape {
    int64_t batch, time, width;
};

static struct shape draw_shape(struct maker *maker) {
    struct shape shape;
    do {
        shape = (struct shape){pick(maker, BATCHES), pick(maker, TIMES), pick(maker, WIDTHS)};
    } while (shape.batch * shape.time * shape.width > 120000);
    return shape;
}

/* The next case: everything but sizes, values and aliases is drawn here. */
static struct check_case draw_case(struct maker *maker) {
    struct check_case c = {0};
    /* Every other case is plain; the rest take turns, so that each op sees each kind. */
    const int turn = maker->made / 2;
    const bool plain = maker->made % 2 == 0;
    c.values = plain ? VALUES_NORMAL : (enum check_values)(1 + turn % (VALUES_KINDS - 1));
    c.marks = plain ? MARKS_SPARSE : (enum check_marks)((turn + turn / MARKS_KINDS) % MARKS_KINDS);
    c.aligned = flip(maker);
    c.shared = random_chance(&maker->random, 0.25);
    if (maker->fixed != DRAWN) {
        c.values = VALUES_NORMAL;
        c.marks = maker->fixed == EACH_MARK ? MARKS_EACH
                  : maker->fixed == NO_MARK ? MARKS_NOWHERE
                                            : MARKS_SPARSE;
        c.aligned = c.aligned || maker->fixed == PLAIN_ALIGNED;
        c.shared = c.shared && maker->fixed != PLAIN_ALIGNED;
    }
    c.given = maker->made == 0 ? 0xffffffff : maker->made == 1 ? 0 : random_word(&maker->random);
    return c;
}

static void take(struct maker *maker, const struct check_case *c) {
    maker->made++;
    if (!maker->stopped && !maker->take(maker->user, c)) {
        maker->stopped = true;
    }
}

static int draws(const struct maker *maker) {
    return maker->mode == CHECK_THOROUGH ? 200 : maker->mode == CHECK_SMALL ? 8 : 16;
}

#define FOR_DRAWS(maker) for (int i_ = 0; i_ < draws(maker) && !(maker)->stopped; i_++)

static void set_alias(struct check_case *c, int output, int input) {
    c->alias = output;
    c->alias_of = input;
}
#define ALIAS(c, op, output, input) set_alias((c), INDEX(op, output), INDEX(op, input))

/* ---- the scan ---- */

/* Every defined combination; log space needs a positive candidate. */
static const struct variant {
    minrnn_scan_alg alg;
    minrnn_scan_cell cell;
    minrnn_candidate candidate;
    bool normalised;
} variants[] = {
    {MINRNN_SCAN_LINEAR, MINRNN_CELL_LINEAR, MINRNN_CANDIDATE_PLAIN, false},
    {MINRNN_SCAN_LOG, MINRNN_CELL_LINEAR, MINRNN_CANDIDATE_PLAIN, false},
    {MINRNN_SCAN_LINEAR, MINRNN_CELL_MINGRU, MINRNN_CANDIDATE_PLAIN, false},
    {MINRNN_SCAN_LINEAR, MINRNN_CELL_MINGRU, MINRNN_CANDIDATE_G, false},
    {MINRNN_SCAN_LOG, MINRNN_CELL_MINGRU, MINRNN_CANDIDATE_G, false},
    {MINRNN_SCAN_LINEAR, MINRNN_CELL_MINLSTM, MINRNN_CANDIDATE_PLAIN, false},
    {MINRNN_SCAN_LINEAR, MINRNN_CELL_MINLSTM, MINRNN_CANDIDATE_G, false},
    {MINRNN_SCAN_LOG, MINRNN_CELL_MINLSTM, MINRNN_CANDIDATE_G, false},
    {MINRNN_SCAN_LINEAR, MINRNN_CELL_MINLSTM, MINRNN_CANDIDATE_PLAIN, true},
    {MINRNN_SCAN_LINEAR, MINRNN_CELL_MINLSTM, MINRNN_CANDIDATE_G, true},
    {MINRNN_SCAN_LOG, MINRNN_CELL_MINLSTM, MINRNN_CANDIDATE_G, true},
};
enum { VARIANTS = sizeof variants / sizeof *variants, RUNS = MINRNN_RUN_CHUNK + 1 };

/* What a scan op is checked with: the same sizes and options forward and backward. */
struct scan_options {
    const struct variant *variant;
    minrnn_scan_run run;
    bool reversed;
};

static void take_forward(struct maker *maker, const struct scan_options *options,
                         struct shape shape, uint32_t given) {
    const struct variant *v = options->variant;
    struct check_case c = draw_case(maker);
    c.args.scan_forward = (struct scan_forward_args){
        .batch = shape.batch,
        .time = shape.time,
        .width = shape.width,
        .alg = v->alg,
        .cell = v->cell,
        .run = options->run,
        .candidate = v->candidate,
        .normalised = v->normalised,
        .reversed = options->reversed,
        .forget_offset = v->cell == MINRNN_CELL_MINLSTM && flip(maker) ? 3.0f : 0,
    };
    const bool linear = v->cell == MINRNN_CELL_LINEAR;
    c.given = given | BIT(scan_forward, b);
    c.given &= ~(linear ? BIT(scan_forward, bias) : BIT(scan_forward, b));
    if (flip(maker)) {
        ALIAS(&c, scan_forward, h_last, h0);
    }
    take(maker, &c);
}

static void take_backward(struct maker *maker, const struct scan_options *options,
                          struct shape shape, uint32_t given) {
    const struct variant *v = options->variant;
    struct check_case c = draw_case(maker);
    c.args.scan_backward = (struct scan_backward_args){
        .batch = shape.batch,
        .time = shape.time,
        .width = shape.width,
        .alg = v->alg,
        .cell = v->cell,
        .run = options->run,
        .candidate = v->candidate,
        .normalised = v->normalised,
        .reversed = options->reversed,
        .forget_offset = v->cell == MINRNN_CELL_MINLSTM && flip(maker) ? 3.0f : 0,
    };
    const bool linear = v->cell == MINRNN_CELL_LINEAR;
    const uint32_t of_linear = BIT(scan_backward, b) | BIT(scan_backward, db);
    c.given = given | of_linear;
    c.given &= ~(linear ? BIT(scan_backward, bias) : of_linear);
    if (!(c.given & BIT(scan_backward, h0))) {
        c.given &= ~BIT(scan_backward, dh0);
    }
    take(maker, &c);
}

/* The tensors of marks among a scan's, as bits. */
struct scan_marks {
    uint32_t reset, lengths;
};

typedef void (*scan_take)(struct maker *maker, const struct scan_options *options,
                          struct shape shape, uint32_t given);

/* Every combination of variant, strategy and direction, each with all optional tensors, none, and
 * some of them. */
static void every_scan(struct maker *maker, uint32_t optional, scan_take take_one) {
    for (int i = 0; i < VARIANTS * RUNS * 2; i++) {
        const struct scan_options options = {
            .variant = &variants[i / (2 * RUNS)],
            .run = (minrnn_scan_run)(i / 2 % RUNS),
            .reversed = i % 2 == 1,
        };
        for (int k = 0; k < 10 && !maker->stopped; k++) {
            const uint32_t drawn = random_word(&maker->random) & optional;
            take_one(maker, &options, draw_shape(maker), k == 0 ? optional : k == 1 ? 0 : drawn);
        }
    }
}

/* The selection: every variant, and every strategy in both directions of time, but few pairs of
 * them, turned by the seed. A device may build a program for each set of options and each width, so
 * one of each serves several cases. */
static void selected_scans(struct maker *maker, uint32_t optional, scan_take take_one) {
    enum { SELECTED = 12 }; /* VARIANTS at least, and each strategy in each direction */
    const int64_t turn = random_below(&maker->random, SELECTED);
    const int rounds = maker->mode == CHECK_SMALL ? 1 : 5;
    uint32_t given[SELECTED];
    int64_t width[SELECTED];
    for (int i = 0; i < SELECTED; i++) {
        const uint32_t drawn = random_word(&maker->random) & optional;
        given[i] = i % 4 == turn % 4 ? optional : i % 8 == turn % 8 + 1 ? 0 : drawn;
        width[i] = pick(maker, WIDTHS);
    }
    /* Whoever stops early has seen all of them. */
    for (int k = 0; k < rounds * SELECTED && !maker->stopped; k++) {
        const int i = k % SELECTED;
        const struct scan_options options = {
            .variant = &variants[(i + turn) % VARIANTS],
            .run = (minrnn_scan_run)(i % RUNS),
            .reversed = i / RUNS % 2 == 1,
        };
        struct shape shape = draw_shape(maker);
        shape.width = width[i];
        take_one(maker, &options, shape, given[i]);
    }
}

/* A reset, then a length, at every place of a sequence, one a sequence; the other strategies' tiles
 * and chunks end within it. */
static void scans_with_each_mark(struct maker *maker, const struct scan_marks *marks,
                                 uint32_t optional, scan_take take_one) {
    const int64_t time = maker->mode == CHECK_SMALL ? 5 : 133;
    maker->fixed = EACH_MARK;
    for (int i = 0; i < 2 * (RUNS - 1) && !maker->stopped; i++) {
        const struct scan_options options = {
            .variant = &variants[(maker->made + i) % VARIANTS],
            .run = (minrnn_scan_run)(1 + i / 2),
            .reversed = i / 2 == 1,
        };
        take_one(maker, &options, (struct shape){time + 1, time, 3},
                 optional & ~(i % 2 ? marks->reset : marks->lengths));
    }
    maker->fixed = DRAWN;
}

/* Sizes at which devices do things differently. */
static void special_scans(struct maker *maker, const struct scan_marks *marks, struct shape large,
                          uint32_t optional, scan_take take_one) {
    /* Some compilers lose count in loops of 65,536 rounds and more. */
    maker->fixed = NO_MARK;
    for (int run = MINRNN_RUN_AUTO; run < RUNS && !maker->stopped; run++) {
        const struct scan_options options = {.variant = &variants[3], .run = (minrnn_scan_run)run};
        take_one(maker, &options, (struct shape){1, 65537 + 463 * run, 2},
                 run % 2 ? optional & ~marks->lengths : 0);
    }
    /* 32 MiB of output do not stay in a cache, so stores may pass it by. */
    maker->fixed = PLAIN_ALIGNED;
    take_one(maker, &(struct scan_options){.variant = &variants[3]}, large, 0);
    maker->fixed = DRAWN;
}

static void make_scan(struct maker *maker, const struct scan_marks *marks, struct shape large,
                      uint32_t optional, scan_take take_one) {
    if (maker->mode == CHECK_THOROUGH) {
        every_scan(maker, optional, take_one);
    } else {
        selected_scans(maker, optional, take_one);
    }
    scans_with_each_mark(maker, marks, optional, take_one);
    if (maker->mode != CHECK_SMALL) {
        special_scans(maker, marks, large, optional, take_one);
    }
}

static void make_scan_forward(struct maker *maker) {
    const uint32_t optional = BIT(scan_forward, bias) | BIT(scan_forward, h0) |
                              BIT(scan_forward, init) | BIT(scan_forward, reset) |
                              BIT(scan_forward, lengths) | BIT(scan_forward, h_last);
    const struct scan_marks marks = {BIT(scan_forward, reset), BIT(scan_forward, lengths)};
    make_scan(maker, &marks, (struct shape){16, 512, 1024}, optional, take_forward);
}

static void make_scan_backward(struct maker *maker) {
    const uint32_t optional = BIT(scan_backward, bias) | BIT(scan_backward, h0) |
                              BIT(scan_backward, init) | BIT(scan_backward, reset) |
                              BIT(scan_backward, lengths) | BIT(scan_backward, dh_last) |
                              BIT(scan_backward, dh0) | BIT(scan_backward, dinit);
    const struct scan_marks marks = {BIT(scan_backward, reset), BIT(scan_backward, lengths)};
    make_scan(maker, &marks, (struct shape){8, 512, 1024}, optional, take_backward);
}

/* ---- convolution ---- */

#define TAPS SIZES(1, 2, 3, 4)

static void make_conv_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        const struct shape shape = draw_shape(maker);
        struct check_case c = draw_case(maker);
        c.args.conv_forward = (struct conv_forward_args){
            .batch = shape.batch,
            .time = shape.time,
            .width = shape.width,
            .taps = flip(maker) ? 4 : pick(maker, TAPS),
        };
        if (flip(maker)) {
            ALIAS(&c, conv_forward, residual, x);
        }
        take(maker, &c);
    }
}

static void make_conv_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        const struct shape shape = draw_shape(maker);
        struct check_case c = draw_case(maker);
        c.args.conv_backward = (struct conv_backward_args){
            .batch = shape.batch,
            .time = shape.time,
            .width = shape.width,
            .taps = flip(maker) ? 4 : pick(maker, TAPS),
        };
        if (flip(maker)) {
            ALIAS(&c, conv_backward, dresidual, dy);
        }
        take(maker, &c);
    }
}

/* ---- matrix products and column sums ---- */

static void take_gemm(struct maker *maker, int64_t m, int64_t n, int64_t k, bool transpose_a,
                      bool transpose_b) {
    struct check_case c = draw_case(maker);
    c.args.gemm = (struct gemm_args){.m = m,
                                     .n = n,
                                     .k = k,
                                     .transpose_a = transpose_a,
                                     .transpose_b = transpose_b,
                                     .accumulate = flip(maker)};
    take(maker, &c);
}

static void make_gemm(struct maker *maker) {
    const struct sizes sizes = SIZES(1, 2, 3, 16, 33, 64, 100, 203);
    int flags = 0;
    FOR_DRAWS(maker) {
        flags++;
        take_gemm(maker, pick(maker, sizes), pick(maker, sizes), pick(maker, sizes), flags & 1,
                  flags & 2);
    }
    for (flags = 0; flags < 4 && maker->mode != CHECK_SMALL; flags++) {
        take_gemm(maker, 1, 203, 100, flags & 1, flags & 2);  /* one token */
        take_gemm(maker, 33, 65, 4099, flags & 1, flags & 2); /* a weight's gradient */
        take_gemm(maker, 257, 200, 130, flags & 1, flags & 2);
    }
    if (maker->mode == CHECK_THOROUGH) {
        take_gemm(maker, 1030, 768, 384, false, true); /* a layer: forward, and its gradients */
        take_gemm(maker, 1030, 384, 768, false, false);
        take_gemm(maker, 384, 768, 1030, true, false);
    }
}

static void make_column_sum(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.column_sum =
            (struct column_sum_args){.rows = pick(maker, ROWS), .width = pick(maker, ROW_WIDTHS)};
        take(maker, &c);
    }
}

/* ---- row-wise layers ---- */

static void make_rmsnorm_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.rmsnorm_forward = (struct rmsnorm_forward_args){
            .rows = pick(maker, ROWS), .width = pick(maker, ROW_WIDTHS), .epsilon = 1e-6f};
        take(maker, &c);
    }
}

static void make_rmsnorm_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.rmsnorm_backward = (struct rmsnorm_backward_args){
            .rows = pick(maker, ROWS), .width = pick(maker, ROW_WIDTHS), .accumulate = flip(maker)};
        take(maker, &c);
    }
}

static void make_gelu_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.gelu_forward =
            (struct gelu_forward_args){.rows = pick(maker, ROWS), .width = pick(maker, WIDTHS)};
        if (flip(maker)) {
            ALIAS(&c, gelu_forward, y, x);
        }
        take(maker, &c);
    }
}

static void make_gelu_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.gelu_backward =
            (struct gelu_backward_args){.rows = pick(maker, ROWS), .width = pick(maker, WIDTHS)};
        if (flip(maker)) {
            ALIAS(&c, gelu_backward, dx, dy);
        }
        take(maker, &c);
    }
}

static void make_geglu_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.geglu_forward =
            (struct geglu_forward_args){.rows = pick(maker, ROWS), .width = pick(maker, WIDTHS)};
        take(maker, &c);
    }
}

static void make_geglu_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.geglu_backward =
            (struct geglu_backward_args){.rows = pick(maker, ROWS), .width = pick(maker, WIDTHS)};
        take(maker, &c);
    }
}

static float draw_dropout(struct maker *maker) {
    static const float some[] = {0, 0.2f, 0.5f, 0.9f};
    return some[random_below(&maker->random, 4)];
}

static void make_residual_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.residual_forward = (struct residual_forward_args){
            .rows = pick(maker, ROWS),
            .width = pick(maker, WIDTHS),
            .dropout = draw_dropout(maker),
            .seed = (uint64_t)random_word(&maker->random) << 32 | random_word(&maker->random),
            .site = PHILOX_SITE_DROPOUT + random_word(&maker->random) % 8,
            .step = random_word(&maker->random),
        };
        const int64_t alias = random_below(&maker->random, 3);
        if (alias == 1) {
            ALIAS(&c, residual_forward, y, x);
        } else if (alias == 2) {
            ALIAS(&c, residual_forward, y, residual);
        }
        take(maker, &c);
    }
}

static void make_residual_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.residual_backward = (struct residual_backward_args){
            .rows = pick(maker, ROWS),
            .width = pick(maker, WIDTHS),
            .dropout = draw_dropout(maker),
            .seed = (uint64_t)random_word(&maker->random) << 32 | random_word(&maker->random),
            .site = PHILOX_SITE_DROPOUT + random_word(&maker->random) % 8,
            .step = random_word(&maker->random),
        };
        if (flip(maker)) {
            ALIAS(&c, residual_backward, dx, dy);
        }
        take(maker, &c);
    }
}

/* ---- both ends of the model ---- */

static void make_embed_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.embed_forward = (struct embed_forward_args){.rows = pick(maker, ROWS),
                                                           .vocab = pick(maker, VOCABULARIES),
                                                           .width = pick(maker, WIDTHS)};
        take(maker, &c);
    }
}

static void make_embed_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.embed_backward = (struct embed_backward_args){.rows = pick(maker, ROWS),
                                                             .vocab = pick(maker, VOCABULARIES),
                                                             .width = pick(maker, WIDTHS)};
        take(maker, &c);
    }
}

static void make_cross_entropy(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        const int64_t rows = pick(maker, ROWS);
        c.args.cross_entropy = (struct cross_entropy_args){
            .rows = rows, .vocab = pick(maker, VOCABULARIES), .scale = 1 / (float)rows};
        if (flip(maker)) {
            ALIAS(&c, cross_entropy, dlogits, logits);
        }
        take(maker, &c);
    }
}

/* ---- vectors ---- */

static void make_g_forward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.g_forward = (struct g_forward_args){.count = pick(maker, COUNTS)};
        take(maker, &c);
    }
}

static void make_g_backward(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.g_backward = (struct g_backward_args){.count = pick(maker, COUNTS)};
        take(maker, &c);
    }
}

static void make_sum(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.sum = (struct sum_args){.count = pick(maker, COUNTS),
                                       .scale = flip(maker) ? 1 : -0.37f,
                                       .accumulate = flip(maker)};
        take(maker, &c);
    }
}

static void make_square_sum(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.square_sum = (struct square_sum_args){.count = pick(maker, COUNTS)};
        take(maker, &c);
    }
}

static void make_nonfinite_count(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.nonfinite_count = (struct nonfinite_count_args){.count = pick(maker, COUNTS)};
        take(maker, &c);
    }
}

static void make_adamw(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        const double step = (double)pick(maker, SIZES(1, 2, 100));
        const float beta1 = 0.9f, beta2 = flip(maker) ? 0.99f : 0.999f;
        const bool clips = flip(maker);
        c.args.adamw = (struct adamw_args){
            .count = pick(maker, COUNTS),
            .rate = 1e-3f,
            .beta1 = beta1,
            .beta2 = beta2,
            .epsilon = 1e-8f,
            .decay = flip(maker) ? 0.1f : 0,
            .correction1 = (float)(1 - pow((double)beta1, step)),
            .correction2 = (float)(1 - pow((double)beta2, step)),
            .clip = clips ? 0.5f : 0,
        };
        c.given |= clips ? BIT(adamw, square_norm) : 0;
        take(maker, &c);
    }
}

static void make_fill(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.fill = (struct fill_args){.count = pick(maker, COUNTS),
                                         .value = flip(maker) ? 0 : random_normal(&maker->random)};
        take(maker, &c);
    }
}

static void make_copy(struct maker *maker) {
    FOR_DRAWS(maker) {
        struct check_case c = draw_case(maker);
        c.args.copy = (struct copy_args){.count = pick(maker, COUNTS)};
        take(maker, &c);
    }
}

void check_cases(enum check_op op, enum check_mode mode, uint64_t seed, check_take taker,
                 void *user) {
    static void (*const make[])(struct maker * maker) = {
#define OP_BEGIN(name) make_##name,
#include "op/op_list.def"
    };
    struct maker maker = {
        .mode = mode,
        .random = {.seed = seed, .stream = 0x1000 + (uint32_t)op},
        .take = taker,
        .user = user,
    };
    make[op](&maker);
}
