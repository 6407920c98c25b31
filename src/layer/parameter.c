/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of parameters: their places and their first values. */
#include "layer/parameter.h"

#include "base/philox.h"

#include <math.h>
#include <stdio.h>

static const double PI = 3.14159265358979323846;

float parameter_linear_bound(int64_t fan_in) {
    return (float)(1.0 / sqrt((double)fan_in));
}

int parameter_add(struct parameter_list *list, const char *name, const int64_t shape[3],
                  struct parameter parameter) {
    snprintf(parameter.info.name, sizeof parameter.info.name, "%s", name);
    for (int i = 0; i < 3 && shape[i] > 0; i++) {
        parameter.info.shape[i] = shape[i];
        parameter.info.dimensions = i + 1;
    }
    list->parameters[list->count] = parameter;
    return list->count++;
}

int64_t parameter_count(const minrnn_parameter_info *info) {
    int64_t count = 1;
    for (int i = 0; i < info->dimensions; i++) {
        count *= info->shape[i];
    }
    return count;
}

/* ---- places ---- */

static bool belongs(const struct parameter *parameter, const struct parameter_stretch *stretch) {
    return parameter->info.decays == stretch->decays &&
           !(parameter->rate_factor < stretch->rate_factor) &&
           !(parameter->rate_factor > stretch->rate_factor) &&
           !(parameter->rate_cap < stretch->rate_cap) && !(parameter->rate_cap > stretch->rate_cap);
}

static bool has_stretch(const struct parameter_places *places, const struct parameter *parameter) {
    for (int i = 0; i < places->stretch_count; i++) {
        if (belongs(parameter, &places->stretches[i])) {
            return true;
        }
    }
    return false;
}

/* Places all that is treated as `first` is. */
static void place_stretch(struct parameter_places *places, struct parameter *parameters, int count,
                          const struct parameter *first) {
    struct parameter_stretch *stretch = &places->stretches[places->stretch_count++];
    *stretch = (struct parameter_stretch){.begin = places->total,
                                          .decays = first->info.decays,
                                          .rate_factor = first->rate_factor,
                                          .rate_cap = first->rate_cap};
    for (int i = 0; i < count; i++) {
        if (belongs(&parameters[i], stretch)) {
            parameters[i].info.offset = places->total;
            places->total += parameter_count(&parameters[i].info);
        }
    }
    stretch->count = places->total - stretch->begin;
}

struct parameter_places parameters_place(struct parameter *parameters, int count) {
    struct parameter_places places = {0};
    for (int pass = 0; pass < 2; pass++) {
        const bool decays = pass == 0;
        for (int i = 0; i < count; i++) {
            if (parameters[i].info.decays == decays && !has_stretch(&places, &parameters[i])) {
                place_stretch(&places, parameters, count, &parameters[i]);
            }
        }
    }
    return places;
}

/* ---- initial values ---- */

/* Box-Muller on two words; the first is kept off zero. */
static float normal(uint32_t word, uint32_t other) {
    const double radius = sqrt(-2.0 * log(((double)word + 0.5) * 0x1p-32));
    return (float)(radius * cos(2.0 * PI * (double)other * 0x1p-32));
}

void draw_constant(const struct parameter *parameter, uint64_t seed, uint32_t site, float *values) {
    (void)seed;
    (void)site;
    for (int64_t i = 0; i < parameter_count(&parameter->info); i++) {
        values[i] = parameter->scale;
    }
}

void draw_uniform(const struct parameter *parameter, uint64_t seed, uint32_t site, float *values) {
    for (int64_t i = 0; i < parameter_count(&parameter->info); i++) {
        const struct philox block = philox_block(seed, site, 0, (uint64_t)i);
        values[i] = parameter->scale * (2.0f * philox_unit(block.word[0]) - 1.0f);
    }
}

void draw_normal(const struct parameter *parameter, uint64_t seed, uint32_t site, float *values) {
    for (int64_t i = 0; i < parameter_count(&parameter->info); i++) {
        const struct philox block = philox_block(seed, site, 0, (uint64_t)i);
        values[i] = parameter->scale * normal(block.word[0], block.word[1]);
    }
}

void parameters_draw(const struct parameter *parameters, int count, uint64_t seed, float *values) {
    for (int i = 0; i < count; i++) {
        parameters[i].draw(&parameters[i], seed, (uint32_t)(PHILOX_SITE_PARAMETER + i),
                           values + parameters[i].info.offset);
    }
}
