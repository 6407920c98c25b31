/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Benchmarks: how long a device takes for what models are made of.
 *
 * A bench is work that was prepared on a device: its memory is allocated, its inputs are random
 * numbers from a fixed seed. It can be run any number of times. */
#ifndef MINRNN_BENCH_H
#define MINRNN_BENCH_H

#include <minrnn/trainer.h>

MINRNN_BEGIN_DECLS

/** Work that was prepared. It holds device memory, and is used by one thread at a time, without
 * another call on its device meanwhile. */
typedef struct minrnn_bench minrnn_bench;

/** What one run of a bench does and what the bench takes. An older program is given the members
 * that it has. */
typedef struct minrnn_bench_info {
    size_t size;           /**< of this struct: minrnn_bench_describe sets it */
    double bytes;          /**< that one op reads and writes: every tensor counts once, one that is
                            * read and written twice; 0: it is more than one op */
    double operations;     /**< floating-point operations of a product; 0: it is none */
    int64_t tokens;        /**< positions, batch * time; 0: there are none */
    int64_t parameters;    /**< that are learnt; 0: there are none */
    uint64_t memory_bytes; /**< of the device that it holds: the most that a run ever needs */
} minrnn_bench_info;

/** How a bench is timed. A member that an older program lacks is as minrnn_bench_config_defaults
 * sets it. */
typedef struct minrnn_bench_config {
    size_t size;     /**< of this struct: minrnn_bench_config_defaults sets it */
    int warm_up;     /**< runs before those that count, 0 or more */
    int repetitions; /**< runs that count, 1 to 1,000,000 */
    bool queued;     /**< two runs are in flight, and the time is that from one's end to the next
                      * one's; else each is waited for */
} minrnn_bench_config;

/** What was measured, in seconds a run. An older program is given the members that it has. */
typedef struct minrnn_timing {
    size_t size;   /**< of this struct: minrnn_bench_run sets it */
    double median; /**< of all repetitions */
    double p10;    /**< a tenth of them took no longer */
    double p90;    /**< a tenth of them took no less */
} minrnn_timing;

/** The name of the scan (a cell, with its operator and its options) with this index, from 0 on;
 * NULL past the last. */
MINRNN_API const char *minrnn_bench_scan_name(int index);

/** Prepares a copy of `bytes` (4 or more) from one place of the device's memory to another. Like
 * the others that prepare: the caller owns *bench, the device must outlive it, and what does not
 * fit is MINRNN_OUT_OF_MEMORY. */
MINRNN_API minrnn_status minrnn_bench_copy(minrnn_device *device, uint64_t bytes,
                                           minrnn_bench **bench);

/** Prepares `count` (1 or more) calls of the smallest op there is, one after another and waited for
 * at the end: what starting an op costs. */
MINRNN_API minrnn_status minrnn_bench_launch(minrnn_device *device, int64_t count,
                                             minrnn_bench **bench);

/** A matrix product that a step calls for: [m, k] times [k, n]. The struct is the library's own,
 * there until the callback returns; later versions may add members at the end. */
typedef struct minrnn_product {
    int64_t m,        /**< rows of the result */
        n,            /**< columns of the result */
        k;            /**< terms of each sum */
    bool transpose_a, /**< the first is stored [k, m] */
        transpose_b;  /**< the second is stored [n, k] */
    int64_t calls;    /**< of a step */
} minrnn_product;

/** Prepares one. */
MINRNN_API minrnn_status minrnn_bench_product(minrnn_device *device, int64_t m, int64_t n,
                                              int64_t k, bool transpose_a, bool transpose_b,
                                              minrnn_bench **bench);

/** Called for each different product, with the `user` that minrnn_bench_products was given. */
typedef void (*minrnn_on_product)(void *user, const minrnn_product *product);

/** Says which products a trainer's step calls for on this device; nothing is computed. */
MINRNN_API minrnn_status minrnn_bench_products(minrnn_device *device,
                                               const minrnn_model_config *model,
                                               const minrnn_trainer_config *trainer,
                                               minrnn_on_product on_product, void *user);

/** Prepares a scan, one of minrnn_bench_scan_name's, over `time` steps of `batch` sequences of
 * `width` channels: forward, or its gradient. */
MINRNN_API minrnn_status minrnn_bench_scan(minrnn_device *device, const char *name, bool backward,
                                           int64_t batch, int64_t time, int64_t width,
                                           minrnn_bench **bench);

/** Prepares what Figure 1 of the paper (arXiv 2410.01201) times: a mixer, a head of `classes`
 * outputs, cross-entropy with a target at every position, and the gradient of all parameters;
 * neither an optimiser nor a gradient of the mixer's input. */
MINRNN_API minrnn_status minrnn_bench_layer(minrnn_device *device, const minrnn_mixer_config *mixer,
                                            int64_t batch, int64_t time, int64_t classes,
                                            minrnn_bench **bench);

/** Prepares a trainer's step, on random tokens: forward, loss, backward, update. `model` has its
 * vocab. */
MINRNN_API minrnn_status minrnn_bench_step(minrnn_device *device, const minrnn_model_config *model,
                                           const minrnn_trainer_config *trainer,
                                           minrnn_bench **bench);

/** Prepares the generation of a token of each of `batch` streams: a forward pass of one position,
 * its logits read, a token drawn. It cannot be queued: each token needs the one before. */
MINRNN_API minrnn_status minrnn_bench_generate(minrnn_device *device,
                                               const minrnn_model_config *model, int64_t batch,
                                               minrnn_bench **bench);

/** Releases a bench. NULL is allowed. */
MINRNN_API void minrnn_bench_destroy(minrnn_bench *bench);

/** minrnn_bench_describe for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_bench_describe_sized(const minrnn_bench *bench,
                                                     minrnn_bench_info *info, size_t size);

/** Says what a run does. */
static inline minrnn_status minrnn_bench_describe(const minrnn_bench *bench,
                                                  minrnn_bench_info *info) {
    return minrnn_bench_describe_sized(bench, info, sizeof *info);
}

/** The name of an op that a run calls, by an index from 0 on; NULL past the last. minrnn_validate
 * takes it. */
MINRNN_API const char *minrnn_bench_op(const minrnn_bench *bench, int index);

/** minrnn_bench_config_defaults for a struct of `size` bytes, for programs in other languages. */
MINRNN_API void minrnn_bench_config_init(minrnn_bench_config *config, size_t size);

/** 3 runs to warm up, 20 repetitions, each waited for. NULL is allowed. */
static inline void minrnn_bench_config_defaults(minrnn_bench_config *config) {
    minrnn_bench_config_init(config, sizeof *config);
}

/** minrnn_bench_run for a struct of `size` bytes, for programs in other languages. */
MINRNN_API minrnn_status minrnn_bench_run_sized(minrnn_bench *bench,
                                                const minrnn_bench_config *config,
                                                minrnn_timing *timing, size_t size);

/** Runs a bench and says how long it took. */
static inline minrnn_status minrnn_bench_run(minrnn_bench *bench, const minrnn_bench_config *config,
                                             minrnn_timing *timing) {
    return minrnn_bench_run_sized(bench, config, timing, sizeof *timing);
}

/** Measures what a device reaches at most: bytes a second of a copy that no cache holds, and
 * floating-point operations a second of a large square product. Either may be NULL. */
MINRNN_API minrnn_status minrnn_bench_limits(minrnn_device *device, double *bandwidth,
                                             double *rate);

/** The roofline: the seconds that so much work takes at least, the larger of bytes / bandwidth and
 * operations / rate. Of memory in a cache that is faster it can be more than it takes. */
MINRNN_API double minrnn_bench_least(double bytes, double operations, double bandwidth,
                                     double rate);

/** The sum of that over all ops of a run, which is done once. Dependent steps along time, launches
 * and waits are not in it. */
MINRNN_API minrnn_status minrnn_bench_roofline(minrnn_bench *bench, double bandwidth, double rate,
                                               double *seconds);

/** The calls of one op with one set of sizes. The struct is the library's own, there until the
 * callback returns; later versions may add members at the end. */
typedef struct minrnn_profile_row {
    const char *op;    /**< the op's name */
    const char *sizes; /**< its sizes and options in words */
    int calls;         /**< in a run */
    double median,     /**< seconds of a call */
        share,         /**< of all ops' time, 0 to 1 */
        bytes,      /**< that a call reads and writes, on average: every tensor once a direction */
        operations; /**< floating-point operations of a call, or what its functions take */
} minrnn_profile_row;

/** Called for each row, with the `user` that minrnn_bench_profile was given. */
typedef void (*minrnn_on_profile)(void *user, const minrnn_profile_row *row);

/** Runs a bench, waiting for each op, and says what each took: the longest first. Waiting has its
 * price, so that the sum is more than a run takes; `queued` is of no matter. */
MINRNN_API minrnn_status minrnn_bench_profile(minrnn_bench *bench,
                                              const minrnn_bench_config *config,
                                              minrnn_on_profile on_row, void *user);

MINRNN_END_DECLS

#endif
