/* SPDX-License-Identifier: Apache-2.0 */
/* Element-wise activations: g, GELU, SiLU, GEGLU. */

/* ---- g, the paper's positive activation: x + 0.5 for x >= 0, else sigma(x) ---- */

/* sigma(x) for x <= 0, where exp cannot overflow; what other x give is not used. */
vfloat sigma_negative(vfloat x) {
    const vfloat e = exp(fmin(x, (vfloat)(0.0f)));
    return e / (1.0f + e);
}

#ifdef KERNEL_g_forward
__kernel void g_forward(long count, long run, __global const float *x, ulong x_offset,
                        __global float *y, ulong y_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    x += x_offset;
    y += y_offset;
    for (long i = begin; i < end; i += VECTOR) {
        const vfloat in = LOAD_N(x + i, end - i);
        const vfloat out = in < 0.0f ? sigma_negative(in) : in + 0.5f;
        STORE_N(out, y + i, end - i);
    }
}
#endif

#ifdef KERNEL_g_backward
__kernel void g_backward(long count, long run, __global const float *x, ulong x_offset,
                         __global const float *dy, ulong dy_offset, __global float *dx,
                         ulong dx_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    x += x_offset;
    dy += dy_offset;
    dx += dx_offset;
    for (long i = begin; i < end; i += VECTOR) {
        const long n = end - i;
        const vfloat in = LOAD_N(x + i, n);
        const vfloat s = sigma_negative(in);
        const vfloat slope = in < 0.0f ? s * (1.0f - s) : (vfloat)(1.0f);
        STORE_N(MAD(slope, LOAD_N(dy + i, n), LOAD_N(dx + i, n)), dx + i, n);
    }
}
#endif

/* ---- GELU ---- */

/* The normal distribution's function Phi(u); *bell becomes exp(-u^2 / 2), which its density is but
 * for 1 / sqrt(2 pi). With a = |u| and q = 1 / (1 + a / 4), the tail 1 - Phi(a) is
 * exp(-a^2 / 2) q P(q): P is a minimax fit of relative error 8e-9 on 0 <= a <= 14, so that the tail
 * on the left keeps its digits, as u (1 + erf(u / sqrt(2))) / 2 would not. */
vfloat normal_function(vfloat u, vfloat *bell) {
    const vfloat a = fabs(u);
    const vfloat q = 1.0f / MAD((vfloat)(0.25f), a, (vfloat)(1.0f));
    vfloat p = (vfloat)(0.016579427f);
    p = MAD(p, q, (vfloat)(-0.0627911016f));
    p = MAD(p, q, (vfloat)(0.0516502038f));
    p = MAD(p, q, (vfloat)(0.0284382720f));
    p = MAD(p, q, (vfloat)(0.0127101475f));
    p = MAD(p, q, (vfloat)(0.0866576284f));
    p = MAD(p, q, (vfloat)(0.0719992220f));
    p = MAD(p, q, (vfloat)(0.0955157503f));
    p = MAD(p, q, (vfloat)(0.0994925573f));
    p = MAD(p, q, (vfloat)(0.0997479036f));
    *bell = exp(-0.5f * a * a);
    const vfloat tail = *bell * q * p;
    return u < 0.0f ? tail : 1.0f - tail;
}

vfloat gelu(vfloat u) {
    vfloat bell;
    return u * normal_function(u, &bell);
}

/* *value = gelu(u); returns its derivative Phi(u) + u phi(u). */
vfloat gelu_slope(vfloat u, vfloat *value) {
    const float density = 0.398942280f; /* 1 / sqrt(2 pi) */
    vfloat bell;
    const vfloat phi = normal_function(u, &bell);
    *value = u * phi;
    return MAD(density * u, bell, phi);
}

#ifdef KERNEL_gelu_forward
/* The bias wraps around its row: the run goes on from row to row. */
__kernel void gelu_forward(long count, long run, long width, __global const float *x,
                           ulong x_offset, __global const float *bias, ulong bias_offset,
                           __global float *y, ulong y_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    long column = bias ? column_of(begin, width) : 0;
    x += x_offset;
    bias += bias_offset;
    y += y_offset;
    for (long i = begin; i < end; i += VECTOR) {
        vfloat u = LOAD_N(x + i, end - i);
        if (bias) {
            u += LOAD_WRAPPED(bias, column, width);
            column = NEXT_COLUMN(column, width);
        }
        STORE_N(gelu(u), y + i, end - i);
    }
}
#endif

#ifdef KERNEL_gelu_backward
__kernel void gelu_backward(long count, long run, long width, __global const float *x,
                            ulong x_offset, __global const float *bias, ulong bias_offset,
                            __global const float *dy, ulong dy_offset, __global float *dx,
                            ulong dx_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    long column = bias ? column_of(begin, width) : 0;
    x += x_offset;
    bias += bias_offset;
    dy += dy_offset;
    dx += dx_offset;
    for (long i = begin; i < end; i += VECTOR) {
        const long n = end - i;
        vfloat u = LOAD_N(x + i, n);
        vfloat value;
        if (bias) {
            u += LOAD_WRAPPED(bias, column, width);
            column = NEXT_COLUMN(column, width);
        }
        STORE_N(LOAD_N(dy + i, n) * gelu_slope(u, &value), dx + i, n);
    }
}
#endif

/* ---- SiLU: u sigma(u), its derivative sigma(u) + u sigma(u) sigma(-u) ---- */

/* sigma(u) from e = exp(-|u|) and 1 / (1 + e); that of -u is *other. */
vfloat sigma_of(vfloat u, vfloat *other) {
    const vfloat e = exp(-fabs(u));
    const vfloat large = 1.0f / (1.0f + e);
    const vfloat small = e * large;
    *other = u < 0.0f ? large : small;
    return u < 0.0f ? small : large;
}

vfloat silu(vfloat u) {
    vfloat other;
    return u * sigma_of(u, &other);
}

vfloat silu_slope(vfloat u) {
    vfloat other;
    const vfloat s = sigma_of(u, &other);
    return s * MAD(u, other, (vfloat)(1.0f));
}

#ifdef KERNEL_silu_forward
__kernel void silu_forward(long count, long run, long width, __global const float *x,
                           ulong x_offset, __global const float *bias, ulong bias_offset,
                           __global float *y, ulong y_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    long column = bias ? column_of(begin, width) : 0;
    x += x_offset;
    bias += bias_offset;
    y += y_offset;
    for (long i = begin; i < end; i += VECTOR) {
        vfloat u = LOAD_N(x + i, end - i);
        if (bias) {
            u += LOAD_WRAPPED(bias, column, width);
            column = NEXT_COLUMN(column, width);
        }
        STORE_N(silu(u), y + i, end - i);
    }
}
#endif

#ifdef KERNEL_silu_backward
__kernel void silu_backward(long count, long run, long width, __global const float *x,
                            ulong x_offset, __global const float *bias, ulong bias_offset,
                            __global const float *dy, ulong dy_offset, __global float *dx,
                            ulong dx_offset) {
    const long begin = (long)get_global_id(0) * run;
    const long end = min(begin + run, count);
    long column = bias ? column_of(begin, width) : 0;
    x += x_offset;
    bias += bias_offset;
    dy += dy_offset;
    dx += dx_offset;
    for (long i = begin; i < end; i += VECTOR) {
        const long n = end - i;
        vfloat u = LOAD_N(x + i, n);
        if (bias) {
            u += LOAD_WRAPPED(bias, column, width);
            column = NEXT_COLUMN(column, width);
        }
        STORE_N(LOAD_N(dy + i, n) * silu_slope(u), dx + i, n);
    }
}
#endif

/* ---- GEGLU: y = u gelu(v), a row of x being (u | v). A row group takes `run` rows ---- */

#ifdef KERNEL_geglu_forward
__kernel ROW_GROUP void geglu_forward(long rows, long run, long width, __global const float *x,
                                      ulong x_offset, __global const float *bias,
                                      ulong bias_offset, __global float *y, ulong y_offset) {
    const long begin = row_group() * run;
    const long end = min(begin + run, rows);
    bias += bias_offset;
    for (long row = begin; row < end; row++) {
        __global const float *xr = x + x_offset + row * 2 * width;
        __global float *yr = y + y_offset + row * width;
        for (long c = row_item() * VECTOR; c < width; c += ROW_ITEMS * VECTOR) {
            const long n = width - c;
            vfloat u = LOAD_N(xr + c, n);
            vfloat v = LOAD_N(xr + width + c, n);
            if (bias) {
                u += LOAD_N(bias + c, n);
                v += LOAD_N(bias + width + c, n);
            }
            STORE_N(u * gelu(v), yr + c, n);
        }
    }
}
#endif

#ifdef KERNEL_geglu_backward
__kernel ROW_GROUP void geglu_backward(long rows, long run, long width, __global const float *x,
                                       ulong x_offset, __global const float *bias,
                                       ulong bias_offset, __global const float *dy,
                                       ulong dy_offset, __global float *dx, ulong dx_offset) {
    const long begin = row_group() * run;
    const long end = min(begin + run, rows);
    bias += bias_offset;
    for (long row = begin; row < end; row++) {
        __global const float *xr = x + x_offset + row * 2 * width;
        __global const float *dyr = dy + dy_offset + row * width;
        __global float *dxr = dx + dx_offset + row * 2 * width;
        for (long c = row_item() * VECTOR; c < width; c += ROW_ITEMS * VECTOR) {
            const long n = width - c;
            const vfloat d = LOAD_N(dyr + c, n);
            vfloat u = LOAD_N(xr + c, n);
            vfloat v = LOAD_N(xr + width + c, n);
            vfloat value;
            if (bias) {
                u += LOAD_N(bias + c, n);
                v += LOAD_N(bias + width + c, n);
            }
            const vfloat slope = gelu_slope(v, &value);
            STORE_N(d * value, dxr + c, n);
            STORE_N(d * u * slope, dxr + width + c, n);
        }
    }
}
#endif
