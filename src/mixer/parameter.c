#include "mixer/parameter.h"

#include "base/philox.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

float parameter_linear_bound(int64_t fan_in) {
    return (float)(1.0 / sqrt((double)fan_in));
}

int64_t parameter_count(const minrnn_parameter_info *info) {
    int64_t count = 1;
    for (int i = 0; i < info->dimensions; i++) {
        count *= info->shape[i];
    }
    return count;
}

int64_t parameters_place(struct parameter *parameters, int count, int64_t *decaying) {
    int64_t offset = 0;
    for (int pass = 0; pass < 2; pass++) {
        const bool decays = pass == 0;
        for (int i = 0; i < count; i++) {
            if (parameters[i].info.decays == decays) {
                parameters[i].info.offset = offset;
                offset += parameter_count(&parameters[i].info);
            }
        }
        if (decays && decaying) {
            *decaying = offset;
        }
    }
    return offset;
}

/* Box-Muller on two words; the first is kept off zero. */
static float normal(uint32_t word, uint32_t other) {
    const double radius = sqrt(-2.0 * log(((double)word + 0.5) * 0x1p-32));
    return (float)(radius * cos(2.0 * PI * (double)other * 0x1p-32));
}

static void draw(const struct parameter *parameter, uint32_t site, uint64_t seed, float *values) {
    const int64_t count = parameter_count(&parameter->info);
    for (int64_t i = 0; i < count; i++) {
        if (parameter->init == PARAMETER_CONSTANT) {
            values[i] = parameter->scale;
            continue;
        }
        const struct philox block = philox_block(seed, site, 0, (uint64_t)i);
        values[i] = parameter->init == PARAMETER_UNIFORM
                        ? parameter->scale * (2.0f * philox_unit(block.word[0]) - 1.0f)
                        : parameter->scale * normal(block.word[0], block.word[1]);
    }
}

void parameters_draw(const struct parameter *parameters, int count, uint64_t seed, float *values) {
    for (int i = 0; i < count; i++) {
        draw(&parameters[i], (uint32_t)(PHILOX_SITE_PARAMETER + i), seed,
             values + parameters[i].info.offset);
    }
}
