/* Matrix products, reductions, the optimiser and memory. */
#include "check/oracle.h"

#include <math.h>
#include <string.h>

void oracle_g_forward(struct g_forward_oracle *o) {
    for (int64_t i = 0; i < o->count; i++) {
        o->y[i] = oracle_g(o->x[i]);
    }
}

void oracle_g_backward(struct g_backward_oracle *o) {
    for (int64_t i = 0; i < o->count; i++) {
        const double term = oracle_g_slope(o->x[i]) * o->dy[i];
        oracle_scale(&o->dx_scale, fabs(o->dx[i]) + fabs(term));
        o->dx[i] += term;
    }
}

void oracle_gemm(struct gemm_oracle *o) {
    /* Element [i, l] of op(a) and [l, j] of op(b), by strides. */
    const int64_t a_row = o->transpose_a ? 1 : o->k, a_column = o->transpose_a ? o->m : 1;
    const int64_t b_row = o->transpose_b ? 1 : o->n, b_column = o->transpose_b ? o->k : 1;
    for (int64_t i = 0; i < o->m; i++) {
        for (int64_t j = 0; j < o->n; j++) {
            double *c = &o->c[i * o->n + j];
            double total = o->accumulate ? *c : 0;
            double magnitude = fabs(total);
            for (int64_t l = 0; l < o->k; l++) {
                const double term = o->a[i * a_row + l * a_column] * o->b[l * b_row + j * b_column];
                total += term;
                magnitude += fabs(term);
            }
            *c = total;
            oracle_scale(&o->c_scale, magnitude);
        }
    }
}

void oracle_column_sum(struct column_sum_oracle *o) {
    for (int64_t c = 0; c < o->width; c++) {
        double magnitude = fabs(o->total[c]);
        for (int64_t r = 0; r < o->rows; r++) {
            o->total[c] += o->x[r * o->width + c];
            magnitude += fabs(o->x[r * o->width + c]);
        }
        oracle_scale(&o->total_scale, magnitude);
    }
}

void oracle_sum(struct sum_oracle *o) {
    double total = 0, magnitude = 0;
    for (int64_t i = 0; i < o->count; i++) {
        total += o->x[i];
        magnitude += fabs(o->x[i]);
    }
    const double before = o->accumulate ? o->total[0] : 0;
    o->total[0] = before + o->scale * total;
    o->total_scale = fabs(before) + fabs((double)o->scale) * magnitude;
}

void oracle_square_sum(struct square_sum_oracle *o) {
    double total = 0;
    for (int64_t i = 0; i < o->count; i++) {
        total += o->x[i] * o->x[i];
    }
    o->total[0] = total;
}

void oracle_nonfinite_count(struct nonfinite_count_oracle *o) {
    o->total[0] = 0;
    for (int64_t i = 0; i < o->count; i++) {
        o->total[0] += !isfinite(o->x[i]);
    }
}

void oracle_adamw(struct adamw_oracle *o) {
    if (o->square_norm && !isfinite(o->square_norm[0])) {
        return;
    }
    const double norm = o->square_norm ? sqrt(o->square_norm[0]) : 0;
    const double shrink = o->clip > 0 && norm > o->clip ? o->clip / norm : 1;
    for (int64_t i = 0; i < o->count; i++) {
        const double grad = shrink * o->grad[i];
        const double old_m = o->beta1 * o->m[i], new_m = (1 - (double)o->beta1) * grad;
        const double old_v = o->beta2 * o->v[i], new_v = (1 - (double)o->beta2) * grad * grad;
        const double kept = o->param[i] * (1 - (double)o->rate * o->decay);
        o->m[i] = old_m + new_m;
        o->v[i] = old_v + new_v;
        const double step =
            o->rate / o->correction1 / (sqrt(o->v[i] / o->correction2) + o->epsilon);
        o->param[i] = kept - step * o->m[i];
        oracle_scale(&o->m_scale, fabs(old_m) + fabs(new_m));
        oracle_scale(&o->param_scale, fabs(kept) + step * (fabs(old_m) + fabs(new_m)));
    }
}

void oracle_fill(struct fill_oracle *o) {
    for (int64_t i = 0; i < o->count; i++) {
        o->x[i] = o->value;
    }
}

void oracle_copy(struct copy_oracle *o) {
    memcpy(o->y, o->x, (size_t)o->count * sizeof *o->y);
}
