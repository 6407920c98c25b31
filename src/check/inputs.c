#include "check/inputs.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

/* What the rules below look at. */
struct filler {
    const struct op_entry *entry;
    const struct check_case *c;
    struct check_random *random;
    struct operand *operands;
    int count;
};

static bool named(const struct operand *operand, const char *name) {
    return strcmp(operand->argument.name, name) == 0;
}

static struct operand *find(const struct filler *filler, const char *name) {
    for (int i = 0; i < filler->count; i++) {
        if (named(&filler->operands[i], name)) {
            return &filler->operands[i];
        }
    }
    return NULL;
}

static int64_t size_of(const struct filler *filler, const char *name) {
    return (int64_t)filler->entry->value(&filler->c->args, name);
}

/* ---- integers ---- */

static int32_t reset_at(const struct filler *filler, int64_t i) {
    const int64_t time = size_of(filler, "time");
    switch (filler->c->marks) {
    case MARKS_EVERYWHERE: return 1;
    case MARKS_NOWHERE: return 0;
    case MARKS_EACH: return i % time == i / time % time;
    default: break;
    }
    const bool first = i % time == 0;
    return random_chance(filler->random, first ? 0.5 : 0.07);
}

static int32_t length_at(const struct filler *filler, int64_t i) {
    const int64_t time = size_of(filler, "time");
    switch (filler->c->marks) {
    case MARKS_EVERYWHERE: return i % 2 == 0 ? 0 : (int32_t)time;
    case MARKS_NOWHERE: return (int32_t)time;
    case MARKS_EACH: return (int32_t)(i % (time + 1));
    default: return (int32_t)random_below(filler->random, time + 1);
    }
}

static int32_t target_at(const struct filler *filler) {
    const enum check_marks marks = filler->c->marks;
    const bool some = marks == MARKS_SPARSE || marks == MARKS_EACH;
    const bool none = marks == MARKS_EVERYWHERE || (some && random_chance(filler->random, 0.2));
    return none ? -1 : (int32_t)random_below(filler->random, size_of(filler, "vocab"));
}

/* order and start: the rows of random tokens, sorted by token. */
static void fill_order(const struct filler *filler, struct operand *order, struct operand *start) {
    const int64_t rows = order->argument.extent, vocab = start->argument.extent - 1;
    const uint64_t first = filler->random->drawn;
    int32_t next = 0;
    for (int64_t token = 0; token < vocab; token++) {
        start->initial[token].i = next;
        filler->random->drawn = first; /* the same tokens in every round */
        for (int64_t r = 0; r < rows; r++) {
            if (random_below(filler->random, vocab) == token) {
                order->initial[next++].i = (int32_t)r;
            }
        }
    }
    start->initial[vocab].i = next;
}

static void fill_integers(const struct filler *filler, struct operand *operand) {
    if (named(operand, "order")) {
        fill_order(filler, operand, find(filler, "start"));
        return;
    }
    for (int64_t i = 0; i < operand->argument.extent && !named(operand, "start"); i++) {
        operand->initial[i].i =
            named(operand, "reset")     ? reset_at(filler, i)
            : named(operand, "lengths") ? length_at(filler, i)
            : named(operand, "targets")
                ? target_at(filler)
                : (int32_t)random_below(filler->random, size_of(filler, "vocab"));
    }
}

/* ---- floating point ---- */

static float draw(const struct filler *filler) {
    const float normal = random_normal(filler->random);
    const bool extreme = random_chance(filler->random, 0.25);
    switch (filler->c->values) {
    case VALUES_ZERO: return 0;
    case VALUES_88: return extreme ? copysignf(88, normal) : normal;
    case VALUES_1000: return extreme ? copysignf(1000, normal) : normal;
    case VALUES_DENORMAL: return 0x1p-133f * fabsf(normal);
    default: return normal;
    }
}

static bool is_scan(const struct filler *filler) {
    return filler->entry->op == CHECK_OP_scan_forward ||
           filler->entry->op == CHECK_OP_scan_backward;
}

/* The linear cell's a is a factor of every step: at most 1, or the recurrence overflows. In log
 * space x and b are logarithms; b up to 4. */
static float linear_cell_value(const struct filler *filler, bool is_a) {
    const float value = draw(filler);
    const bool is_log = size_of(filler, "alg") == MINRNN_SCAN_LOG;
    if (is_a) {
        return is_log ? -fabsf(value) : fmaxf(-1, fminf(value, 1));
    }
    return is_log ? fminf(value, 4) : fmaxf(-1000, fminf(value, 1000));
}

/* Whether a tensor must be positive: states in log space, sums of squares. */
static bool must_be_positive(const struct filler *filler, const struct operand *operand) {
    if (is_scan(filler)) {
        return size_of(filler, "alg") == MINRNN_SCAN_LOG &&
               (named(operand, "h0") || named(operand, "init"));
    }
    return filler->entry->op == CHECK_OP_adamw &&
           (named(operand, "v") || named(operand, "square_norm"));
}

/* NaN, infinity or -infinity. */
static float draw_nonfinite(const struct filler *filler) {
    static const float kinds[] = {NAN, INFINITY, -INFINITY};
    return kinds[random_below(filler->random, 3)];
}

/* The chance that an element is not finite, where that is what an op is there for. */
static double nonfinite_share(const struct filler *filler, const struct operand *operand) {
    if (filler->entry->op == CHECK_OP_nonfinite_count) {
        return filler->c->marks == MARKS_NOWHERE ? 0 : 0.01;
    }
    return filler->entry->op == CHECK_OP_adamw && named(operand, "square_norm") ? 0.25 : 0;
}

static void fill_floats(const struct filler *filler, struct operand *operand) {
    const bool linear_cell = is_scan(filler) && size_of(filler, "cell") == MINRNN_CELL_LINEAR;
    const bool is_a = linear_cell && named(operand, "x");
    const bool is_b = linear_cell && named(operand, "b");
    const bool positive = must_be_positive(filler, operand);
    const double nonfinite = nonfinite_share(filler, operand);
    for (int64_t i = 0; i < operand->argument.extent; i++) {
        float value = is_a || is_b ? linear_cell_value(filler, is_a) : draw(filler);
        if (positive) {
            /* Zero is no state of the log-space form, its logarithm being no number. */
            value = fabsf(value) + (is_scan(filler) ? 0x1p-10f : 0);
        }
        if (nonfinite > 0 && random_chance(filler->random, nonfinite)) {
            value = draw_nonfinite(filler);
        }
        operand->initial[i].f = value;
    }
}

/* ---- inputs that another op wrote ---- */

/* Absent tensors have no host memory: NULL, as the oracle wants them. */
static const double *reals(const struct filler *filler, const char *name) {
    return find(filler, name)->host;
}

static const int32_t *integers(const struct filler *filler, const char *name) {
    return find(filler, name)->host;
}

static void round_to_floats(struct operand *operand) {
    double *host = operand->host;
    for (int64_t i = 0; i < operand->argument.extent; i++) {
        operand->initial[i].f = (float)host[i];
        host[i] = (double)operand->initial[i].f;
    }
}

/* The backward scan reads the states of its own forward. */
static void fill_states(const struct filler *filler) {
    const struct scan_backward_args *a = &filler->c->args.scan_backward;
    struct operand *h = find(filler, "h");
    struct scan_forward_oracle forward = {
        .batch = a->batch,
        .time = a->time,
        .width = a->width,
        .alg = a->alg,
        .cell = a->cell,
        .candidate = a->candidate,
        .normalised = a->normalised,
        .reversed = a->reversed,
        .forget_offset = a->forget_offset,
        .x = reals(filler, "x"),
        .b = reals(filler, "b"),
        .bias = reals(filler, "bias"),
        .h0 = reals(filler, "h0"),
        .init = reals(filler, "init"),
        .reset = integers(filler, "reset"),
        .lengths = integers(filler, "lengths"),
        .h = h->host,
    };
    oracle_scan_forward(&forward);
    round_to_floats(h);
}

static minrnn_status fill_inverse(const struct filler *filler) {
    const struct rmsnorm_backward_args *a = &filler->c->args.rmsnorm_backward;
    struct operand *inverse = find(filler, "inverse");
    double *y = mem_alloc((uint64_t)(a->rows * a->width), sizeof *y);
    if (!y) {
        return MINRNN_OUT_OF_MEMORY;
    }
    struct rmsnorm_forward_oracle forward = {
        .rows = a->rows,
        .width = a->width,
        .epsilon = 1e-6f,
        .x = reals(filler, "x"),
        .gain = reals(filler, "gain"),
        .y = y,
        .inverse = inverse->host,
    };
    oracle_rmsnorm_forward(&forward);
    round_to_floats(inverse);
    mem_free(y);
    return MINRNN_OK;
}

/* ---- operands ---- */

static void to_host(struct operand *operand) {
    double *real = operand->host;
    int32_t *integer = operand->host;
    for (int64_t i = 0; i < operand->argument.extent; i++) {
        if (operand->argument.type == MINRNN_F32) {
            real[i] = (double)operand->initial[i].f;
        } else {
            integer[i] = operand->initial[i].i;
        }
    }
}

static minrnn_status allocate(struct operand *operand, struct operand *home) {
    /* taps = 1 makes a state of no elements; memory is still something to point at. */
    const size_t extent = (size_t)operand->argument.extent + 1;
    operand->host = mem_alloc(extent, sizeof(double));
    if (home == operand) {
        operand->initial = mem_alloc(extent, sizeof *operand->initial);
    } else {
        operand->initial = home->initial;
    }
    return operand->host && operand->initial ? MINRNN_OK : MINRNN_OUT_OF_MEMORY;
}

/* Whether what a read-and-written tensor holds is not read after all: `accumulate` is off. */
static bool is_overwritten(const struct filler *filler, const struct operand *operand) {
    const bool has_accumulate = filler->entry->op == CHECK_OP_gemm ||
                                filler->entry->op == CHECK_OP_sum ||
                                filler->entry->op == CHECK_OP_rmsnorm_backward;
    return operand->argument.role == OP_INOUT && has_accumulate && !named(operand, "dgain") &&
           size_of(filler, "accumulate") == 0;
}

static void fill_operand(const struct filler *filler, struct operand *operand) {
    if (!operand_is_read(operand)) {
        return;
    }
    if (operand->argument.type == MINRNN_I32) {
        fill_integers(filler, operand);
    } else {
        fill_floats(filler, operand);
    }
    for (int64_t i = 0; is_overwritten(filler, operand) && i < operand->argument.extent; i++) {
        operand->initial[i].f = NAN;
    }
}

minrnn_status operands_create(const struct op_entry *entry, const struct check_case *c,
                              struct check_random *random, struct operand *operands, int *count) {
    struct op_argument arguments[OP_MAX_ARGUMENTS];
    const struct filler filler = {entry, c, random, operands,
                                  entry->arguments(&c->args, arguments)};
    *count = filler.count;
    memset(operands, 0, (size_t)filler.count * sizeof *operands);
    for (int i = 0; i < filler.count; i++) {
        const enum op_role role = arguments[i].role;
        const bool optional = role == OP_IN_OPT || role == OP_OUT_OPT;
        operands[i].argument = arguments[i];
        operands[i].given = !optional || (c->given >> i & 1);
        operands[i].home = i;
    }
    if (c->alias != c->alias_of && operands[c->alias].given && operands[c->alias_of].given) {
        operands[c->alias].home = c->alias_of;
    }
    minrnn_status status = MINRNN_OK;
    /* Homes first: what shares their memory points into it. */
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < filler.count && !status; i++) {
            if (operands[i].given && (operands[i].home == i) == (pass == 0)) {
                status = allocate(&operands[i], &operands[operands[i].home]);
            }
        }
    }
    for (int i = 0; i < filler.count && !status; i++) {
        if (operands[i].given && operands[i].home == i) {
            fill_operand(&filler, &operands[i]);
        }
    }
    for (int i = 0; i < filler.count && !status; i++) {
        if (operands[i].given && operand_is_read(&operands[i])) {
            to_host(&operands[i]);
        }
    }
    if (!status && entry->op == CHECK_OP_scan_backward) {
        fill_states(&filler);
    }
    if (!status && entry->op == CHECK_OP_rmsnorm_backward) {
        status = fill_inverse(&filler);
    }
    return status;
}

void operands_destroy(struct operand *operands, int count) {
    for (int i = 0; i < count; i++) {
        mem_free(operands[i].host);
        if (operands[i].home == i) {
            mem_free(operands[i].initial);
        }
    }
}
