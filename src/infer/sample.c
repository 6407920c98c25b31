/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing a token from logits. */
#include <minrnn/session.h>

#include "base/philox.h"
#include "base/sized.h"

#include <math.h>
#include <string.h>

static const struct sized_type sampling_type =
    SIZED_TYPE(minrnn_sampling, "minrnn_sampling_defaults");

static const minrnn_sampling standard = {.temperature = 1.0f, .top_k = 0, .seed = 1};

void minrnn_sampling_init(minrnn_sampling *sampling, size_t size) {
    if (sampling) {
        sized_give(&standard, sizeof standard, sampling, size);
    }
}

static int32_t most_likely(const float *logits, int64_t vocab) {
    int64_t best = 0;
    for (int64_t i = 1; i < vocab; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return (int32_t)best;
}

/* The float's place in the order of all floats; both zeros have the same. */
static uint32_t order_of(float value) {
    const float positive_zero = value + 0.0f;
    uint32_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static int64_t count_from(const float *logits, int64_t vocab, uint32_t order) {
    int64_t count = 0;
    for (int64_t i = 0; i < vocab; i++) {
        count += order_of(logits[i]) >= order;
    }
    return count;
}

/* What is sampled from: all tokens above `order`, and the first `ties` of those that are there. */
struct candidates {
    uint32_t order;
    int64_t ties;
};

/* The k-th largest logit, its bits found one by one: nothing is sorted or allocated. */
static struct candidates choose_candidates(const float *logits, int64_t vocab, int64_t k) {
    if (k == 0 || k >= vocab) {
        return (struct candidates){0, 0};
    }
    uint32_t order = 0;
    for (uint32_t bit = 0x80000000u; bit; bit >>= 1) {
        if (count_from(logits, vocab, order | bit) >= k) {
            order |= bit;
        }
    }
    return (struct candidates){order, k - count_from(logits, vocab, order + 1)};
}

/* Walks the candidates in token order, adding up exp((logit - largest) / temperature) until the sum
 * passes `stop` (the token is then in *token). Returns the sum. */
static double walk(const minrnn_sampling *sampling, const float *logits, int64_t vocab,
                   struct candidates candidates, float largest, double stop, int32_t *token) {
    double sum = 0;
    for (int64_t i = 0; i < vocab && sum <= stop; i++) {
        const uint32_t order = order_of(logits[i]);
        if (order > candidates.order || (order == candidates.order && candidates.ties-- > 0)) {
            const double weight =
                exp(((double)logits[i] - (double)largest) / (double)sampling->temperature);
            *token = weight > 0 ? (int32_t)i : *token;
            sum += weight;
        }
    }
    return sum;
}

static minrnn_status take_sampling(const minrnn_sampling *given, minrnn_sampling *sampling) {
    *sampling = standard;
    const minrnn_status status = sized_take(&sampling_type, given, sampling);
    if (status) {
        return status;
    }
    if (!(sampling->temperature >= 0) || isinf(sampling->temperature)) {
        return fail(MINRNN_INVALID_ARGUMENT, "temperature %g: it must be 0 or more and finite",
                    (double)sampling->temperature);
    }
    return sampling->top_k >= 0 ? MINRNN_OK
                                : fail(MINRNN_INVALID_ARGUMENT,
                                       "top_k %d: it must be 0 (all) or more", sampling->top_k);
}

minrnn_status minrnn_sample(const minrnn_sampling *sampling, const float *logits, int64_t vocab,
                            uint64_t index, int32_t *token) {
    if (!sampling || !logits || !token || vocab < 1 || vocab > INT32_MAX) {
        return fail(MINRNN_INVALID_ARGUMENT, "minrnn_sample: an argument is NULL, or vocab is %lld",
                    (long long)vocab);
    }
    minrnn_sampling own;
    const minrnn_status status = take_sampling(sampling, &own);
    if (status) {
        return status;
    }
    for (int64_t i = 0; i < vocab; i++) {
        if (!(logits[i] < INFINITY)) {
            return fail(MINRNN_NOT_FINITE, "minrnn_sample: the logit of token %lld is %g",
                        (long long)i, (double)logits[i]);
        }
    }
    *token = most_likely(logits, vocab);
    if (isinf(logits[*token])) {
        return fail(MINRNN_INVALID_ARGUMENT,
                    "minrnn_sample: all %lld tokens are masked: every logit is -inf",
                    (long long)vocab);
    }
    if (!(own.temperature > 0)) {
        return MINRNN_OK;
    }
    const float largest = logits[*token];
    const struct candidates candidates = choose_candidates(logits, vocab, own.top_k);
    const struct philox word = philox_block(own.seed, PHILOX_SITE_SAMPLE, 0, index);
    const uint64_t bits = ((uint64_t)word.word[1] << 32 | word.word[0]) >> 11;
    const double draw = (double)bits * 0x1p-53; /* in [0, 1) */
    int32_t drawn = *token;
    const double sum = walk(&own, logits, vocab, candidates, largest, INFINITY, &drawn);
    (void)walk(&own, logits, vocab, candidates, largest, draw * sum, &drawn);
    *token = drawn;
    return MINRNN_OK;
}
