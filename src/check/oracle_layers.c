/* The layers: convolution, norm, activations, residual and both ends of the model. */
#include "base/philox.h"
#include "check/oracle.h"

#include <math.h>
#include <stddef.h>

/* ---- convolution ---- */

/* What both directions see of a convolution's input. */
struct conv_input {
    int64_t time, width, taps;
    const double *x, *state;
    const int32_t *reset, *lengths;
};

static int64_t conv_length(const struct conv_input *in, int64_t batch) {
    return in->lengths ? in->lengths[batch] : in->time;
}

/* Whether a reset lies after time `from` and not after time `to`. */
static bool conv_cut(const struct conv_input *in, int64_t batch, int64_t from, int64_t to) {
    for (int64_t t = from < 0 ? 0 : from + 1; in->reset && t <= to; t++) {
        if (in->reset[batch * in->time + t]) {
            return true;
        }
    }
    return false;
}

/* The input at time `from` (negative: of the state) as time `to` sees it. */
static double conv_value(const struct conv_input *in, int64_t batch, int64_t from, int64_t to,
                         int64_t channel) {
    if (conv_cut(in, batch, from, to)) {
        return 0;
    }
    if (from >= 0) {
        return in->x[(batch * in->time + from) * in->width + channel];
    }
    const int64_t j = from + in->taps - 1;
    return in->state ? in->state[(batch * (in->taps - 1) + j) * in->width + channel] : 0;
}

static void conv_forward_row(struct conv_forward_oracle *o, const struct conv_input *in,
                             int64_t batch, int64_t t) {
    for (int64_t c = 0; c < o->width; c++) {
        const int64_t i = (batch * o->time + t) * o->width + c;
        double y = (o->residual ? o->residual[i] : 0) + (o->bias ? o->bias[c] : 0);
        double magnitude = fabs(o->residual ? o->residual[i] : 0) + fabs(o->bias ? o->bias[c] : 0);
        for (int64_t k = 0; k < o->taps; k++) {
            const double term =
                o->weight[c * o->taps + k] * conv_value(in, batch, t - (o->taps - 1) + k, t, c);
            y += term;
            magnitude += fabs(term);
        }
        const bool used = t < conv_length(in, batch);
        o->y[i] = used ? y : 0;
        oracle_scale(&o->y_scale, used ? magnitude : 0);
    }
}

static void conv_state_out(struct conv_forward_oracle *o, const struct conv_input *in,
                           int64_t batch) {
    const int64_t length = conv_length(in, batch);
    for (int64_t j = 0; j < o->taps - 1; j++) {
        const int64_t from = length - (o->taps - 1) + j;
        for (int64_t c = 0; c < o->width; c++) {
            o->state_out[(batch * (o->taps - 1) + j) * o->width + c] =
                conv_value(in, batch, from, length - 1, c);
        }
    }
}

void oracle_conv_forward(struct conv_forward_oracle *o) {
    const struct conv_input in = {o->time, o->width, o->taps, o->x, o->state, o->reset, o->lengths};
    for (int64_t batch = 0; batch < o->batch; batch++) {
        for (int64_t t = 0; t < o->time; t++) {
            conv_forward_row(o, &in, batch, t);
        }
        if (o->state_out) {
            conv_state_out(o, &in, batch);
        }
    }
}

static void conv_backward_dx(struct conv_backward_oracle *o, const struct conv_input *in,
                             int64_t batch, int64_t s, int64_t c) {
    const int64_t length = conv_length(in, batch), i = (batch * o->time + s) * o->width + c;
    double dx = o->dresidual ? o->dresidual[i] : 0;
    double magnitude = fabs(dx);
    for (int64_t k = 0; k < o->taps; k++) {
        const int64_t t = s + o->taps - 1 - k;
        if (t < length && !conv_cut(in, batch, s, t)) {
            const double term =
                o->weight[c * o->taps + k] * o->dy[(batch * o->time + t) * o->width + c];
            dx += term;
            magnitude += fabs(term);
        }
    }
    o->dx[i] = s < length ? dx : 0;
    oracle_scale(&o->dx_scale, s < length ? magnitude : 0);
}

/* dweight[c, k], and dbias[c] where k = taps. */
static void conv_backward_weight(struct conv_backward_oracle *o, const struct conv_input *in,
                                 int64_t c, int64_t k) {
    const bool bias = k == o->taps;
    double *total = bias ? &o->dbias[c] : &o->dweight[c * o->taps + k];
    double magnitude = fabs(*total);
    for (int64_t batch = 0; batch < o->batch; batch++) {
        for (int64_t t = 0; t < conv_length(in, batch); t++) {
            const double x = bias ? 1 : conv_value(in, batch, t - (o->taps - 1) + k, t, c);
            const double term = x * o->dy[(batch * o->time + t) * o->width + c];
            *total += term;
            magnitude += fabs(term);
        }
    }
    oracle_scale(bias ? &o->dbias_scale : &o->dweight_scale, magnitude);
}

void oracle_conv_backward(struct conv_backward_oracle *o) {
    const struct conv_input in = {o->time, o->width, o->taps, o->x, o->state, o->reset, o->lengths};
    for (int64_t batch = 0; batch < o->batch; batch++) {
        for (int64_t t = 0; t < o->time; t++) {
            for (int64_t c = 0; c < o->width; c++) {
                conv_backward_dx(o, &in, batch, t, c);
            }
        }
    }
    for (int64_t c = 0; c < o->width; c++) {
        for (int64_t k = 0; k <= o->taps; k++) {
            conv_backward_weight(o, &in, c, k);
        }
    }
}

/* ---- norm ---- */

void oracle_rmsnorm_forward(struct rmsnorm_forward_oracle *o) {
    for (int64_t r = 0; r < o->rows; r++) {
        const double *x = o->x + r * o->width;
        double squares = 0;
        for (int64_t c = 0; c < o->width; c++) {
            squares += x[c] * x[c];
        }
        o->inverse[r] = 1 / sqrt(squares / (double)o->width + o->epsilon);
        for (int64_t c = 0; c < o->width; c++) {
            o->y[r * o->width + c] = x[c] * o->inverse[r] * o->gain[c];
        }
    }
}

/* y_c = x_c s gain_c with s = (mean x^2 + epsilon)^(-1/2), so ds/dx_c = -s^3 x_c / width:
 * dx_c = s gain_c dy_c - x_c s^3 / width * sum_j gain_j dy_j x_j. */
void oracle_rmsnorm_backward(struct rmsnorm_backward_oracle *o) {
    for (int64_t r = 0; r < o->rows; r++) {
        const double *x = o->x + r * o->width, *dy = o->dy + r * o->width;
        const double s = o->inverse[r];
        double product = 0, product_size = 0;
        for (int64_t c = 0; c < o->width; c++) {
            product += o->gain[c] * dy[c] * x[c];
            product_size += fabs(o->gain[c] * dy[c] * x[c]);
        }
        for (int64_t c = 0; c < o->width; c++) {
            double *dx = &o->dx[r * o->width + c];
            const double before = o->accumulate ? *dx : 0;
            const double share = s * s * s * x[c] / (double)o->width;
            *dx = before + s * o->gain[c] * dy[c] - share * product;
            oracle_scale(&o->dx_scale,
                         fabs(before) + s * fabs(o->gain[c] * dy[c]) + fabs(share) * product_size);
        }
    }
    for (int64_t c = 0; c < o->width; c++) {
        double magnitude = fabs(o->dgain[c]);
        for (int64_t r = 0; r < o->rows; r++) {
            const double term = o->dy[r * o->width + c] * o->x[r * o->width + c] * o->inverse[r];
            o->dgain[c] += term;
            magnitude += fabs(term);
        }
        oracle_scale(&o->dgain_scale, magnitude);
    }
}

/* ---- activations ---- */

static double gelu(double u) {
    return u * oracle_normal_cdf(u);
}

static double gelu_slope(double u) {
    return oracle_normal_cdf(u) + u * oracle_normal_pdf(u);
}

void oracle_gelu_forward(struct gelu_forward_oracle *o) {
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double u = o->x[i] + (o->bias ? o->bias[i % o->width] : 0);
        o->y[i] = gelu(u);
        oracle_scale(&o->y_scale, fabs(u));
    }
}

void oracle_gelu_backward(struct gelu_backward_oracle *o) {
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double u = o->x[i] + (o->bias ? o->bias[i % o->width] : 0);
        o->dx[i] = gelu_slope(u) * o->dy[i];
        oracle_scale(&o->dx_scale, fabs(o->dy[i]));
    }
}

static double geglu_input(const double *x, const double *bias, int64_t width, int64_t row,
                          int64_t column) {
    return x[row * 2 * width + column] + (bias ? bias[column] : 0);
}

void oracle_geglu_forward(struct geglu_forward_oracle *o) {
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            const double u = geglu_input(o->x, o->bias, o->width, r, c);
            const double v = geglu_input(o->x, o->bias, o->width, r, o->width + c);
            o->y[r * o->width + c] = u * gelu(v);
            oracle_scale(&o->y_scale, fabs(u * v));
        }
    }
}

void oracle_geglu_backward(struct geglu_backward_oracle *o) {
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            const double u = geglu_input(o->x, o->bias, o->width, r, c);
            const double v = geglu_input(o->x, o->bias, o->width, r, o->width + c);
            const double dy = o->dy[r * o->width + c];
            o->dx[r * 2 * o->width + c] = dy * gelu(v);
            o->dx[r * 2 * o->width + o->width + c] = dy * u * gelu_slope(v);
            oracle_scale(&o->dx_scale, fabs(dy) * fmax(fabs(u), fabs(v)));
        }
    }
}

/* ---- residual and dropout ---- */

static double dropout_factor(double dropout, uint64_t seed, uint32_t site, uint32_t step,
                             int64_t i) {
    if (dropout == 0) {
        return 1;
    }
    const struct philox block = philox_block(seed, site, step, (uint64_t)i / 4);
    return block.word[i % 4] < philox_threshold((float)dropout) ? 0 : 1 / (1 - dropout);
}

void oracle_residual_forward(struct residual_forward_oracle *o) {
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        const double bias = o->bias ? o->bias[i % o->width] : 0;
        const double residual = o->residual ? o->residual[i] : 0;
        const double factor = dropout_factor(o->dropout, o->seed, o->site, o->step, i);
        o->y[i] = residual + factor * (o->x[i] + bias);
        oracle_scale(&o->y_scale, fabs(residual) + factor * (fabs(o->x[i]) + fabs(bias)));
    }
}

void oracle_residual_backward(struct residual_backward_oracle *o) {
    for (int64_t i = 0; i < o->rows * o->width; i++) {
        o->dx[i] = o->dy[i] * dropout_factor(o->dropout, o->seed, o->site, o->step, i);
    }
}

/* ---- both ends of the model ---- */

void oracle_embed_forward(struct embed_forward_oracle *o) {
    for (int64_t r = 0; r < o->rows; r++) {
        for (int64_t c = 0; c < o->width; c++) {
            o->y[r * o->width + c] = o->table[o->tokens[r] * o->width + c];
        }
    }
}

void oracle_embed_backward(struct embed_backward_oracle *o) {
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

void oracle_cross_entropy(struct cross_entropy_oracle *o) {
    for (int64_t r = 0; r < o->rows; r++) {
        const double *logits = o->logits + r * o->vocab;
        const int32_t target = o->targets[r];
        double top = logits[0], total = 0;
        for (int64_t v = 1; v < o->vocab; v++) {
            top = fmax(top, logits[v]);
        }
        for (int64_t v = 0; v < o->vocab; v++) {
            total += exp(logits[v] - top);
        }
        o->loss[r] = target < 0 ? 0 : log(total) + top - logits[target];
        oracle_scale(&o->loss_scale, target < 0 ? 0 : 1 + fabs(top - logits[target]));
        for (int64_t v = 0; o->dlogits && v < o->vocab; v++) {
            const double softmax = exp(logits[v] - top) / total;
            o->dlogits[r * o->vocab + v] =
                target < 0 ? 0 : o->scale * (softmax - (v == target ? 1 : 0));
            oracle_scale(&o->dlogits_scale, target < 0 ? 0 : fabs((double)o->scale));
        }
    }
}
