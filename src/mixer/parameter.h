/* Parameters: what tensors a mixer or a model has, where they lie, and their initial values. */
#ifndef MIXER_PARAMETER_H
#define MIXER_PARAMETER_H

#include <minrnn/mixer.h>

enum parameter_init {
    PARAMETER_CONSTANT, /* scale */
    PARAMETER_UNIFORM,  /* in +-scale */
    PARAMETER_NORMAL    /* standard deviation scale */
};

struct parameter {
    minrnn_parameter_info info;
    enum parameter_init init;
    float scale;
};

/* 1 / sqrt(fan_in): torch.nn.Linear's bound for weights and biases. */
float parameter_linear_bound(int64_t fan_in);

/* Elements of the tensor. */
int64_t parameter_count(const minrnn_parameter_info *info);

/* Gives each parameter its offset, one after the other: first those that decay, then the rest, each
 * in their order, so that the optimiser passes over two stretches. Returns the total; *decaying
 * receives the length of the first stretch where not NULL. */
int64_t parameters_place(struct parameter *parameters, int count, int64_t *decaying);

/* Writes the initial values to `values` (host), Philox stream PHILOX_SITE_PARAMETER + its index. */
void parameters_draw(const struct parameter *parameters, int count, uint64_t seed, float *values);

#endif
