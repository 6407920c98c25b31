/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters: what tensors a layer or a model has, where they lie, how they begin, and what the
 * optimiser does with each. */
#ifndef LAYER_PARAMETER_H
#define LAYER_PARAMETER_H

#include <minrnn/mixer.h>

/* What a parameter is to its layer. Files of others name some roles differently. */
enum parameter_role {
    PARAMETER_MATRIX,     /* of a product, and the taps of a convolution */
    PARAMETER_BIAS,       /* added */
    PARAMETER_GAIN,       /* a norm's factor */
    PARAMETER_RECURRENCE, /* the recurrence's own: an initial state, a decay */
    PARAMETER_TABLE       /* a row for each token */
};

struct parameter;

/* Writes the initial values [parameter_count], drawn from Philox stream `site` of `seed`. */
typedef void parameter_draw(const struct parameter *parameter, uint64_t seed, uint32_t site,
                            float *values);

struct parameter {
    minrnn_parameter_info info;
    enum parameter_role role;
    parameter_draw *draw;
    float scale; /* of what is drawn */
    float least; /* of a draw between two numbers: the smaller, `scale` being the larger */
    /* Its learning rate is the run's times `rate_factor`, and at most `rate_cap`; 0: as the run's,
     * no cap. */
    float rate_factor, rate_cap;
};

/* Draws: scale itself; uniform in +-scale; normal with the standard deviation scale. */
parameter_draw draw_constant, draw_uniform, draw_normal;

/* 1 / sqrt(fan_in): torch.nn.Linear's bound for weights and biases. */
float parameter_linear_bound(int64_t fan_in);

/* The parameters of one layer, in the order of their files. */
enum { LAYER_MAX_PARAMETERS = 24 };
struct parameter_list {
    struct parameter parameters[LAYER_MAX_PARAMETERS];
    int count;
};

/* Appends a parameter and returns its index. Its rank is the number of sizes that are not 0. */
int parameter_add(struct parameter_list *list, const char *name, const int64_t shape[3],
                  struct parameter parameter);
#define SHAPE(...) ((const int64_t[3]){__VA_ARGS__})

/* Elements of the tensor. */
int64_t parameter_count(const minrnn_parameter_info *info);

/* Parameters that the optimiser treats alike lie one after the other, so that it passes over few
 * stretches. */
enum { PARAMETER_MAX_STRETCHES = 8 };
struct parameter_stretch {
    int64_t begin, count; /* elements */
    bool decays;
    float rate_factor, rate_cap;
};
struct parameter_places {
    int64_t total; /* elements of all */
    struct parameter_stretch stretches[PARAMETER_MAX_STRETCHES];
    int stretch_count;
};

/* Gives each parameter its offset, stretch after stretch: those that decay come first, and within a
 * stretch they keep their order. */
struct parameter_places parameters_place(struct parameter *parameters, int count);

/* Writes the initial values to `values` (host), Philox stream PHILOX_SITE_PARAMETER + its index. */
void parameters_draw(const struct parameter *parameters, int count, uint64_t seed, float *values);

#endif
