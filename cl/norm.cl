/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm over the rows of x. A row group takes `run` rows. */

#ifdef KERNEL_rmsnorm_forward
/* inverse[r] = 1 / sqrt(mean(x[r]^2) + epsilon); y = x * inverse * gain. */
__kernel ROW_GROUP void rmsnorm_forward(long rows, long run, long width, float epsilon,
                                        __global const float *x, ulong x_offset,
                                        __global const float *gain, ulong gain_offset,
                                        __global float *y, ulong y_offset,
                                        __global float *inverse, ulong inverse_offset) {
    ROW_SLOTS(slots);
    const long begin = row_group() * run;
    const long end = row_group_end(begin, run, rows);
    gain += gain_offset;
    for (long at = begin; at < end; at++) {
        const long row = min(at, rows - 1);
        const long left = at < rows ? width : 0; /* columns */
        __global const float *xr = x + x_offset + row * width;
        __global float *yr = y + y_offset + row * width;
        vfloat squares = (vfloat)(0.0f);
        for (long c = row_item() * VECTOR; c < left; c += ROW_ITEMS * VECTOR) {
            const vfloat v = LOAD_N(xr + c, left - c);
            squares = MAD(v, v, squares);
        }
        const float mean = row_sum(lanes_sum(squares), slots) / (float)width;
        const float scale = 1.0f / sqrt(mean + epsilon);
        if (row_item() == 0 && left > 0) {
            inverse[inverse_offset + row] = scale;
        }
        for (long c = row_item() * VECTOR; c < left; c += ROW_ITEMS * VECTOR) {
            const long n = left - c;
            STORE_N(LOAD_N(xr + c, n) * scale * LOAD_N(gain + c, n), yr + c, n);
        }
    }
}
#endif

#ifdef KERNEL_rmsnorm_backward
/* With g = dy * gain: dx = (accumulate ? dx : 0) + inverse * (g - x * inverse^2 * mean(g * x));
 * dgain[group] = the sum over the group's rows of dy * x * inverse, whose columns each belong to
 * one work-item. */
__kernel ROW_GROUP void rmsnorm_backward(long rows, long run, long width, int accumulate,
                                         __global const float *x, ulong x_offset,
                                         __global const float *gain, ulong gain_offset,
                                         __global const float *inverse, ulong inverse_offset,
                                         __global const float *dy, ulong dy_offset,
                                         __global float *dx, ulong dx_offset,
                                         __global float *dgain, ulong dgain_offset) {
    ROW_SLOTS(slots);
    const long begin = row_group() * run;
    const long end = row_group_end(begin, run, rows);
    gain += gain_offset;
    dgain += dgain_offset + row_group() * width;
    for (long at = begin; at < end; at++) {
        const long row = min(at, rows - 1);
        const long left = at < rows ? width : 0; /* columns */
        __global const float *xr = x + x_offset + row * width;
        __global const float *dyr = dy + dy_offset + row * width;
        __global float *dxr = dx + dx_offset + row * width;
        const float scale = inverse[inverse_offset + row];
        vfloat products = (vfloat)(0.0f);
        for (long c = row_item() * VECTOR; c < left; c += ROW_ITEMS * VECTOR) {
            const long n = left - c;
            const vfloat g = LOAD_N(dyr + c, n) * LOAD_N(gain + c, n);
            products = MAD(g, LOAD_N(xr + c, n), products);
        }
        const float mean = row_sum(lanes_sum(products), slots) / (float)width;
        const float slope = mean * scale * scale;
        for (long c = row_item() * VECTOR; c < left; c += ROW_ITEMS * VECTOR) {
            const long n = left - c;
            const vfloat in = LOAD_N(xr + c, n);
            const vfloat d = LOAD_N(dyr + c, n);
            const vfloat own = scale * (d * LOAD_N(gain + c, n) - in * slope);
            const vfloat share = d * (in * scale);
            STORE_N(accumulate ? LOAD_N(dxr + c, n) + own : own, dxr + c, n);
            STORE_N(at == begin ? share : LOAD_N(dgain + c, n) + share, dgain + c, n);
        }
    }
}
#endif
