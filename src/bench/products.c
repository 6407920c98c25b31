/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix products of a trainer's step, seen while it is planned. */
#include <minrnn/bench.h>

#include "base/status.h"
#include "bench/watch.h"

enum { MOST_PRODUCTS = 128 };

struct products {
    struct op_watch watch;
    minrnn_product found[MOST_PRODUCTS];
    int count;
    bool too_many;
    bool updated; /* past the step's own ops: what is planned after it is an evaluation */
};

static bool is_same(const minrnn_product *a, const minrnn_product *b) {
    return a->m == b->m && a->n == b->n && a->k == b->k && a->transpose_a == b->transpose_a &&
           a->transpose_b == b->transpose_b;
}

static void add(struct products *products, const struct gemm_args *args) {
    const int64_t calls = args->count > 0 ? args->count : 1;
    const minrnn_product product = {args->m,           args->n,           args->k,
                                    args->transpose_a, args->transpose_b, calls};
    int i = 0;
    while (i < products->count && !is_same(&products->found[i], &product)) {
        i++;
    }
    if (i < products->count) {
        products->found[i].calls += calls;
    } else if (i < MOST_PRODUCTS) {
        products->found[products->count++] = product;
    } else {
        products->too_many = true;
    }
}

static void note(void *user, const struct op_entry *op, const union op_args *args) {
    struct products *products = user;
    products->updated = products->updated || op->op == CHECK_OP_adamw;
    if (products->updated) {
        return;
    }
    if (op->op == CHECK_OP_gemm) {
        add(products, &args->gemm);
    } else if (op->op == CHECK_OP_dense_gradients) {
        const struct gemm_args gemm = gemm_of_gradients(&args->dense_gradients);
        add(products, &gemm);
    }
}

minrnn_status minrnn_bench_products(minrnn_device *device, const minrnn_model_config *model,
                                    const minrnn_trainer_config *trainer,
                                    minrnn_on_product on_product, void *user) {
    if (!device || !model || !trainer || !on_product) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_bench_products: an argument is NULL");
    }
    struct products products = {.watch = {.sized = note, .user = &products}};
    minrnn_memory memory;
    watch_attach(&products.watch, device);
    minrnn_status status = minrnn_trainer_memory(device, model, trainer, &memory);
    watch_detach(&products.watch, device);
    if (!status && products.too_many) {
        status = fail(MINRNN_UNSUPPORTED, "minrnn_bench_products: more than %d different products",
                      MOST_PRODUCTS);
    }
    for (int i = 0; i < products.count && !status; i++) {
        products.found[i].calls *= trainer->accumulation;
        on_product(user, &products.found[i]);
    }
    return status;
}
